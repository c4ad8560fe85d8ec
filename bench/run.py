"""Measure Turnout beside nginx: `python bench/run.py`. See bench/README.md.

Gateways run alone on one core, stub and load on another. Every round visits all targets, every second one in reverse,
so that a neighbour who wakes up hits all alike; the figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

import bodies
import process
from cases import BUILD, CASES, HEADERS, MESSAGES_PATH, SHORT, Mode, Rig, Sample, run_case, run_memory, run_start
from counts import run_counts
from report import GOALS, Figures, as_json, print_cases, print_goals
from targets import TARGETS, Running, Target, before

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases import Case

HERE = Path(__file__).parent
CASE_NAMES = (*(case.name for case in CASES), "memory", "count", "start")
TRIES = 3
DISTURBED = 0.03
"""Share of its time that a gateway may have waited for its core before a run is made again. Another process on the core
also empties its caches, which costs the gateway CPU time of its own: up to twice as much for a 250 KB request."""
DISTURBED_RUNS = 3
REASONING_BYTES = 1200
"""Length of the encrypted reasoning that the gateway is shown once, to get a signature of its own for the bodies."""


def build() -> None:
    """Compile stub and load generator where they are older than their source."""
    BUILD.mkdir(exist_ok=True)
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    for name in ("stub", "load"):
        source, program = HERE / f"{name}.c", BUILD / name
        if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
            continue
        if compiler is None:
            sys.exit(
                "The bench needs a C compiler (cc, gcc or clang) on the PATH; on Debian: apt install gcc libc6-dev."
            )
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(program), str(source)], check=True)


class Bench:
    """Stub, targets and everything measured so far. Close it to end what it started."""

    def __init__(self, folder: Path, targets: Sequence[Target], seconds: float, progress: Console) -> None:
        self.folder = folder
        self.seconds = seconds
        self.progress = progress
        self.wanted = targets
        self.running: list[Running] = []
        self.samples: list[Sample] = []
        self.log = HERE / "results" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl"
        self.log.parent.mkdir(exist_ok=True)
        self.rig = Rig(folder, bodies.write_all(folder / "bodies"))

    def close(self) -> None:
        for target in self.running:
            target.stop()
        self.rig.stop()

    def start_targets(self) -> None:
        """Start what can be started, say why the rest cannot, and show the gateway one reasoning answer."""
        startable = []
        for target in self.wanted:
            if missing := target.missing():
                self.progress.print(f"without {target.name}: {missing}")
                continue
            try:
                running = self._start(target)
            except process.StartError as error:
                self.progress.print(f"without {target.name}: {error}", markup=False, soft_wrap=True)
                continue
            startable.append(target)
            self.running.append(running)
        self.wanted = startable
        for gateway in self.running:
            if gateway.name in ("turnout", "before") and (signature := self._signature(gateway)):
                self.rig.bodies = bodies.write_all(self.folder / "bodies", signature)
            for case in CASES:  # caches, lazily loaded modules, connections
                if case.name in ("request", "burst"):
                    run_case(case, self.rig, gateway, 0, min(self.seconds, 0.5))

    def _start(self, target: Target) -> Running:
        folder = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=self.folder))
        return target.start(folder, self.rig.port)

    def _signature(self, gateway: Running) -> str | None:
        """What the gateway makes of encrypted reasoning, so that the bodies bring back thinking that it knows."""
        self.rig.set_mode(Mode(SHORT.deltas, reasoning=REASONING_BYTES))
        request = urllib.request.Request(
            f"http://127.0.0.1:{gateway.port}{MESSAGES_PATH}",
            data=self.rig.bodies["mid"][0].read_bytes(),
            headers={name: value for name, value in HEADERS.items() if name != "accept-encoding"}
            | {"content-type": "application/json"},
        )
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=20) as answer:
            if found := re.search(rb'"signature_delta","signature":"([^"]+)"', answer.read()):
                return found[1].decode()
        self.progress.print(f"{gateway.name} made no signature; the bodies carry a foreign one")
        return None

    def measure(self, names: Sequence[str], rounds: int) -> list[Sample]:
        """Run the named cases, `rounds` times each; every sample is also written to the log at once."""
        samples: list[Sample] = []
        for case in (c for c in CASES if c.name in names):
            for number in range(rounds):
                for target in self.running if number % 2 == 0 else reversed(self.running):
                    self._keep(self._calmest(case, target, number), samples)
        gateways = [target for target in self.wanted if target.name != "direct"]
        if "memory" in names:
            for gateway in gateways:
                fresh = self._start(gateway)
                try:
                    self._keep(run_memory(self.rig, fresh, 0), samples)
                finally:
                    fresh.stop()
        if "count" in names:
            for gateway in (target for target in gateways if target.name in ("turnout", "before")):
                for number in range(rounds):
                    fresh = self._start(gateway)
                    try:
                        self._keep(run_counts(self.rig, fresh, number), samples)
                    finally:
                        fresh.stop()
        if "start" in names and any(gateway.name == "turnout" for gateway in gateways):
            for number in range(rounds):
                self._keep(run_start(self.folder, number), samples)
        return samples

    def _calmest(self, case: Case, target: Running, number: int) -> Sample:
        """A run that no neighbour disturbed, or of a few the one that was disturbed least."""
        runs: list[Sample] = []
        while len(runs) < DISTURBED_RUNS:
            runs.append(run_case(case, self.rig, target, number, self.seconds))
            if runs[-1].values.get("disturbed", 0.0) <= DISTURBED:
                return runs[-1]
        return min(runs, key=lambda run: run.values["disturbed"])

    def _keep(self, sample: Sample, samples: list[Sample]) -> None:
        samples.append(sample)
        with self.log.open("ab") as log:
            log.write(msgspec.json.encode(sample) + b"\n")
        values = "  ".join(f"{metric} {value:,.1f}" for metric, value in sample.values.items())
        self.progress.print(
            f"{sample.case:13} {sample.target:10} {values} {sample.error}", style="dim", markup=False, soft_wrap=True
        )


def check(bench: Bench, names: Sequence[str], rounds: int) -> tuple[Figures, list[str], list[str]]:
    """Measure, and measure again what was not kept at once, up to three times in all.

    Gives the first figures, the goals that were missed twice, and those that could not be judged: not measured, or on
    a busy machine.
    """
    goals = [goal for goal in GOALS if goal.case in names]
    tries: dict[str, list[bool | None]] = {goal.name: [] for goal in goals}
    first: Figures | None = None
    for _ in range(TRIES):
        undecided = [goal for goal in goals if not _decided(tries[goal.name])]
        if not undecided:
            break
        cases = names if first is None else [*{case for goal in undecided for case in (goal.case, goal.beside) if case}]
        figures = Figures(bench.measure(cases, rounds))
        first = first or figures
        for goal in undecided:
            tries[goal.name].append(goal.kept(figures))
    lost = [name for name, results in tries.items() if results.count(False) > 1]
    kept = [name for name, results in tries.items() if results.count(True) > results.count(False)]
    return first or Figures([]), lost, [name for name in tries if name not in lost and name not in kept]


def _decided(results: list[bool | None]) -> bool:
    return results[:1] == [True] or max(results.count(True), results.count(False)) > 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure Turnout beside nginx.")
    parser.add_argument("--only", help=f"cases, with commas between; of: {', '.join(CASE_NAMES)}")
    parser.add_argument("--targets", help=f"targets, with commas between; of: {', '.join(t.name for t in TARGETS)}")
    parser.add_argument("--before", type=Path, metavar="SRC", help="measure the Turnout in this src folder as well")
    parser.add_argument("--rounds", type=int, default=3, help="how often each case visits each target (default 3)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a run (default 1)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON instead of tables")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when a goal is missed in 2 of 3 tries, 2 when one cannot be judged"
    )
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(CASE_NAMES)
    target_names = options.targets.split(",") if options.targets else [target.name for target in TARGETS]
    if unknown := (set(names) - set(CASE_NAMES)) | (set(target_names) - {target.name for target in TARGETS}):
        parser.error(f"not known: {', '.join(sorted(unknown))}; see --help")
    if not sys.platform.startswith("linux"):
        sys.exit("The bench reads /proc and uses epoll: it runs on Linux only.")
    build()

    progress = Console(stderr=True)
    if process.GATEWAY_CORE == process.LOAD_CORE:
        progress.print(
            "Only one core: gateway, stub and load share it; times are worth little, CPU figures still hold."
        )
    os.sched_setaffinity(0, {process.LOAD_CORE})
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as folder:
        targets = [target for target in TARGETS if target.name in target_names]
        if options.before:
            targets.append(before(options.before.resolve()))
        bench = Bench(Path(folder), targets, options.seconds, progress)
        try:
            bench.start_targets()
            if options.check:
                figures, lost, unjudged = check(bench, names, options.rounds)
            else:
                figures, lost, unjudged = Figures(bench.measure(names, options.rounds)), [], []
        finally:
            bench.close()
    disturbed = [s.values["disturbed"] for s in figures.samples if "disturbed" in s.values]
    if disturbed and statistics.median(disturbed) > DISTURBED:
        progress.print(
            f"The gateways waited for their core during {statistics.median(disturbed):.0%} of their time (median): "
            "the machine is busy, and these figures are too high.",
            style="yellow",
        )
    progress.print(f"{time.monotonic() - begin:.0f} s; every run is in {bench.log.relative_to(HERE.parent)}")

    console = Console() if sys.stdout.isatty() else Console(width=140)
    if options.json:
        print(json.dumps(as_json(figures) | ({"lost": lost, "unjudged": unjudged} if options.check else {})))
    else:
        print_cases(console, figures, [target.name for target in targets])
        print_goals(console, figures)
    if unjudged:
        print("Not to be judged here: " + "; ".join(unjudged), file=sys.stderr)
    if lost:
        print("Missed in 2 of 3 tries: " + "; ".join(lost), file=sys.stderr)
    sys.exit(1 if lost else 2 if unjudged else 0)


if __name__ == "__main__":
    main()
