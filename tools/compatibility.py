"""Writes docs/compatibility.md from a run of the end-to-end tests.

    python tools/compatibility.py                   run them and write the page
    python tools/compatibility.py --from REPORT     write the page from the report of an earlier run
    python tools/compatibility.py --print REPORT    print that page
    python tools/compatibility.py --check REPORT    is the page that of a run in which all tests of the report passed?

pytest writes a report to the file that $TURNOUT_COMPAT_REPORT names. `--check` answers with its exit code, 0 or 1; that
the tests do pass is what CI sees to.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "compatibility.md"
REPORT_VARIABLE = "TURNOUT_COMPAT_REPORT"

HEAD = """\
<!-- Written by tools/compatibility.py from a run of tests/e2e. Do not edit. -->

# Compatibility

What works in Claude Code behind Turnout, in {versions}. Each cell is the outcome of tests that drive the real client
through the real gateway to the simulated Codex backend; what people do in a terminal is done in one. [What is behind
each row](#tests) stands below the table.

- **yes**: the tests of this row pass.
- **in part**: they pass too, and show what is missing; the remark says what.
- **no such thing**: that version of the client does not have it.

What the models make of it is not tested here: the simulator follows a script.
"""

TESTS_HEAD = """
## What is behind each row { #tests }

The tests are in `tests/e2e`. Where a test runs with one version only, it is named.
"""


class Cell(msgspec.Struct):
    """A capability in one version of the client."""

    limit: str
    """What its user does not get."""
    absent: str
    """Why that version does not have it."""
    tests: dict[str, str]
    """Id of a test → passed, failed, skipped or not run."""

    @property
    def word(self) -> str:
        """The cell's text. It never says more than the tests have shown."""
        if not self.tests:
            return "no such thing" if self.absent else "not tested"
        for outcome in ("failed", "skipped", "not run"):
            if outcome in self.tests.values():
                return f"**{outcome}**"
        return "in part" if self.limit else "yes"


class Row(msgspec.Struct):
    """A capability."""

    name: str
    note: str
    cells: dict[str, Cell]

    @property
    def remarks(self) -> list[str]:
        """The sentences that belong to the row, those of single versions after their names."""
        told = [(version, cell.absent or cell.limit) for version, cell in self.cells.items()]
        told = [(version, text) for version, text in told if text]
        if len(told) == len(self.cells) and len({text for _, text in told}) == 1:
            return [told[0][1], *filter(None, [self.note])]
        return [*(f"{version}: {text}" for version, text in told), *filter(None, [self.note])]


class Section(msgspec.Struct):
    """A part of the table."""

    title: str
    rows: list[Row]


class Report(msgspec.Struct):
    """What a run has shown (tests/e2e/compatibility.py)."""

    versions: list[str]
    sections: list[Section]


def page(report: Report) -> str:
    """The whole page."""
    versions = " and ".join(report.versions)
    return "".join([HEAD.format(versions=versions), *_tables(report), TESTS_HEAD, *_tests(report)])


def _tables(report: Report) -> Iterator[str]:
    for section in report.sections:
        yield f"\n## {section.title}\n\n| Capability | {' | '.join(report.versions)} | Remarks |\n"
        yield f"|---|{'---|' * len(report.versions)}---|\n"
        for row in section.rows:
            words = (row.cells[version].word for version in report.versions)
            yield f"| {row.name} | {' | '.join(words)} | {' '.join(row.remarks)} |\n"


def _tests(report: Report) -> Iterator[str]:
    for section in report.sections:
        yield f"\n### {section.title}\n\n"
        for row in section.rows:
            yield f"- {row.name}: {', '.join(_names(row))}\n"


def _names(row: Row) -> Iterator[str]:
    """The tests behind a row, each named once whatever it was parametrised with."""
    versions: dict[str, list[str]] = {}
    for version, cell in row.cells.items():
        for test in cell.tests:
            name = test.partition("[")[0].removeprefix("tests/e2e/")
            if version not in versions.setdefault(name, []):
                versions[name].append(version)
    for name, of in versions.items():
        yield f"`{name}`" + ("" if len(of) == len(row.cells) else f" ({', '.join(of)})")


def run() -> Report:
    """Run the end-to-end tests and read what they report."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        subprocess.run(
            [sys.executable, "-m", "pytest", "tests/e2e"],
            cwd=ROOT,
            env={**os.environ, REPORT_VARIABLE: str(file)},
            check=False,
        )
        return read(file)


def read(file: Path) -> Report:
    """A report from a file. Raises OSError or `msgspec.ValidationError`."""
    return msgspec.json.decode(file.read_bytes(), type=Report)


def passed(report: Report) -> Report:
    """The report of the same tests, had all of them passed."""
    for section in report.sections:
        for row in section.rows:
            for cell in row.cells.values():
                cell.tests = dict.fromkeys(cell.tests, "passed")
    return report


def main(arguments: list[str]) -> int:
    """Writes the page, or compares it with the one that is there."""
    match arguments:
        case ["--check", file]:
            if PAGE.exists() and PAGE.read_text("utf-8") == page(passed(read(Path(file)))):
                return 0
            sys.stderr.write("docs/compatibility.md is out of date: run `python tools/compatibility.py`.\n")
            return 1
        case ["--print", file]:
            sys.stdout.write(page(read(Path(file))))
            return 0
        case ["--from", file]:
            report = read(Path(file))
        case []:
            report = run()
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    PAGE.write_text(page(report), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
