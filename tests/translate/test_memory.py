"""What is remembered of a session changes what a translation costs, never what it gives."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, structs

from tests.translate.strategies import CONVERSATIONS
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import TurnoutError
from turnout.protocol.messages import decode_envelope, decode_request
from turnout.translate.memory import Remembered, SessionMemory
from turnout.translate.messages_to_responses import Caches, Translation, translate
from turnout.translate.pairing import NO_IDS
from turnout.translate.target import Target
from turnout.translate.tools import ToolsCache

TARGET = Target(model="m", effort=None, account="a", capabilities=Capabilities(tool_search=True), session="s")


def caches() -> Caches:
    return Caches(ToolsCache(), SessionMemory())


def send(messages: list[dict[str, Any]], kept: Caches | None, target: Target = TARGET) -> Translation | str:
    body = json.dumps({"model": "m", "messages": messages}).encode()
    try:
        request = decode_request(body) if kept is None else decode_envelope(body)
        return translate(request, target, kept)
    except TurnoutError as error:
        return str(error)


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
    body = json.dumps({"model": "m", "messages": messages, "tools": tools}).encode()
    for native in (True, True, False, False, True):
        target = structs.replace(TARGET, tool_search=native)
        assert translate(decode_envelope(body), target, kept) == translate(decode_request(body), target)


@settings(deadline=None)
@given(CONVERSATIONS, CONVERSATIONS, st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=6))
def test_no_sequence_of_requests_is_translated_otherwise(
    one: list[dict[str, Any]], other: list[dict[str, Any]], requests: list[tuple[int, bool]]
) -> None:
    kept = caches()
    for size, changed in requests:
        messages = [*one[:size], *(other if changed else ())]
        assert send(messages, kept) == send(messages, None)


def remembered(size: int) -> Remembered:
    return Remembered(b"x" * size, (), NO_IDS, {}, (), True, size)


def test_no_more_is_held_than_the_limit_and_the_oldest_session_goes_first() -> None:
    memory = SessionMemory(limit=100)
    first, second, third = (structs.replace(TARGET, session=name) for name in "abc")
    for target in (first, second, third):
        memory.remember(target, [remembered(40)])
    raw = [Raw(b"x" * 40)]
    assert memory.recall(first, raw) == []
    assert memory.recall(second, raw) != []
    memory.remember(second, [remembered(101)])
    assert memory.recall(third, raw) != []


def test_a_request_without_a_session_is_not_remembered() -> None:
    memory = SessionMemory()
    nameless = structs.replace(TARGET, session=None)
    memory.remember(nameless, [remembered(4)])
    assert memory.recall(nameless, [Raw(b"xxxx")]) == []
