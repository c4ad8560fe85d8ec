"""What is sent again after which failure, and how often."""

from __future__ import annotations

import pytest

from turnout.gateway.attempts import Attempts
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import RETRIED_ONCE, Failure, FailureKind
from turnout.protocol.messages import decode_request
from turnout.translate.messages_to_responses import Caches
from turnout.translate.target import Target
from turnout.translate.tools import ToolsCache

REQUEST = b'{"model":"claude-opus-5-5","messages":[{"role":"user","content":"Hi"}]}'


def failure(kind: FailureKind) -> Failure:
    return Failure(kind=kind, message="It failed.")


def attempts(*, framing_is_free: bool = True, lite: bool = True, settled: list[Target] | None = None) -> Attempts:
    target = Target(
        model="gpt-6-astra",
        effort="high",
        account="0123abcd",
        capabilities=Capabilities(lite_framing=lite),
    )
    return Attempts(
        decode_request(REQUEST),
        target,
        caches=Caches(ToolsCache()),
        framing_is_free=framing_is_free,
        on_settled=(settled if settled is not None else []).append,
    )


@pytest.mark.parametrize("kind", sorted(RETRIED_ONCE))
@pytest.mark.parametrize("second", sorted(RETRIED_ONCE))
def test_what_may_pass_is_tried_once_more_in_all(kind: FailureKind, second: FailureKind) -> None:
    tries = attempts()
    tries.translate()

    assert 0 < (tries.again(failure(kind)) or 0) < 1
    tries.translate()
    assert tries.again(failure(second)) is None
    assert tries.count == 2


@pytest.mark.parametrize(
    "kind",
    sorted(set(FailureKind) - RETRIED_ONCE - {FailureKind.REFUSED_REASONING, FailureKind.REFUSED_FRAMING}),
)
def test_everything_else_is_the_clients_to_decide(kind: FailureKind) -> None:
    assert attempts().again(failure(kind)) is None


def test_reasoning_that_is_refused_is_left_out_once() -> None:
    tries = attempts()

    assert tries.again(failure(FailureKind.REFUSED_REASONING)) == 0
    assert tries.target.replay_reasoning is False
    assert tries.again(failure(FailureKind.REFUSED_REASONING)) is None


def test_the_framing_is_changed_once() -> None:
    tries = attempts()

    assert tries.again(failure(FailureKind.REFUSED_FRAMING)) == 0
    assert tries.target.framing == "lite"
    assert tries.again(failure(FailureKind.REFUSED_FRAMING)) is None
    assert tries.target.framing == "lite"


@pytest.mark.parametrize("settings", [{"framing_is_free": False}, {"lite": False}])
def test_a_framing_that_is_fixed_stays(settings: dict[str, bool]) -> None:
    tries = attempts(**settings)  # type: ignore[arg-type]

    assert tries.again(failure(FailureKind.REFUSED_FRAMING)) is None
    assert tries.target.framing == "plain"


def test_the_three_reasons_are_counted_apart() -> None:
    tries = attempts()
    kinds = (FailureKind.REFUSED_FRAMING, FailureKind.CUT, FailureKind.REFUSED_REASONING)

    assert None not in [tries.again(failure(kind)) for kind in kinds]
    assert [tries.again(failure(kind)) for kind in kinds] == [None] * 3
    assert len(tries.notes) == 3


def test_what_was_let_go_of_is_never_sent_again() -> None:
    tries = attempts()
    tries.translate()
    tries.let_go()

    assert tries.again(failure(FailureKind.CUT)) is None
    with pytest.raises(RuntimeError):
        tries.translate()


def test_the_target_that_was_accepted_is_told() -> None:
    settled: list[Target] = []
    tries = attempts(settled=settled)
    tries.again(failure(FailureKind.REFUSED_FRAMING))
    tries.settle()

    assert [target.framing for target in settled] == ["lite"]
