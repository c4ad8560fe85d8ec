"""Upstreams of one's own in the configuration: what is read, what is refused and how, what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from turnout import settings
from turnout.settings import SettingsError, editing, files, report, sources
from turnout.settings.leaves import check

GROQ = """\
upstream = "groq"

[custom.groq]
base_url = "https://api.groq.example/openai/v1"
wire = "chat"
key = "env:GROQ_API_KEY"
headers = { "x-secret" = "hush", "x-org" = "env:ORG" }
models = { "gpt-5.5" = "llama-4" }
concurrency = 4

[custom.groq.takes]
images = "off"
"""


def loaded(tmp_path: Path, text: str, **environ: str) -> settings.Loaded:
    (tmp_path / "config.toml").write_text(text)
    return sources.resolve({"TURNOUT_HOME": str(tmp_path), **environ}, {})


def test_a_table_of_upstreams(tmp_path: Path) -> None:
    config = loaded(tmp_path, GROQ).config
    groq = config.custom["groq"]
    assert (config.upstream, groq.wire, groq.takes.images, groq.takes.tools) == ("groq", "chat", "off", "auto")
    assert groq.models == {"gpt-5.5": "llama-4"}
    assert "hush" not in repr(config)


def test_a_variable_has_it_as_json(tmp_path: Path) -> None:
    told = loaded(tmp_path, "", TURNOUT_CUSTOM='{"box": {"base_url": "http://127.0.0.1:8080/v1"}}')
    assert told.config.custom["box"].base_url == "http://127.0.0.1:8080/v1"
    with pytest.raises(SettingsError, match="TURNOUT_CUSTOM holds no JSON"):
        loaded(tmp_path, "", TURNOUT_CUSTOM="box")


def test_only_what_is_set_is_shown_and_no_header() -> None:
    shown = report.shown("custom", check("custom", files.parse(GROQ, Path("x.toml"))["custom"], "the file x"))
    assert shown == {
        "groq": {
            "base_url": "https://api.groq.example/openai/v1",
            "wire": "chat",
            "key": "env:GROQ_API_KEY",
            "headers": {"x-secret": "(set, not shown)", "x-org": "env:ORG"},
            "models": {"gpt-5.5": "llama-4"},
            "takes": {"images": "off"},
            "concurrency": 4,
        }
    }


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (3, "custom has 3, but it must be a table of sections"),
        ({"groq": 3}, "custom.groq has 3, but it must be a section"),
        ({"Groq": {}}, "custom.Groq has a name that cannot be used"),
        ({"a/b": {}}, "custom.a/b has a name that cannot be used"),
        ({"groq": {}}, "custom.groq.base_url is missing: it must be an http:// or https:// address"),
        ({"groq": {"base_url": "groq.com"}}, "custom.groq.base_url has 'groq.com'"),
        ({"groq": {"base_url": "http://a", "wires": "chat"}}, "custom.groq.wires in the file x. Did you mean wire?"),
        ({"groq": {"base_url": "http://a", "wire": "soap"}}, "must be one of responses, chat"),
        ({"groq": {"base_url": "http://a", "takes": {"tools": "yes"}}}, "custom.groq.takes.tools has 'yes'"),
        ({"groq": {"base_url": "http://a", "key": "sk-live-1"}}, "custom.groq.key has its value, but it must be env:"),
        ({"groq": {"base_url": "http://a", "headers": {"x": "sk-live-1\n"}}}, "headers has its value"),
        ({"groq": {"base_url": "http://a", "proxy": "socks5://u:sk-live-1@p"}}, "proxy has its value"),
        ({"groq": {"base_url": "http://a", "concurrency": -1}}, "custom.groq.concurrency has -1"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_without_a_secret(value: Any, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check("custom", value, "the file x")
    assert told in str(caught.value)
    assert "sk-live-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("upstream = 'grok'\n[custom.groq]\nbase_url = 'http://a'", "one of codex, openai, groq. Did you mean groq?"),
        ("[slots.opus]\nupstream = 'groq'", "'groq' for slots.opus.upstream"),
        ("[custom.openai]\nbase_url = 'http://a'", "custom.openai cannot be called so"),
        ("upstream = 'a'\n[custom.a]\nbase_url = 'http://a'\nenabled = false", "The upstream a is switched off"),
        ("[custom.a]\nbase_url = 'http://a'\npath = 'x'", "custom.a.path is 'x': it begins with a /"),
    ],
)
def test_what_settings_say_of_each_other_is_checked(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text)
    assert told in str(caught.value)


def test_a_project_may_have_no_upstream(tmp_path: Path) -> None:
    (tmp_path / ".turnout.toml").write_text("[custom.evil]\nbase_url = 'http://evil.example'")
    with pytest.raises(SettingsError, match="custom cannot be set in"):
        sources.resolve({"TURNOUT_HOME": str(tmp_path)}, {}, project=tmp_path)


@pytest.mark.parametrize("name", ["c.toml", "c.yaml"])
def test_single_parts_are_set_and_taken_out(name: str) -> None:
    path = Path(name)
    text = editing.with_values("", path, {"custom.groq": {"base_url": "http://a", "models": {"gpt-5.5": "x"}}})
    text = editing.with_values(text, path, {"custom.groq.takes.images": "off", "custom.groq.models.o4.1": "y"})
    assert files.read_text(text, path).entries["custom"] == {
        "groq": {"base_url": "http://a", "models": {"gpt-5.5": "x", "o4.1": "y"}, "takes": {"images": "off"}}
    }
    text = editing.without(text, path, "custom.groq.takes.images")
    assert "takes" not in text
    assert editing.without(text, path, "custom.groq").strip() in ("", "{}")
    with pytest.raises(SettingsError, match=r"does not know the setting custom\.groq\.colour"):
        editing.split("custom.groq.colour")


@pytest.mark.parametrize(
    "text",
    [
        "[slots.opus]\nmodel = ['groq/a', 'gpt-5.5']",
        "[slots.opus]\nmodel = '[groq/a, gpt-5.5]'",
    ],
)
def test_a_chain_is_a_list_or_a_text(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).config.slots.opus.model == "[groq/a, gpt-5.5]"


def test_rules(tmp_path: Path) -> None:
    rules = loaded(
        tmp_path, "[[routing.rules]]\nabove = 5\nmodel = ['a', 'b']\n[[routing.rules]]\nkind = 'background'"
    ).config
    assert [(rule.above, rule.model, rule.kind) for rule in rules.routing.rules] == [
        (5, "[a, b]", ""),
        (0, "", "background"),
    ]
    for wrong, told in (
        ("[[routing.rules]]\nkind = 'huge'", "routing.rules[1].kind has 'huge', but it must be one of background"),
        ("[[routing.rules]]\nmodels = 'a'", "routing.rules[1].models"),
        ("[[routing.rules]]\nupstream = 'gone'", "'gone' for routing.rules"),
        ("[routing]\nfallback_on = ['boredom']", "a list of billing"),
        ("[routing]\nrules = 3", "a list of sections"),
    ):
        with pytest.raises(SettingsError) as caught:
            loaded(tmp_path, wrong)
        assert told in str(caught.value)


@pytest.mark.parametrize("name", ["c.toml", "c.yaml"])
def test_a_secret_in_a_header_is_not_in_the_difference(name: str) -> None:
    headers = {
        "Authorization": "Bearer hush",
        "x-api-key": "hush",
        "x-box-token": "hush",
        "x-ok": "shown",
        "Cookie": "hush",
    }
    made = {"base_url": "http://me:hush@a", "headers": headers, "key": "env:AUTH_KEY"}
    text = editing.with_values("", Path(name), {"custom.box": made})
    shown = "\n".join(editing.difference("", text, Path(name)))
    assert "hush" not in shown
    assert "env:AUTH_KEY" in shown
