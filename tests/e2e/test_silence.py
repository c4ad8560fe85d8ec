"""Long silence upstream, as deep thinking brings, is bridged: the client's own limits never strike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.clients import CLAUDE_CODE_VERSIONS
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import bash, say, use
from turnout.simulator import Turn, When

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.claude_code import Result
    from tests.e2e.stack import Stack

SILENCE_SECONDS = 40
LIMITS = {"CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "20000", "API_TIMEOUT_MS": "30000"}
"""The client's limits: 20 s without a byte (2.1.328 only), 30 s without a response head."""

PLACES = {
    "before the response head": f"slow-first-byte:{SILENCE_SECONDS}",
    "before the first event": f"slow-first-event:{SILENCE_SECONDS}",
    "after the first event": f"silence-after-created:{SILENCE_SECONDS}",
    "in a thought": f"silence-mid-reasoning:{SILENCE_SECONDS}",
    "in the text": f"silence-mid-text:{SILENCE_SECONDS}",
    "in the arguments of a call": f"silence-mid-arguments:{SILENCE_SECONDS}",
    "between two items": f"silence-after-item:{SILENCE_SECONDS}",
}


@pytest.mark.capability("Long silences", versions=CLAUDE_CODE_VERSIONS)
def test_forty_seconds_of_silence_pass_anywhere_in_an_answer(own_stack: Callable[..., Stack], tmp_path: Path) -> None:
    """All places and both versions at the same time: the silence is what takes long."""
    stack = own_stack()
    stack.simulator.settings.keepalive_seconds = 0
    stack.play(*(_turn(place, fault) for place, fault in PLACES.items()), say("Done."), say("Done."))

    def run(version: str, place: str) -> Result:
        home = tmp_path / f"{version} {place}"
        home.mkdir()
        claude = ClaudeCode(version, home, stack.gateway.url, stack.gateway.token)
        return claude.run(f"Silence {place}", "--allowedTools", "Bash", timeout=120, environment=LIMITS)

    cases = [(version, place) for version in CLAUDE_CODE_VERSIONS for place in PLACES]
    with ThreadPoolExecutor(len(cases)) as pool:
        results = dict(zip(cases, pool.map(lambda case: run(*case), cases), strict=True))
    for case, result in results.items():
        assert (result.code, result.stdout) == (0, "Done.\n"), f"{case}: {result}"
        assert result.seconds > SILENCE_SECONDS, f"{case} met no silence"
    struck = [request for request in stack.requests if request.fault]
    assert len(struck) == len(cases)
    assert not [request for request in stack.requests if request.disconnected_at], "nobody gave up"
    assert len(stack.requests) == len(cases) + len(CLAUDE_CODE_VERSIONS), "nobody asked twice"


def _turn(place: str, fault: str) -> Turn:
    """The first answer in this place's conversation; only the call needs a second one."""
    turn = use(bash("echo done")) if "arguments" in fault else say("Done.")
    return Turn(output=turn.output, when=When(last_user_text=f"Silence {place}", round=0), fault=fault)
