"""Where two bodies part: found to the byte, told without a word of the prompt."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.bodies import BASH, HELLO, READ, SYSTEM, body, called, said
from turnout.ledger.prefix import Body, Parting, continues, first_difference, kinship, parting

FIRST = body(SYSTEM, HELLO)


def between(before: bytes, after: bytes) -> Parting:
    found = parting(Body(before), Body(after))
    assert found is not None
    return found


def test_a_conversation_that_grows_continues() -> None:
    grown = body(SYSTEM, HELLO, said("assistant", "hi"), said("user", "more"))
    assert continues(FIRST, grown)
    assert continues(FIRST, FIRST)
    assert not continues(grown, FIRST)
    assert parting(Body(FIRST), Body(grown)) is None


def test_a_conversation_that_was_cut_back_begins_as_before() -> None:
    assert parting(Body(body(SYSTEM, HELLO, said("assistant", "hi"))), Body(FIRST)) is None


def test_an_item_that_only_begins_alike_is_no_continuation() -> None:
    assert not continues(FIRST, body(SYSTEM, said("user", "hello there, you")))


def test_a_changed_description_of_a_tool() -> None:
    found = between(FIRST, body(SYSTEM, HELLO, tools=(BASH, {**READ, "description": "Reads a page."})))
    assert (found.place, found.change, found.path) == ("tools[1] (Read)", "changed", ".description")
    assert found.detail == "the text differs at byte 8 of 13"
    was, now = msgspec.json.encode(READ), msgspec.json.encode({**READ, "description": "Reads a page."})
    assert (found.offset, found.size) == (first_difference(was, now), len(now))
    assert found.others == ()


def test_deep_inside_a_schema() -> None:
    changed = msgspec.json.decode(msgspec.json.encode(BASH))
    changed["parameters"]["properties"]["command"]["minLength"] = 1
    found = between(FIRST, body(SYSTEM, HELLO, tools=(changed, READ)))
    assert (found.place, found.path) == ("tools[0] (Bash)", ".parameters.properties.command")
    assert found.detail == "the field minLength is new"


@pytest.mark.parametrize(
    ("tools", "place", "change"),
    [
        ((BASH, {**READ, "name": "Grep"}, READ), "tools[1] (Grep)", "added"),
        ((BASH, READ, {**READ, "name": "Grep"}), "tools[2] (Grep)", "added"),
        ((READ,), "tools[0] (Bash)", "removed"),
        ((BASH,), "tools[1] (Read)", "removed"),
        ((READ, BASH), "tools[0] (Read)", "moved"),
        ((BASH, READ, {"type": "web_search"}), "tools[2] (web_search)", "added"),
    ],
)
def test_tools_that_come_go_and_move(tools: tuple[dict[str, object], ...], place: str, change: str) -> None:
    found = between(FIRST, body(SYSTEM, HELLO, tools=tools))
    assert (found.place, found.change) == (place, change)


def test_tools_in_lite_framing_are_named_as_tools() -> None:
    def lite(*tools: dict[str, object]) -> dict[str, object]:
        return {
            "type": "additional_tools",
            "role": "developer",
            "tools": [{"type": "namespace", "name": "functions", "description": "", "tools": list(tools)}],
        }

    before = body(lite(BASH, READ), SYSTEM, HELLO, tools=())
    found = between(before, body(lite(BASH, {**READ, "description": "Else."}), SYSTEM, HELLO, tools=()))
    assert (found.place, found.path) == ("tools[1] (Read)", ".description")


def test_a_changed_item_of_the_input() -> None:
    before = body(SYSTEM, HELLO, called("Bash", "{}"), said("user", "more"))
    found = between(before, body(SYSTEM, HELLO, called("Bash", '{"a":1}'), said("user", "more")))
    assert (found.place, found.path) == ("input[2] (function_call Bash)", ".arguments")
    assert 0.5 < found.shared < 1
    found = between(before, body({**SYSTEM, "role": "user"}, HELLO))
    assert (found.place, found.detail) == ("input[0] (user message)", "it was a developer message")


def test_texts_that_go_on_and_end() -> None:
    longer = body(SYSTEM, said("user", "hello there, you"), said("user", "more"))
    assert between(FIRST, longer).detail == "the text goes on after its 11 bytes"
    assert between(longer, body(SYSTEM, said("user", "hello"), HELLO)).detail == "the text ends after 5 of 16 bytes"


def test_another_model_comes_first_and_shares_nothing() -> None:
    found = between(FIRST, body(SYSTEM, said("user", "bye"), tools=(READ,), model="gpt-6.1-sol"))
    assert (found.place, found.shared, found.in_prompt) == ("model", 0.0, True)
    assert found.others == ("tools", "input")


def test_a_setting_is_told_from_the_prompt() -> None:
    found = between(FIRST, body(SYSTEM, HELLO, said("assistant", "hi"), tool_choice="required"))
    assert (found.place, found.in_prompt, found.shared) == ("tool_choice", False, 1.0)
    found = between(FIRST, body(SYSTEM, HELLO, reasoning={"effort": "low"}))
    assert (found.place, found.change) == ("reasoning", "added")


def test_no_word_of_the_prompt_is_told() -> None:
    secret = body(SYSTEM, said("user", "the launch code is swordfish-1234"), said("assistant", "swordfish"))
    other = body(SYSTEM, said("user", "the launch code is marmalade-1234"), said("assistant", "marmalade"))
    told = msgspec.json.encode(between(secret, other))
    for word in (b"launch", b"code", b"sword", b"marm", b"1234"):
        assert word not in told


def test_requests_of_one_kind_are_told_from_others() -> None:
    title = body(said("developer", "Name it."), said("user", "A title for: hello"), tools=())
    assert kinship(Body(FIRST), Body(title)) == 0
    assert kinship(Body(FIRST), Body(body(SYSTEM, HELLO, tools=()))) == 3
    assert kinship(Body(FIRST), Body(body(said("developer", "You."), said("user", "summary")))) == 4


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_the_first_difference_is_the_first(start: bytes, left: bytes, right: bytes) -> None:
    one, two = start + left, start + right
    at = first_difference(one, two)
    assert one[:at] == two[:at]
    assert at == min(len(one), len(two)) or one[at] != two[at]


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_items = st.lists(st.dictionaries(st.sampled_from(["type", "role", "content", "x"]), _json, max_size=4), max_size=4)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_items, _items)
def test_whatever_the_bodies_hold_there_is_an_answer(
    left: list[dict[str, object]], right: list[dict[str, object]]
) -> None:
    before, after = body(*left), body(*right)
    found = parting(Body(before), Body(after))
    shorter = min(len(left), len(right))
    assert (found is None) == (
        [*map(msgspec.json.encode, left)][:shorter] == [*map(msgspec.json.encode, right)][:shorter]
    )


def test_the_usual_case_costs_next_to_nothing() -> None:
    items = [said("user", "x" * 2400) for _ in range(100)]
    before = body(SYSTEM, *items)
    after = body(SYSTEM, *items, HELLO)

    def once() -> float:
        start = time.perf_counter()
        assert continues(before, after)
        return time.perf_counter() - start

    assert min(once() for _ in range(200)) < 50e-6
