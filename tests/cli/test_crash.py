"""A defect leaves a report that can be shown to others, and no traceback on the screen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from turnout.cli import crash, root

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "sk-proj-0123456789abcdefghij"


def raised(message: str) -> Exception:
    """An error as it comes out of code, with another one behind it."""
    try:
        try:
            {}["inner"]
        except KeyError as error:
            raise ValueError(message) from error
    except ValueError as outer:
        return outer
    raise AssertionError


def report(message: str, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
    return crash.report(raised(message), arguments, environ or {})


def test_it_says_where_and_what() -> None:
    said = report("cannot", "doctor")
    assert "Command: turnout doctor\n" in said
    assert "builtins.KeyError: 'inner'\n\nAfter that:\n" in said
    assert said.endswith("builtins.ValueError: cannot\n")
    assert "test_crash.py:" in said
    assert ", raised\n" in said


@pytest.mark.parametrize(
    "message",
    [
        f"the key {SECRET} is bad",
        "Authorization: Bearer abcdefghijklmnop",
        "the login eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.sig is over",
        "ada@example.com has no plan",
        "the prompt 'please refactor my very secret project called Nautilus' is too long",
        f"no such file: {Path.home()}/project/client.py",
        "hunter2-of-the-user is not a number",
        "the word explain-this-secret was there",
    ],
)
def test_nothing_of_the_user_is_in_it(message: str) -> None:
    said = report(
        message, "claude", "-p", "explain-this-secret", "--model=opus", environ={"MY_PASSWORD": "hunter2-of-the-user"}
    )
    for secret in (SECRET, "abcdefghijklmnop", "eyJ", "ada@", "Nautilus", str(Path.home()), "hunter2", "explain-this"):
        assert secret not in said
    assert "Command: turnout claude --model\n" in said


def test_commands_inside_a_group_are_named_and_their_arguments_are_not() -> None:
    assert "Command: turnout upstreams use --model\n" in report("x", "upstreams", "use", "openai", "--model", "secret")
    assert "Command: turnout config set\n" in report("x", "config", "set", "server.token", "tn-mine")


def test_a_command_that_cannot_even_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(root.COMMANDS, "quota", root.Lazy("turnout.cli.nowhere", "Broken."))
    assert "Command: turnout quota\n" in report("x", "quota", "ada")


def test_what_goes_to_the_client_is_left_out() -> None:
    assert "Command: turnout claude\n" in report("x", "claude", "--", "--append-system-prompt")
    assert "Command: turnout \n" in report("x", "a prompt and no command")


def test_the_user_is_told_the_file_and_sees_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise raised("inside")

    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    monkeypatch.setattr(root.root, "main", breaks)
    assert root.run(["quota"]) == root.FAILED
    (file,) = (tmp_path / "state" / "crashes").iterdir()
    said = capsys.readouterr().err
    assert str(file) in said
    assert "Traceback" not in said
    assert "ValueError: inside" in file.read_text()
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600


def test_only_the_latest_reports_are_kept(tmp_path: Path) -> None:
    files = [crash.keep(raised(str(number)), [], {"TURNOUT_HOME": str(tmp_path)}) for number in range(13)]
    kept = sorted((tmp_path / "state" / "crashes").iterdir())
    assert kept == files[-crash.KEPT :]


def test_where_no_report_can_be_written_it_says_how_to_see_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise raised("inside")

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(root.root, "main", breaks)
    assert root.run(["quota"]) == root.FAILED
    assert "TURNOUT_LOG_LEVEL=debug" in capsys.readouterr().err
