"""The command line as a whole: help, version, exit codes, and no traceback ever."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import click
import pytest

from tests.cli.command import environment, turnout
from turnout import __version__
from turnout.cli import root
from turnout.protocol.errors import FailureKind, fail
from turnout.settings import SettingsError


def test_version_imports_nothing_slow() -> None:
    check = (
        "import sys; sys.argv = ['turnout', '--version']; from turnout.cli import main; main(); "
        "slow = {'click', 'msgspec', 'structlog', 'rich', 'asyncio', 'platformdirs'} & set(sys.modules); "
        "sys.exit(str(slow) if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == (f"turnout {__version__}\n", 0), done.stderr


def test_version_is_quick_beside_a_bare_python(tmp_path: Path) -> None:
    def fastest(*command: str) -> float:
        def once() -> float:
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            return time.perf_counter() - start

        return min(once() for _ in range(7))

    assert fastest("-m", "turnout", "--version") < 4 * fastest("-c", "pass")


def test_every_command_is_there_and_teaches_with_examples(tmp_path: Path) -> None:
    overview = turnout(tmp_path, "--help")
    assert overview.returncode == 0
    for name, lazy in root.COMMANDS.items():
        assert lazy.summary in overview.stdout
        command = import_module(lazy.module).command
        assert isinstance(command, click.Command)
        assert command.name == name
        shown = turnout(tmp_path, name, "--help")
        assert shown.returncode == 0
        assert shown.stdout.count(f"turnout {name}") >= 3


def test_without_a_command_it_shows_the_help(tmp_path: Path) -> None:
    assert turnout(tmp_path).stdout == turnout(tmp_path, "--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["serve", "--port", "x"],
        ["serve", "--upstream", "azure"],
        ["demo", "--client", "x"],
        ["simulate", "--scenario", "none"],
    ],
)
def test_wrong_usage_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    done = turnout(tmp_path, *arguments)
    assert done.returncode == root.USAGE
    assert "Error: " in done.stderr or done.stderr.startswith("turnout: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (SettingsError("The variable X has 1."), 2, "turnout: The variable X has 1.\n"),
        (fail(FailureKind.SIGN_IN, "No login.", "Log in."), 1, "turnout: No login.\n  Log in.\n"),
        (PermissionError(13, "Permission denied", "/x"), 1, "turnout: Permission denied: /x.\n"),
        (click.ClickException("It is not there."), 1, "turnout: It is not there.\n"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (
            RuntimeError("inside"),
            1,
            "(RuntimeError): a defect of its own.\n  Where it happened stands in ",
        ),
    ],
)
def test_whatever_goes_wrong_is_a_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    told: str,
) -> None:
    def breaks(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(root.root, "main", breaks)
    assert root.run(["demo"]) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""


def test_a_defect_shows_its_traceback_to_who_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*arguments: object, **options: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(root.root, "main", breaks)
    monkeypatch.setenv("TURNOUT_LOG_LEVEL", "debug")
    with pytest.raises(RuntimeError, match="inside"):
        root.run(["demo"])


def test_a_wrong_setting_names_its_variable(tmp_path: Path) -> None:
    done = turnout(tmp_path, "serve", variables={"TURNOUT_PORT": "70000"})
    assert done.returncode == 2
    assert (
        done.stderr
        == "turnout: The variable TURNOUT_PORT has '70000', but it must be a whole number from 0 to 65535.\n"
    )


def test_a_misspelt_variable_is_told(tmp_path: Path) -> None:
    done = turnout(tmp_path, "accounts", variables={"TURNOUT_UPSTRAEM": "openai"})
    assert "Did you mean TURNOUT_UPSTREAM?" in done.stderr


def every_command() -> list[tuple[str, click.Command]]:
    """All commands and those inside groups, with what is typed for them."""

    def walk(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
        inner = command.commands.items() if isinstance(command, click.Group) else ()
        return [(path, command), *(each for name, one in inner for each in walk(one, f"{path} {name}"))]

    found = ((name, root.root.get_command(click.Context(root.root), name)) for name in root.COMMANDS)
    return [each for name, command in found if command for each in walk(command, f"turnout {name}")]


@pytest.mark.parametrize(("path", "command"), every_command(), ids=lambda each: each if isinstance(each, str) else "")
def test_every_help_has_an_example_and_says_what_each_option_does(path: str, command: click.Command) -> None:
    shown = command.get_help(click.Context(command, info_name="usage"))
    assert f"\n  {path}" in shown
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    assert all(each.help for each in options), path
    assert [line for line in shown.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(("typed", "meant"), [("docter", "doctor"), ("cluade", "claude"), ("uptsreams", "upstreams")])
def test_a_misspelt_command_is_guessed(tmp_path: Path, typed: str, meant: str) -> None:
    done = turnout(tmp_path, typed)
    assert done.returncode == root.USAGE
    assert f"Did you mean {meant}?" in done.stderr


def test_every_command_stands_under_one_title() -> None:
    placed = [name for names in root.sections().values() for name in names]
    assert sorted(placed) == sorted(root.COMMANDS)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such terminal")
@pytest.mark.parametrize("arguments", [["doctor", "--offline"], ["upstreams"], ["accounts"], ["nope"], ["env"]])
def test_no_color_is_heard(tmp_path: Path, arguments: list[str]) -> None:
    import pexpect

    def drawn(**variables: str) -> str:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "turnout", *arguments],
            cwd=str(tmp_path),
            env=environment(tmp_path, {"TERM": "xterm-256color", **variables}),
            timeout=60,
        )
        told: bytes = child.read()
        child.close()
        return told.decode()

    coloured = re.compile(r"\x1b\[[\d;]*[349]\d[\d;]*m")
    assert not coloured.search(drawn(NO_COLOR="1"))
    if arguments[0] == "doctor":
        assert coloured.search(drawn())
