"""Given this Chat Completions request, the upstream sees that."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate import acceptance, strategies
from tests.translate.asking import pdf
from tests.translate.chatting import API, FUNCTION, TARGET, assistant, call, request, result, user
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.chat import decode_request
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.translate import reasoning
from turnout.translate.chat_to_responses import translate

Json = dict[str, Any]

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def sent(*messages: Json, target: Any = TARGET, **fields: object) -> Json:
    """What the Codex backend gets; it would take it."""
    body = translate(request(*messages, **fields), target).body
    return acceptance.accept(body) if target is TARGET else json.loads(body)


def notes(*messages: Json, target: Any = TARGET, **fields: object) -> list[tuple[str, str]]:
    return [(note.action, note.place) for note in translate(request(*messages, **fields), target).notes]


def refusal(*messages: Json, **fields: object) -> str:
    with pytest.raises(TurnoutError) as refused:
        translate(request(*messages, **fields), API)
    assert refused.value.failure.kind is FailureKind.BAD_REQUEST
    return refused.value.failure.text


def input_text(text: str) -> Json:
    return {"type": "input_text", "text": text}


# Messages


def test_a_small_request() -> None:
    body = sent({"role": "system", "content": "Be brief."}, user("Hi 🚂"))
    assert list(body)[-1] == "input"
    assert body["input"] == [
        {"type": "message", "role": "developer", "content": [input_text("Be brief.")]},
        {"type": "message", "role": "user", "content": [input_text("Hi 🚂")]},
    ]
    assert (body["model"], body["stream"], body["store"], body["instructions"]) == ("gpt-5.5", True, False, "")
    assert body["include"] == ["reasoning.encrypted_content"]
    assert body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert "tools" not in body


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_keep_their_place_wherever_they_stand(role: str) -> None:
    body = sent(user("a"), {"role": role, "content": [{"type": "text", "text": "b"}]}, user("c"))
    assert [item["role"] for item in body["input"]] == ["user", "developer", "user"]


def test_a_round_of_parallel_calls_and_results() -> None:
    body = sent(
        user("look"),
        assistant("I look.", tool_calls=[call("a", arguments='{"at": 1}'), call("b")]),
        result("b", "B"),
        result("a", [{"type": "text", "text": "A"}]),
        tools=[FUNCTION],
    )
    assert body["input"][1:] == [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": '{"at": 1}'},
        {"type": "function_call", "call_id": "b", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "b", "output": "B"},
        {"type": "function_call_output", "call_id": "a", "output": [input_text("A")]},
    ]


def test_the_older_form_of_calls() -> None:
    body = sent(
        user(),
        assistant(function_call={"name": "look", "arguments": '{"at":1}'}),
        {"role": "function", "name": "look", "content": "seen"},
        assistant(function_call={"name": "look", "arguments": ""}),
        {"role": "function", "name": "look", "content": "seen again"},
        functions=[FUNCTION["function"]],
        function_call={"name": "look"},
    )
    calls = [(item.get("call_id"), item.get("arguments") or item.get("output")) for item in body["input"][1:]]
    assert calls == [
        ("call_function_1", '{"at":1}'),
        ("call_function_1", "seen"),
        ("call_function_3", "{}"),
        ("call_function_3", "seen again"),
    ]
    assert body["tools"][0]["name"] == "look"
    assert body["tool_choice"] == {"type": "function", "name": "look"}
    assert body["parallel_tool_calls"] is False


def test_custom_tools_and_their_calls() -> None:
    tool = {
        "type": "custom",
        "custom": {
            "name": "patch",
            "description": "Patches.",
            "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}},
        },
    }
    made = {"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
    body = sent(user(), assistant(tool_calls=[made]), result("a", "done"), tools=[tool])
    assert body["tools"] == [
        {
            "type": "custom",
            "name": "patch",
            "description": "Patches.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"},
        }
    ]
    assert body["input"][1:] == [
        {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "done"},
    ]


def test_images_and_files() -> None:
    data = pdf()["source"]["data"]
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        {"type": "file", "file": {"filename": "plan.pdf", "file_data": f"data:application/pdf;base64,{data}"}},
        {"type": "file", "file": {"file_data": data}},
    ]
    assert sent(user(content))["input"][0]["content"] == [
        input_text("What is this?"),
        {"type": "input_image", "image_url": PIXEL, "detail": "low"},
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "auto"},
        {"type": "input_file", "filename": "plan.pdf", "file_data": f"data:application/pdf;base64,{data}"},
        {"type": "input_file", "filename": "document.pdf", "file_data": f"data:application/pdf;base64,{data}"},
    ]
    by_id = {"type": "file", "file": {"file_id": "file-1"}}
    assert sent(user([by_id]), target=API)["input"][0]["content"] == [{"type": "input_file", "file_id": "file-1"}]


def test_a_tools_result_may_hold_images() -> None:
    shown = [{"type": "text", "text": "Here:"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    body = sent(user(), assistant(tool_calls=[call("a")]), result("a", shown))
    assert [part["type"] for part in body["input"][-1]["output"]] == ["input_text", "input_image"]


def test_what_upstream_cannot_see_is_said_in_words() -> None:
    blind = msgspec.structs.replace(TARGET, capabilities=Capabilities(images=False, files=False))
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    scan = {"type": "file", "file": {"file_data": base64.b64encode(b"%PDF-1.4").decode()}}
    made = translate(request(user([image, scan])), blind)
    parts = json.loads(made.body)["input"][0]["content"]
    assert [part["type"] for part in parts] == ["input_text", "input_text"]
    assert [note.action for note in made.notes] == ["dropped", "dropped"]


@pytest.mark.parametrize("content", [None, "", []])
def test_a_message_without_content_is_left_out(content: object) -> None:
    body = sent(user("a"), assistant(content), user("b"))
    assert [item["role"] for item in body["input"]] == ["user", "user"]


def test_refusals_stay_refusals() -> None:
    body = sent(user("a"), assistant(None, refusal="No."), user("b"))
    assert body["input"][1]["content"] == [{"type": "refusal", "refusal": "No."}]
    part = {"type": "refusal", "refusal": "No."}
    assert sent(user("a"), assistant([part]), user("b"))["input"][1]["content"] == [part]


def test_names_of_speakers_are_noted_as_lost() -> None:
    assert notes({**user(), "name": "Ada"}) == [("dropped", "messages[0].name")]


def test_lost_results_and_orphans_are_mended() -> None:
    made = translate(request(user(), assistant(tool_calls=[call("a"), call("b")]), result("b"), result("zzz")), TARGET)
    items = acceptance.accept(made.body)["input"]
    assert [(item["type"], item.get("call_id")) for item in items[1:]] == [
        ("function_call", "a"),
        ("function_call", "b"),
        ("function_call_output", "a"),
        ("function_call_output", "b"),
        ("message", None),
    ]
    assert [note.action for note in made.notes] == ["approximated", "approximated"]


def test_ids_that_come_again_stay_apart() -> None:
    body = sent(user(), assistant(tool_calls=[call("")]), result(""), assistant(tool_calls=[call("")]), result(""))
    ids = [item["call_id"] for item in body["input"][1:]]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_long_names_and_ids_are_short_everywhere() -> None:
    name, long_id = "mcp__" + "x" * 90, "i" * 90
    tool = {"type": "function", "function": {"name": name}}
    made = translate(
        request(
            user(),
            assistant(tool_calls=[call(long_id, name)]),
            result(long_id),
            tools=[tool],
            tool_choice={"type": "function", "function": {"name": name}},
        ),
        TARGET,
    )
    body = acceptance.accept(made.body)
    short = body["tools"][0]["name"]
    assert len(short) <= 64
    assert short == body["input"][1]["name"] == body["tool_choice"]["name"]
    assert made.full_names == {short: name}
    assert body["input"][1]["call_id"] == body["input"][2]["call_id"]


def test_arguments_that_are_an_object_are_said_as_text() -> None:
    body = sent(user(), assistant(tool_calls=[call("a", arguments={"at": "🚂"})]), result("a"))
    assert json.loads(body["input"][1]["arguments"]) == {"at": "🚂"}


# Reasoning


def details(account: str = "acct-1", model: str = "gpt-5.5") -> list[Json]:
    sealed = reasoning.seal(account, model, "rs_1", acceptance.encrypted_reasoning("thought")).decode()
    return [{"type": "reasoning.encrypted", "data": sealed, "index": 0}, {"type": "reasoning.text", "text": "x"}]


def test_reasoning_comes_back_to_the_model_that_had_it() -> None:
    body = sent(user(), assistant("So.", reasoning_content="x", reasoning_details=details()), user("go on"))
    assert [item["type"] for item in body["input"]] == ["message", "reasoning", "message", "message"]
    assert body["input"][1]["encrypted_content"] == acceptance.encrypted_reasoning("thought")


@pytest.mark.parametrize(
    ("given", "noted"),
    [
        (details(account="acct-2"), 1),
        (details(model="gpt-6"), 1),
        ([{"type": "reasoning.encrypted", "data": "somebody else's"}], 0),
        ([{"type": "reasoning.encrypted", "data": 7}], 0),
        ({"surprise": True}, 0),
        ("surprise", 0),
    ],
)
def test_other_reasoning_is_left_out(given: object, noted: int) -> None:
    history = (user(), assistant("So.", reasoning_details=given), user("go on"))
    assert [item["type"] for item in sent(*history)["input"]] == ["message"] * 3
    assert len(notes(*history)) == noted


def test_the_effort_in_both_its_places() -> None:
    assert request(reasoning_effort="low").effort == "low"
    assert request(reasoning={"effort": "low"}).effort == "low"
    assert request().effort is None


def test_reasoning_that_the_client_does_not_want_to_see() -> None:
    assert sent(reasoning={"exclude": True})["reasoning"] == {"effort": "high"}


# Tools


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "look"}}, {"type": "function", "name": "look"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]},
            },
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]},
        ),
    ],
)
def test_choices_among_tools(choice: object, expected: object) -> None:
    assert sent(tools=[FUNCTION], tool_choice=choice, target=API)["tool_choice"] == expected


@pytest.mark.parametrize(("given", "expected"), [({}, True), ({"parallel_tool_calls": False}, False)])
def test_parallel_calls(given: Json, expected: bool) -> None:
    assert sent(tools=[FUNCTION], **given)["parallel_tool_calls"] is expected


def test_strict_is_said_where_upstream_would_take_it() -> None:
    def tool(schema: object, strict: bool | None) -> Json:
        return {"type": "function", "function": {"name": "f", "parameters": schema, "strict": strict}}

    assert sent(tools=[tool(SCHEMA, True)])["tools"][0]["strict"] is True
    assert sent(tools=[tool(SCHEMA, None)])["tools"][0]["strict"] is False
    loose = tool({"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}}, True)
    assert sent(tools=[loose])["tools"][0]["strict"] is False
    assert ("approximated", "tools[0].function") in notes(tools=[loose])


def test_tools_of_unknown_types_are_left_out() -> None:
    assert notes(tools=[{"type": "retrieval"}]) == [("dropped", "tools[0]")]
    assert "tools" not in sent(tools=[{"type": "retrieval"}])


# The answer's form


def test_response_formats() -> None:
    def form(**fields: object) -> object:
        return sent(response_format=fields, target=API).get("text")

    schema = {"name": "reply", "description": "The reply.", "schema": SCHEMA}
    assert form(type="text") is None
    assert form(type="json_object") == {"format": {"type": "json_object"}}
    expected = {"type": "json_schema", "name": "reply", "description": "The reply.", "strict": True, "schema": SCHEMA}
    assert form(type="json_schema", json_schema={**schema, "strict": True}) == {"format": expected}
    assert form(type="json_schema", json_schema=schema) == {"format": {**expected, "strict": False}}


def test_verbosity_and_tier_and_cache_key() -> None:
    target = msgspec.structs.replace(TARGET, tier="priority", session="conversation")
    body = sent(verbosity="low", target=target)
    assert (body["text"], body["service_tier"], body["prompt_cache_key"]) == (
        {"verbosity": "low"},
        "priority",
        "conversation",
    )


def test_limits_where_the_upstream_takes_them() -> None:
    body = sent(max_completion_tokens=5, temperature=0.2, top_p=0.5, metadata={"a": "b"}, user="u", target=API)
    assert (body["max_output_tokens"], body["temperature"], body["top_p"]) == (16, 0.2, 0.5)
    assert (body["metadata"], body["user"]) == ({"a": "b"}, "u")
    assert sent(max_tokens=500, target=API)["max_output_tokens"] == 500
    assert "max_output_tokens" not in sent(max_tokens=-1, target=API)


def test_limits_where_it_does_not() -> None:
    given: Json = {"max_tokens": 5, "temperature": 0.2, "top_p": 1, "metadata": {"a": "b"}, "user": "u"}
    assert set(sent(**given)) <= TARGET.capabilities.fields
    assert notes(**given) == [
        ("approximated", "max_completion_tokens"),
        ("dropped", "temperature"),
        ("ignored", "metadata"),
        ("ignored", "user"),
    ]


def test_fields_without_a_counterpart_are_noted() -> None:
    given: Json = {
        "presence_penalty": 1,
        "frequency_penalty": 0,
        "logit_bias": {"1": 2},
        "seed": 7,
        "prediction": {"type": "content", "content": "x"},
        "store": True,
        "a_field_of_next_year": [1],
    }
    assert notes(**given) == [
        ("dropped", "presence_penalty"),
        ("dropped", "logit_bias"),
        ("ignored", "seed"),
        ("ignored", "prediction"),
        ("ignored", "store"),
    ]


@pytest.mark.parametrize(("stop", "expected"), [(None, ()), ("a", ("a",)), (["a", "", "b"], ("a", "b"))])
def test_stops_are_kept_for_the_answer(stop: object, expected: tuple[str, ...]) -> None:
    made = translate(request(stop=stop), API)
    assert made.stop_sequences == expected
    assert "stop" not in json.loads(made.body)


def test_web_search_is_upstreams_own() -> None:
    searching = msgspec.structs.replace(TARGET, capabilities=Capabilities(hosted_search=True))
    options = {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Ulm", "country": "DE"}},
    }
    made = translate(request(web_search_options=options), searching)
    assert json.loads(made.body)["tools"] == [
        {
            "type": "web_search",
            "search_context_size": "low",
            "user_location": {"type": "approximate", "city": "Ulm", "country": "DE"},
        }
    ]
    assert json.loads(translate(request(web_search_options={}), searching).body)["tools"] == [{"type": "web_search"}]
    assert notes(web_search_options={}) == [("dropped", "web_search_options")]


def test_lite_framing_has_its_tools_in_front() -> None:
    lite = msgspec.structs.replace(TARGET, framing="lite")
    made = translate(request(tools=[FUNCTION]), lite)
    body = json.loads(made.body)
    assert "tools" not in body
    assert body["input"][0]["type"] == "additional_tools"
    assert body["reasoning"]["context"] == "all_turns"
    assert made.framing == "lite"


# What is refused


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"n": 2}, "n: 2 answers"),
        ({"n": 0}, "n: 0 answers"),
        ({"logprobs": True}, "logprobs: "),
        ({"top_logprobs": 3}, "top_logprobs: "),
        ({"modalities": ["text", "audio"]}, "modalities: "),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "modalities: "),
        ({"tools": [FUNCTION], "functions": [FUNCTION["function"]]}, "functions: either"),
        ({"tools": [{"type": "function"}]}, "tools[0].function: this field is required"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": [FUNCTION], "tool_choice": "any"}, "tool_choice: expected auto"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "no tool 'x'"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "web"}}, "tool_choice.type"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"verbosity": "loud"}, "verbosity: expected low"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(fields: Json, words: str) -> None:
    assert words in refusal(**fields)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"role": "robot", "content": "x"}, "messages[0].role: 'robot'"),
        (user(7), "messages[0].content: expected a string"),
        (user([{"type": "text"}]), "messages[0].content[0].text: expected a string"),
        (user([7]), "messages[0].content[0]"),
        (user([{"type": "image_url"}]), "messages[0].content[0].image_url.url"),
        (user([{"type": "image_url", "image_url": {"url": PIXEL, "detail": "8k"}}]), "image_url.detail"),
        (user([{"type": "file", "file": {}}]), "messages[0].content[0].file: file_data or file_id"),
        (user([{"type": "input_audio", "input_audio": {}}]), "messages[0].content[0]: audio"),
        (assistant(tool_calls=[{"id": "a", "type": "function"}]), "messages[0].tool_calls[0]"),
        (assistant(tool_calls=[call("a", arguments=7)]), "messages[0].tool_calls[0].arguments"),
        (user(""), "nothing in them to send"),
    ],
)
def test_wrong_messages_are_refused_by_their_place(message: Json, words: str) -> None:
    assert words in refusal(message)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"[]", "request body: expected object"),
        (b'{"model":"m"}', "messages: this field is required"),
        (b'{"model":"","messages":[{"role":"user"}]}', "model: must not be empty"),
        (b'{"model":"m","messages":[]}', "messages: at least one"),
        (b'{"model":"m","messages":[{"content":"x"}]}', "messages[0].role: this field is required"),
        (b'{"model":"m","messages":[{"role":"user"}],"n":"two"}', "n: expected int"),
        (b'{"model":"m\xff"}', "not valid UTF-8"),
        (b'{"surprise":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(TurnoutError) as refused:
        decode_request(body)
    assert words in refused.value.failure.message


def test_half_characters_are_mended_and_bad_bytes_refused() -> None:
    half = decode_request(b'{"model":"m","messages":[{"role":"user","content":"a\\ud83d"}]}')
    assert json.loads(translate(half, TARGET).body)["input"][0]["content"][0]["text"] == "a\ufffd"
    with pytest.raises(TurnoutError) as refused:
        translate(decode_request(b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}'), TARGET)
    assert "not valid UTF-8" in refused.value.failure.message


# Properties

CALLS = st.builds(call, strategies.IDS, strategies.NAMES.filter(bool), st.builds(json.dumps, strategies.OBJECTS))
PARTS = st.one_of(
    st.builds(lambda words: {"type": "text", "text": words}, strategies.WORDS),
    st.just({"type": "image_url", "image_url": {"url": PIXEL}}),
    st.builds(lambda fields: {**fields, "type": "surprise", "image_url": None, "file": None}, strategies.OBJECTS),
)
CONTENTS = strategies.WORDS | st.none() | st.lists(PARTS, max_size=3)
MESSAGES = st.one_of(
    st.builds(user, CONTENTS),
    st.builds(lambda content: {"role": "system", "content": content}, CONTENTS),
    st.builds(lambda words, calls: assistant(words, tool_calls=calls), strategies.WORDS, st.lists(CALLS, max_size=3)),
    st.builds(lambda name: assistant(function_call={"name": name, "arguments": "{}"}), strategies.NAMES.filter(bool)),
    st.builds(result, strategies.IDS, CONTENTS),
    st.builds(lambda name, text: {"role": "function", "name": name, "content": text}, strategies.NAMES, CONTENTS),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=8))
def test_any_conversation_is_one_that_upstream_takes(messages: list[Json]) -> None:
    try:
        made = translate(request(user("begin"), *messages), TARGET)
    except TurnoutError as error:
        assert error.failure.kind is FailureKind.BAD_REQUEST
        return
    acceptance.accept(made.body)


@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=5), st.data())
def test_whatever_is_wrong_is_refused_and_breaks_nothing(messages: list[Json], data: st.DataObject) -> None:
    whole = {"model": "gpt-5.5", "messages": [user("begin"), *messages], "tools": [FUNCTION], "stream": True}
    body = json.dumps(data.draw(strategies.mangled(whole))).encode()
    try:
        translate(decode_request(body), TARGET)
    except TurnoutError as error:
        assert error.failure.kind is FailureKind.BAD_REQUEST
