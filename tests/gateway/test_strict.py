"""Strict requests: refused, by name of each place, rather than sent with something left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.gateway.client import message, record, send
from tests.gateway.conftest import config
from turnout.gateway.server import RunningGateway
from turnout.protocol.errors import FailureKind
from turnout.simulator.scenario import Message, Reasoning, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from turnout.simulator import Simulator

STRICT = {"x-turnout-strict": "1"}
SERVER_TOOL = {"type": "code_execution_20250825", "name": "code_execution"}
LOSSY = message(tools=[SERVER_TOOL], temperature=0.3, output_config={"format": {"type": "grammar"}})
HARMLESS = message(safeguards={"a": 1}, service_tier="priority", max_tokens=10)
"""Things that are mapped, approximated or ignored, none of them dropped."""


@pytest.fixture
def strict(sim: Simulator, home: Path) -> Iterator[RunningGateway]:
    """A gateway that is strict with everyone."""
    made = config(f"{sim.codex_url}/responses", home)
    with RunningGateway(msgspec.structs.replace(made, strict=True)) as running:
        yield running


@pytest.mark.parametrize("value", ["1", "true", "Yes"])
def test_each_place_and_reason_is_named_and_nothing_is_sent(
    sim: Simulator, gateway: RunningGateway, value: str
) -> None:
    answer = send(gateway, LOSSY, headers={"x-turnout-strict": value})

    assert answer.status == 400
    kind, words = answer.error
    assert kind == "invalid_request_error"
    for place in ("tools[0]", "temperature", "output_config.format"):
        assert f"{place}: " in words
    assert sim.requests == []
    found = record(gateway, answer)
    assert (found.strict, found.attempts, found.failure) == (True, 0, FailureKind.BAD_REQUEST)


@pytest.mark.parametrize("headers", [{}, {"x-turnout-strict": "0"}])
def test_other_requests_are_sent_and_their_losses_noted(
    sim: Simulator, gateway: RunningGateway, headers: dict[str, str]
) -> None:
    answer = send(gateway, LOSSY, headers=headers)

    assert answer.status == 200
    assert len(sim.requests) == 1
    lost = [note.place for note in record(gateway, answer).notes if note.action == "dropped"]
    assert set(lost) == {"tools[0]", "temperature", "output_config.format"}


def test_what_is_not_lost_is_no_reason(gateway: RunningGateway) -> None:
    answer = send(gateway, HARMLESS, headers=STRICT)

    assert answer.status == 200
    assert record(gateway, answer).notes


def test_a_gateway_may_be_strict_with_everyone(sim: Simulator, strict: RunningGateway) -> None:
    assert send(strict, LOSSY).status == 400
    assert send(strict, LOSSY, headers={"x-turnout-strict": "0"}).status == 400
    assert sim.requests == []
    assert send(strict, HARMLESS).status == 200


def test_reasoning_is_not_left_out_behind_a_strict_clients_back(sim: Simulator, gateway: RunningGateway) -> None:
    sim.script(Turn(output=[Reasoning(summary=["Hm."]), Message(text="Yes.")]))
    first = send(gateway, message()).json["content"]
    said = [("user", "Say something."), ("assistant", first), ("user", "Go on.")]
    history = message(messages=[{"role": role, "content": content} for role, content in said])
    sim.fault("invalid-encrypted", times=2)

    assert send(gateway, history, headers=STRICT).status >= 400
    assert len(sim.requests) == 2

    assert send(gateway, history).status == 200
    assert len(sim.requests) == 4
