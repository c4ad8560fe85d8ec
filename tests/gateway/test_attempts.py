"""What is sent again after which failure, and how often."""

from __future__ import annotations

import pytest

from turnout.gateway.attempts import Attempts, overload_pause
from turnout.gateway.messages import MessagesDialect
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import RETRIED_ONCE, Failure, FailureKind
from turnout.translate.memory import SessionMemory, read_request
from turnout.translate.messages_to_responses import Caches
from turnout.translate.target import Framing, Target
from turnout.translate.tools import ToolsCache

REQUEST = b'{"model":"claude-opus-5-5","messages":[{"role":"user","content":"Hi"}]}'


ROOM = 15.0
"""Seconds that are left until the client has to be told something."""


def failure(kind: FailureKind, retry_after: float | None = None) -> Failure:
    return Failure(kind=kind, message="It failed.", retry_after=retry_after)


def attempts(
    *, framing_is_free: bool = True, lite: bool = True, settled: list[Target] | None = None, drawn: float = 0.0
) -> Attempts:
    target = Target(
        model="gpt-6-astra",
        effort="high",
        account="0123abcd",
        capabilities=Capabilities(lite_framing=lite),
    )
    request, conversation = read_request(REQUEST, SessionMemory(0), "")
    return Attempts(
        MessagesDialect(request, conversation, Caches(ToolsCache(), SessionMemory(0)), "msg_1"),
        target,
        framing_is_free=framing_is_free,
        on_settled=(settled if settled is not None else []).append,
        draw=lambda: drawn,
    )


@pytest.mark.parametrize("kind", sorted(RETRIED_ONCE))
@pytest.mark.parametrize("second", sorted(RETRIED_ONCE))
def test_what_may_pass_is_tried_once_more_in_all(kind: FailureKind, second: FailureKind) -> None:
    tries = attempts()
    tries.translate()

    assert 0 < (tries.again(failure(kind), ROOM) or 0) < 1
    tries.translate()
    assert tries.again(failure(second), ROOM) is None
    assert tries.count == 2


@pytest.mark.parametrize(
    ("retry_after", "room", "drawn", "pause"),
    [
        (None, 15, 0.0, 0.5),
        (None, 15, 1.0, 1.0),
        (0.1, 15, 0.5, 0.75),
        (2.0, 15, 0.0, 2.0),
        (2.0, 15, 0.5, 2.25),
        (5.0, 15, 1.0, 5.5),
        (5.1, 15, 0.0, None),
        (60.0, 1_000, 0.0, None),
        (2.0, 4, 0.0, 2.0),
        (2.0, 3.9, 0.0, None),
        (None, 0.9, 0.0, None),
        (None, -3, 0.0, None),
    ],
)
def test_an_overload_is_waited_out_as_long_as_there_is_time(
    retry_after: float | None, room: float, drawn: float, pause: float | None
) -> None:
    tries = attempts(drawn=drawn)
    assert tries.again(failure(FailureKind.OVERLOADED, retry_after), room) == pause
    assert len(tries.notes) == (pause is not None)


def test_those_who_were_turned_away_together_do_not_come_back_together() -> None:
    pauses = {overload_pause(None, ROOM, drawn / 10) for drawn in range(11)}
    assert len(pauses) == 11
    assert (min(filter(None, pauses)), max(filter(None, pauses))) == (0.5, 1.0)


@pytest.mark.parametrize(
    "kind",
    sorted(set(FailureKind) - RETRIED_ONCE - {FailureKind.REFUSED_REASONING, FailureKind.REFUSED_FRAMING}),
)
def test_everything_else_is_the_clients_to_decide(kind: FailureKind) -> None:
    assert attempts().again(failure(kind), ROOM) is None


def test_reasoning_that_is_refused_is_left_out_once() -> None:
    tries = attempts()

    assert tries.again(failure(FailureKind.REFUSED_REASONING), ROOM) == 0
    assert tries.target.replay_reasoning is False
    assert tries.again(failure(FailureKind.REFUSED_REASONING), ROOM) is None


def test_the_framing_is_changed_once() -> None:
    tries = attempts()

    assert tries.again(failure(FailureKind.REFUSED_FRAMING), ROOM) == 0
    assert tries.target.framing == "lite"
    assert tries.again(failure(FailureKind.REFUSED_FRAMING), ROOM) is None
    assert tries.target.framing == "lite"


@pytest.mark.parametrize("settings", [{"framing_is_free": False}, {"lite": False}])
def test_a_framing_that_is_fixed_stays(settings: dict[str, bool]) -> None:
    tries = attempts(**settings)  # type: ignore[arg-type]

    assert tries.again(failure(FailureKind.REFUSED_FRAMING), ROOM) is None
    assert tries.target.framing == "plain"


def test_the_three_reasons_are_counted_apart() -> None:
    tries = attempts()
    kinds = (FailureKind.REFUSED_FRAMING, FailureKind.CUT, FailureKind.REFUSED_REASONING)

    assert None not in [tries.again(failure(kind), ROOM) for kind in kinds]
    assert [tries.again(failure(kind), ROOM) for kind in kinds] == [None] * 3
    assert len(tries.notes) == 3


def test_what_was_let_go_of_is_never_sent_again() -> None:
    tries = attempts()
    tries.translate()
    tries.let_go()

    assert tries.again(failure(FailureKind.CUT), ROOM) is None
    with pytest.raises(RuntimeError):
        tries.translate()


def test_the_target_that_was_accepted_is_told() -> None:
    settled: list[Target] = []
    tries = attempts(settled=settled)
    tries.again(failure(FailureKind.REFUSED_FRAMING), ROOM)
    tries.settle()

    assert [target.framing for target in settled] == ["lite"]


SEARCH = (
    b'{"model":"claude-opus-5-5","messages":[{"role":"user","content":"Hi"}],'
    b'"tools":[{"type":"web_search_20250305","name":"web_search"}]}'
)


def searching(framing: Framing = "plain", *, framing_is_free: bool = True) -> Attempts:
    """Attempts at a request with a web search, at an upstream that searches in plain framing."""
    capabilities = Capabilities(lite_framing=True, hosted_search=True)
    target = Target(model="m", effort=None, account="a", capabilities=capabilities, framing=framing)
    request, conversation = read_request(SEARCH, SessionMemory(0), "")
    return Attempts(
        MessagesDialect(request, conversation, Caches(ToolsCache(), SessionMemory(0)), "msg_1"),
        target,
        framing_is_free=framing_is_free,
        on_settled=lambda _: None,
    )


@pytest.mark.parametrize(
    "words",
    [
        "The use of the web search tool is not supported.",
        "Unsupported tool type: web_search",
        "Invalid value: 'web_search'. Supported values are: 'function'.",
        "web_search is not enabled for this plan",
    ],
)
def test_a_web_search_that_upstream_does_not_have_is_left_to_the_gateway(words: str) -> None:
    tries = searching()
    first = tries.translate()
    assert first.search is not None
    assert first.search.hosted
    assert tries.again(Failure(kind=FailureKind.REJECTED, message=words), ROOM) == 0
    second = tries.translate()
    assert second.search is not None
    assert not second.search.hosted
    assert tries.again(Failure(kind=FailureKind.REJECTED, message=words), ROOM) is None


@pytest.mark.parametrize(
    "words", ["Invalid 'tools[0].user_location.country' of web_search.", "The model is not supported.", "web search"]
)
def test_other_faults_of_a_request_that_may_search_are_the_clients(words: str) -> None:
    tries = searching()
    tries.translate()
    assert tries.again(Failure(kind=FailureKind.REJECTED, message=words), ROOM) is None


def test_without_a_web_search_such_words_mean_nothing() -> None:
    tries = attempts()
    tries.translate()
    refused = Failure(kind=FailureKind.REJECTED, message="The web search tool is not supported.")
    assert tries.again(refused, ROOM) is None


@pytest.mark.parametrize(("framing", "free"), [("plain", True), ("lite", False), ("lite", True)])
def test_a_model_that_is_only_taken_in_lite_framing_is_searched_for_by_the_gateway(
    framing: Framing, free: bool
) -> None:
    tries = searching(framing, framing_is_free=free)
    assert tries.translate().framing == "plain"
    assert tries.again(failure(FailureKind.REFUSED_FRAMING), ROOM) == 0
    again = tries.translate()
    assert again.search is not None
    assert (again.framing, again.search.hosted) == ("lite", False)


def test_a_framing_that_is_fixed_to_plain_stays_so_without_the_search() -> None:
    tries = searching("plain", framing_is_free=False)
    tries.translate()
    assert tries.again(failure(FailureKind.REFUSED_FRAMING), ROOM) == 0
    again = tries.translate()
    assert again.search is not None
    assert (again.framing, again.search.hosted) == ("plain", False)
