"""A simulated sign-in service for commands that run in a process of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.simulator import Account

if TYPE_CHECKING:
    from turnout.simulator import Simulator

ADA = Account()
BOB = Account(account_id="5e0f1a52-7a4e-4d8e-9a55-51b0a70f0002", email="bob@example.com", plan="plus")


def variables(sim: Simulator) -> dict[str, str]:
    """What makes a command ask this service; no display, as on a server."""
    return {
        "TURNOUT_AUTH_ISSUER": sim.url,
        "TURNOUT_CHATGPT_BASE_URL": sim.chatgpt_url,
        "TURNOUT_OPENAI_BASE_URL": sim.openai_url,
        "DISPLAY": "",
        "WAYLAND_DISPLAY": "",
        "BROWSER": "",
    }
