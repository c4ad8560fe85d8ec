"""Installing Claude Code for Turnout alone: whole or not at all."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients import CLAUDE_CODE_VERSIONS
from turnout.launch import install

NPM = """#!/bin/sh
echo "npm http fetch GET 200 something"
{action}
"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for npm on PATH; tests write what it does."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return program


def does(program: Path, action: str) -> None:
    program.write_text(NPM.format(action=action))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def what_is_in(folder: Path) -> list[str]:
    """All but the locks, which stay."""
    return sorted(entry.name for entry in folder.iterdir() if entry.suffix != ".lock")


PLACE = "node_modules/@anthropic-ai/claude-code-linux-x64"
GOOD = f"mkdir -p {PLACE} && touch {PLACE}/claude"


def test_the_version_is_one_that_the_tests_drive() -> None:
    assert CLAUDE_CODE_VERSIONS[-1] == install.VERSION


def test_it_is_installed_once_with_progress_told(tmp_path: Path, npm: Path) -> None:
    does(npm, GOOD)
    said: list[str] = []
    folder = tmp_path / "clients"
    found = install.install(said.append, "1.2.3", folder)
    assert found == folder / "claude-code-1.2.3" / PLACE / "claude"
    assert said == ["npm http fetch GET 200 something"]
    npm.unlink()
    assert install.install(said.append, "1.2.3", folder) == found
    assert what_is_in(folder) == ["claude-code-1.2.3"]


def test_a_failed_installation_leaves_nothing_and_says_why(tmp_path: Path, npm: Path) -> None:
    does(npm, "mkdir node_modules; echo 'npm error network is down'; exit 1")
    with pytest.raises(install.InstallError, match="network is down"):
        install.install(lambda line: None, "1.2.3", tmp_path / "clients")
    assert what_is_in(tmp_path / "clients") == []


def test_a_package_without_a_program_for_this_system(tmp_path: Path, npm: Path) -> None:
    does(npm, "mkdir node_modules")
    with pytest.raises(install.InstallError, match="no program for this system"):
        install.install(lambda line: None, "1.2.3", tmp_path / "clients")


def test_an_installation_without_the_program_is_replaced(tmp_path: Path, npm: Path) -> None:
    left = tmp_path / "clients" / "claude-code-1.2.3" / "node_modules" / "half"
    left.mkdir(parents=True)
    does(npm, GOOD)
    assert install.install(lambda line: None, "1.2.3", tmp_path / "clients").is_file()
    assert not left.exists()


def test_of_two_that_start_at_once_one_installs_and_both_get_the_program(tmp_path: Path, npm: Path) -> None:
    does(npm, f"echo >> {tmp_path}/runs; sleep 0.3; {GOOD}")
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(install.install, print, "1.2.3", tmp_path / "clients") for _ in range(2)]
        first, second = (each.result() for each in both)
    assert first == second
    assert (tmp_path / "runs").read_text() == "\n"


def test_other_clients_are_installed_the_same_way_and_by_another_npm(tmp_path: Path, npm: Path) -> None:
    client = install.Program("other", "other-ai", "other-*/bin/other")
    does(npm, "mkdir -p node_modules/other-linux/bin && touch node_modules/other-linux/bin/other")
    own = npm.rename(npm.with_name("own-npm"))
    found = install.install(lambda line: None, "4.5.6", tmp_path / "clients", client, [str(own)])
    assert found == tmp_path / "clients" / "other-4.5.6" / "node_modules" / "other-linux" / "bin" / "other"


def test_without_npm_it_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(install.InstallError, match=r"Install Node\.js 22 or newer"):
        install.install(lambda line: None, "1.2.3", tmp_path / "clients")
