"""Where Turnout keeps its own files. Computes paths; creates nothing.

Each function raises `NoHomeError` where the system knows no home folder and no variable names another one.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoHomeError(OSError):
    """The system knows no home folder for the user, as in some containers and services."""

    def __init__(self) -> None:
        super().__init__(
            errno.ENOENT,
            "This system knows no home folder for you; set HOME, or name a folder for Turnout's files in TURNOUT_HOME",
        )


def config_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the user's configuration: ``$TURNOUT_HOME``, else the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return _named(home)
    return _usual("config")


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's configuration file; it need not exist."""
    return config_dir(environ) / "config.toml"


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder for what must not be lost, such as accounts: ``$TURNOUT_HOME``, else the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return _named(home)
    return _usual("data")


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder for what can be fetched or made again: ``$TURNOUT_HOME/cache``, else the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return _named(home) / "cache"
    return _usual("cache")


def clients_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the clients that Turnout installs for itself: ``$TURNOUT_CLIENTS_DIR``, else in the cache."""
    if folder := environ.get("TURNOUT_CLIENTS_DIR"):
        return _named(folder)
    return cache_dir(environ) / "clients"


def log_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The log of a gateway that has no terminal: ``$TURNOUT_HOME/turnout.log``, else in the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return _named(home) / "turnout.log"
    return _usual("log") / "turnout.log"


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder for what Turnout remembers of its work: ``$TURNOUT_HOME/state``, else the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return _named(home) / "state"
    return _usual("state")


def records_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the requests' records."""
    return state_dir(environ) / "requests"


def _named(folder: str) -> Path:
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        raise NoHomeError from None


def _usual(kind: Literal["config", "data", "cache", "log", "state"]) -> Path:
    """The system's usual place for this kind of file."""
    import platformdirs  # 15 ms, which those do not pay who name a folder

    try:
        usual: Path = getattr(platformdirs, f"user_{kind}_path")("turnout", appauthor=False)
    except RuntimeError:
        raise NoHomeError from None
    return usual
