"""Given this Responses request, a server with Chat Completions only sees that, and takes it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.translate.chat_server import DEFAULT, Json, call, sent
from turnout.protocol.chat_capabilities import ChatCapabilities
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.simulator.chat_checks import ChatRules
from turnout.translate import chat_reasoning
from turnout.translate.chat_request_tools import Called
from turnout.translate.responses_to_chat_request import translate

PIXEL = "data:image/png;base64,iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
FUNCTION = {"type": "function", "name": "look", "description": "Looks.", "parameters": SCHEMA, "strict": False}


def user(*texts: str) -> Json:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text} for text in texts]}


def developer(text: str) -> Json:
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}


def said(*texts: str) -> Json:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": t} for t in texts]}


def made_call(call_id: str, name: str = "look", arguments: str = "{}", **fields: object) -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **fields}


def result(call_id: str, output: object = "seen") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def thought(text: str) -> Json:
    return {"type": "reasoning", "summary": [], "encrypted_content": chat_reasoning.pack({"reasoning_content": text})}


def body(*items: Json, **fields: object) -> Json:
    return {"model": "qwen", "input": list(items) or [user("hi")], **fields}


def messages(*items: Json, capabilities: ChatCapabilities = DEFAULT, rules: Any = None) -> list[Json]:
    made: list[Json] = sent(body(*items), capabilities, rules)["messages"]
    return made


def with_(**fields: Any) -> ChatCapabilities:
    return msgspec.structs.replace(DEFAULT, **fields)


def notes(capabilities: ChatCapabilities = DEFAULT, *items: Json, **fields: object) -> list[tuple[str, str]]:
    return [(note.action, note.place) for note in call(body(*items, **fields), capabilities).notes]


def test_a_small_request() -> None:
    found = sent({"model": "qwen", "instructions": "Be brief.", "input": "Hi 🚂", "store": False, "include": ["x"]})
    assert found == {
        "model": "qwen",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi 🚂"}],
    }
    assert list(found)[-1] == "messages"


def test_the_roles_of_instructions() -> None:
    items = (developer("a"), developer("b"), user("c"), developer("d"))
    roles = [(message["role"], message["content"]) for message in messages(*items)]
    assert roles == [("system", "a"), ("system", "b"), ("user", "c"), ("system", "d")]
    known = messages(*items, capabilities=with_(developer_role=True))
    assert [message["role"] for message in known] == ["developer", "developer", "user", "developer"]


def test_instructions_where_there_is_one_place_for_them() -> None:
    """What comes before any answer joins those at the beginning; only what comes later is said by the user."""
    items = (developer("a"), developer("b"), user("c"), developer("d"), said("e"), user("f"), developer("g"))
    only_first = messages(*items, capabilities=with_(system_anywhere=False), rules=ChatRules(one_system_message=True))
    assert [(message["role"], message["content"]) for message in only_first] == [
        ("system", "a\n\nb\n\nd"),
        ("user", "c"),
        ("assistant", "e"),
        ("user", "f"),
        ("user", "<system-reminder>\ng\n</system-reminder>"),
    ]
    without = messages(user("c"), developer("d"), capabilities=with_(system_anywhere=False))
    assert [message["role"] for message in without] == ["system", "user"]


def test_texts_in_parts_or_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert [message["content"] for message in messages(user("a", "b"), said("a", "b"))] == [parts, parts]
    joined = messages(user("a", "b"), said("a", "b"), capabilities=with_(text_parts=False))
    assert [message["content"] for message in joined] == ["a\n\nb", "a\n\nb"]


def test_text_and_parallel_calls_of_one_answer_are_one_message() -> None:
    found = messages(
        user("x"),
        said("I look."),
        made_call("a"),
        said("And wait."),
        made_call("b", arguments=""),
        result("b"),
        result("a", "A"),
    )
    assert found[1:] == [
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "I look."}, {"type": "text", "text": "And wait."}],
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "look", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "b", "content": "seen"},
        {"role": "tool", "tool_call_id": "a", "content": "A"},
    ]


def test_what_stands_between_a_call_and_its_result_follows_behind() -> None:
    found = messages(
        user("x"),
        made_call("a"),
        made_call("b"),
        user("wait"),
        result("a"),
        said("Hm."),
        made_call("c"),
        result("b"),
        result("c"),
    )
    assert [(m["role"], m.get("tool_call_id") or m["content"]) for m in found] == [
        ("user", "x"),
        ("assistant", None),
        ("tool", "a"),
        ("tool", "b"),
        ("user", "wait"),
        ("assistant", "Hm."),
        ("tool", "c"),
    ]


def test_calls_and_results_that_have_lost_each_other() -> None:
    assert [m["role"] for m in messages(user("x"), made_call("a"), user("y"))] == ["user", "assistant", "tool", "user"]
    assert [m["role"] for m in messages(user("x"), result("zzz"))] == ["user"]
    assert notes(DEFAULT, user("x"), result("zzz")) == [("dropped", "input[1]")]


def test_images_in_results_are_shown_behind_them() -> None:
    shown = [{"type": "input_text", "text": "Here:"}, {"type": "input_image", "image_url": PIXEL, "detail": "auto"}]
    found = messages(user("x"), made_call("a"), made_call("b"), result("a", shown), result("b"))
    assert [m["role"] for m in found] == ["user", "assistant", "tool", "tool", "user"]
    assert found[2]["content"] == "Here:\n[It follows behind the results.]"
    assert found[4]["content"] == [{"type": "image_url", "image_url": {"url": PIXEL}}]


def test_images_and_files_as_far_as_the_server_takes_them() -> None:
    content = [
        {"type": "input_image", "image_url": PIXEL, "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
    ]
    item = {"role": "user", "content": content}
    assert messages(item, capabilities=with_(files=True))[0]["content"] == [
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
    ]
    blind = call(body(item), with_(images=False), ChatRules(images=False))
    assert [note.action for note in blind.notes] == ["dropped", "dropped"]


# Reasoning


def test_reasoning_goes_back_with_the_calls_it_belongs_to() -> None:
    history = (
        user("x"),
        thought("Hm."),
        said("I look."),
        made_call("a"),
        thought("And."),
        made_call("b"),
        result("a"),
        result("b"),
    )
    strict = ChatRules(wants_reasoning_back=True)
    assert messages(*history, rules=strict)[1]["reasoning_content"] == "Hm.\n\nAnd."
    assert all("reasoning_content" not in m for m in messages(*history, user("y")))
    kept = messages(*history, user("y"), capabilities=with_(replayed_reasoning="all"))
    assert kept[1]["reasoning_content"] == "Hm.\n\nAnd."
    none = messages(*history, capabilities=with_(replayed_reasoning="none"))
    assert all("reasoning_content" not in m for m in none)


@pytest.mark.parametrize("content", ["gAAAA", "chat1.!!", "chat1.AAAA", None, chat_reasoning.pack({"role": "x"})])
def test_reasoning_of_others_is_left_out(content: str | None) -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": content}
    assert messages(user("x"), item, said("y"))[1] == {"role": "assistant", "content": "y"}


def test_details_of_reasoning_go_back_as_they_came() -> None:
    details = [{"type": "reasoning.encrypted", "data": "xyz"}]
    item = {
        "type": "reasoning",
        "summary": [],
        "encrypted_content": chat_reasoning.pack({"reasoning_details": details}),
    }
    assert messages(user("x"), item, made_call("a"), result("a"))[1]["reasoning_details"] == details


# Tools


def test_functions() -> None:
    found = sent(body(tools=[FUNCTION], parallel_tool_calls=True, tool_choice="auto"))
    assert found["tools"] == [
        {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": SCHEMA}}
    ]
    assert "tool_choice" not in found
    assert "parallel_tool_calls" not in found
    strict = sent(body(tools=[{**FUNCTION, "strict": True}]), with_(strict=True))
    assert strict["tools"][0]["function"]["strict"] is True


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", "required"),
        ("none", "none"),
        ({"type": "function", "name": "look"}, {"type": "function", "function": {"name": "look"}}),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]}, "required"),
    ],
)
def test_choices(choice: object, expected: object) -> None:
    other = {**FUNCTION, "name": "wait"}
    found = sent(body(tools=[FUNCTION, other], tool_choice=choice))
    assert found["tool_choice"] == expected
    assert len(found["tools"]) == (1 if isinstance(choice, dict) and choice["type"] == "allowed_tools" else 2)
    poor = with_(tool_choices=frozenset({"auto"}))
    assert "tool_choice" not in sent(body(tools=[FUNCTION, other], tool_choice=choice), poor)
    assert ("approximated", "tool_choice") in notes(poor, tools=[FUNCTION, other], tool_choice=choice)


def test_calls_one_by_one() -> None:
    assert (
        sent(body(tools=[FUNCTION], parallel_tool_calls=False), with_(parallel_tool_calls=True))["parallel_tool_calls"]
        is False
    )
    assert notes(tools=[FUNCTION], parallel_tool_calls=False) == [("approximated", "parallel_tool_calls")]


def test_custom_tools_are_functions_with_one_text() -> None:
    custom = {
        "type": "custom",
        "name": "patch",
        "description": "Patches.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"},
    }
    history = (
        user("x"),
        {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": 'say "hi"'},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "done"},
    )
    made = call(body(*history, tools=[custom], tool_choice={"type": "custom", "name": "patch"}))
    found = json.loads(made.body)
    assert "start: /x/" in found["tools"][0]["function"]["description"]
    assert json.loads(found["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {"input": 'say "hi"'}
    assert found["tool_choice"]["function"]["name"] == "patch"
    assert made.called == {"patch": Called("patch", custom=True)}


def test_tools_in_namespaces_and_in_lite_framing() -> None:
    spaces = [
        {"type": "namespace", "name": "functions", "tools": [FUNCTION]},
        {"type": "namespace", "name": "db", "tools": [{**FUNCTION, "name": "query"}]},
    ]
    item = {"type": "additional_tools", "role": "developer", "tools": spaces}
    history = (item, user("x"), made_call("a", "query", namespace="db"), result("a"))
    made = call(body(*history))
    found = json.loads(made.body)
    assert [tool["function"]["name"] for tool in found["tools"]] == ["look", "db__query"]
    assert found["messages"][1]["tool_calls"][0]["function"]["name"] == "db__query"
    assert made.called == {"db__query": Called("query", namespace="db")}


def test_tools_that_the_server_cannot_have() -> None:
    assert notes(tools=[{"type": "web_search"}, FUNCTION]) == [("dropped", "tools[0]")]
    assert "tools" not in sent(body(tools=[FUNCTION]), with_(tools=False))


# Everything else


def test_limits_go_by_the_servers_names() -> None:
    given: Json = {
        "max_output_tokens": 500,
        "temperature": 0.5,
        "top_p": 0.9,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"verbosity": "low"},
        "service_tier": "priority",
        "prompt_cache_key": "k",
        "user": None,
    }
    rich = with_(
        max_tokens_field="max_completion_tokens",
        reasoning_effort=True,
        verbosity=True,
        fields=DEFAULT.fields | {"service_tier", "prompt_cache_key"},
    )
    found = sent(body(**given), rich)
    for name, value in (
        ("max_completion_tokens", 500),
        ("temperature", 0.5),
        ("reasoning_effort", "low"),
        ("verbosity", "low"),
        ("service_tier", "priority"),
        ("prompt_cache_key", "k"),
    ):
        assert found[name] == value
    assert notes(rich, **given) == []
    poor = with_(max_tokens_field="", fields=frozenset(), stream_usage=False)
    assert set(sent(body(**given), poor)) == {"model", "messages", "stream"}
    assert notes(poor, **given) == [
        ("approximated", "max_output_tokens"),
        ("approximated", "reasoning.effort"),
        ("ignored", "text.verbosity"),
        ("ignored", "temperature"),
        ("ignored", "top_p"),
        ("ignored", "service_tier"),
        ("ignored", "prompt_cache_key"),
    ]


def test_formats_as_far_as_the_server_holds_to_them() -> None:
    form = {"format": {"type": "json_schema", "name": "reply", "strict": True, "schema": SCHEMA}}
    assert sent(body(text=form))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": SCHEMA},
    }
    found = sent(body(text=form), with_(response_formats=frozenset({"json_object"})))
    assert found["response_format"] == {"type": "json_object"}
    assert json.dumps(SCHEMA, separators=(",", ":")) in found["messages"][0]["content"].replace(" ", "").replace(
        "\n", ""
    )
    none = sent(body(text={"format": {"type": "json_object"}}), with_(response_formats=frozenset()))
    assert "response_format" not in none
    assert "JSON" in none["messages"][0]["content"]
    assert "response_format" not in sent(body(text={"format": {"type": "text"}}))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"{", "not valid JSON"),
        (b'{"input":"x"}', "model: this field is required"),
        (b'{"model":"m","input":[]}', "nothing in it to send"),
        (b'{"model":"m","input":[7]}', "input[0]"),
        (b'{"model":"m","input":[{"role":"robot","content":"x"}]}', "input[0].role"),
        (b'{"model":"m","input":[{"role":"user","content":7}]}', "input[0].content: expected a string"),
        (b'{"model":"m","input":"x","tools":[{"type":"function"}]}', "tools[0].name"),
        (b'{"model":"m","input":"x","text":{"format":{"type":"yaml"}}}', "text.format.type"),
        (b'{"model":"m","input":[{"role":"user","content":"\xff"}]}', "UTF-8"),
    ],
)
def test_what_is_wrong_is_refused_by_its_place(given: bytes, words: str) -> None:
    with pytest.raises(TurnoutError) as refused:
        translate(given, DEFAULT)
    assert refused.value.failure.kind is FailureKind.BAD_REQUEST
    assert words in refused.value.failure.message


def test_the_same_capabilities_for_the_doors_translators() -> None:
    made = with_(images=False, replayed_reasoning="none", max_tokens_field="").as_responses()
    assert not made.images
    assert not made.encrypted_reasoning
    assert "max_output_tokens" not in made.fields
    assert {"temperature", "top_p", "tools", "text"} <= made.fields
    assert "prompt_cache_key" not in made.fields


@pytest.mark.parametrize(
    ("asked", "longest", "given"),
    [(100, 0, 100), (8192, 0, 8192), (32_000, 0, None), (32_000, 16_000, 16_000), (32_000, 64_000, 32_000), (9, 5, 5)],
)
def test_a_limit_is_one_that_the_model_can_hold(asked: int, longest: int, given: int | None) -> None:
    """Claude Code asks for 32,000 tokens of any model; a server with a window of as many would refuse that."""
    made = call({"model": "m", "input": "Hi", "max_output_tokens": asked}, with_(longest_answer=longest))
    assert json.loads(made.body).get("max_tokens") == given
    assert bool(made.notes) is (asked != given)
