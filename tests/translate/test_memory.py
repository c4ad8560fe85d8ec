"""What is remembered of a session changes what a translation costs, never what it gives."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.translate.strategies import CONVERSATIONS
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import TurnoutError
from turnout.protocol.messages import decode_request
from turnout.translate.memory import SessionMemory, read_request
from turnout.translate.messages_to_responses import Caches, translate
from turnout.translate.target import Target
from turnout.translate.tools import ToolsCache
from turnout.translate.translation import Translation

TARGET = Target(model="m", effort=None, account="a", capabilities=Capabilities(tool_search=True), session="s")


def caches() -> Caches:
    return Caches(ToolsCache(), SessionMemory())


def send(messages: list[dict[str, Any]], kept: Caches | None, target: Target = TARGET) -> Translation | str:
    body = json.dumps({"model": "m", "messages": messages}, separators=(",", ":")).encode()
    try:
        return translate(decode_request(body), target) if kept is None else through(body, target, kept)
    except TurnoutError as error:
        return str(error)


def through(body: bytes, target: Target, kept: Caches) -> Translation:
    request, conversation = read_request(body, kept.sessions, target.session or "")
    return translate(request, target, kept, conversation)


def turn(index: int) -> list[dict[str, Any]]:
    call = {"type": "tool_use", "id": f"c{index}", "name": "mcp__" + "x" * 80, "input": {"n": index}}
    result = {"type": "tool_result", "tool_use_id": f"c{index}", "content": f"é{index}"}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


def test_a_growing_session_is_translated_as_if_each_request_were_the_first() -> None:
    kept = caches()
    messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    for index in range(6):
        assert send(messages, kept) == send(messages, None)
        messages += turn(index)


@pytest.mark.parametrize("kept", [caches(), None])
def test_a_translation_is_gone_with_its_last_reference(kept: Caches | None) -> None:
    """It is as large as the request: with a reference back in it hundreds of them would wait for the collector."""
    messages = [{"role": "user", "content": "go"}, *turn(1), *turn(2)]
    send(messages, kept)
    gc.collect()
    gc.disable()
    try:
        send([*messages, *turn(3)], kept)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_message_that_comes_in_another_form_is_translated_anew() -> None:
    kept = caches()
    marked = {"role": "user", "content": [{"type": "text", "text": "go", "cache_control": {"type": "ephemeral"}}]}
    plain = {"role": "user", "content": "go"}
    first, second = send([marked], kept), send([plain, *turn(0)], kept)
    assert second == send([plain, *turn(0)], None)
    assert isinstance(first, Translation)
    assert isinstance(second, Translation)
    assert second.body.startswith(first.body[:-2])


def test_another_account_or_model_gets_nothing_of_what_is_remembered() -> None:
    kept = caches()
    thought = {"type": "thinking", "thinking": "", "signature": "turnout:1:a:m:rs_1:gAAAA"}
    messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}, {"role": "assistant", "content": [thought]}]
    messages.append({"role": "user", "content": "on"})
    for other in (TARGET, structs.replace(TARGET, account="b"), structs.replace(TARGET, model="n"), TARGET):
        assert send(messages, kept, other) == send(messages, None, other)


SEARCH = {"name": "ToolSearch", "input_schema": {"type": "object", "properties": {}}}


def late(name: str, description: str = "") -> dict[str, Any]:
    schema = {"type": "object", "properties": {}}
    return {"name": name, "description": description, "input_schema": schema, "defer_loading": True}


def found(call_id: str, *names: str) -> list[dict[str, Any]]:
    content = [{"type": "tool_reference", "tool_name": name} for name in names]
    return [
        {"role": "assistant", "content": [{"type": "tool_use", "id": call_id, "name": "ToolSearch", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": content}]},
    ]


@pytest.mark.parametrize("native", [True, False])
def test_a_session_that_loads_tools_is_translated_as_if_each_request_were_the_first(native: bool) -> None:
    kept = caches()
    target = structs.replace(TARGET, tool_search=native)
    messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    reused = []
    for index, tools in enumerate(
        (
            [SEARCH],
            [SEARCH, late("B")],
            [SEARCH, late("B")],
            [late("A"), SEARCH, late("B")],
            [late("A"), SEARCH, late("B")],
            [late("A"), SEARCH, late("B", "in other words")],
            [late("A")],
        )
    ):
        body = json.dumps({"model": "m", "messages": messages, "tools": tools}, separators=(",", ":")).encode()
        request, conversation = read_request(body, kept.sessions, "s")
        reused.append(conversation.known is not None)
        assert translate(request, target, kept, conversation) == translate(decode_request(body), target)
        messages += found(f"c{index}", *("B", "A", "C")[index % 3 :])
    assert reused == [False, *[True] * 6]


TARGETS = st.builds(
    lambda account, native, lite: structs.replace(
        TARGET, account=account, tool_search=native, framing="lite" if lite else "plain"
    ),
    st.sampled_from("aaab"),
    st.booleans(),
    st.booleans(),
)
TOOLS = st.lists(st.sampled_from([SEARCH, late("A"), late("B"), late("B", "in other words")]), max_size=3)
TURNS = st.one_of(
    st.builds(turn, st.integers(0, 20)),
    st.builds(found, st.sampled_from("uvwxyz"), st.sampled_from("ABC"), st.sampled_from("ABC")),
    CONVERSATIONS,
)


@settings(deadline=None)
@given(st.data())
def test_no_sequence_of_requests_is_translated_otherwise(data: st.DataObject) -> None:
    kept = caches()
    turns = data.draw(st.lists(TURNS, min_size=1, max_size=8))
    target, tools, size = TARGET, [], 1
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.integers(0, 4)) == 0:
            target, tools = data.draw(TARGETS), data.draw(TOOLS)
        size = data.draw(st.sampled_from([size, size + 1, size + 2, 1]))
        messages = [{"role": "user", "content": "go"}, *(message for each in turns[:size] for message in each)]
        body = json.dumps({"model": "m", "messages": messages, "tools": tools}, separators=(",", ":")).encode()
        made: list[Translation | str] = []
        for caching in (kept, caches()):
            try:
                made.append(through(body, target, caching))
            except TurnoutError as error:
                made.append(str(error))
        assert made[0] == made[1]


def test_no_more_is_held_than_the_limit_and_the_oldest_session_goes_first() -> None:
    messages = [{"role": "user", "content": "x" * 10_000}, {"role": "assistant", "content": "y"}]
    one = caches()
    send(messages, one)
    kept = Caches(ToolsCache(), SessionMemory(limit=one.sessions.held * 5 // 2))
    for key in "abc":
        send(messages, kept, structs.replace(TARGET, session=key))
    assert one.sessions.held > 20_000
    assert kept.sessions.held == 2 * one.sessions.held
    assert [kept.sessions.recall(key) is not None for key in "abc"] == [False, True, True]
    send([{"role": "user", "content": "x" * 100_000}, *messages], kept, structs.replace(TARGET, session="b"))
    assert [kept.sessions.recall(key) is not None for key in "abc"] == [False, True, True]


def test_what_is_held_is_what_it_takes() -> None:
    send([{"role": "user", "content": "go"}], caches())
    kept = caches()
    gc.collect()
    tracemalloc.start()
    for key in range(20):
        messages = [{"role": "user", "content": f"{key}" * 5000}, *(one for index in range(20) for one in turn(index))]
        for size in (21, 31, 41):
            send(messages[:size], kept, structs.replace(TARGET, session=f"{key}"))
    del messages
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.7 * taken < kept.sessions.held < 1.5 * taken


def grown(kept: Caches, turns: int) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    for index in range(turns):
        send(messages, kept)
        messages += turn(index)
    return messages


def test_of_a_growing_session_only_what_is_new_is_read() -> None:
    kept = caches()
    messages = grown(kept, 16)
    body = json.dumps({"model": "m", "messages": messages}, separators=(",", ":")).encode()
    request, conversation = read_request(body, kept.sessions, "s")
    assert conversation.known is not None
    assert conversation.known.count + len(conversation.messages()) == len(messages) == 33
    assert len(conversation.messages()) == len(turn(0)) + 1
    assert json.loads(bytes(conversation.afresh().new)) == messages
    # What is around the messages was read when it came for the second time.
    assert conversation.shell is not None
    assert request is conversation.shell.request
    assert conversation.opening(TARGET) is not None
    assert conversation.opening(structs.replace(TARGET, effort="low")) is None


def test_a_long_session_is_kept_in_few_pieces() -> None:
    kept = caches()
    grown(kept, 200)
    known = kept.sessions.recall("s")
    assert known is not None
    assert known.count == 2 * 199
    assert len(known.pieces) < 10


def test_what_is_around_the_messages_may_change() -> None:
    kept = caches()
    messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    schema = {"type": "object", "properties": {}}
    for index, tools in enumerate(([], [], ["a"], ["a"], ["a", "b"], [], ["a", "b"])):
        offered = [{"name": name, "input_schema": schema} for name in tools]
        fields = {"tools": offered, "system": f"Prompt {index // 3}", "metadata": {"user_id": f"{index // 2}"}}
        body = json.dumps({"model": "m", "messages": messages, **fields}, separators=(",", ":")).encode()
        assert through(body, TARGET, kept) == translate(decode_request(body), TARGET)
        messages += turn(index)


@pytest.mark.parametrize("separators", [(", ", ":"), (",", ": ")])
def test_of_a_body_with_white_space_between_its_messages_none_is_remembered(separators: tuple[str, str]) -> None:
    kept = caches()
    messages = [{"role": "user", "content": "go"}, *turn(0), *turn(1)]
    body = json.dumps({"model": "m", "messages": messages}, separators=separators).encode()
    for _ in range(3):
        assert through(body, TARGET, kept) == translate(decode_request(body), TARGET)
    remembered = kept.sessions.recall("s")
    assert remembered is None or not remembered.count


INNER = {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "system": "c"}


@pytest.mark.parametrize("fields", [{}, {"system": "s"}, {"system": [{"type": "text", "text": "s"}], "tools": []}])
@pytest.mark.parametrize("again", [1, 2, 3])
def test_what_looks_like_messages_inside_of_a_message_is_taken_for_none(fields: dict[str, Any], again: int) -> None:
    kept = caches()
    messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    for index in range(4):
        call = {"type": "tool_use", "id": f"c{index}", "name": "Send", "input": INNER}
        last = {"role": "assistant", "content": [call]} if index % again == 0 else {"role": "user", "content": "on"}
        messages.append(last)
        body = json.dumps({"model": "m", "messages": messages, **fields}, separators=(",", ":")).encode()
        assert through(body, TARGET, kept) == translate(decode_request(body), TARGET)
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"c{index}"}]})


@pytest.mark.parametrize("behind", [b'"messages":[{"role":"user","content":"other"}]', b'"messages":[]', b'"x":[1,2]'])
def test_a_field_behind_the_system_prompt_counts_as_it_does_in_any_request(behind: bytes) -> None:
    kept = caches()
    for _ in range(3):
        body = b'{"model":"m","messages":[{"role":"user","content":"go"}],"system":"s",%s}' % behind
        made: list[Translation | str] = []
        for caching in (kept, None):
            try:
                made.append(through(body, TARGET, caching) if caching else translate(decode_request(body), TARGET))
            except TurnoutError as error:
                made.append(str(error))
        assert made[0] == made[1]


def test_the_messages_that_carry_the_clients_cache_mark_are_looked_at_again() -> None:
    kept = caches()
    mark = {"cache_control": {"type": "ephemeral"}}
    marked = {"role": "user", "content": [{"type": "text", "text": "go", **mark}]}
    send([marked, *turn(0), *turn(1)], kept)
    remembered = kept.sessions.recall("s")
    assert remembered is not None
    assert remembered.count == 0
    plain = [{"role": "user", "content": "go"}, *turn(0), *turn(1)]
    assert send(plain, kept) == send(plain, None)


def test_a_session_without_a_name_and_a_body_of_another_kind_are_not_remembered() -> None:
    kept = caches()
    messages = [{"role": "user", "content": "go"}, *turn(0)]
    send(messages, kept, structs.replace(TARGET, session=None))
    body = json.dumps({"messages": messages, "model": "m"}).encode()
    assert through(body, TARGET, kept) == translate(decode_request(body), TARGET)
    assert kept.sessions.recall("s") is None
    assert kept.sessions.recall("") is None


def test_what_was_left_out_of_the_beginning_stays_on_the_record() -> None:
    kept = caches()
    thought = {"type": "my_note", "x": 1}
    messages: list[dict[str, Any]] = [{"role": "user", "content": [thought]}, {"role": "assistant", "content": "a"}]
    messages.append({"role": "user", "content": "b"})
    for _ in range(3):
        made, fresh = send(messages, kept), send(messages, None)
        assert made == fresh
        assert isinstance(made, Translation)
        assert made.notes


@pytest.mark.parametrize("end", [b"", b"}", b"],", b',"x"]}', b"[", b",]}", b',{"role":"user"},]}', b', {"role":5}]}'])
def test_a_broken_rest_behind_a_known_beginning_is_refused(end: bytes) -> None:
    kept = caches()
    messages = [{"role": "user", "content": "go"}, *turn(0), *turn(1)]
    send(messages, kept)
    body = json.dumps({"model": "m", "messages": messages}, separators=(",", ":")).encode()
    remembered = kept.sessions.recall("s")
    assert remembered is not None
    assert remembered.count
    with pytest.raises(TurnoutError):
        through(body[: remembered.end_in(body)] + end, TARGET, kept)


def test_nothing_is_remembered_of_a_try_without_reasoning() -> None:
    kept = caches()
    send([{"role": "user", "content": "go"}, *turn(0)], kept, structs.replace(TARGET, replay_reasoning=False))
    assert kept.sessions.recall("s") is None
