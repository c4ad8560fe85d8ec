"""A request that is too long is refused before it is sent, with real numbers, and never one that is not."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.gateway.client import message, record, send
from tests.gateway.conftest import SENT_MODEL, config
from turnout.config import ModelsSettings
from turnout.gateway.counting import Counting
from turnout.gateway.server import RunningGateway
from turnout.models.catalogue import Catalogue
from turnout.simulator import Message, Turn, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from turnout.models.tokens import Count
    from turnout.simulator import Simulator

    StartWith = Callable[..., RunningGateway]

WINDOW = 4_000
SENTENCE = "The signal at the junction shows red, so the train waits for the express to pass. "  # 18 tokens
TOO_LONG = re.compile(r"prompt is too long: (\d+) tokens > (\d+) maximum")


@pytest.fixture
def start_with(sim: Simulator, home: Path) -> Iterator[StartWith]:
    """Starts a gateway to whose knowledge every model has the same window: ``start_with(overflow=0.5)``."""
    with contextlib.ExitStack() as stack:

        def run(*, window: int = WINDOW, **models: Any) -> RunningGateway:
            known = Catalogue(replace(facts, window=window, max_window=window) for facts in Catalogue.bundled().all())
            settings = replace(config(f"{sim.codex_url}/responses", home), models=ModelsSettings(**models))
            return stack.enter_context(RunningGateway(settings, catalogue=known))

        yield run


def numbers(answer: Any) -> tuple[int, int]:
    """The tokens and the maximum of a refusal in the words that Claude Code acts on."""
    assert answer.status == 400
    kind, words = answer.error
    assert kind == "invalid_request_error"
    found = TOO_LONG.fullmatch(words)
    assert found, words
    return int(found[1]), int(found[2])


@pytest.mark.parametrize("stream", [True, False])
def test_a_request_that_is_too_long_is_not_sent(sim: Simulator, start_with: StartWith, stream: bool) -> None:
    gateway = start_with()
    answer = send(gateway, message(SENTENCE * 300, stream=stream))
    tokens, maximum = numbers(answer)
    assert maximum == int(WINDOW * 0.98)
    assert tokens == pytest.approx(300 * 18, rel=0.02)
    assert sim.requests == []
    kept = record(gateway, answer)
    assert kept.failure == "context_overflow"
    assert "(98% of its window). It was not sent." in kept.failure_text


def test_the_share_of_the_window_can_be_set(sim: Simulator, start_with: StartWith) -> None:
    assert numbers(send(start_with(overflow=0.5), message(SENTENCE * 150)))[1] == WINDOW // 2
    assert send(start_with(overflow=0.0), message(SENTENCE * 300)).status == 200
    assert len(sim.requests) == 1


def test_what_fits_is_sent(sim: Simulator, start_with: StartWith) -> None:
    """Up to the limit: texts are counted exactly, and what is only estimated is not held against a request."""
    gateway = start_with()
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    many = [{"type": "text", "text": SENTENCE * 205}, *[picture] * 20]
    assert send(gateway, message(SENTENCE * 210)).status == 200
    assert send(gateway, message(messages=[{"role": "user", "content": many}])).status == 200
    assert len(sim.requests) == 2


def test_dense_text_is_left_to_the_upstream(sim: Simulator, start_with: StartWith) -> None:
    """Below two bytes a token nothing is counted: that is what keeps requests of usual size free of any cost."""
    assert send(start_with(window=10_000), message("7" * 19_000)).status == 200
    assert len(sim.requests) == 1


def test_a_model_that_nobody_knows_has_no_limit(sim: Simulator, start_with: StartWith, home: Path) -> None:
    known = Catalogue(replace(facts, slug=f"{facts.slug}-x") for facts in Catalogue.bundled().all())
    with RunningGateway(config(f"{sim.codex_url}/responses", home), catalogue=known) as gateway:
        assert send(gateway, message(SENTENCE * 300)).status == 200


def test_where_upstream_counts_less_nothing_is_refused_any_more(sim: Simulator, start_with: StartWith) -> None:
    """Should a model have another vocabulary than assumed, its own figures say so long before a window is full."""
    gateway = start_with()
    half = Turn(output=[Message(text="Fine.")], usage=Usage(input_tokens=2_000))
    sim.script(half)
    assert send(gateway, message(SENTENCE * 215)).status == 200
    assert send(gateway, message(SENTENCE * 300)).status == 200
    numbers(send(gateway, message(SENTENCE * 600)))
    assert len(sim.requests) == 2


def test_while_upstreams_own_figures_show_room_nothing_is_counted(
    sim: Simulator, start_with: StartWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long conversation is counted when it is new, and then only near the end of the window."""
    gateway = start_with()
    counted: list[int] = []
    count = Counting.count

    async def watched(self: Counting, request: bytes) -> Count:
        counted.append(len(request))
        return await count(self, request)

    monkeypatch.setattr(Counting, "count", watched)
    session = {"x-claude-code-session-id": "a-long-conversation"}
    for sentences in (150, 151, 152, 153):
        assert send(gateway, message(SENTENCE * sentences), headers=session).status == 200
    assert len(counted) == 1
    assert send(gateway, message(SENTENCE * 200), headers=session).status == 200
    numbers(send(gateway, message(SENTENCE * 240), headers=session))
    assert len(counted) == 3


@pytest.mark.parametrize("overflow", ["failed", "http-400"])
@pytest.mark.parametrize("stream", [True, False])
def test_upstreams_own_refusal_carries_real_numbers_too(
    sim: Simulator, start_with: StartWith, overflow: str, stream: bool
) -> None:
    gateway = start_with(overflow=0.0)
    before = sim.settings.windows, sim.settings.overflow
    sim.settings.windows, sim.settings.overflow = {SENT_MODEL: WINDOW}, overflow  # type: ignore[assignment]
    try:
        answer = send(gateway, message(SENTENCE * 300, stream=stream))
    finally:
        sim.settings.windows, sim.settings.overflow = before
    tokens, maximum = numbers(answer)
    assert maximum == WINDOW
    assert tokens == pytest.approx(300 * 18, rel=0.02)
    assert len(sim.requests) == 1


def test_no_request_is_refused_that_upstream_would_take(sim: Simulator, start_with: StartWith) -> None:
    """Around the limit, with tools, calls and results: whatever is refused is longer than the limit by upstream's own
    count."""
    gateway, counting = start_with(), start_with(overflow=0.0)
    bash = {"name": "Bash", "description": SENTENCE * 20, "input_schema": {"type": "object", "properties": {}}}
    refused = 0
    for turns in range(30, 60, 2):
        messages: list[dict[str, Any]] = [{"role": "user", "content": SENTENCE}]
        for turn in range(turns):
            call = {"type": "tool_use", "id": f"toolu_{turn}", "name": "Bash", "input": {"command": "ls"}}
            result = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": SENTENCE * 4}
            messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
        request = message(messages=messages, tools=[bash])
        answer = send(gateway, request)
        if answer.status == 200:
            continue
        numbers(answer)
        refused += 1
        assert send(counting, request).status == 200
        usage = sim.requests[-1].usage
        assert usage is not None
        assert usage["input_tokens"] > int(WINDOW * 0.98)
    assert refused
