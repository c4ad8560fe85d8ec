"""What routing needs of a request, for protocols whose requests do not say it in Messages' own fields. Pure."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from turnout.protocol.reading import NULL


class Effort(msgspec.Struct, frozen=True):
    """The effort that a request asks for."""

    effort: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A `turnout.routing.question.RequestFacts`."""

    model: str
    effort: str | None = None
    """The effort that the client asks for, in OpenAI's words."""
    service_tier: Raw = NULL
    tools: Raw = NULL
    """What the request offers; only whether that is nothing counts."""
    speed: Raw = NULL

    @property
    def thinking(self) -> None:
        """Messages' own way to say an effort."""

    @property
    def output_config(self) -> Effort | None:
        """The effort, where routing looks for it."""
        return Effort(self.effort) if self.effort else None
