"""The stack and the clients that end-to-end tests ask for by name."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients import CLAUDE_CODE_VERSIONS
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.compatibility import REPORT_VARIABLE, Compatibility
from tests.e2e.stack import Stack, start_gateway
from turnout.simulator import Account, Settings, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from tests.e2e.gateway import Gateway


STACKS = pytest.StashKey[list[Stack]]()
"""What a test ran against."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "capability(*names, versions=()): shows these rows of docs/compatibility.md (see capabilities.py)"
    )
    if report := os.environ.get(REPORT_VARIABLE):
        config.pluginmanager.register(Compatibility(Path(report).absolute()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder carries the marker, so that `-m "not e2e"` leaves it out."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the gateway said and what upstream was asked."""
    report = yield
    if report.failed and report.when == "call":
        report.sections += [section for stack in item.stash.get(STACKS, []) for section in stack.story()]
    return report


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def shared_gateway(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with start_gateway(shared_simulator, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def stack(shared_simulator: Simulator, shared_gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The gateway as it runs by default. One process serves all tests; the simulator forgets between them."""
    shared_simulator.load(None)
    shared_simulator.reset()
    made = Stack(shared_simulator, shared_gateway)
    request.node.stash.setdefault(STACKS, []).append(made)
    yield made
    shared_simulator.reset()


@pytest.fixture
def own_stack(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Stack]]:
    """Makes a stack for this test alone: `own_stack(TURNOUT_HOLD_SECONDS="1")`, with the environment of the gateway."""
    with ExitStack() as running:

        def make(
            settings: Settings | None = None,
            accounts: Sequence[Account] = (Account(),),
            upstream: str = "codex",
            **environment: str,
        ) -> Stack:
            simulator = running.enter_context(Simulator(settings=settings, accounts=accounts))
            home = tmp_path / f"gateway-{simulator.port}"
            gateway = start_gateway(simulator, home, upstream=upstream, environment=environment)
            made = Stack(simulator, running.enter_context(gateway))
            request.node.stash.setdefault(STACKS, []).append(made)
            return made

        yield make


@pytest.fixture(params=CLAUDE_CODE_VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Runs the test once for each pinned version of Claude Code."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def claude(version: str, stack: Stack, tmp_path: Path) -> ClaudeCode:
    """A user of Claude Code, in each pinned version, whose client talks to the gateway of `stack`."""
    return ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
