"""The house rules that a machine can check: style, types, and the floors that import only downwards."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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


def test_every_dependency_is_pinned_in_the_constraints_at_a_version_it_allows() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    pins = {name.lower().replace("_", "-"): pin for name, pin in (line.split("==") for line in lines)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement


def test_the_version_is_said_once() -> None:
    from turnout import __version__

    assert version("turnout") == __version__


def test_the_documentation_builds_in_strict_mode_and_asks_nothing_of_other_sites(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in site.rglob("*.html"):
        content = page.read_text("utf-8")
        assert not re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"?https?://[^>]+", content), page
