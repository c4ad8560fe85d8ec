"""The user stops the model: the upstream is told at once, and the conversation goes on from there."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.script import say
from tests.e2e.terminal import ESCAPE
from turnout.simulator import Pacing

if TYPE_CHECKING:
    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack
    from turnout.simulator import RecordedRequest

LONG_ANSWER = "It begins here. " + " ".join(f"Word number {number}." for number in range(2000))
SLOW = Pacing(delta=0.02)
AT_ONCE = 1.0
"""Seconds from the key to the closed connection upstream."""


@pytest.mark.capability("Interruption (Esc)")
def test_escape_in_the_middle_of_an_answer_stops_the_upstream(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(LONG_ANSWER, pacing=SLOW), say("A short one instead."))
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("Tell me a long story")
        terminal.wait_for("It begins here.")
        pressed = time.monotonic()
        terminal.press(ESCAPE)
        terminal.wait_for("Interrupted")
        story = stack.conversation[0]
        _wait_until_disconnected(stack, story, pressed)
        terminal.submit("Shorter please")
        terminal.wait_for("A short one instead.")
    [told] = upstream.texts(stack.conversation[-1], "assistant")
    assert told.startswith("It begins here.")
    assert len(told) < len(LONG_ANSWER)
    assert any("Request interrupted by user" in text for text in upstream.texts(stack.conversation[-1], "user"))


@pytest.mark.capability("Interruption (Esc)")
def test_escape_while_the_model_thinks_stops_the_upstream(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say("Never said.", pacing=Pacing(item=60)))
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("Think it over")
        [story] = _wait_for_conversation(stack, 1)
        time.sleep(0.5)  # the upstream has begun to think
        pressed = time.monotonic()
        terminal.press(ESCAPE)
        _wait_until_disconnected(stack, story, pressed)


def test_stopping_the_process_stops_the_upstream(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(LONG_ANSWER, pacing=SLOW))
    process = claude.start("Tell me a long story")
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None  # so that communicate() does not look after it
    [story] = _wait_for_conversation(stack, 1)
    stack.simulator.wait_until(lambda _: "response.output_text.delta" in story.events)
    stopped = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    _wait_until_disconnected(stack, story, stopped)


def _wait_for_conversation(stack: Stack, count: int) -> list[RecordedRequest]:
    stack.simulator.wait_until(lambda _: len(stack.conversation) >= count)
    return stack.conversation


def _wait_until_disconnected(stack: Stack, request: RecordedRequest, since: float) -> None:
    stack.simulator.wait_until(lambda _: request.done, timeout=10)
    assert request.disconnected_at is not None, "the upstream was left to finish its answer"
    assert request.disconnected_at - since < AT_ONCE
