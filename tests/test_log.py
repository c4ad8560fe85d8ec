"""The log: one line an event, no control characters, nothing that looks like a token."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from turnout import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def logged(level: str = "info", *, as_json: bool = False, stream: io.StringIO | None = None, **facts: object) -> str:
    out = stream or io.StringIO()
    log.configure(level, as_json, out)
    log.get().info("request", **facts)
    return out.getvalue()


def test_an_event_is_one_line_of_text() -> None:
    line = logged(status=200, model="gpt-5.5", failure=None)
    assert line.endswith(" info    request status=200 model=gpt-5.5\n")


def test_json_has_time_level_and_event_first() -> None:
    record = json.loads(logged(as_json=True, status=200))
    assert list(record) == ["timestamp", "level", "event", "status"]


def test_colour_only_on_a_terminal_and_only_for_those_who_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in logged(status=200)
    assert "\x1b" in logged(stream=Terminal(), status=200)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in logged(stream=Terminal(), status=200)


def test_a_logged_text_cannot_forge_a_second_line() -> None:
    assert logged(path="/a\n2026 error").count("\n") == 1


def test_the_level_is_kept() -> None:
    assert logged("warning", status=200) == ""


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJub25lIn0.eyJleHAiOjF9.c2ln",
        "sk-proj-abcdefghijklmnop0123",
        "Bearer anything-at-all",
        "rt_abcdefghijklmnop0123",
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_what_looks_like_a_token_is_blanked_wherever_it_stands(secret: str, as_json: bool) -> None:
    line = logged(as_json=as_json, note=f"got {secret} back", deep={"a": [secret]}, other=ValueError(secret))
    assert secret.removeprefix("Bearer ") not in line
    assert line.count("(redacted)") == 3


def test_a_traceback_shows_source_lines_and_no_values() -> None:
    out = io.StringIO()
    log.configure(stream=out)
    hidden = "value-of-a-local"
    try:
        raise ValueError(len(hidden))
    except ValueError:
        log.get().exception("failed")
    assert "Traceback" in out.getvalue()
    assert "value-of-a-local" not in out.getvalue().replace('hidden = "value-of-a-local"', "")


@pytest.mark.parametrize("as_json", [False, True])
def test_many_lines_at_once_are_what_they_would_be_one_by_one(as_json: bool) -> None:
    facts: list[dict[str, object]] = [
        {"path": "/v1/messages", "status": 200, "ms": 1.5, "effort": None},
        {"client": "two words\n", "status": 499},
        {"asked": "sk-proj-0123456789abcdefghij", "id": "rt_0123456789abcdefghij"},
    ]
    together = io.StringIO()
    log.configure("info", as_json, together)
    log.write_many(log.get(), "request", facts)
    single = "".join(logged(as_json=as_json, **each) for each in facts)
    times = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+")
    assert times.sub("", together.getvalue()) == times.sub("", single)
    assert "0123456789abcdefghij" not in together.getvalue()


def test_many_lines_keep_to_the_level() -> None:
    out = io.StringIO()
    log.configure("warning", stream=out)
    log.write_many(log.get(), "request", [{"status": 200}])
    assert out.getvalue() == ""


def test_a_large_file_is_begun_anew_and_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "FILE_LIMIT", 100)
    monkeypatch.setattr(log.LogFile, "LOOK", 10)
    path = tmp_path / "logs" / "turnout.log"
    with log.open_file(path) as one, log.open_file(path) as other:
        one.write("x" * 99 + "\n")
        assert path.stat().st_size == 100
        one.write("a line that is one too many\n")
        assert path.read_text() == ""
        assert (tmp_path / "logs" / "turnout.log.1").read_text().endswith("too many\n")
        other.write("another process\n")
        one.write("and this one\n")
        assert path.read_text() == "another process\nand this one\n"
    if os.name == "posix":
        assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir()} == {0}


def test_a_file_that_is_large_already_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "FILE_LIMIT", 100)
    path = tmp_path / "turnout.log"
    path.write_text("old\n" * 30)
    with log.open_file(path) as file:
        file.write("new\n")
    assert path.read_text() == "new\n"
    assert (tmp_path / "turnout.log.1").read_text() == "old\n" * 30
