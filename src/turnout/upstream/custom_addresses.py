"""Where requests to an upstream of the user's own go, as texts. Pure, and light: who only compares addresses loads no
HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from turnout.config import CustomUpstream as Settings

PATHS = {"responses": "/responses", "chat": "/chat/completions"}
MODEL = "{model}"
"""Where the model's name goes in a path."""


def url(settings: Settings, model: str = "") -> str:
    """Where requests for the model go."""
    path = (settings.path or PATHS[settings.wire]).replace(MODEL, quote(model, safe=""))
    return f"{settings.base_url.rstrip('/')}{path}{_query(settings)}"


def models_url(settings: Settings) -> str:
    """Where the server lists its models, if it does."""
    return f"{settings.base_url.rstrip('/')}/models{_query(settings)}"


def _query(settings: Settings) -> str:
    return f"?{urlencode(settings.query)}" if settings.query else ""
