"""From samples to a verdict: medians, ratios to nginx, the goals, and the tables that show them. Only prints."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import msgspec
from rich.table import Table
from rich.text import Text

from cases import CASES, MEMORY_METRICS, START_METRICS
from counts import METRICS as COUNT_METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import Console

    from cases import Sample

UNITS = {
    "cpu_us": "CPU µs/request",
    "cpu_event_us": "CPU µs/event",
    "answers_s": "answers/s",
    "events_s": "events/s",
    "events_core_s": "events/s of CPU",
    "first_us": "to first text µs",
    "added_us": "added µs",
    "delay_p50_us": "event delay p50 µs",
    "delay_p99_us": "event delay p99 µs",
    "idle_mib": "idle MiB",
    "peak_mib": "peak MiB",
    "held_mib": "while open MiB",
    "after_mib": "after MiB",
    "streams": "open at once",
    "listen_ms": "start to listening ms",
    "same_ms": "the same ms",
    "same_cpu_ms": "the same, CPU ms",
    "other_ms": "25 sessions ms",
    "other_cpu_ms": "25 sessions, CPU ms",
    "first_ms": "first count ms",
    "version_ms": "turnout --version ms",
    "python_ms": "python -c pass ms",
    "version_ratio": "ratio",
}
RATIOS = {"cpu_us", "cpu_event_us", "added_us", "events_core_s", "delay_p50_us", "delay_p99_us"}
"""Metrics shown as a multiple of nginx's as well."""


DISTURBED = 0.1
"""Share of its time that a gateway may have waited for its core in the median run. Beyond it, ratios say more of the
neighbours than of the gateway: short work is rarely interrupted, long work always."""


class Middle(msgspec.Struct, frozen=True):
    """Median and extremes over the rounds."""

    median: float
    least: float
    most: float


class Figures:
    """Medians by case, target and metric; None where nothing was measured."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.samples = list(samples)
        values: dict[tuple[str, str, str], list[float]] = {}
        for sample in self.samples:
            for metric, value in sample.values.items():
                values.setdefault((sample.case, sample.target, metric), []).append(value)
        self.middles = {
            key: Middle(statistics.median(all_of), min(all_of), max(all_of)) for key, all_of in values.items()
        }
        for (case, target, metric), middle in list(self.middles.items()):
            direct = self.middles.get((case, "direct", metric))
            if metric == "first_us" and target != "direct" and direct:
                less = direct.median
                added = Middle(middle.median - less, middle.least - less, middle.most - less)
                self.middles[case, target, "added_us"] = added

    def get(self, case: str, target: str, metric: str) -> float | None:
        middle = self.middles.get((case, target, metric))
        return middle.median if middle else None

    def ratio(self, case: str, target: str, metric: str) -> float | None:
        """How many times nginx's."""
        mine, nginx = self.get(case, target, metric), self.get(case, "nginx", metric)
        return mine / nginx if mine is not None and nginx else None

    def disturbed(self, case: str) -> float:
        """Share of its time that a gateway waited for its core: the median, of the gateway that waited most."""
        shares = [
            middle.median for (c, _, metric), middle in self.middles.items() if (c, metric) == (case, "disturbed")
        ]
        return max(shares, default=0.0)

    def errors(self, case: str, target: str) -> list[str]:
        return [s.error for s in self.samples if s.error and s.case == case and s.target == target]


class Goal(msgspec.Struct, frozen=True):
    """A limit that Turnout keeps. `least`: the figure must not be below it; otherwise not above."""

    name: str
    case: str
    limit: float
    figure: Callable[[Figures], float | None]
    unit: str
    least: bool = False
    beside: str = ""
    """Another case that the figure is made of."""

    def kept(self, figures: Figures) -> bool | None:
        """None: cannot be said, since it was not measured or since neighbours disturbed the runs."""
        value = self.figure(figures)
        if figures.errors(self.case, "turnout"):
            return False
        if value is None or figures.disturbed(self.case) > DISTURBED:
            return None
        return value >= self.limit if self.least else value <= self.limit


def _ratio(case: str, metric: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures.ratio(case, "turnout", metric)


def _value(case: str, metric: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures.get(case, "turnout", metric)


def _doors(case: str, other: str) -> Callable[[Figures], float | None]:
    """How many times the event rate of another door."""

    def figure(figures: Figures) -> float | None:
        mine, others = (figures.get(each, "turnout", "events_core_s") for each in (case, other))
        return mine / others if mine is not None and others else None

    return figure


GOALS = (
    Goal("CPU for a 250 KB request, the same again", "request", 10.0, _ratio("request", "cpu_us"), "x nginx"),
    Goal("CPU for a 250 KB request, in sessions", "session", 10.0, _ratio("session", "cpu_us"), "x nginx"),
    Goal("CPU for a 250 KB request, nothing repeats", "cold", 10.0, _ratio("cold", "cpu_us"), "x nginx"),
    Goal("added time to first token, 250 KB, the same again", "ttft", 6.0, _ratio("ttft", "added_us"), "x nginx"),
    Goal(
        "added time to first token, 250 KB, in sessions",
        "ttft-session",
        6.0,
        _ratio("ttft-session", "added_us"),
        "x nginx",
    ),
    Goal("text events in burst", "burst", 350_000.0, _value("burst", "events_core_s"), "a second of CPU", least=True),
    Goal(
        "events passed on to clients of the Responses API",
        "stream-responses",
        1.5,
        _doors("stream-responses", "stream"),
        "x Messages",
        least=True,
        beside="stream",
    ),
    Goal("memory, idle", "memory", 70.0, _value("memory", "idle_mib"), "MiB"),
    Goal("memory, 500 open streams of 250 KB requests", "memory", 130.0, _value("memory", "peak_mib"), "MiB at most"),
    Goal("25 token counts of 250 KB at once", "count", 100.0, _value("count", "same_ms"), "ms"),
    Goal("the same, of 25 different sessions", "count", 100.0, _value("count", "other_ms"), "ms"),
    Goal("turnout --version", "start", 4.0, _value("start", "version_ratio"), "x python -c pass"),
)


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _cell(figures: Figures, case: str, target: str, metric: str) -> str:
    middle = figures.middles.get((case, target, metric))
    if middle is None:
        return "–"
    text = _number(middle.median)
    if middle.least != middle.most:
        text += f" [{_number(middle.least)}..{_number(middle.most)}]"
    ratio = figures.ratio(case, target, metric) if metric in RATIOS else None
    return f"{text}  {ratio:.2f}x" if ratio is not None and target != "nginx" else text


def print_cases(console: Console, figures: Figures, targets: Sequence[str]) -> None:
    """One table a case: targets down, figures across."""
    shown = [(c.name, c.what, (*c.metrics, "added_us") if c.metrics == ("first_us",) else c.metrics) for c in CASES]
    shown.append(("memory", "fresh process; 500 streams of 250 KB requests, opened within 2 s", MEMORY_METRICS))
    shown.append(("count", "25 token counts of 250 KB requests at once; first of all a small one", COUNT_METRICS))
    shown.append(("start", "no server, just the command", START_METRICS))
    for case, what, metrics in shown:
        if not any(s.case == case for s in figures.samples):
            continue
        table = Table(title=f"{case}: {what}", title_justify="left", title_style="bold", min_width=70)
        table.add_column("target", no_wrap=True)
        for metric in metrics:
            table.add_column(UNITS[metric], justify="right")
        for target in targets:
            if any(s.case == case and s.target == target for s in figures.samples):
                table.add_row(target, *(_cell(figures, case, target, metric) for metric in metrics))
        console.print(table)
        for target in targets:
            for error in figures.errors(case, target)[:1]:
                console.print(Text(f"{target}: {error}", style="red"))
        console.print()


def print_goals(console: Console, figures: Figures) -> None:
    table = Table(title="Goals", title_justify="left", title_style="bold", min_width=70)
    for column in ("goal", "limit", "measured", ""):
        table.add_column(column, justify="left" if column in ("goal", "") else "right")
    for goal in GOALS:
        value, kept = goal.figure(figures), goal.kept(figures)
        sign = "≥" if goal.least else "≤"
        unknown = "not measured" if value is None else f"machine busy ({figures.disturbed(goal.case):.0%})"
        verdict = {True: Text("kept", "green"), False: Text("missed", "red"), None: Text(unknown, "dim")}[kept]
        table.add_row(
            goal.name, f"{sign} {goal.limit:,g} {goal.unit}", "–" if value is None else _number(value), verdict
        )
    console.print(table)


def as_json(figures: Figures) -> dict[str, object]:
    """Everything, for machines: `results` by case, target and metric, and `goals`."""
    results: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for (case, target, metric), middle in figures.middles.items():
        entry = {"median": middle.median, "min": middle.least, "max": middle.most}
        ratio = figures.ratio(case, target, metric)
        if ratio is not None and metric in RATIOS:
            entry["times_nginx"] = ratio
        results.setdefault(case, {}).setdefault(target, {})[metric] = entry
    goals = [
        {"goal": g.name, "limit": g.limit, "unit": g.unit, "measured": g.figure(figures), "kept": g.kept(figures)}
        for g in GOALS
    ]
    disturbed = {case: figures.disturbed(case) for case in results}
    errors = [{"case": s.case, "target": s.target, "error": s.error} for s in figures.samples if s.error]
    return {"results": results, "goals": goals, "disturbed": disturbed, "errors": errors}
