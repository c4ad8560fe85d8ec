"""Surroundings that a test can say all of."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from turnout.config import Config
from turnout.doctor.finding import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Seen = "Callable[..., Surroundings]"


@pytest.fixture
def seen(tmp_path: Path) -> Callable[..., Surroundings]:
    """Makes surroundings: a home of one's own, nothing in it, and whatever the test adds."""

    def make(environ: dict[str, str] | None = None, **changes: object) -> Surroundings:
        base = {
            "HOME": str(tmp_path),
            "USERPROFILE": str(tmp_path),
            "TURNOUT_HOME": str(tmp_path / "turnout"),
            "CODEX_HOME": str(tmp_path / "codex"),
            "PATH": str(tmp_path / "bin"),
        }
        config = Config(codex=msgspec.structs.replace(Config().codex, home=str(tmp_path / "codex")))
        plain = Surroundings(
            environ={**base, **(environ or {})},
            platform="linux",
            home=tmp_path,
            folder=tmp_path / "project",
            config=config,
            offline=True,
            now=time.time,
        )
        return msgspec.structs.replace(plain, **changes)

    return make
