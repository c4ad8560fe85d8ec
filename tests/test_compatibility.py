"""docs/compatibility.md claims what the tests hold, no more and no less."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients import CLAUDE_CODE_VERSIONS
from tests.e2e.capabilities import CAPABILITIES, NAMES

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of all end-to-end tests would report on, without running them."""
    file = tmp_path_factory.mktemp("compatibility") / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/e2e", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "TURNOUT_COMPAT_REPORT": str(file)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return file


def test_every_capability_is_held_in_every_version_or_explained(report: Path) -> None:
    rows: list[dict[str, Any]] = [
        row for section in json.loads(report.read_text())["sections"] for row in section["rows"]
    ]
    assert [row["name"] for row in rows] == [each.name for rows in CAPABILITIES.values() for each in rows]
    for row in rows:
        for version in CLAUDE_CODE_VERSIONS:
            cell = row["cells"][version]
            assert bool(cell["tests"]) != bool(cell["absent"]), (row["name"], version)
            assert not (cell["limit"] and cell["absent"]), (row["name"], version)


def test_each_capability_is_listed_once() -> None:
    assert len(NAMES) == sum(map(len, CAPABILITIES.values()))


def test_the_page_is_that_of_a_run_in_which_all_these_tests_passed(report: Path) -> None:
    done = subprocess.run(
        [sys.executable, "tools/compatibility.py", "--check", str(report)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_page_never_claims_what_did_not_pass(report: Path, tmp_path: Path) -> None:
    """A failed, a skipped and a forgotten test each show in their cell."""
    content = json.loads(report.read_text())
    cells = [row["cells"][CLAUDE_CODE_VERSIONS[0]] for section in content["sections"] for row in section["rows"]]
    for cell, outcome in zip(cells, ("failed", "skipped", "not run"), strict=False):
        cell["tests"] = {**dict.fromkeys(cell["tests"], "passed"), "test_that_did_not_pass": outcome}
    cells[3]["tests"] = {}
    changed = tmp_path / "report.json"
    changed.write_text(json.dumps(content))
    page = subprocess.run(
        [sys.executable, "tools/compatibility.py", "--print", str(changed)], cwd=ROOT, capture_output=True, text=True
    ).stdout
    words = [line.split(" | ")[1] for line in page.splitlines() if line.startswith("| ")]
    table = [word for word in words if word != CLAUDE_CODE_VERSIONS[0]]
    assert table[:4] == ["**failed**", "**skipped**", "**not run**", "not tested"]
