"""Where Turnout keeps its own files. Computes paths; creates nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def config_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the user's configuration: ``$TURNOUT_HOME``, else the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return Path(home).expanduser()
    from platformdirs import user_config_path

    return user_config_path("turnout", appauthor=False)


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's configuration file; it need not exist."""
    return config_dir(environ) / "config.toml"


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder for what must not be lost, such as accounts: ``$TURNOUT_HOME``, else the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return Path(home).expanduser()
    from platformdirs import user_data_path

    return user_data_path("turnout", appauthor=False)


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder for what can be fetched or made again: ``$TURNOUT_HOME/cache``, else the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return Path(home).expanduser() / "cache"
    from platformdirs import user_cache_path

    return user_cache_path("turnout", appauthor=False)


def clients_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the clients that Turnout installs for itself: ``$TURNOUT_CLIENTS_DIR``, else in the cache."""
    if folder := environ.get("TURNOUT_CLIENTS_DIR"):
        return Path(folder).expanduser()
    return cache_dir(environ) / "clients"


def log_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The log of a gateway that has no terminal: ``$TURNOUT_HOME/turnout.log``, else in the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return Path(home).expanduser() / "turnout.log"
    from platformdirs import user_log_path

    return user_log_path("turnout", appauthor=False) / "turnout.log"


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder for what Turnout remembers of its work: ``$TURNOUT_HOME/state``, else the system's usual place."""
    if home := environ.get("TURNOUT_HOME"):
        return Path(home).expanduser() / "state"
    from platformdirs import user_state_path

    return user_state_path("turnout", appauthor=False)


def records_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the requests' records."""
    return state_dir(environ) / "requests"
