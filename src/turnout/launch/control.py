"""Talks to a gateway that runs: how it is, whether it is ready, that it shall end.

A few requests over loopback, each with a time limit, never through a proxy. Knows where a gateway is from
`turnout.launch.running`.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from turnout.gateway.doors import MODELS_REFRESH, STATE, STOP
from turnout.gateway.life import CONTROL, Ending, GatewayState
from turnout.launch import process

if TYPE_CHECKING:
    from turnout.launch.running import RunningGatewayInfo

ANSWER_SECONDS = 5.0
"""How long a gateway may take for an answer: it is on this machine, but may be busy."""
MODELS_SECONDS = 30.0
"""What it may take to ask its upstream."""
SPARE_SECONDS = 5.0
"""What an ending gateway gets beyond the time for its open answers."""


class Readiness(msgspec.Struct):
    """What ``/ready`` says."""

    status: str = ""
    reasons: tuple[str, ...] = ()


def state(info: RunningGatewayInfo, seconds: float = ANSWER_SECONDS) -> GatewayState | None:
    """How it is; None if it does not answer, or is of a version that does not say."""
    body = _ask(info, "GET", STATE, seconds=seconds)
    try:
        return None if body is None else msgspec.json.decode(body, type=GatewayState)
    except msgspec.DecodeError:
        return None


def reasons_not_ready(info: RunningGatewayInfo) -> tuple[str, ...]:
    """Why a request would be refused now; nothing if none would. What does not answer is a reason, too."""
    body = _ask(info, "GET", "/ready", any_status=True)
    try:
        return ("It does not answer.",) if body is None else msgspec.json.decode(body, type=Readiness).reasons
    except msgspec.DecodeError:
        return ("What answers there is no gateway of Turnout.",)


def refresh_models(info: RunningGatewayInfo, seconds: float = MODELS_SECONDS) -> bool:
    """Has it ask its upstream for models; whether it could."""
    return _ask(info, "POST", MODELS_REFRESH, seconds=seconds) is not None


def ask_to_end(info: RunningGatewayInfo, drain: float | None) -> bool:
    """Has it begin its end. ``drain``: seconds for open answers, None for what its settings say. False: no answer."""
    headers = {CONTROL.decode(): info.control}
    return _ask(info, "POST", STOP, msgspec.json.encode(Ending(drain)), headers) is not None


def end(info: RunningGatewayInfo, drain: float | None, patience: float) -> bool:
    """Ends it, by force if it does not by itself; waits for that. True: it ended by itself.

    ``patience`` is how long its open answers may take at most, in seconds. Raises OSError if it cannot be ended.
    """
    if ask_to_end(info, drain) and process.wait_for_end(info.pid, patience + SPARE_SECONDS):
        return True
    process.kill(info.pid)
    process.wait_for_end(info.pid, SPARE_SECONDS)
    return False


def _ask(
    info: RunningGatewayInfo,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    *,
    seconds: float = ANSWER_SECONDS,
    any_status: bool = False,
) -> bytes | None:
    """The body of a good answer (or of any one); None if there is none."""
    connection = http.client.HTTPConnection(urlsplit(info.url).netloc, timeout=seconds)
    try:
        connection.request(method, path, body, {"authorization": f"Bearer {info.token}", **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return content if any_status or answer.status < 300 else None
