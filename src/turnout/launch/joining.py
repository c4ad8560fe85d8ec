"""Whether a session can use the gateway that runs, or has to have one of its own, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout import __version__
from turnout.gateway.life import fingerprint
from turnout.launch import control

if TYPE_CHECKING:
    from turnout.config import Config
    from turnout.launch.running import RunningGatewayInfo

LOOK_SECONDS = 1.0
"""How long the running gateway may take to say how it is; a session must not wait for one that hangs."""


def obstacle(info: RunningGatewayInfo, config: Config) -> str:
    """Why a session with this configuration cannot use the gateway, without a full stop; empty if it can."""
    if info.version != __version__:
        return f"it is of version {info.version}, and this is {__version__} (`turnout restart`)"
    state = control.state(info, LOOK_SECONDS)
    if state is None:
        return "it does not answer"
    if state.settings != fingerprint(config):
        return "its settings are other ones than those of this session"
    return ""
