"""Accounts for the commands that deal with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.inside import Shell
from tests.cli.service import ADA, BOB
from turnout.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def service() -> Iterator[Simulator]:
    with Simulator(accounts=(ADA, BOB)) as running:
        yield running


@pytest.fixture
def shell(
    tmp_path: Path, service: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(tmp_path, service, monkeypatch, capsys)
