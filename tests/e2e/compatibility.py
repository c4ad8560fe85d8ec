"""Writes down which of the client's capabilities the tests of a run have shown, for tools/compatibility.py.

Knows pytest and the rows; knows nothing of the page.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients import CLAUDE_CODE_VERSIONS
from tests.e2e.capabilities import CAPABILITIES, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORT_VARIABLE = "TURNOUT_COMPAT_REPORT"
"""Names the file that a run's report is written to."""


class Compatibility:
    """A plugin of pytest that follows the tests with the marker `capability` through a run."""

    def __init__(self, report: Path) -> None:
        self._report = report
        self._held: dict[tuple[str, str], list[str]] = {}
        """Capability and version → ids of the tests that show it, in the order of the run."""
        self._outcomes: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for name, version in shown_by(item):
                self._held.setdefault((name, version), []).append(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A test passes when its call did and neither what came before nor what came after went wrong.
        if report.outcome != "passed" or (report.when == "call" and report.nodeid not in self._outcomes):
            self._outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self) -> None:
        self._report.write_text(json.dumps(self._content(), indent=1), encoding="utf-8")

    def _content(self) -> dict[str, Any]:
        sections = [
            {
                "title": title,
                "rows": [
                    {
                        "name": row.name,
                        "note": row.note,
                        "cells": {
                            version: {
                                "limit": row.limits.get(version, ""),
                                "absent": row.absent.get(version, ""),
                                "tests": {
                                    test: self._outcomes.get(test, "not run")
                                    for test in self._held.get((row.name, version), [])
                                },
                            }
                            for version in CLAUDE_CODE_VERSIONS
                        },
                    }
                    for row in rows
                ],
            }
            for title, rows in CAPABILITIES.items()
        ]
        return {"versions": CLAUDE_CODE_VERSIONS, "sections": sections}


def shown_by(item: pytest.Item) -> Iterator[tuple[str, str]]:
    """The capabilities that a test shows, each with the version of the client that it shows it for.

    A test that does not ask for the fixture `version` says with `versions=` which ones it drives. Raises
    `pytest.UsageError` for a capability that is not in the list, or a test that names no version.
    """
    for marker in item.iter_markers("capability"):
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        versions = marker.kwargs.get("versions") or [parameters[name] for name in ("version",) if name in parameters]
        if not versions or not NAMES.issuperset(marker.args):
            raise pytest.UsageError(
                f"{item.nodeid}: capability{marker.args} must be in tests/e2e/capabilities.py, and for a version"
            )
        for name in marker.args:
            for version in versions:
                yield name, version
