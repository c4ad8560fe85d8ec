"""What is read from each tool's settings, and what is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from turnout.migration import tools
from turnout.migration.findings import Around, Found, Take
from turnout.migration.plan import doubts, plan
from turnout.models.catalogue import Catalogue
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from pathlib import Path


def around(home: Path, file: Path | None = None, **environ: str) -> Around:
    return Around(environ=environ, home=home, folder=home, file=file)


def taken(found: Found | None) -> dict[str, object]:
    assert found is not None
    return {take.key: take.value for take in found.takes}


def left(found: Found | None) -> str:
    assert found is not None
    return "\n".join(f"{each.what}: {each.why}" for each in found.left)


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.mark.parametrize("tool", tools.TOOLS)
def test_where_there_is_nothing_nothing_is_found(tool: str, tmp_path: Path) -> None:
    assert tools.TOOLS[tool](around(tmp_path)) is None


# claudex


def test_claudex_is_variables_and_a_login(tmp_path: Path) -> None:
    write(tmp_path / ".codex-proxy" / "session.json", "{}")
    found = tools.claudex(
        around(
            tmp_path,
            CODEX_MODEL="gpt-5.4-mini",
            CODEX_REASONING="high",
            CODEX_MODEL_REFRESH_INTERVAL="1800000",
            PROXY_PORT="4001",
            CODEX_API_FETCH_RETRIES="5",
        )
    )
    assert taken(found) == {
        "model": "gpt-5.4-mini",
        "effort": "high",
        "server.port": "4001",
        "models.refresh": 1800.0,
    }
    assert "turnout accounts adopt" in left(found)
    assert "CODEX_API_FETCH_RETRIES" in left(found)


# codex-claude-proxy


def test_codex_claude_proxys_lines_in_a_start_file(tmp_path: Path) -> None:
    write(
        tmp_path / ".zshrc-codex-proxy",
        "export CODEX_BIG_MODEL=\"gpt-5.2-codex\"\nexport CODEX_SMALL_MODEL='spark'\n"
        "# export CODEX_THINKING_MODEL=old\n"
        "export PROXY_PORT=$MY_PORT\n",
    )
    write(tmp_path / ".bashrc", "export CODEX_BIG_MODEL=another\nexport PATH=$PATH:~/bin\n")
    found = tools.codex_claude_proxy(around(tmp_path))
    assert taken(found) == {"slots.sonnet.model": "gpt-5.2-codex", "slots.haiku.model": "spark"}
    assert "turnout shell-init" in left(found)


def test_a_variable_of_this_shell_goes_before_a_line_in_a_file(tmp_path: Path) -> None:
    write(tmp_path / ".zshrc", "export CODEX_THINKING_MODEL=old\n")
    found = tools.codex_claude_proxy(around(tmp_path, CODEX_THINKING_MODEL="new"))
    assert taken(found) == {"slots.opus.model": "new"}


# CCS


def test_ccs_has_a_model_for_each_slot(tmp_path: Path) -> None:
    env = {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8317/api/provider/codex",
        "ANTHROPIC_AUTH_TOKEN": "ccs-internal-managed",
        "ANTHROPIC_MODEL": "gpt-5.5",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "gpt-5.5-xhigh",
        "ANTHROPIC_DEFAULT_SONNET_MODEL": "gpt-5.5",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "gpt-5.4-mini",
    }
    write(tmp_path / ".ccs" / "codex.settings.json", json.dumps({"env": env}))
    write(tmp_path / ".ccs" / "cliproxy" / "auth" / "codex-ada.json", "{}")
    found = tools.ccs(around(tmp_path))
    assert taken(found) == {
        "slots.opus.model": "gpt-5.5",
        "slots.opus.effort": "xhigh",
        "slots.sonnet.model": "gpt-5.5",
        "slots.haiku.model": "gpt-5.4-mini",
    }
    assert "codex-ada.json" in left(found)
    assert "ccs-internal-managed" not in left(found)


def test_ccs_with_one_model_for_all(tmp_path: Path) -> None:
    write(tmp_path / ".ccs" / "codex.settings.json", '{"env": {"ANTHROPIC_MODEL": "gpt-5.5"}}')
    assert taken(tools.ccs(around(tmp_path))) == {"model": "gpt-5.5"}


# claude-code-router

ROUTER = """{
  // routes of mine
  "APIKEY": "secret-of-the-router",
  "HOST": "0.0.0.0",
  "Providers": [
    {"name": "openai", "api_base_url": "https://api.openai.com/v1/responses", "api_key": "sk-mine",
     "models": ["gpt-5.2"], "transformer": {"use": ["openai-responses"]},},
    {"name": "local", "api_base_url": "http://localhost:8000/v1/responses", "api_key": "$LOCAL_KEY", "models": ["m"]},
    {"name": "deepseek", "api_base_url": "https://api.deepseek.com/chat/completions", "api_key": "sk-d"},
  ],
  "Router": {
    "default": "openai,gpt-5.2", /* for all */
    "background": "%s",
    "think": "deepseek,deepseek-reasoner",
    "longContext": "openai,gpt-5.2",
    "longContextThreshold": 60000,
    "webSearch": "",
  },
}"""


def test_claude_code_routers_routes_to_openai(tmp_path: Path) -> None:
    write(tmp_path / ".claude-code-router" / "config.json", ROUTER % "openai,gpt-5-mini")
    found = tools.claude_code_router(around(tmp_path))
    assert taken(found) == {
        "slots.sonnet.model": "gpt-5.2",
        "slots.haiku.model": "gpt-5-mini",
        "upstream": "openai",
    }
    told = left(found)
    for words in ("provider deepseek", "route think", "route longContext", "APIKEY", "HOST", "turnout login --api-key"):
        assert words in told
    assert "sk-mine" not in told
    assert "secret-of" not in told


def test_two_servers_are_for_the_user_to_choose_from(tmp_path: Path) -> None:
    write(tmp_path / ".claude-code-router" / "config.json", ROUTER % "local,m")
    found = tools.claude_code_router(around(tmp_path))
    assert "openai.base_url" not in taken(found)
    assert "http://localhost:8000/v1" in left(found)


def test_a_server_of_ones_own(tmp_path: Path) -> None:
    held = {
        "Providers": [{"name": "x", "api_base_url": "http://localhost:8000/v1/responses", "api_key": "k"}],
        "Router": {"default": "x,m"},
    }
    write(tmp_path / ".claude-code-router" / "config.json", json.dumps(held))
    assert taken(tools.claude_code_router(around(tmp_path))) == {
        "slots.sonnet.model": "m",
        "upstream": "openai",
        "openai.base_url": "http://localhost:8000/v1",
    }


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path / ".claude-code-router" / "config.json", "{'a': 1}")
    with pytest.raises(TurnoutError, match="cannot be read"):
        tools.claude_code_router(around(tmp_path))


def test_what_looks_like_a_comment_inside_a_text_is_none(tmp_path: Path) -> None:
    file = write(tmp_path / "x.json", '{"env": {"ANTHROPIC_MODEL": "a//b,]"}}')
    assert taken(tools.ccs(around(tmp_path, file))) == {"model": "a//b,]"}


# LiteLLM

LITELLM = """
model_list:
  - model_name: claude-opus-4-8
    litellm_params: {model: openai/gpt-5.5, api_key: os.environ/OPENAI_API_KEY}
  - model_name: fast
    litellm_params: {model: openai/responses/gpt-5.4-mini, api_key: sk-in-the-file}
  - model_name: gpt-5.5
    litellm_params: {model: gpt-5.5}
  - model_name: gemini
    litellm_params: {model: gemini/gemini-2.5-pro}
router_settings:
  model_group_alias: {"gpt-4": "gpt-5.5"}
general_settings:
  master_key: sk-1234
"""


def test_litellms_models_of_openai(tmp_path: Path) -> None:
    write(tmp_path / "litellm_config.yaml", LITELLM)
    found = tools.litellm(around(tmp_path))
    assert taken(found) == {
        "slots.opus.model": "gpt-5.5",
        "models.aliases": {"fast": "gpt-5.4-mini", "gpt-4": "gpt-5.5"},
        "upstream": "openai",
    }
    told = left(found)
    assert "gemini" in told
    assert "Turnout reads it too" in told
    assert "sk-in-the-file" not in told
    assert "sk-1234" not in told


def test_litellm_with_a_chatgpt_plan(tmp_path: Path) -> None:
    file = write(
        tmp_path / "x.yaml",
        "model_list:\n  - {model_name: claude-sonnet-x, litellm_params: {model: chatgpt/gpt-5.5}}\n",
    )
    assert taken(tools.litellm(around(tmp_path, file))) == {"slots.sonnet.model": "gpt-5.5", "upstream": "codex"}


def test_another_tools_config_yaml_is_none_of_litellms(tmp_path: Path) -> None:
    write(tmp_path / "config.yaml", "a: 1\n")
    assert tools.litellm(around(tmp_path)) is None


# What goes into the configuration


def found_with(*takes: tuple[str, object]) -> Found:
    return Found(
        tool="x",
        title="X",
        places=("a",),
        takes=tuple(Take(key=key, value=value, origin="NAME in a file") for key, value in takes),
    )


def test_text_becomes_the_settings_own_kind() -> None:
    assert plan([found_with(("server.port", "4001"))], {}).values == {"server.port": 4001}


def test_what_is_not_allowed_is_left_and_said() -> None:
    made = plan([found_with(("effort", "enormous"), ("server.port", "x"))], {})
    assert made.values == {}
    assert "it must be one of" in made.left[0].why


def test_what_the_user_has_set_stays() -> None:
    made = plan([found_with(("model", "theirs"), ("effort", "high"))], {"model": "mine", "effort": "high"})
    assert made.values == {}
    assert [each.why for each in made.left] == ["Your configuration has 'mine', which stays."]


def test_the_first_tools_word_counts() -> None:
    made = plan([found_with(("model", "a")), found_with(("model", "b"))], {})
    assert made.values == {"model": "a"}
    assert "Another value is taken" in made.left[0].why


def test_a_model_that_is_no_more_is_pointed_out() -> None:
    made = plan([found_with(("model", "gpt-5.3-codex"), ("slots.opus.model", "gpt-5.5@high"))], {})
    (doubt,) = doubts(made, Catalogue.bundled())
    assert "gpt-5.3-codex (model)" in doubt
    elsewhere = plan([found_with(("model", "mine"), ("openai.base_url", "http://localhost:8000/v1"))], {})
    assert doubts(elsewhere, Catalogue.bundled()) == []
