"""Messages → Responses → Chat → Responses → Messages: text, tools, calls and order stay, on both ways."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate import acceptance, answers, asking, chat_server, chatting, legality, strategies
from turnout.protocol.chat_capabilities import ChatCapabilities
from turnout.protocol.errors import TurnoutError
from turnout.protocol.messages import decode_request
from turnout.simulator.chat_checks import ChatRules
from turnout.translate import chat_to_responses, messages_to_responses
from turnout.translate.chat_stream_to_responses import ResponsesFromChat

Json = dict[str, Any]

CHAT = chat_server.DEFAULT
TARGET = answers.TARGET

# A conversation that a client might have had, in Messages

WORDS = st.text(min_size=1, max_size=8)
TEXTS = st.builds(asking.text, WORDS)


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    """Turns of a user and an assistant, with calls that all have their results."""
    messages: list[Json] = [asking.user(*draw(st.lists(TEXTS, min_size=1, max_size=2)))]
    for number in range(draw(st.integers(0, 3))):
        blocks: list[Json] = draw(st.lists(TEXTS, max_size=2))
        calls = [
            asking.tool_use(f"call_{number}_{place}", draw(st.sampled_from(["Bash", "Read"])), draw(strategies.OBJECTS))
            for place in range(draw(st.integers(0, 3)))
        ]
        if not blocks + calls:
            continue
        messages.append({"role": "assistant", "content": draw(st.permutations(blocks + calls))})
        results = [asking.tool_result(each["id"], draw(WORDS)) for each in draw(st.permutations(calls))]
        messages.append(asking.user(*results, *draw(st.lists(TEXTS, min_size=not results, max_size=2))))
    return messages


TOOLS = [
    {
        "name": "Bash",
        "description": "Runs.",
        "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}},
    },
    {"name": "Read", "description": "", "input_schema": {"type": "object", "properties": {}}},
]


def summary(body: Json) -> list[tuple[str, Any]]:
    """Who said what, in order; of one answer its texts and then its calls, as Chat Completions has it."""
    told: list[tuple[str, Any]] = []
    texts: list[str] = []
    calls: list[Any] = []
    for item in [*body["input"], {"type": "end"}]:
        if item["type"] == "message" and item["role"] == "assistant":
            texts += [part["text"] for part in item["content"]]
            continue
        if item["type"] == "function_call":
            calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
            continue
        if texts or calls:
            told.append(("assistant", (texts, calls)))
            texts, calls = [], []
        if item["type"] == "message":
            told.append((item["role"], [part["text"] for part in item["content"]]))
        elif item["type"] == "function_call_output":
            told.append(("result", (item["call_id"], item["output"])))
    return told


@settings(max_examples=200, deadline=None)
@given(conversations(), st.sampled_from([None, "Be brief."]))
def test_a_request_says_the_same_behind_the_round(messages: list[Json], system: str | None) -> None:
    asked = {"model": "claude-opus-5-5", "max_tokens": 9000, "messages": messages, "tools": TOOLS}
    if system:
        asked["system"] = system
    first = messages_to_responses.translate(decode_request(json.dumps(asked).encode()), TARGET).body
    chat = chat_server.sent(first)
    again = chat_to_responses.translate(chatting.wire.decode_request(json.dumps(chat).encode()), TARGET).body
    before, after = json.loads(first), acceptance.accept(again)
    assert summary(after) == summary(before)
    assert [(tool["name"], tool["description"], tool["parameters"]) for tool in after["tools"]] == [
        (tool["name"], tool["description"], tool["parameters"]) for tool in before["tools"]
    ]


# An answer, from Responses events through chunks and back

Said = list[tuple[str, Any]]


def told(out: bytes) -> Said:
    """The blocks of a Messages stream; neighbouring texts are one, as they are in a message of Chat Completions."""
    blocks: Said = []
    for block in legality.read(out).blocks:
        content = json.loads(block.content or "{}") if block.type == "tool_use" else block.content
        if block.type != "tool_use" and blocks and blocks[-1][0] == block.type:
            blocks[-1] = (block.type, blocks[-1][1] + content)
        elif content or block.type == "tool_use":
            blocks.append((block.name if block.type == "tool_use" else block.type, content))
    return blocks


def without_breaks(said: Said) -> Said:
    """Paragraphs are put between what is joined."""
    return [(kind, content.replace("\n", "") if isinstance(content, str) else content) for kind, content in said]


def round_trip(events: bytes) -> bytes:
    """The answer as a Messages client behind a server of ours with Chat Completions would get it."""
    chunks = chatting.run(events)
    back = ResponsesFromChat(mark="abc", model="gpt-5.5", now=answers.NOW)
    return answers.run(back.feed(chunks) + back.close())


@settings(max_examples=200, deadline=None)
@given(strategies.well_formed(), st.data())
def test_an_answer_says_the_same_behind_the_round(case: tuple[list[strategies.Piece], list[bytes]], data: Any) -> None:
    events = b"".join(case[1])
    there, back = without_breaks(told(answers.run(events))), without_breaks(told(round_trip(events)))
    for kind in ("text", "thinking"):
        of_kind = [content for found, content in there if found == kind]
        assert "".join(of_kind) == "".join(content for found, content in back if found == kind)
    calls = [each for each in there if each[0] not in ("text", "thinking")]
    assert [each for each in back if each[0] not in ("text", "thinking")] == calls
    assert [kind for kind, _ in back] == [kind for kind, _ in there]


def test_reasons_usage_and_failures_come_through() -> None:
    out = legality.read(round_trip(answers.said(0, "Hi") + answers.incomplete("max_output_tokens")))
    assert (out.stop_reason, out.usage["input_tokens"], out.usage["cache_read_input_tokens"]) == ("max_tokens", 40, 60)
    called = legality.read(round_trip(answers.called(0, "a", "Bash", "{}") + answers.completed()))
    assert (called.stop_reason, called.blocks[0].id) == ("tool_use", "a")
    failed = legality.read(round_trip(answers.said(0, "Hi") + answers.failed("rate_limit_exceeded", "Slow.")))
    assert failed.error is not None


def test_reasoning_is_carried_to_the_server_that_had_it() -> None:
    """A chat-only server's reasoning, through a Messages client, comes back to it word for word."""
    chunks = [
        chat_server.chunk({"reasoning_content": "Let me 🚂."}),
        chat_server.call_chunk(0, "a", "Bash", '{"command":"ls"}'),
        chat_server.chunk({}, "tool_calls"),
        chat_server.DONE,
    ]
    blocks = legality.read(answers.run(chat_server.run(*chunks))).blocks
    thinking = {"type": "thinking", "thinking": blocks[0].content, "signature": blocks[0].signature}
    history = [
        asking.user(asking.text("list")),
        {"role": "assistant", "content": [thinking, asking.tool_use("a", "Bash", {"command": "ls"})]},
        asking.user(asking.tool_result("a", "files")),
    ]
    asked = {"model": "claude-opus-5-5", "max_tokens": 9000, "messages": history, "tools": TOOLS}
    body = messages_to_responses.translate(decode_request(json.dumps(asked).encode()), TARGET).body
    strict = chat_server.ChatRules(wants_reasoning_back=True)
    assert chat_server.sent(body, CHAT, strict)["messages"][1]["reasoning_content"] == "Let me 🚂."


CAPABILITIES = st.builds(
    ChatCapabilities,
    developer_role=st.booleans(),
    system_anywhere=st.booleans(),
    text_parts=st.booleans(),
    images=st.booleans(),
    tools=st.booleans(),
    parallel_tool_calls=st.booleans(),
    strict=st.booleans(),
    response_formats=st.sampled_from(
        [frozenset(), frozenset({"json_object"}), frozenset({"json_object", "json_schema"})]
    ),
    reasoning_effort=st.booleans(),
    replayed_reasoning=st.sampled_from(["none", "turn", "all"]),
    stream_usage=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(strategies.CONVERSATIONS, strategies.SETTINGS, CAPABILITIES)
def test_whatever_a_door_makes_of_a_request_the_server_takes(
    messages: list[Json], fields: Json, capabilities: ChatCapabilities
) -> None:
    """Any conversation of Claude Code's, however odd, behind any server of the kind."""
    target = msgspec.structs.replace(TARGET, capabilities=capabilities.as_responses(), tier=None)
    asked = {"model": "claude-opus-5-5", "messages": [asking.user("begin"), *messages], **fields}
    try:
        body = messages_to_responses.translate(decode_request(json.dumps(asked).encode()), target).body
    except TurnoutError:
        return
    rules = ChatRules(
        developer_role=capabilities.developer_role,
        one_system_message=not capabilities.system_anywhere,
        images=capabilities.images,
    )
    chat_server.call(body, capabilities, rules)
