"""Claude Code is found on PATH and in the places where its installers put it, on every system."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from turnout.launch import locate


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_path_comes_first(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin" / "claude")
    program(tmp_path / "home" / ".local" / "bin" / "claude")
    environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}
    assert locate.claude(environ, "linux") == on_path


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, ".local/bin/claude"),
        ({}, ".claude/local/claude"),
        ({}, ".npm-global/bin/claude"),
        ({}, ".volta/bin/claude"),
        ({}, ".bun/bin/claude"),
        ({"NVM_BIN": "nvm/v22/bin"}, "nvm/v22/bin/claude"),
        ({"NPM_CONFIG_PREFIX": "prefix"}, "prefix/bin/claude"),
    ],
)
def test_usual_places(tmp_path: Path, variables: dict[str, str], place: str) -> None:
    found = program(tmp_path / place)
    environ = {"PATH": "", "HOME": str(tmp_path), **{name: str(tmp_path / value) for name, value in variables.items()}}
    assert locate.claude(environ, "linux") == found


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, ".local/bin/claude.exe"),
        ({}, ".claude/local/claude.cmd"),
        ({"APPDATA": "Roaming"}, "Roaming/npm/claude.cmd"),
        ({"LOCALAPPDATA": "Local"}, "Local/Volta/bin/claude.exe"),
    ],
)
def test_usual_places_on_windows(tmp_path: Path, variables: dict[str, str], place: str) -> None:
    found = program(tmp_path / place)
    environ = {"USERPROFILE": str(tmp_path), **{name: str(tmp_path / value) for name, value in variables.items()}}
    assert next(each for each in locate.usual_places(environ, "win32") if each.is_file()) == found


def test_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "usual_places", lambda environ, platform: iter([tmp_path / "claude"]))
    assert locate.claude({"PATH": ""}, "linux") is None


def test_a_plain_program_is_run_as_it_is(tmp_path: Path) -> None:
    assert locate.command(tmp_path / "claude") == [str(tmp_path / "claude")]


def test_a_windows_shim_is_replaced_by_what_it_stands_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = program(tmp_path / "claude.cmd")
    assert locate.command(shim) == [str(shim)]
    package = tmp_path / "node_modules" / "@anthropic-ai" / "claude-code"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"bin": {"claude": "bin/claude.exe"}}))
    assert locate.command(shim) == [str(package / "bin" / "claude.exe")]
    (package / "package.json").write_text(json.dumps({"bin": {"claude": "cli.js"}}))
    monkeypatch.setattr("shutil.which", lambda name: f"/node/{name}")
    assert locate.command(shim) == ["/node/node", str(package / "cli.js")]


def test_the_version_is_read_from_what_the_installer_left(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "@anthropic-ai" / "claude-code-linux-x64"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "@anthropic-ai/claude-code-linux-x64", "version": "2.1.328"}')
    (package / "claude").write_text("")
    assert locate.version(package / "claude") == "2.1.328"
    native = tmp_path / "versions" / "2.1.330"
    native.parent.mkdir()
    native.write_text("")
    assert locate.version(native) == "2.1.330"
    shim = tmp_path / "claude.cmd"
    shim.write_text("")
    own = tmp_path / "node_modules" / "@anthropic-ai" / "claude-code"
    own.mkdir()
    (own / "package.json").write_text('{"name": "@anthropic-ai/claude-code", "version": "2.1.300"}')
    assert locate.version(shim) == "2.1.300"


def test_a_version_that_is_not_written_down_is_not_guessed(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    assert locate.version(program) == ""
    program.write_text("")
    (tmp_path / "package.json").write_text('{"name": "a-project", "version": "1.0.0"}')
    assert locate.version(program) == ""
