"""The demo's figures are what was measured, and anything off makes it fail with a reason."""

from __future__ import annotations

import pytest

from turnout.demo.events import Answer, Event, Tally, Text, ToolResult
from turnout.demo.report import conclude
from turnout.demo.story import MODEL
from turnout.ledger.record import RequestRecord
from turnout.protocol.errors import FailureKind


def answer(**changes: object) -> Answer:
    facts: dict[str, object] = {
        "model": MODEL,
        "thinking_blocks": 1,
        "tool_calls": 1,
        "input_tokens": 1000,
        "cached_tokens": 250,
        "output_tokens": 10,
        "stop_reason": "tool_use",
    }
    return Answer(**{**facts, **changes})  # type: ignore[arg-type]


GOOD: list[Event] = [
    answer(cached_tokens=0),
    ToolResult("def total"),
    answer(cached_tokens=500),
    ToolResult("190 != 180"),
    Text("because"),
    answer(tool_calls=0, cached_tokens=500),
]


def tally(events: list[Event]) -> Tally:
    counted = Tally()
    for event in events:
        counted.add(event)
    return counted


def dispatch(**changes: object) -> RequestRecord:
    facts: dict[str, object] = {
        "request_id": "r",
        "model_asked": MODEL,
        "model": "gpt-x",
        "effort": "high",
        "ttft_ms": 12.5,
    }
    return RequestRecord(**{**facts, **changes})  # type: ignore[arg-type]


def test_a_good_conversation_adds_up() -> None:
    title = dispatch(model_asked="claude-haiku-5-5", model="gpt-small", ttft_ms=1.0)
    report = conclude("sdk", tally(GOOD), [title, dispatch(), dispatch(ttft_ms=99.0)]).report
    assert report.ok
    assert (report.model_asked, report.model_sent, report.ttft_ms) == (MODEL, "gpt-x", 12.5)
    assert (report.thinking_blocks, report.tool_calls, report.input_tokens) == (3, 2, 3000)
    assert report.cached_share == 0.333


@pytest.mark.parametrize(
    ("events", "dispatches", "problem"),
    [
        (GOOD, [], "No request of the conversation reached the gateway."),
        (GOOD, [dispatch(failure=FailureKind.CUT)], "A request failed: cut."),
        (GOOD[2:], [dispatch()], "1 tool calls came instead of 2."),
        ([*GOOD[:1], ToolResult("refused"), *GOOD[2:]], [dispatch()], "A tool was not really run."),
        ([answer(thinking_blocks=0, tool_calls=2), *GOOD[1:2], *GOOD[3:5]], [dispatch()], "No thinking came through."),
        ([*GOOD[:4], GOOD[5]], [dispatch()], "No answer came at the end."),
        (
            [answer(cached_tokens=0, tool_calls=2), *GOOD[1:2], *GOOD[3:5]],
            [dispatch()],
            "Nothing came from the prompt cache: the prompt's beginning is not stable.",
        ),
    ],
)
def test_anything_off_is_a_failure_with_its_reason(
    events: list[Event], dispatches: list[RequestRecord], problem: str
) -> None:
    outcome = conclude("sdk", tally(events), dispatches)
    assert not outcome.report.ok
    assert outcome.problem == problem


def test_what_stopped_the_conversation_is_the_reason() -> None:
    outcome = conclude("sdk", Tally(), [], "The client refused the answer: no.")
    assert (outcome.report.ok, outcome.report.model_sent, outcome.report.ttft_ms) == (False, None, None)
    assert outcome.problem == "The client refused the answer: no."
