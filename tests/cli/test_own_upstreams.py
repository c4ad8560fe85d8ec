"""`turnout upstreams presets`, `add`, `remove`, `probe`, and `test` of a server of one's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from turnout.settings import presets, resolve
from turnout.simulator import ChatRules, Simulator

if TYPE_CHECKING:
    from tests.cli.inside import Shell
    from turnout.config import CustomUpstream


@pytest.fixture
def box(sim: Simulator, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """A chat-only server, added as ``box``."""
    sim.settings.chat = ChatRules()
    monkeypatch.setenv("BOX_KEY", sim.api_key)
    shell.run(
        *("upstreams", "add", "box", "--base-url", sim.openai_url, "--wire", "chat", "--key", "env:BOX_KEY"),
        *("--model", "qwen"),
    )
    return sim


def custom(shell: Shell) -> dict[str, CustomUpstream]:
    return resolve(shell.environ, {}).config.custom


class TestAdding:
    def test_presets_are_listed(self, shell: Shell) -> None:
        shown = shell.run("upstreams", "presets")
        assert "OpenRouter" in shown
        assert "AZURE_OPENAI_API_KEY" in shown
        assert shell.json("upstreams", "presets", "--json")["presets"]["groq"]["settings"]["wire"] == "chat"

    def test_one_is_added_and_the_change_is_shown(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)
        shown = shell.run(
            "upstreams", "add", "work", "--preset", "azure", "--set", "resource=acme", "--model", "gpt-5.5"
        )
        assert '+base_url = "https://acme.openai.azure.com/openai/v1"' in shown
        assert "expected in the variable AZURE_OPENAI_API_KEY, which is not set here" in shown
        assert "Next: turnout upstreams probe work" in shown
        made = custom(shell)["work"]
        assert (made.preset, made.key_header, made.model) == ("azure", "api-key", "gpt-5.5")
        assert "already" in shell.run("upstreams", "add", "work", "--preset", "groq", code=1)

    @pytest.mark.parametrize("preset", sorted(presets.presets()))
    def test_every_preset_can_be_added(self, shell: Shell, preset: str) -> None:
        blanks = [part for blank in presets.named(preset).blanks for part in ("--set", f"{blank}=acme")]
        shell.run("upstreams", "add", "box", "--preset", preset, *blanks)
        assert custom(shell)["box"].preset == preset

    def test_a_dry_run_writes_nothing(self, shell: Shell) -> None:
        assert "+[custom.box]" in shell.run("upstreams", "add", "box", "--preset", "ollama", "--dry-run")
        assert not custom(shell)

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            (("box",), 2, "Say where it is"),
            (("Box", "--preset", "groq"), 2, "a name that cannot be used"),
            (("openai", "--preset", "groq"), 1, "It cannot be called openai"),
            (("box", "--preset", "grok"), 2, "Did you mean groq?"),
            (("box", "--preset", "azure"), 2, "wants resource: add --set resource=VALUE"),
            (("box", "--preset", "azure", "--set", "acme"), 2, "--set wants WORD=VALUE"),
            (("box", "--base-url", "box.local"), 2, "must be an http:// or https:// address"),
            (("box", "--base-url", "http://a", "--key", "sk-live-123"), 2, "must be env:NAME"),
        ],
    )
    def test_what_cannot_be_added(self, shell: Shell, arguments: tuple[str, ...], code: int, told: str) -> None:
        shown = shell.run("upstreams", "add", *arguments, code=code)
        assert told in shown
        assert "sk-live" not in shown
        assert not custom(shell)

    def test_one_in_use_is_not_removed(self, shell: Shell, box: Simulator) -> None:
        shell.run("upstreams", "use", "box")
        assert "box is in use: upstream" in shell.run("upstreams", "remove", "box", code=1)
        shell.run("upstreams", "use", "codex")
        shell.run("config", "set", "slots.opus.model", "[gpt-6-sol, box/qwen]")
        shell.run("config", "set", "routing.rules", '[{"above": 9, "model": "box/long"}]')
        assert "box is in use: slots.opus.model, routing.rules" in shell.run("upstreams", "remove", "box", code=1)
        shell.run("config", "unset", "slots.opus.model")
        shell.run("config", "unset", "routing.rules")
        assert "-[custom.box]" in shell.run("upstreams", "remove", "box")
        assert not custom(shell)
        assert "There are: none" in shell.run("upstreams", "remove", "box", code=2)


class TestTrying:
    def test_the_key_is_tried(self, shell: Shell, box: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "The upstream box takes the API key from env:BOX_KEY" in shell.run("upstreams", "test", "box")
        monkeypatch.setenv("BOX_KEY", "sk-wrong")
        shown = shell.run("upstreams", "test", "box", code=1)
        assert "custom.box.key" in shown
        assert "sk-wrong" not in shown
        monkeypatch.delenv("BOX_KEY")
        assert "Set BOX_KEY" in shell.run("upstreams", "test", "box", code=1)
        assert "There is no upstream" in shell.run("upstreams", "test", "bax", code=2)


class TestProbing:
    def test_what_it_takes_is_found_kept_and_used(self, shell: Shell, box: Simulator) -> None:
        box.settings.chat = ChatRules(
            refused_fields=frozenset({"stream_options", "parallel_tool_calls", "reasoning_effort"})
        )
        found = shell.json("upstreams", "probe", "box", "--json")["found"]
        takes = found["takes"]
        assert {name for name in ("streaming", "tools", "images", "stop", "sampling") if takes[name]} == {
            "streaming", "tools", "images", "stop", "sampling",
        }  # fmt: skip
        assert not (takes["usage"] or takes["parallel"] or takes["effort"] or takes["developer"])
        assert found["limit"] == "max_tokens"
        assert "stream_options" in found["words"]["usage"]
        shown = shell.run("upstreams", "probe", "box", "--show")
        assert "calls functions" in shown
        assert "asked for qwen" in shown

        from turnout.upstream import build

        before = len(box.requests)
        made: Any = build(resolve(shell.environ, {}).config, shell.environ)["box"]
        assert not made._chat.stream_usage
        assert len(box.requests) == before
        asked = [json.loads(request.raw) for request in box.requests]
        assert all(body["max_tokens"] == 64 for body in asked), "each is a small question"

    def test_the_responses_api(self, shell: Shell, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BOX_KEY", sim.api_key)
        shell.run("upstreams", "add", "plain", "--base-url", sim.openai_url, "--key", "env:BOX_KEY")
        found = shell.json("upstreams", "probe", "plain", "--model", "gpt-5.5", "--json")["found"]
        assert found["limit"] == "max_output_tokens"
        assert found["takes"]["tools"]
        assert found["takes"]["include"]
        assert not found["takes"]["sampling"], "the reasoning models refuse it"

    def test_the_model_is_its_first_where_none_is_named(self, shell: Shell, box: Simulator) -> None:
        shell.run("config", "unset", "custom.box.model")
        found = shell.json("upstreams", "probe", "box", "--json")["found"]
        assert found["model"]

    def test_nothing_is_found_out_where_nobody_answers(
        self, shell: Shell, box: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BOX_KEY", "sk-wrong")
        shown = shell.run("upstreams", "probe", "box", code=1)
        assert "failed" in shown
        assert len(box.requests) == 1, "it is not asked on and on"
        assert "Nothing is known of box" in shell.run("upstreams", "probe", "box", "--show", code=1)
        assert "add NAME adds one" not in shell.run("upstreams", "probe", "other", code=2)

    def test_what_was_found_of_another_address_is_forgotten(self, shell: Shell, box: Simulator) -> None:
        shell.run("upstreams", "probe", "box")
        shell.run("config", "set", "custom.box.base_url", "http://127.0.0.1:1/v1")
        assert "Nothing is known" in shell.run("upstreams", "probe", "box", "--show", code=1)
