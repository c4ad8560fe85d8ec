"""The house rules that a machine can check: style, types, and the floors that import only downwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "ruff", "check"],
        ["-m", "ruff", "format", "--check"],
        ["-m", "mypy"],
        ["-c", LINT_IMPORTS],
    ],
    ids=["ruff check", "ruff format", "mypy", "lint-imports"],
)
def test_the_house_is_in_order(command: list[str]) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_simulator_comes_along_with_its_scenarios_and_the_demo_with_its_texts() -> None:
    """Data files of the package, which a wheel must carry."""
    package = ROOT / "src" / "turnout"
    for pattern in ("simulator/scenarios/*.toml", "demo/project/*.txt", "demo/instructions.md", "py.typed"):
        assert list(package.glob(pattern)), pattern
