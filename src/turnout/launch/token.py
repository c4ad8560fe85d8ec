"""The token of the gateway in the background: made once and kept, so that clients that know it go on to work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from turnout import paths
from turnout.accounts import atomic
from turnout.gateway.binding import make_token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def token_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where it is kept, for the user's eyes only."""
    return paths.data_dir(environ) / "gateway-token"


def kept_token(environ: Mapping[str, str] = os.environ) -> str:
    """The token, made now if there is none yet. Raises OSError where it can neither be read nor written."""
    file = token_file(environ)
    try:
        token = file.read_text("utf-8").strip()
    except FileNotFoundError:
        token = ""
    if not token:
        token = make_token()
        atomic.write(file, token.encode() + b"\n")
    return token
