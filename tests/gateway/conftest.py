"""A simulated Codex backend, and gateways in front of it."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from turnout import log
from turnout.config import AccountsSettings, CodexSettings, Config, ResponsesSettings, Server, Slot, Slots, Timing
from turnout.gateway.server import RunningGateway
from turnout.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., RunningGateway]

SENT_MODEL = "gpt-6-astra"


@pytest.fixture(scope="module", autouse=True)
def log_lines() -> Iterator[io.StringIO]:
    """The log goes here and not to the terminal."""
    before = structlog.get_config()
    lines = io.StringIO()
    log.configure(stream=lines)
    yield lines
    structlog.configure(**before)


@pytest.fixture(scope="module")
def home(backend: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the login of the simulator's account."""
    folder = tmp_path_factory.mktemp("codex")
    backend.write_auth_json(folder)
    return folder


def config(
    endpoint: str,
    home: Path,
    *,
    timing: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
    codex: dict[str, Any] | None = None,
    responses: dict[str, Any] | None = None,
) -> Config:
    """A configuration for one Codex endpoint, on a free port."""
    return Config(
        server=Server(**{"port": 0, "drain": 0.1, **(server or {})}),
        timing=Timing(**(timing or {})),
        codex=CodexSettings(**{"endpoint": endpoint, "home": str(home), **(codex or {})}),
        responses=ResponsesSettings(**(responses or {})),
        slots=Slots(opus=Slot(model=SENT_MODEL)),
        accounts=AccountsSettings(issuer=endpoint.partition("/backend-api")[0].removesuffix("/responses")),
    )


@pytest.fixture(scope="module")
def common(backend: Simulator, home: Path) -> Iterator[RunningGateway]:
    with RunningGateway(config(f"{backend.codex_url}/responses", home)) as running:
        yield running


@pytest.fixture
def gateway(common: RunningGateway, sim: Simulator) -> RunningGateway:
    """A gateway with the default settings, in front of ``sim``."""
    return common


@pytest.fixture
def start(sim: Simulator, home: Path) -> Iterator[Start]:
    """Starts a gateway with settings of its own: ``start(timing={"hold": 0.2})``; it ends with the test."""
    with contextlib.ExitStack() as stack:

        def run(*, endpoint: str = "", **settings: Any) -> RunningGateway:
            made = config(endpoint or f"{sim.codex_url}/responses", home, **settings)
            return stack.enter_context(RunningGateway(made))

        yield run
