"""What can be set about a simulated service. Values only."""

from typing import Literal

import msgspec

from turnout.simulator.chat_checks import ChatRules
from turnout.simulator.scenario import Pacing
from turnout.simulator.wire import WireStyle


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The behaviour of one simulator; every field may be changed between requests."""

    style: WireStyle = WireStyle()
    pacing: Pacing = Pacing()
    """The speed of answers that no scenario paces."""
    require_lite: set[str] = set()
    """Models that refuse plain framing."""
    instructions_required: bool = True
    """Whether plain framing must have instructions: reported of the backend, but codex-cli 0.169.0 sends none."""
    absent: set[str] = set()
    """Models that are not offered: neither listed nor served."""
    plans: dict[str, set[str]] = {}
    """Plans that a model is for, in place of the catalogue's, by model: others are refused it."""
    chat: ChatRules = ChatRules()
    """What the server with Chat Completions takes, and how it answers."""
    hosted_search: bool = True
    """Whether the service searches the web itself; without, the tool is refused as by many servers of its kind."""
    windows: dict[str, int] = {}
    """Context windows in tokens that replace the catalogue's, by model."""
    overflow: Literal["failed", "http-400"] = "failed"
    """A prompt over the window: `response.failed` inside a 200, or an HTTP 400."""
    keepalive_seconds: float = 15.0
    """A keepalive event is sent after this much silence; 0 sends none. The real period is not known."""
    rate_limits_event: bool = True
    """Begin codex streams with a codex.rate_limits event."""
    unknown_event: bool = True
    """Put an event of an unknown type into each stream."""
    used_percent: float = 12.5
    """How much of the quota's primary window is used, for headers and events."""
    exhausted: dict[str, float] = {}
    """Accounts (ids) whose usage limit is reached, and the Unix time at which each may go on."""
    token_lifetime: float = 864_000.0
    """Seconds that an access token issued by this simulator lasts; negative: it is expired already."""
    sign_in_as: str = ""
    """Account id that the sign-in pages sign in; empty: the first known account."""
    authorize: Literal["approve", "deny"] = "approve"
    """What the user says on the page of a browser login."""
    device_login: bool = True
    """Whether device codes are offered; without, they are "not found" as for an account that has not enabled them."""
    device_polls: int | None = 1
    """Questions that a device asks in vain before its user agrees; None: until `Simulator.approve_device`."""
    device_interval: float = 5.0
    """Seconds that a device is told to wait between two questions."""
    clock_offset: float = 0.0
    """Seconds that the service's clock is ahead of this machine's."""
