"""Requests are read as they come; what is no request is refused with the place in the body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from turnout.protocol import messages as wire
from turnout.protocol import reading
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.protocol.messages import decode_blocks, decode_request, decode_tools

HELLO = {"role": "user", "content": "hello"}


def request(**fields: object) -> wire.MessagesRequest:
    return decode_request(json.dumps({"model": "gpt-5.5", "messages": [HELLO], **fields}).encode())


def refusal(body: bytes | dict[str, Any]) -> str:
    raw = body if isinstance(body, bytes) else json.dumps({"model": "m", "messages": [HELLO], **body}).encode()
    with pytest.raises(TurnoutError) as refused:
        decode_request(raw)
    assert refused.value.failure.kind is FailureKind.BAD_REQUEST
    return refused.value.failure.message


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [HELLO, {"role": "user", "content": list(blocks)}]}


def test_a_request_of_claude_code_is_read() -> None:
    read = request(
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        tools=[{"name": "Bash", "description": "", "input_schema": {"type": "object"}}],
        tool_choice={"type": "tool", "name": "Bash", "disable_parallel_tool_use": True},
        max_tokens=32000,
        stop_sequences=["</block>"],
        thinking={"type": "enabled", "budget_tokens": 31999, "display": "omitted"},
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": {}}},
        metadata={"user_id": json.dumps({"device_id": "d", "account_uuid": "", "session_id": "s-1"})},
        speed="fast",
        stream=True,
    )
    assert (read.model, read.stream, read.max_tokens) == ("gpt-5.5", True, 32000)
    assert read.thinking is not None
    assert (read.thinking.type, read.thinking.budget_tokens) == ("enabled", 31999)
    assert read.output_config is not None
    assert read.output_config.effort == "high"
    assert read.tool_choice is not None
    assert (read.tool_choice.type, read.tool_choice.name, read.tool_choice.disable_parallel_tool_use) == (
        "tool",
        "Bash",
        True,
    )
    assert read.metadata_session() == "s-1"
    assert read.stop_sequences == ["</block>"]


def test_texts_schemas_and_inputs_stay_json() -> None:
    read = decode_request(
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"\\u00e9"},'
        b'{"type":"tool_use","id":"a","name":"n","input":{"b": 1,  "a":2}}]}]}'
    )
    text, call = read.messages[0].content
    assert isinstance(text, wire.TextBlock)
    assert bytes(text.text) == b'"\\u00e9"'
    assert isinstance(call, wire.ToolUseBlock)
    assert bytes(call.input) == b'{"b": 1,  "a":2}'


@pytest.mark.parametrize(
    "fields",
    [
        {"safeguards": [{"type": "dangerous_tool_use"}], "context_management": {"edits": []}, "next_year": {"a": [1]}},
        {"messages": [{**HELLO, "output_config": {"effort": "low"}, "id": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "citations": [], "new": 1}]}]},
        {"thinking": {"type": "adaptive", "display": "updates", "future": 1}},
        {"thinking": {"type": "telepathic"}},
        {"output_config": {"effort": "galactic", "task_budget": {}}},
        {"metadata": {"user_id": None, "more": 1}},
        {"tools": [{"name": "x", "eager_input_streaming": True, "strict": False, "input_schema": {}, "type": "new_1"}]},
        {"speed": {"odd": True}, "service_tier": 7},
        dict.fromkeys(("system", "tools", "tool_choice", "max_tokens", "stop_sequences", "temperature", "stream")),
        dict.fromkeys(("top_p", "thinking", "output_config", "metadata", "speed", "service_tier")),
    ],
)
def test_unknown_fields_and_nulls_are_never_an_error(fields: dict[str, Any]) -> None:
    request(**fields)


def test_blocks_of_unknown_types_are_kept_in_their_place() -> None:
    read = request(
        **user(
            {"type": "text", "text": "a"},
            {"type": "my_note", "x": [1]},
            {"type": "image", "source": {"type": "url", "url": "https://x.test"}},
        )
    )
    text, note, image = read.messages[1].content
    assert isinstance(text, wire.TextBlock)
    assert isinstance(note, wire.UnknownBlock)
    assert (note.type, json.loads(bytes(note.raw))) == ("my_note", {"type": "my_note", "x": [1]})
    assert isinstance(image, wire.ImageBlock)
    assert read.messages[0].content == "hello"


def test_an_unknown_block_does_not_change_how_the_rest_is_read() -> None:
    fields: dict[str, Any] = {"system": "s", "stream": True, "max_tokens": 5, "metadata": {"user_id": "u"}}
    plain, tolerant = request(**fields), request(**fields, **user({"type": "my_note"}))
    for name in wire.MessagesRequest.__struct_fields__:
        if name != "messages":
            assert getattr(plain, name) == getattr(tolerant, name)


TEXT = {"type": "text", "text": "x"}
BAD = {
    "no model": ({"model": ""}, "model:"),
    "model of a wrong type": ({"model": 5}, "model:"),
    "messages null": ({"messages": None}, "messages:"),
    "messages a string": ({"messages": "hi"}, "messages:"),
    "no messages": ({"messages": []}, "messages:"),
    "a message that is none": ({"messages": [HELLO, 5]}, "messages[1]:"),
    "no role": ({"messages": [{"content": "x"}]}, "messages[0].role:"),
    "a foreign role": ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role:"),
    "no content": ({"messages": [{"role": "user"}]}, "messages[0].content:"),
    "content a number": ({"messages": [HELLO, {"role": "user", "content": 5}]}, "messages[1].content:"),
    "content null": ({"messages": [{"role": "user", "content": None}]}, "messages[0].content:"),
    "a block that is none": (user(TEXT, "text"), "messages[1].content[1]:"),
    "a block without a type": (user({"text": "x"}), "messages[1].content[0].type:"),
    "a block type that is a number": (user(TEXT, {"type": 5}), "messages[1].content[1].type:"),
    "a text block without text": (user(TEXT, {"type": "text"}), "messages[1].content[1].text:"),
    "an image without a source": (user({"type": "image"}), "messages[1].content[0].source:"),
    "a source without a type": (user({"type": "image", "source": {}}), "messages[1].content[0].source.type:"),
    "a call without an id": (user({"type": "tool_use", "name": "x"}), "messages[1].content[0].id:"),
    "a call whose id is a number": (user({"type": "tool_use", "id": 5, "name": "x"}), "messages[1].content[0].id:"),
    "a result without an id": (user({"type": "tool_result"}), "messages[1].content[0].tool_use_id:"),
    "is_error a string": (
        user({"type": "tool_result", "tool_use_id": "a", "is_error": "yes"}),
        "messages[1].content[0].is_error:",
    ),
    "behind an unknown block": (user({"type": "my_note"}, {"type": "text"}), "messages[1].content[1].text:"),
    "content a number behind an unknown block": (
        {"messages": [{"role": "user", "content": [{"type": "my_note"}]}, {"role": "user", "content": 5}]},
        "messages[1].content:",
    ),
    "system a number": ({"system": 5}, "system:"),
    "a system block that is none": ({"system": ["x"]}, "system[0]:"),
    "max_tokens zero": ({"max_tokens": 0}, "max_tokens:"),
    "max_tokens a string": ({"max_tokens": "many"}, "max_tokens:"),
    "stream a string": ({"stream": "yes"}, "stream:"),
    "stop_sequences a string": ({"stop_sequences": "x"}, "stop_sequences:"),
    "a stop sequence that is none": ({"stop_sequences": ["x", 5]}, "stop_sequences[1]:"),
    "thinking without a type": ({"thinking": {}}, "thinking.type:"),
    "a budget in words": ({"thinking": {"type": "enabled", "budget_tokens": "big"}}, "thinking.budget_tokens:"),
    "tool_choice a string": ({"tool_choice": "auto"}, "tool_choice:"),
    "metadata a string": ({"metadata": "me"}, "metadata:"),
    "user_id a number": ({"metadata": {"user_id": 5}}, "metadata.user_id:"),
}


@pytest.mark.parametrize(("body", "place"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_refused_with_its_place(body: dict[str, Any], place: str) -> None:
    message = refusal(body)
    assert message.startswith(f"{place} ")
    assert message.endswith(".")
    assert "`" not in message
    assert "$" not in message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"hello", "not valid JSON"),
        (b'{"model":"m","messages":[', "not valid JSON"),
        (b'{"model":"m","messages":[]} trailing', "not valid JSON"),
        (b'{"model":"m","temperature":NaN,"messages":[]}', "not valid JSON"),
        (b'\xef\xbb\xbf{"model":"m"}', "not valid JSON"),
        (b"\x00", "not valid JSON"),
        (b"[]", "request body: expected object"),
        (b'"text"', "request body: expected object"),
        (b'{"messages":[]}', "model: this field is required"),
        (b'{"model":"m"}', "messages: this field is required"),
        (b'{"model":"\xff","messages":[]}', "not valid UTF-8"),
        (b'{"model":"m","messages":[{"role":"user","content":"\xc3"}]}', "not valid UTF-8"),
        (b'{"model":"m","messages":[],"x":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deeply"),
    ],
)
def test_what_is_no_request_is_refused_in_words(body: bytes, words: str) -> None:
    message = refusal(body)
    assert words in message
    assert "jSON" not in message
    assert len(message) < 200


def test_the_users_own_text_is_not_quoted_back_as_a_path() -> None:
    assert refusal({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"secret": "s"}]}]}) == (
        "messages[0].content[1].type: this field is required."
    )


@pytest.mark.parametrize("unknown", [[], [{"type": "my_note"}]])
def test_half_surrogate_pairs_are_mended_wherever_they_stand(unknown: list[dict[str, Any]]) -> None:
    """The client makes them when it cuts a long output inside an emoji; nobody upstream takes them."""
    blocks = [*unknown, {"type": "text", "text": "cut \ud83d"}, {"type": "text", "text": "whole 🚂"}]
    read = request(messages=[{"role": "user", "content": "half \ude82"}, {"role": "user", "content": blocks}])
    assert read.messages[0].content == "half \ufffd"
    cut, whole = [block for block in read.messages[1].content if isinstance(block, wire.TextBlock)]
    assert json.loads(bytes(cut.text)) == "cut \ufffd"
    assert json.loads(bytes(whole.text)) == "whole 🚂"


@pytest.mark.parametrize(
    ("user_id", "session"),
    [
        ('{"device_id":"d","account_uuid":"","session_id":"s-1"}', "s-1"),
        ('{"session_id":"s-1"}', "s-1"),
        ('{"session_id":""}', None),
        ('{"session_id":null}', None),
        ('{"session_id":5}', None),
        ('{"device_id":"d"}', None),
        ("user-1234", None),
        ("", None),
        ("[]", None),
        ("{", None),
        ('{"a":' + "[" * 5000 + "]" * 5000 + "}", None),
        (None, None),
    ],
)
def test_the_session_is_read_out_of_the_user_id(user_id: str | None, session: str | None) -> None:
    assert request(metadata={"user_id": user_id}).metadata_session() == session


def test_without_metadata_there_is_no_session() -> None:
    assert request().metadata_session() is None


def test_blocks_inside_a_result_are_read_with_their_place() -> None:
    blocks = decode_blocks(
        Raw(b'[{"type":"text","text":"a"},{"type":"tool_reference","tool_name":"B"},{"type":"n"}]'), "p"
    )
    assert [type(block) for block in blocks] == [wire.TextBlock, wire.ToolReferenceBlock, wire.UnknownBlock]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "p: expected"),
        (b"5", "p: expected"),
        (b"[5]", "p[0]: expected"),
        (b'[{"type":"text","text":"a"},{"type":"image"}]', "p[1].source: this field is required"),
        (b'[{"type":"tool_reference","tool_name":"\xff"}]', "p[0] is not valid UTF-8"),
        (b'[{"type":"\xff"}]', "p[0] is not valid UTF-8"),
    ],
)
def test_a_bad_block_inside_a_result_is_refused_with_its_place(content: bytes, message: str) -> None:
    with pytest.raises(TurnoutError) as refused:
        decode_blocks(Raw(content), "p")
    assert refused.value.failure.message.startswith(message)


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        (b"{}", "tools: expected"),
        (b"[5]", "tools[0]: expected"),
        (b'[{"name":5}]', "tools[0].name: expected"),
        (b'[{"name":"a"},{"name":"b","defer_loading":"yes"}]', "tools[1].defer_loading: expected"),
        (b'[{"name":"\xff"}]', "tools is not valid UTF-8"),
    ],
)
def test_bad_tools_are_refused_with_their_place(tools: bytes, message: str) -> None:
    with pytest.raises(TurnoutError) as refused:
        decode_tools(tools)
    assert refused.value.failure.message.startswith(message)


def test_a_text_is_decoded_or_refused() -> None:
    assert reading.decode_text(Raw(b'"a\\n"'), "p") == "a\n"
    for raw in (b"5", b"null", b"[]", b'"\xff"'):
        with pytest.raises(TurnoutError, match=r"^p"):
            reading.decode_text(Raw(raw), "p")
        if raw[:1] != b'"':
            with pytest.raises(TurnoutError, match=r"^p: expected a string"):
                reading.text_of(Raw(raw), "p")
    assert bytes(reading.text_of(Raw(b'"a"'), "p")) == b'"a"'


def test_null_and_absent_are_the_same() -> None:
    assert reading.is_null(reading.NULL)
    assert reading.is_null(request(tools=None).tools)
    assert reading.is_null(request().tools)
    assert not reading.is_null(request(tools=[]).tools)
