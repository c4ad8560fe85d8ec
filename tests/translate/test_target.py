"""The upstream's side of a request, as values."""

from __future__ import annotations

import pytest

from turnout.protocol.capabilities import Capabilities
from turnout.translate.target import Target


def test_a_target_is_plain_and_replays_reasoning_unless_told_otherwise() -> None:
    target = Target(model="gpt-5.5", effort=None, account="a", capabilities=Capabilities())
    assert (target.framing, target.replay_reasoning, target.session) == ("plain", True, None)


def test_a_target_is_a_value() -> None:
    one, two = (Target(model="m", effort="high", account="a", capabilities=Capabilities()) for _ in range(2))
    assert one == two
    with pytest.raises(AttributeError):
        one.model = "other"  # type: ignore[misc]
