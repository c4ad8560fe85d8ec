"""Settings of models: what stands behind Claude's names, what models are called, how their tokens are counted."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from turnout.config.section import Section
from turnout.config.values import EffortChoice, TierChoice, UpstreamChoice


class Slot(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one of Claude's model families stands for."""

    model: str = ""
    """Model upstream; empty: chosen from the catalogue. Any model string: `gpt-6-sol@low` fixes the effort as well. Or
    a chain of them, `[groq/llama-4, gpt-6-sol]`: the next one is asked where one fails."""
    effort: EffortChoice = ""
    """Reasoning effort of its requests, whatever the client asks for; empty: the client's, else the slot's default."""
    tier: TierChoice = ""
    """Service tier when the client is not in fast mode: `priority` (or `fast`), `flex`, `default`; empty: the
    upstream's own."""
    account: str = ""
    """Nickname of the account to use; empty: as for every request."""
    upstream: UpstreamChoice = ""
    """Where its requests go; empty: as for every request."""


class Slots(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The slots that Claude's model names fall into."""

    opus: Slot = Slot()
    """For names with ``opus``."""
    sonnet: Slot = Slot()
    """For names with ``sonnet``."""
    haiku: Slot = Slot()
    """For names with ``haiku``: titles, small helper calls."""
    fable: Slot = Slot()
    """For names with ``fable``. Follows `opus` in what is not set here."""
    best: Slot = Slot()
    """For the name ``best``. Follows `opus`."""
    subagent: Slot = Slot()
    """For the requests of subagents, once anything is set here, and for the name ``subagent``. Follows `sonnet`."""
    background: Slot = Slot()
    """For small helper calls (a `haiku` name, no tools), once anything is set here, and for the name ``background``.
    Follows `haiku`."""
    other: Slot = Slot()
    """For every other ``claude-*`` name. Follows `sonnet`."""


class ModelsSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What models are called, and how they are known."""

    aliases: dict[str, str] = {}
    """Further names for models: a name, and the model string that it stands for."""
    refresh: Annotated[float, Meta(ge=0, le=2_678_400, description="a number from 0 to 2678400")] = 3600.0
    """Seconds after which the upstream is asked for its models again, while the gateway runs; 0: only when you ask."""
    overflow: Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")] = 0.98
    """Part of a model's window above which a request is refused as too long before it is sent, so that the client sums
    the conversation up; 0 leaves that to the upstream."""


class TokensSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counting tokens."""

    exact: bool = False
    """Whether clients that ask for a count get the OpenAI API's own: each count then sends the whole prompt. Without,
    and with a ChatGPT plan, Turnout counts by itself."""
