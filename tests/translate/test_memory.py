"""What is remembered of a session changes what a translation costs, never what it gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.translate.strategies import CONVERSATIONS
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import TurnoutError
from turnout.protocol.messages import decode_request
from turnout.translate import memory
from turnout.translate.memory import Known, SessionMemory, read_request
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
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": [thought]}]
    messages.append({"role": "user", "content": "on"})
    for other in (TARGET, structs.replace(TARGET, account="b"), structs.replace(TARGET, model="n"), TARGET):
        assert send(messages, kept, other) == send(messages, None, other)


def test_loaded_tools_are_looked_at_again_with_each_request() -> None:
    kept = caches()
    search = {"type": "tool_use", "id": "c1", "name": "ToolSearch", "input": {}}
    found = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "tool_reference", "tool_name": "Late"}]}
    schema = {"type": "object", "properties": {}}
    tools = [
        {"name": "ToolSearch", "input_schema": schema},
        {"name": "Late", "input_schema": schema, "defer_loading": True},
    ]
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [search]},
        {"role": "user", "content": [found]},
    ]
    body = json.dumps({"model": "m", "messages": messages, "tools": tools}, separators=(",", ":")).encode()
    for native in (True, True, False, False, True):
        target = structs.replace(TARGET, tool_search=native)
        assert through(body, target, kept) == translate(decode_request(body), target)


@settings(deadline=None)
@given(CONVERSATIONS, CONVERSATIONS, st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=6))
def test_no_sequence_of_requests_is_translated_otherwise(
    one: list[dict[str, Any]], other: list[dict[str, Any]], requests: list[tuple[int, bool]]
) -> None:
    kept = caches()
    for size, changed in requests:
        messages = [*one[:size], *(other if changed else ())]
        assert send(messages, kept) == send(messages, None)


def known(size: int) -> Known:
    return Known((), b"", b"x" * size, 1)


def test_no_more_is_held_than_the_limit_and_the_oldest_session_goes_first() -> None:
    memory = SessionMemory(limit=100)
    for key in "abc":
        memory.remember(key, known(40))
    assert memory.recall("a") is None
    assert memory.recall("b") is not None
    memory.remember("b", known(101))
    assert memory.recall("c") is not None


def test_most_of_a_growing_session_is_not_read_again() -> None:
    kept = caches()
    messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    for index in range(16):
        send(messages, kept)
        messages += turn(index)
    body = json.dumps({"model": "m", "messages": messages}, separators=(",", ":")).encode()
    _, conversation = read_request(body, kept.sessions, "s")
    assert conversation.known is not None
    assert conversation.known.count + len(conversation.new) == len(messages) == 33
    assert len(conversation.new) <= memory.TAIL + len(turn(0)) + 1
    assert [json.loads(raw) for raw in map(bytes, conversation.raws())] == messages


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
    messages = [{"role": "user", "content": [thought]}, {"role": "assistant", "content": "a"}]
    messages.append({"role": "user", "content": "b"})
    for _ in range(3):
        made, fresh = send(messages, kept), send(messages, None)
        assert made == fresh
        assert isinstance(made, Translation)
        assert made.notes


@pytest.mark.parametrize("end", [b"", b"}", b"],", b',"x"]}', b"[", b', {"role":5}]}'])
def test_a_broken_rest_behind_a_known_beginning_is_refused(end: bytes) -> None:
    kept = caches()
    messages = [{"role": "user", "content": "go"}, *turn(0), *turn(1)]
    send(messages, kept)
    body = json.dumps({"model": "m", "messages": messages}, separators=(",", ":")).encode()
    remembered = kept.sessions.recall("s")
    assert remembered is not None
    assert remembered.count
    with pytest.raises(TurnoutError):
        through(body[: len(remembered.prefix)] + end, TARGET, kept)


def test_nothing_is_remembered_of_a_try_without_reasoning() -> None:
    kept = caches()
    send([{"role": "user", "content": "go"}, *turn(0)], kept, structs.replace(TARGET, replay_reasoning=False))
    assert kept.sessions.recall("s") is None
