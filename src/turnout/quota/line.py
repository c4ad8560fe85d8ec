"""One line for Claude Code's status line, from the last known figures, in a few milliseconds.

Claude Code runs the command again and again while one works. So nothing but small modules of Python's own is imported
here: reading the file with the records that wrote it (`turnout.quota.board`) takes longer than all else together.
"""

from __future__ import annotations

import os
import sys
import time

WARNING, FULL = 75.0, 95.0
"""Percent used from which a figure is yellow, and red."""
COLOURS = {"green": "32", "yellow": "33", "red": "31", "dim": "2"}
NOTHING = "quota not known yet"


def line(text: bytes, account: str, now: float, *, colour: bool = True) -> str:
    """The line for the content of the board's file. ``account``: its nickname; empty: who was heard of last."""
    import json

    try:
        accounts = json.loads(text)["accounts"]
        name = account or max(accounts, key=lambda name: accounts[name]["seen_at"])
        quota = accounts[name]
        parts = [_painted(name, "dim", colour)]
        parts += [_window(window, now, colour) for window in quota.get("windows", ())]
        until = quota.get("reached_until") or 0
        if quota.get("reached") and until > now:
            parts.append(_painted(f"limit reached, until {_clock(until, now)}", "red", colour))
        if now - quota["seen_at"] > 3600:
            parts.append(_painted(f"{_span(now - quota['seen_at'])} ago", "dim", colour))
        return " · ".join(parts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _painted(NOTHING, "dim", colour)


def show() -> None:
    """Prints the line for this user. What Claude Code gives on standard input is not needed, and left unread."""
    try:
        with open(file(os.environ), "rb") as board:  # noqa: PTH123 (pathlib takes a quarter of the time there is)
            text = board.read()
    except OSError:
        text = b""
    made = line(text, os.environ.get("TURNOUT_ACCOUNT", ""), time.time(), colour="NO_COLOR" not in os.environ)
    sys.stdout.buffer.write(made.encode() + b"\n")
    sys.stdout.flush()


def file(environ: os._Environ[str] | dict[str, str]) -> str:
    """The board's file: what `turnout.quota.board.Board.of` takes (a test compares the two)."""
    if home := environ.get("TURNOUT_HOME"):
        return os.path.join(os.path.expanduser(home), "state", "quota.json")  # noqa: PTH111, PTH118
    if sys.platform.startswith("linux"):
        state = environ.get("XDG_STATE_HOME", "").strip()
        if not state:
            state = os.path.expanduser("~/.local/state")  # noqa: PTH111
        return os.path.join(state, "turnout", "quota.json")  # noqa: PTH118
    from turnout import paths

    return str(paths.state_dir(environ) / "quota.json")


def _window(window: dict[str, float], now: float, colour: bool) -> str:
    resets_at = window.get("resets_at") or 0
    used = 0.0 if 0 < resets_at <= now else window["used_percent"]
    tint = "red" if used >= FULL else "yellow" if used >= WARNING else "green"
    text = f"{_name(window.get('minutes'))} {_painted(f'{used:.0f}%', tint, colour)}"
    return f"{text} {_painted(f'in {_span(resets_at - now)}', 'dim', colour)}" if resets_at > now else text


def _name(minutes: float | None) -> str:
    if not minutes:
        return "window"
    if minutes % 1440 == 0:
        days = int(minutes // 1440)
        return {1: "day", 7: "week"}.get(days) or ("month" if 28 <= days <= 31 else f"{days}d")
    return f"{int(minutes // 60)}h" if minutes % 60 == 0 else f"{int(minutes)}m"


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h" if hours else f"{days}d"
    return f"{hours}h {minutes}m" if hours and minutes else f"{hours}h" if hours else f"{minutes}m"


def _clock(moment: float, now: float) -> str:
    return time.strftime("%H:%M" if moment - now < 86_400 else "%a %H:%M", time.localtime(moment))


def _painted(text: str, tint: str, colour: bool) -> str:
    return f"\x1b[{COLOURS[tint]}m{text}\x1b[0m" if colour else text
