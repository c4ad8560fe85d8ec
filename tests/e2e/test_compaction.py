"""The client sums the conversation up by itself before it gets too long, from the usage that the gateway tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import COMPACTION, bash, say, use
from tests.gateway.client import wait_for
from turnout.launch import environment
from turnout.simulator import Settings, Turn, Usage, When
from turnout.simulator.catalogue import MODELS

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
    """The gateway counts it by the window that the catalogue names, and refuses it with the numbers."""
    stack = own_stack(Settings(windows=dict.fromkeys((model.slug for model in MODELS), 60_000)))
    wait_for(lambda: any(call.path.endswith("/codex/models") and call.finished_at for call in stack.simulator.calls))
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    summary = "<analysis>Long.</analysis>\n<summary>The user has read a long timetable to the model.</summary>"
    stack.play(
        say(summary, when=COMPACTION),
        say("Three.", when=When(last_user_text="Part 3 of the timetable")),
        say("One."),
        say("Two."),
    )
    line = "The express leaves at noon, and the local train waits for it at the junction. "
    parts = [f"Part {number} of the timetable: {line * 1_150}" for number in (1, 2, 3)]
    assert claude.converse(*parts, timeout=90) == ["One.", "Two.", "Three."]
    first, second, compaction, resumed = stack.conversation
    assert "Part 3" not in upstream.whole_text(first) + upstream.whole_text(second), "it was refused, and not sent"
    assert "failure=context_overflow" in stack.gateway.log
    assert "Respond with TEXT ONLY" in upstream.texts(compaction, "user")[-1]
    assert "a long timetable" in upstream.whole_text(resumed)
    assert "Part 1 of the timetable" not in upstream.whole_text(resumed)
