"""The models of the gateway in Claude Code's own list, and their window (claude-code-wire.md 8)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.e2e.codex_cli import Certificates, CodexHome
from tests.e2e.script import say
from tests.e2e.terminal import ENTER
from turnout.config import CodexSettings, Config
from turnout.discovery.catalogues import Catalogues
from turnout.models.catalogue import Catalogue
from turnout.simulator import Settings, Simulator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack
    from turnout.models.catalogue import ModelFacts

LISTED = [facts.slug for facts in Catalogue.bundled().listed()]
DISCOVERY = {"CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": ""}
"""What makes the client ask a gateway for its models: unnecessary traffic must not be switched off."""


@pytest.mark.capability("Model and effort (--model, /model, /effort)")
def test_the_client_finds_the_gateways_models_and_one_can_be_chosen(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say("Hello from another model."))
    with claude.terminal(environment=DISCOVERY) as terminal:
        terminal.wait_for("❯")
        kept = claude.config / "cache" / "gateway-models.json"
        deadline = time.monotonic() + 20
        while not kept.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        first, others = LISTED, [f"openai/{slug}" for slug in LISTED]  # there is a key for the OpenAI API as well
        listed = [model["id"].removeprefix("anthropic/") for model in json.loads(kept.read_text())["models"]]
        assert listed in (first, [*first, *others])  # which is asked in the background
        terminal.submit("/model")
        terminal.wait_for(lambda screen: screen.count("From gateway") >= 4)
        shown = terminal.text
        assert all(known(slug).name in shown for slug in LISTED[:4])
        for row in range(2, 8):
            terminal.press("\x1b[B")
            terminal.wait_for(f"❯ {row}.")
        terminal.press("s", until="for this session")
        terminal.submit("hi")
        terminal.press(ENTER, until="Hello from another model.")
    assert stack.conversation[-1].body is not None
    assert stack.conversation[-1].body["model"] == LISTED[1]


@pytest.mark.parametrize("name", [f"anthropic/{LISTED[-1]}", LISTED[-1]])
def test_the_client_takes_the_window_that_it_is_told(claude: ClaudeCode, stack: Stack, name: str) -> None:
    """Also for names that it lists. With ``claude-`` before the name 2.1.197 would not."""
    stack.play(say("Hello."))
    told = {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "258400", "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "258400"}
    done = claude.run("hi", "--model", name, "--output-format", "json", environment=told).succeeded()
    assert done.json["modelUsage"][name]["contextWindow"] == 258_400
    assert stack.conversation[-1].body is not None
    assert stack.conversation[-1].body["model"] == LISTED[-1]


def test_what_the_codex_cli_keeps_of_its_list_is_read(tmp_path: Path) -> None:
    """Its file is as the CLI itself has written it, and stays so."""
    certificates = Certificates(tmp_path)
    settings = Settings(instructions_required=False, absent={"gpt-6-luna"})
    with Simulator(certificate=certificates.server, settings=settings) as simulator:
        home = CodexHome(tmp_path / "user", simulator, certificates)
        home.sign_in()
        assert home.run("hi").returncode == 0
    kept = home.folder / "models_cache.json"
    before = kept.read_bytes()
    config = Config(codex=CodexSettings(home=str(home.folder)))
    found = Catalogues({"TURNOUT_HOME": str(tmp_path / "turnout")}).known(config)
    assert (found.source, found.etag) == ("cache", json.loads(before)["etag"])
    assert abs(time.time() - (found.fetched_at or 0)) < 120
    assert [facts.slug for facts in found.listed()] == [slug for slug in LISTED if slug != "gpt-6-luna"]
    sol = found.get("gpt-6-sol")
    assert sol is not None
    assert sol.instructions, "they come with the list, never with Turnout"
    assert msgspec.structs.replace(sol, instructions="") == known("gpt-6-sol")
    assert kept.read_bytes() == before


def known(slug: str) -> ModelFacts:
    facts = Catalogue.bundled().get(slug)
    assert facts is not None
    return facts
