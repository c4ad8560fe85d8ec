"""All of a request that its route depends on, as one value: requests that ask the same are sent the same way. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from turnout.routing.effort import Meaning
from turnout.routing.overrides import NONE, Overrides
from turnout.routing.tiers import Wanting

if TYPE_CHECKING:
    from msgspec import Raw


class RequestFacts(Meaning, Wanting, Protocol):
    """What routing needs of a request; `turnout.protocol.messages.MessagesRequest` has it."""

    @property
    def model(self) -> str: ...
    @property
    def tools(self) -> Raw: ...


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks of routing. Made by `turnout.routing.router.Router.question`.

    What makes no difference is not in it, so that there are few: nothing of the request's content, and of its size and
    its tools only what a rule of the user's looks at.
    """

    model: str
    """The client's model string, verbatim."""
    effort: str | None = None
    """The effort that the client names, verbatim; None if it names none."""
    thinking: str | None = None
    """The effort that its ``thinking`` stands for; None if it says none."""
    tier: str = ""
    """The service tier that the client means; empty if it means none."""
    small: bool = False
    """It offers no tools, as Claude Code's helper calls do."""
    searches: bool = False
    """It wants the web searched; False also where no rule looks at that."""
    tokens: int = 0
    """About how long it is, where a rule's condition holds for that; else 0."""
    overrides: Overrides = NONE
    """What it asks for by itself."""
    instead: str = ""
    """The member of a chain of models that counts; empty: the first one."""
