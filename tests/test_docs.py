"""The documentation says what the code does: generated pages are fresh, lists are complete, commands and links work."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from turnout.cli.root import COMMANDS
from turnout.models.slots import DEFAULT_EFFORTS
from turnout.protocol.errors import FailureKind
from turnout.simulator import account_faults, faults
from turnout.simulator.scenario import Scenario, bundled_scenarios
from turnout.variables import OTHER_VARIABLES, VARIABLES

ROOT = Path(__file__).parent.parent
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def section(page: str, heading: str) -> str:
    """The part of a page under a heading, to the next one of the same depth."""
    return page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_the_configuration_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/configuration.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_command_has_a_page_of_its_own_that_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, "tools/commands.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    there = {path.stem for path in (ROOT / "docs" / "commands").glob("*.md")}
    assert there == {*COMMANDS, "index"}


def test_every_failure_is_explained() -> None:
    explained = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", text("docs/troubleshooting.md"), re.M)))
    assert sorted(explained) == sorted(kind.value for kind in FailureKind)


def test_every_variable_named_in_a_page_is_one_that_turnout_reads() -> None:
    known = {name for variable in VARIABLES for name in variable.names} | set(OTHER_VARIABLES)
    for page in PAGES:
        named = set(re.findall(r"\bTURNOUT_[A-Z_]+\b", page.read_text("utf-8")))
        assert named <= known, page


def test_every_command_named_in_a_page_exists_and_every_command_is_named() -> None:
    named: set[str] = set()
    for page in PAGES:
        named |= set(re.findall(r"`turnout ([a-z]+(?:-[a-z]+)*)", page.read_text("utf-8")))
    assert named == set(COMMANDS)


def test_the_simulators_page_lists_what_it_can() -> None:
    page = text("docs/simulator.md")
    listed = re.findall(r"`([\w-]+)`", page.split("Bundled ones:")[1].split("or a")[0])
    assert sorted(listed) == bundled_scenarios()
    for name in re.findall(r"`([\w:-]+)`", section(page, "Faults").split("Whole answers:")[1]):
        faults.parse(re.sub(r":seconds$", ":1", name))
    listed = re.findall(r"`([\w-]+)`", page.split("In place of the work:")[1])
    assert sorted(listed) == sorted((*account_faults.INSTEAD, *account_faults.AFTERWARDS))


def test_the_scenario_in_the_simulators_page_is_one() -> None:
    import msgspec

    example = re.search(r"```toml\n(.*?)```", text("docs/simulator.md"), re.S)
    assert example
    assert len(msgspec.toml.decode(example[1], type=Scenario).turns) == 2


def test_the_configuration_in_the_page_is_one(tmp_path: Path) -> None:
    from turnout import settings

    example = re.search(r"```toml\n(.*?)```", text("docs/configuration.md"), re.S)
    assert example
    (tmp_path / "config.toml").write_text(example[1])
    assert settings.load({}, {}, tmp_path / "config.toml").codex.framing == {"gpt-6-astra": "lite"}


def test_the_page_names_what_waits_for_a_restart() -> None:
    from turnout.gateway.steering import NEEDS_RESTART

    page = text("docs/live-configuration.md").split("from the next start on:")[1].split("\n\n")[0]
    assert set(re.findall(r"`([\w.]+)`", page)) == NEEDS_RESTART


def test_the_files_in_the_accounts_page_are_ones() -> None:
    import msgspec

    from turnout.accounts import documents, places, registry
    from turnout.accounts.account import SourceKind

    login, pointer, listed = re.findall(r"```json\n(.*?)```", text("docs/accounts.md"), re.S)
    found = documents.parse(login.encode(), SourceKind.TURNOUT, "the page")
    assert set(json.loads(login)) == set(json.loads(documents.owned(found.tokens, 0)))
    assert places.pointer_in(pointer.encode())
    known = msgspec.json.decode(listed, type=registry.Registry)
    assert msgspec.to_builtins(known) == {
        **json.loads(listed),
        "order": tuple(known.order),
        "borrowed": (json.loads(listed)["borrowed"][0],),
        "states": (json.loads(listed)["states"][0],),
    }


def test_the_slots_table_has_the_efforts_in_force() -> None:
    table = section(text("docs/getting-started.md"), "Which model answers")
    told = set(DEFAULT_EFFORTS) - {"subagent", "background"}  # which come into play once something is set of them
    for slot in told:
        row = "any other" if slot == "other" else f"`{slot}`"
        assert re.search(rf"^\| .*{row}.*\| {DEFAULT_EFFORTS[slot]} \|$", table, re.M), slot


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        content = page.read_text("utf-8")
        for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", content):
            path, _, anchor = target.partition("#")
            linked = (page.parent / path) if path else page
            assert linked.exists(), f"{page.name}: {target}"
            assert not anchor or f"#{anchor} }}" in linked.read_text("utf-8"), f"{page.name}: {target}"


def shell_blocks(page: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", page, re.S)


def test_the_readmes_first_command_ends_in_the_demo_and_it_works(tmp_path: Path) -> None:
    first = shell_blocks(text("README.md"))[0].strip()
    assert first.count("\n") == 0
    assert first.endswith(".venv/bin/turnout demo")
    demo = first.rpartition(".venv/bin/turnout ")[2].split()
    done = subprocess.run(
        [sys.executable, "-m", "turnout", *demo, "--client", "sdk", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    example = re.search(r"```json\n(.*?)```", text("README.md"), re.S)
    assert example
    shown, real = json.loads(example[1]), json.loads(done.stdout)
    assert list(shown) == list(real)
    for name in ("ok", "client", "model_asked", "model_sent", "thinking_blocks", "tool_calls"):
        assert shown[name] == real[name]


def test_the_start_up_shown_in_the_readme_is_the_real_one() -> None:
    from turnout import __version__
    from turnout.config import Config
    from turnout.models.catalogue import Catalogue
    from turnout.routing.mapping import mapping

    readme = text("README.md")
    assert f"Turnout {__version__} listens on http://127.0.0.1:4000" in readme
    for line in mapping(Config(), Catalogue.bundled()):
        assert f"\n  {line}\n" in readme


def test_ci_finds_the_test_command_in_the_readme() -> None:
    after = text("README.md").split("<!-- ci: test -->\n", 1)[1]
    command = shell_blocks(after)[0].strip()
    assert after.startswith("```sh\n")
    assert command.count("\n") == 0
    assert "'.[test]'" in command
    assert command.endswith(".venv/bin/pytest")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_machine_or_a_registry(page: Path) -> None:
    content = page.read_text("utf-8")
    assert not re.search(r"(^|[^a-zA-Z.])/(work|root|home)/", content)
