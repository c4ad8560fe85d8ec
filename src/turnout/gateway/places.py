"""Where a request goes, and where it goes next: the values that `turnout.gateway.placement` gives."""

from __future__ import annotations

import msgspec

from turnout.accounts.credential import Credential
from turnout.protocol.fidelity import Note
from turnout.routing.route import Route
from turnout.translate.target import Target
from turnout.upstream.base import Upstream


class Place(msgspec.Struct, frozen=True):
    """Where a request goes, and as whom."""

    upstream: Upstream
    credential: Credential
    route: Route


class Move(msgspec.Struct, frozen=True):
    """Where it goes next, and why."""

    place: Place
    note: Note
    elsewhere: bool = False
    """It is another model or upstream, of which what was met before says nothing."""


class Step(msgspec.Struct, frozen=True):
    """A move, with the target that the request is to be translated for."""

    place: Place
    target: Target
    note: Note
    elsewhere: bool = False
    """As in `Move`."""
