"""The log: structlog, one line an event, to stderr. As a second line of defence it blanks whatever looks like a token.

The first line of defence is that nobody logs tokens, keys or prompts.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from logging import INFO
from typing import TYPE_CHECKING, Any, Literal, TextIO

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping
    from pathlib import Path

    import structlog

    EventDict = MutableMapping[str, Any]

Level = Literal["debug", "info", "warning", "error"]

TOKEN_LIKE = re.compile(
    r"""eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?     # a JSON Web Token
      | \b(?:sk|sess|rt|tn)[-_][\w.-]{16,}     # API keys, refresh tokens, Turnout's own tokens
      | (?<=[Bb]earer\ )\S+                    # whatever follows Bearer
    """,
    re.VERBOSE,
)
"""What is blanked in every logged text."""

COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
DIM, BOLD, RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
FIRST = ("timestamp", "level", "event")

FILE_LIMIT = 5 * 1024 * 1024
"""Size in bytes above which a log file is begun anew."""


def configure(level: str = "info", json: bool = False, stream: TextIO | None = None) -> None:
    """Sets the log up for this process.

    ``level`` is one of `Level`; ``json`` writes one JSON object a line; ``stream`` is stderr if not given. Text is
    coloured only on a terminal, and not with ``NO_COLOR``.
    """
    import structlog  # 100 ms, which a client's start shall not wait for

    out = stream or sys.stderr
    global _text  # noqa: PLW0603 (structlog's own configuration is one for the process as well)
    render: Callable[..., str] = (
        render_json if json else render_text(colour=out.isatty() and not os.environ.get("NO_COLOR"))
    )
    _text = None if json else (render, out)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            traceback_text,
            redact,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper(), logging.INFO)),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )


def get() -> structlog.typing.FilteringBoundLogger:
    """The logger. Events are short words, facts are keyword arguments: ``get().info("request", status=200)``."""
    import structlog

    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


_text: tuple[Callable[..., str], TextIO] | None = None
"""How and where `write_many` writes lines of text by itself."""


def write_many(logger: structlog.typing.FilteringBoundLogger, event: str, many: Iterable[EventDict]) -> None:
    """``logger.info(event, **facts)`` for each of ``many``. The facts must be numbers, short texts and None.

    As text the lines are made here and written at once: by way of structlog each costs the gateway a tenth of what a
    small request does.
    """
    import structlog

    if _text is None or structlog.get_config()["processors"][-1] is not _text[0] or not logger.is_enabled_for(INFO):
        for facts in many:
            logger.info(event, **facts)
        return
    render, out = _text
    head: dict[str, Any] = {"timestamp": datetime.now(UTC).isoformat(), "level": "info", "event": event}
    out.write("".join([f"{render(None, '', {**head, **facts})}\n" for facts in many]))
    out.flush()


def traceback_text(logger: object, method: str, event: EventDict) -> EventDict:
    """``exc_info`` as the traceback's text: source lines only, never local variables (they may hold secrets)."""
    info = event.pop("exc_info", None)
    if info:
        import structlog

        formatted = structlog.processors.format_exc_info(logger, method, {"exc_info": info})
        event.update(formatted)
    return event


def redact(logger: object, method: str, event: EventDict) -> EventDict:
    """Blanks whatever looks like a token in the event's texts, at any depth."""
    for key, value in event.items():
        event[key] = _blank(value)
    return event


def _blank(value: object) -> object:
    if isinstance(value, str):
        return TOKEN_LIKE.sub("(redacted)", value)
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, dict):
        return {key: _blank(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_blank(item) for item in value]
    return value if isinstance(value, (int, float, bool, type(None))) else TOKEN_LIKE.sub("(redacted)", str(value))


def render_json(logger: object, method: str, event: Mapping[str, Any]) -> str:
    """The event as one JSON object: time, level and event first."""
    ordered = {key: event[key] for key in FIRST if key in event} | dict(event)
    return msgspec.json.encode(ordered, enc_hook=str).decode()


def render_text(*, colour: bool) -> Callable[[object, str, Mapping[str, Any]], str]:
    """A renderer for people: ``09:33:00 info    request  status=200 …``; a traceback follows on lines of its own."""
    dim, bold, reset = (DIM, BOLD, RESET) if colour else ("", "", "")

    def render(logger: object, method: str, event: Mapping[str, Any]) -> str:
        level = str(event.get("level", ""))
        tint = COLOURS.get(level, "") if colour else ""
        head = f"{dim}{str(event.get('timestamp', ''))[:19]}Z{reset} {tint}{level:<7}{reset if tint else ''} "
        facts = " ".join(
            [
                f"{dim}{key}={reset}{value if type(value) is int else _fact(value)}"
                for key, value in event.items()
                if value is not None and key not in FIRST and key != "exception"
            ]
        )
        line = f"{head}{bold}{_one_line(str(event.get('event', '')))}{reset}{' ' + facts if facts else ''}"
        return f"{line}\n{event['exception']}" if "exception" in event else line

    return render


def _fact(value: object) -> str:
    if isinstance(value, str):
        return _word(value)
    encoded = msgspec.json.encode(value, enc_hook=str).decode()
    return encoded if isinstance(value, (int, float)) else _word(encoded)


@lru_cache(maxsize=512)
def _word(text: str) -> str:
    """A text as a fact: on one line, in quotes if it has spaces, and without what looks like a token. Few are new: the
    same clients, paths and models come again and again."""
    shown = _one_line(TOKEN_LIKE.sub("(redacted)", text))
    return msgspec.json.encode(shown).decode() if " " in shown or not shown else shown


def _one_line(text: str) -> str:
    """Line breaks and other control characters made visible: a logged text cannot forge a second line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def from_environment(environ: Mapping[str, str], stream: TextIO | None = None) -> None:
    """Sets the log up as ``TURNOUT_LOG`` and ``TURNOUT_LOG_LEVEL`` say."""
    configure(environ.get("TURNOUT_LOG_LEVEL") or "info", environ.get("TURNOUT_LOG", "").lower() == "json", stream)


def open_file(path: Path) -> TextIO:
    """The log file, opened to write at its end, for the user's eyes only. It stays below `FILE_LIMIT` or so."""
    return LogFile(path)


class LogFile(io.TextIOWrapper):
    """A file that several processes may write to, each line at its end. A large one is begun anew, in place: whoever
    has it open writes on in it. What was in it is kept once, in a file beside with ``.1`` after its name."""

    LOOK = 64 * 1024
    """Characters after which its size is looked at."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        super().__init__(io.FileIO(handle, "w"), encoding="utf-8", write_through=True)
        self._path = path
        self._unseen = self.LOOK
        self._look()

    def write(self, text: str) -> int:
        written = super().write(text)
        self._unseen += written
        self._look()
        return written

    def _look(self) -> None:
        if self._unseen < self.LOOK:
            return
        self._unseen = 0
        if os.fstat(self.fileno()).st_size <= FILE_LIMIT:
            return
        kept = self._path.with_name(self._path.name + ".1")
        try:
            kept.unlink(missing_ok=True)
            kept.touch(0o600)
            kept.write_bytes(self._path.read_bytes())
            os.ftruncate(self.fileno(), 0)
        except OSError:
            return  # a full disk, most likely; there is no other place to say so, and the next look tries again
