"""The section `backends` of llm-interactive-proxy: the document's own examples read, and what we lack is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout import settings
from turnout.settings import SettingsError

BASIC = """
backends:
  openai_codex:
    type: openai-codex
"""
PROFILE = """
backends:
  openai_codex:
    timeout: 120
    extra:
      codex:
        default_capabilities:
          protocol: {protocol}
          codex_passthrough: {passthrough}
          prompt_mode: codex_default
          tool_schema_mode: custom_only
          tool_text_format: none
          bypass_tool_call_reactor: true
          include_environment_context: false
"""


def load(tmp_path: Path, content: str) -> settings.Loaded:
    file = tmp_path / "config.yaml"
    file.write_text(content)
    return settings.resolve({}, {}, file)


def test_the_basic_configuration_reads(tmp_path: Path) -> None:
    loaded = load(tmp_path, BASIC)
    assert loaded.config.upstream == "codex"
    assert loaded.origins["upstream"] == f"the file {tmp_path / 'config.yaml'}"


@pytest.mark.parametrize(("protocol", "passthrough"), [("openai-chat", "false"), ("openai-responses", "true")])
def test_both_profiles_read(tmp_path: Path, protocol: str, passthrough: str) -> None:
    config = load(tmp_path, PROFILE.format(protocol=protocol, passthrough=passthrough)).config
    assert (config.upstream, config.timing.upstream_idle) == ("codex", 120)
    said = config.codex.default_capabilities
    assert (said.protocol, said.codex_passthrough) == (protocol, passthrough == "true")
    assert (said.prompt_mode, said.tool_schema_mode, said.tool_text_format) == ("codex_default", "custom_only", "none")


def test_a_backend_with_a_key_has_its_own_capabilities(tmp_path: Path) -> None:
    content = PROFILE.format(protocol="openai-chat", passthrough="false").replace("openai_codex:", "openai:")
    config = load(tmp_path, content).config
    assert config.openai.default_capabilities.prompt_mode == "codex_default"
    assert config.codex.default_capabilities.prompt_mode == "custom_only"


def test_settings_of_ours_stand_beside_it(tmp_path: Path) -> None:
    assert load(tmp_path, BASIC + "server: {port: 4100}\nupstream: codex\n").config.server.port == 4100


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (BASIC + "    timout: 1\n", "nothing for backends.openai_codex.timout"),
        (BASIC + "    timout: 1\n", "Did you mean backends.openai_codex.timeout?"),
        (BASIC + "    timeout: soon\n", "'soon' for timing.upstream_idle"),
        (BASIC.replace("openai-codex", "gemini"), "backends.openai_codex.type is 'gemini'"),
        ("backends:\n  mine: {}\n", "backends.mine has no type"),
        (BASIC + "  openai: {}\n", "openai_codex, openai: Turnout uses one"),
        (BASIC + "upstream: openai\n", "upstream is 'openai', but its section backends asks for 'codex'"),
        ("backends: yes\n", "backends is a section"),
        (
            BASIC + "    extra: {codex: {default_capabilities: {tool_schema_mode: codex}}}\n",
            "'codex' for codex.default_capabilities.tool_schema_mode",
        ),
        (
            BASIC + "    extra: {codex: {default_capabilities: {bypass_tool_call_reactor: 1}}}\n",
            "1 for codex.default_capabilities.bypass_tool_call_reactor",
        ),
        (
            BASIC + "    extra: {codex: {default_capabilities: {prompt: x}}}\n",
            "nothing for backends.",
        ),
        (BASIC + "    extra: {gemini: {}}\n", "it reads codex there"),
    ],
)
def test_what_turnout_has_not_is_named(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, content)
    assert told in str(refused.value)
    assert str(tmp_path / "config.yaml") in str(refused.value)
