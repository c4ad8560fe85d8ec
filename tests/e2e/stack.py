"""The whole stack for one test: the simulated upstream and the real gateway in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.gateway import Gateway
from tests.e2e.upstream import conversation
from turnout.simulator import Scenario, Simulator, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from turnout.simulator import RecordedRequest


class Stack:
    """A gateway before a simulator. `play` says what the model does, `requests` what it was asked."""

    def __init__(self, simulator: Simulator, gateway: Gateway) -> None:
        self.simulator = simulator
        self.gateway = gateway
        self._logged_before = len(gateway.log)

    @property
    def requests(self) -> list[RecordedRequest]:
        """Everything that arrived upstream, refused requests included."""
        return self.simulator.requests

    @property
    def conversation(self) -> list[RecordedRequest]:
        """What arrived upstream of the coding conversation, without the small calls beside it."""
        return conversation(self.requests)

    def play(self, *turns: Turn) -> None:
        """The turn without `when` at place n answers a prompt that holds n answers already; see `Scenario`."""
        self.simulator.load(Scenario(turns=list(turns)))

    def story(self) -> list[tuple[str, str]]:
        """What happened so far, for whoever has to find out why a test failed: titles and texts."""
        asked = [
            f"{each.number}: {each.method} {each.path} {each.status} fault={each.fault} events={len(each.events)} "
            f"left={each.disconnected_at is not None}"
            for each in self.requests
        ]
        return [
            (f"gateway at {self.gateway.url}", self.gateway.log[self._logged_before :]),
            ("what arrived upstream", "\n".join(asked)),
        ]


def start_gateway(
    simulator: Simulator, home: Path, *, upstream: str = "codex", environment: Mapping[str, str] | None = None
) -> Gateway:
    """A gateway signed in at the simulator, its home in `home`; use it as a context manager."""
    home.mkdir(parents=True, exist_ok=True)
    simulator.write_auth_json(home)
    signed_in = {
        "CODEX_HOME": str(home),
        "CODEX_API_ENDPOINT": f"{simulator.codex_url}/responses",
        "TURNOUT_AUTH_ISSUER": simulator.url,
        "OPENAI_API_KEY": simulator.api_key,
        "OPENAI_API_BASE_URL": simulator.openai_url,
    }
    return Gateway(home, upstream=upstream, environment={**signed_in, **(environment or {})})
