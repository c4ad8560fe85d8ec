"""The client sums the conversation up by itself before it gets too long, from the usage that the gateway tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import COMPACTION, bash, say, use
from turnout.launch import environment
from turnout.simulator import Turn, Usage, When

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack

WINDOW = 272_000


@pytest.mark.capability("Automatic compaction")
def test_a_conversation_near_the_windows_end_is_summed_up(version: str, stack: Stack, tmp_path: Path) -> None:
    """With what `turnout claude` tells the client of the window. Cached tokens count as well."""
    told = dict.fromkeys(environment.WINDOW, str(WINDOW))
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token, environment=told)
    full = Usage(input_tokens=250_000, cached_tokens=240_000, output_tokens=50)
    summary = "<analysis>Two.</analysis>\n<summary>The user counted from one to two.</summary>"
    stack.play(
        say(summary, when=COMPACTION),
        say("Three.", when=When(last_user_text="On to three")),
        use(bash("echo one")),
        say("One."),
        Turn(output=say("Two.").output, usage=full),
    )
    assert claude.converse("Count to one", "On to two", "On to three", timeout=90) == ["One.", "Two.", "Three."]
    *_, compaction, resumed = stack.conversation
    assert "Respond with TEXT ONLY" in upstream.texts(compaction, "user")[-1]
    assert "The user counted from one to two." in upstream.whole_text(resumed)
    assert "One." not in upstream.texts(resumed, "assistant")


@pytest.mark.capability("A conversation that is too long")
def test_a_conversation_that_is_too_long_is_summed_up_without_asking_upstream(
    version: str, own_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    """The gateway counts it and refuses it with the numbers; a fifth of the window stands for the whole of it here."""
    stack = own_stack(TURNOUT_MODELS_OVERFLOW="0.2")
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    summary = "<analysis>Long.</analysis>\n<summary>The user has read a long timetable to the model.</summary>"
    stack.play(
        say(summary, when=COMPACTION),
        say("Six.", when=When(last_user_text="Part 6 of the timetable")),
        *map(say, ("One.", "Two.", "Three.", "Four.", "Five.")),
    )
    line = "The express leaves at noon, and the local train waits for it at the junction. "
    parts = [f"Part {number} of the timetable: {line * 500}" for number in range(1, 7)]
    assert claude.converse(*parts, timeout=90) == ["One.", "Two.", "Three.", "Four.", "Five.", "Six."]
    *before, compaction, resumed = stack.conversation
    assert len(before) == 5, "the sixth was refused, and not sent"
    assert "failure=context_overflow" in stack.gateway.log
    assert "Respond with TEXT ONLY" in upstream.texts(compaction, "user")[-1]
    assert "a long timetable" in upstream.whole_text(resumed)
    assert "Part 1 of the timetable" not in upstream.whole_text(resumed)
