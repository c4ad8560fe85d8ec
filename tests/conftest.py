"""What every test of the project gets: an environment that holds nothing of the person who runs it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turnout.simulator import Simulator

_OF_THE_USER = ("ANTHROPIC_", "CHATGPT_", "CLAUDE", "CODEX_", "OPENAI_", "PROXY_", "TURNOUT_")
_OF_THE_TESTS = {"TURNOUT_CLIENTS_DIR"}


OUTPUT: list[tuple[str, str]] = []
"""What each test so far has printed and logged, by the test's name; and the commands and gateways that it has run."""


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would all that it starts: the tests press it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keeps the output for `tests/test_secrecy.py`. A failed test shows what it likes."""
    if report.passed:
        OUTPUT.extend((report.nodeid, text) for _, text in report.sections)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that look through the others' traces come last."""
    items.sort(key=lambda item: item.path.name == "test_secrecy.py")


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the user's accounts, keys or settings, nor do the commands that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(_OF_THE_USER) and name not in _OF_THE_TESTS:
                patch.delenv(name)
        patch.setenv("CODEX_HOME", str(tmp_path_factory.mktemp("no-codex-account")))
        patch.setenv("TURNOUT_HOME", str(tmp_path_factory.mktemp("no-turnout-account")))
        yield


@pytest.fixture(scope="module")
def backend() -> Iterator[Simulator]:
    """A simulated service, one for all tests of a module."""
    from turnout.simulator import Simulator

    with Simulator(seed=1) as running:
        yield running


@pytest.fixture
def sim(backend: Simulator) -> Simulator:
    """The simulated service without memory of earlier tests; its settings stay."""
    backend.reset()
    return backend
