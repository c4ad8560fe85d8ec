"""Where a translated request is going: all that a translator must know of the route."""

from __future__ import annotations

from typing import Literal

import msgspec

from turnout.protocol.capabilities import Capabilities
from turnout.translate.profile import USUAL, Profile
from turnout.translate.schema import ToolSchemaMode

Framing = Literal["plain", "lite"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The upstream's side of one request, as values."""

    model: str
    """The model's name upstream."""
    effort: str | None
    """``reasoning.effort``, already within what the model supports; None leaves it to the upstream."""
    account: str
    """Tag of the account it is sent with: short, stable, not secret (encrypted reasoning is bound to it)."""
    capabilities: Capabilities
    tier: str | None = None
    """``service_tier`` to ask for, which model and upstream have; None leaves it to the upstream."""
    framing: Framing = "plain"
    image_detail: str = "auto"
    """The ``detail`` of images: ``original`` for models that take it, else ``auto``."""
    tool_search: bool = False
    """The model knows upstream's own way of loading tools while the conversation runs."""
    session: str | None = None
    """The conversation's key (session id, and agent id of a subagent): ``prompt_cache_key`` and session headers."""
    replay_reasoning: bool = True
    """False on the one retry after ``invalid_encrypted_content``."""
    tool_schema_mode: ToolSchemaMode = "faithful"
    """How tools' schemas are sent: as they are as far as upstream takes them, or in the form of its strict mode."""
    hosted_search: bool = True
    """False if upstream's own web search must not be used, since the model wants a framing that has none."""
    profile: Profile = USUAL
    """What is changed of the request beyond what upstream wants (`turnout.translate.profiled`)."""
    instructions: str = ""
    """The backend's own instructions for the model, for profiles that send them; empty: it has told none."""
    surroundings: str = ""
    """What is told of this machine, for profiles that do so."""
