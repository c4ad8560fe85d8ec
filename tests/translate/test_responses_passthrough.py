"""Given this Responses request, the upstream sees that: as much of it as it takes, unchanged."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.translate import acceptance
from tests.translate.answers import sse
from tests.translate.creating import API, TARGET, events, machine, request, user
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.protocol.response_create import Wishes, decode_create
from turnout.simulator.checks import LITE_HEADER, check
from turnout.simulator.rejection import Rejection
from turnout.translate.responses_passthrough import translate

Json = dict[str, Any]

LITE = msgspec.structs.replace(TARGET, framing="lite", model="gpt-6-astra")
PLAIN_SERVER = msgspec.structs.replace(TARGET, capabilities=Capabilities())
LOOSE = {"type": "object", "properties": {"a": {"type": "string"}}}
TIGHT = {**LOOSE, "required": ["a"], "additionalProperties": False}


def sent(given: object = "hi", *, target: Any = TARGET, **fields: object) -> Json:
    """What the upstream gets; the Codex backend would take it."""
    asked = request(given, **fields)
    made = translate(asked, asked.items, target)
    body: Json = json.loads(made.body)
    if target.capabilities is TARGET.capabilities:
        headers = {**acceptance.HEADERS, LITE_HEADER: "true"} if made.framing == "lite" else acceptance.HEADERS
        verdict = check(body, headers, "codex", acceptance.WORLD)
        assert not isinstance(verdict, Rejection), verdict.body
    return body


def notes(given: object = "hi", *, target: Any = TARGET, **fields: object) -> list[tuple[str, str]]:
    asked = request(given, **fields)
    return [(note.action, note.place) for note in translate(asked, asked.items, target).notes]


def refusal(given: object = "hi", *, target: Any = TARGET, **fields: object) -> str:
    with pytest.raises(TurnoutError) as refused:
        asked = request(given, **fields)
        translate(asked, asked.items, target)
    assert refused.value.failure.kind is FailureKind.BAD_REQUEST
    return refused.value.failure.text


# Reading


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", "not valid JSON"),
        (b'{"input":"hi"}', "model: this field is required"),
        (b'{"model":""}', "model: must not be empty"),
        (b'{"model":5}', "model: "),
        (b'{"model":"m","reasoning":"high"}', "reasoning: "),
        (b'{"model":"m","tools":{}}', "tools: "),
        (b'{"model":"m","stream":"yes"}', "stream: "),
        (b'{"model":"m","include":[1]}', "include[0]: "),
        (b'{"model":"\xff"}', "not valid UTF-8"),
        (b'{"model":"m","input":' + b"[" * 5000, "nested too deeply"),
    ],
)
def test_a_request_that_cannot_be_read(body: bytes, place: str) -> None:
    with pytest.raises(TurnoutError) as refused:
        decode_create(body)
    assert place in refused.value.failure.text


@pytest.mark.parametrize(
    ("given", "place"),
    [(5, "input: "), ({}, "input: "), ([5], "input[0]: "), ([{"type": 1}], "input[0].type: "), ([], "input: ")],
)
def test_input_that_cannot_be_read(given: object, place: str) -> None:
    assert refusal(given).startswith(place)


def test_half_of_a_surrogate_pair_is_mended() -> None:
    asked = decode_create(b'{"model":"gpt-5.5","input":"\\ud83d"}')
    assert json.loads(translate(asked, asked.items, TARGET).body)["input"][0]["content"] == "\ufffd"


NAMES = (*Wishes.__struct_fields__, "text", "metadata", "parallel_tool_calls", "temperature", "user", "surprise")
ODD = (5, -1.5, "x", True, None, [], {}, [5], ["x"], [[]], [{}], {"a": 1}, {"type": 5}, [{"type": []}], {"format": 5})


@pytest.mark.parametrize("target", [TARGET, API, LITE, PLAIN_SERVER], ids=["codex", "api", "lite", "plain"])
@pytest.mark.parametrize("name", [*NAMES, "item"])
def test_whatever_stands_in_a_field_is_taken_or_refused(name: str, target: Any) -> None:
    for odd in ODD:
        fields: Json = {"model": "gpt-5.5", "input": "hi"}
        fields |= {"input": [{"role": "user", "content": odd, "id": odd}]} if name == "item" else {name: odd}
        try:
            asked = decode_create(json.dumps(fields).encode())
            json.loads(translate(asked, asked.items, target).body)
            one = machine(asked)
            one.open()
            hold = events(one.feed(sse("response.completed", response={"status": "completed"})))
            assert hold[-1]["type"] == "response.completed"
        except TurnoutError as refused:
            assert refused.failure.kind is FailureKind.BAD_REQUEST


# Fields


def test_a_small_request() -> None:
    body = sent()
    assert body == {
        "model": "gpt-5.5",
        "instructions": "",
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "input": [{"type": "message", "role": "user", "content": "hi"}],
    }
    assert list(body)[-1] == "input"


@pytest.mark.parametrize("stream", [True, False, None])
@pytest.mark.parametrize("store", [True, False, None])
def test_store_and_stream_are_as_the_backend_wants_them(store: object, stream: object) -> None:
    body = sent(store=store, stream=stream, stream_options={"include_obfuscation": False}, background=True)
    assert (body["store"], body["stream"]) == (False, True)
    assert "stream_options" not in body
    assert "background" not in body


SAMPLING: Json = {"temperature": 0.5, "top_p": 0.5, "top_logprobs": 2, "truncation": "auto", "max_tool_calls": 3}
QUIET: Json = {"metadata": {"a": "b"}, "user": "me", "safety_identifier": "s", "prompt_cache_retention": "24h"}


def test_what_the_codex_backend_does_not_take() -> None:
    body = sent(**SAMPLING, **QUIET, max_output_tokens=500)
    assert not (SAMPLING | QUIET).keys() & body.keys()
    said = notes(**SAMPLING, **QUIET, max_output_tokens=500)
    assert sorted(said) == sorted(
        [("dropped", name) for name in SAMPLING]
        + [("ignored", name) for name in QUIET]
        + [("approximated", "max_output_tokens")]
    )


def test_what_says_only_what_is_so_anyway_is_no_loss() -> None:
    fields: Json = {"temperature": 1, "top_p": 1.0, "truncation": "disabled", "metadata": {}, "top_logprobs": 0}
    assert notes(**fields, presence_penalty=0, user=None) == []


def test_the_api_gets_it_all() -> None:
    fields = {**SAMPLING, **QUIET, "max_output_tokens": 500, "context_management": [{"type": "compaction"}]}
    body = sent(target=API, **fields, conversation="conv_1", prompt={"id": "p"})
    assert body == body | fields | {"conversation": "conv_1", "prompt": {"id": "p"}}
    assert notes(target=API, **fields) == []


@pytest.mark.parametrize("name", ["conversation", "prompt", "previous_response_id"])
def test_what_is_stored_elsewhere_cannot_be_left_out(name: str) -> None:
    assert refusal(**{name: "x_1"}).startswith(f"{name}: ")


def test_instructions_and_the_fields_that_go_on() -> None:
    body = sent(
        instructions="Be brief.",
        parallel_tool_calls=False,
        text={"format": {"type": "text"}, "verbosity": "low"},
        client_metadata={"session_id": "x"},
        tools=[{"type": "function", "name": "f", "parameters": LOOSE, "strict": False}],
        tool_choice="required",
    )
    assert body["instructions"] == "Be brief."
    assert body["parallel_tool_calls"] is False
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert body["client_metadata"] == {"session_id": "x"}
    assert body["tool_choice"] == "required"


def test_codex_s_own_metadata_is_for_its_backend_only() -> None:
    item = {**user(), "internal_chat_message_metadata_passthrough": {"turn": "1"}}
    assert sent([item])["input"] == [item]
    body = sent([item], target=API, client_metadata={"x": "y"})
    assert body["input"] == [user()]
    assert "client_metadata" not in body


def test_the_route_decides_on_effort_tier_and_key() -> None:
    target = msgspec.structs.replace(TARGET, effort="low", tier="priority", session="s-1")
    body = sent(
        target=target,
        reasoning={"effort": "max", "summary": "auto", "generate_summary": None},
        service_tier="auto",
        prompt_cache_key="of the client's",
    )
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert (body["service_tier"], body["prompt_cache_key"]) == ("priority", "s-1")


def test_an_effort_that_the_route_leaves_open_is_the_client_s() -> None:
    assert sent(reasoning={"effort": "high"})["reasoning"] == {"effort": "high"}
    assert "reasoning" not in sent(reasoning=None)


def test_include() -> None:
    asked = ["message.output_text.logprobs", "reasoning.encrypted_content"]
    assert sent(include=asked)["include"] == ["reasoning.encrypted_content"]
    assert notes(include=asked) == [("dropped", "include")]
    assert sent(include=asked, target=API)["include"] == asked


def test_a_server_that_takes_little() -> None:
    few = Capabilities(fields=frozenset({"model", "input", "stream", "tools"}), encrypted_reasoning=False)
    target = msgspec.structs.replace(TARGET, capabilities=few, effort="low", tier="flex", session="s")
    assert sent(target=target, instructions="x", parallel_tool_calls=True).keys() == {"model", "input", "stream"}


# Items


def test_items_that_need_no_change_keep_their_bytes() -> None:
    item = Raw(b'{"role" :"user",  "content":[{"type":"input_text","text":"\\u0041"}],"id":"msg_1"}')
    asked = request()
    assert bytes(item) in translate(asked, [item], TARGET).body


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        ({**user(), "id": "msg_1"}, True),
        ({**user(), "id": "msg_" + "a" * 400}, False),
        ({**user(), "id": "other_1"}, False),
        ({**user(), "id": "msg_ü"}, False),
        ({**user(), "id": ""}, False),
    ],
)
def test_ids_are_legal_or_dropped(item: Json, kept: bool) -> None:
    (found,) = sent([item])["input"]
    assert ("id" in found) is kept
    assert found["content"] == item["content"]


def test_system_messages_are_the_developer_s_where_there_is_no_such_role() -> None:
    item = {"role": "system", "content": "Be brief."}
    assert sent([item])["input"] == [{"role": "developer", "content": "Be brief."}]
    assert sent([item], target=API)["input"] == [item]


def test_long_call_ids_are_shortened_alike() -> None:
    call_id = "call_" + "a" * 100
    call = {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": call_id, "output": "seen"}
    first, second = sent([user(), call, output])["input"][1:]
    assert first["call_id"] == second["call_id"] != call_id


def test_what_the_sdk_s_parse_helpers_add_is_taken_out() -> None:
    text = {"type": "output_text", "text": "{}", "annotations": [], "parsed": {"a": 1}}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "parsed_arguments": {}}
    output = {"type": "function_call_output", "call_id": "c", "output": "x"}
    said = {"type": "message", "role": "assistant", "content": [text]}
    first, second, _ = sent([said, call, output])["input"]
    assert first["content"] == [{"type": "output_text", "text": "{}", "annotations": []}]
    assert "parsed_arguments" not in second


def test_reasoning_without_its_encrypted_content_is_of_no_use_where_nothing_is_stored() -> None:
    bare = {"type": "reasoning", "id": "rs_1", "summary": []}
    assert sent([user(), bare])["input"] == [user()]
    assert notes([user(), bare]) == [("dropped", "input[1]")]
    assert sent([user(), bare], target=API)["input"] == [user(), bare]


def test_encrypted_reasoning_and_compaction_go_on() -> None:
    thought = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": acceptance.encrypted_reasoning("a"),
    }
    compacted = {"type": "compaction", "id": "cmp_1", "encrypted_content": acceptance.encrypted_reasoning("b")}
    given = [user(), thought, compacted, {"type": "compaction_trigger"}]
    assert sent(given)["input"] == given


def test_a_reference_to_what_is_not_stored() -> None:
    assert "rs_9" in refusal([user(), {"type": "item_reference", "id": "rs_9"}])


# Tools


def test_functions_are_held_to_their_schemas_where_that_can_be() -> None:
    tools = [
        {"type": "function", "name": "tight", "parameters": TIGHT},
        {"type": "function", "name": "loose", "parameters": {**LOOSE, "$schema": "x"}},
        {"type": "function", "name": "bare"},
        {"type": "function", "name": "strict", "parameters": TIGHT, "strict": True},
        {"type": "custom", "name": "patch", "format": {"type": "text"}},
    ]
    made = sent(tools=tools)["tools"]
    assert made[0] == tools[0]
    assert made[1] == {"type": "function", "name": "loose", "parameters": LOOSE, "strict": False}
    assert made[2]["parameters"]["type"] == "object"
    assert made[3:] == tools[3:]


def test_the_old_name_of_the_web_search() -> None:
    body = sent(tools=[{"type": "web_search_preview"}], tool_choice={"type": "web_search_preview"})
    assert body["tools"] == [{"type": "web_search"}]
    assert body["tool_choice"] == {"type": "web_search"}


# Framing


FUNCTION = {"type": "function", "name": "f", "parameters": LOOSE, "strict": False}
ADDITIONAL = {
    "type": "additional_tools",
    "id": "at_1",
    "role": "developer",
    "tools": [{"type": "namespace", "name": "functions", "description": "", "tools": [FUNCTION]}],
}


def test_a_request_that_is_lite_already_stays_as_it_is() -> None:
    given = [ADDITIONAL, {"type": "message", "role": "developer", "content": "Be brief."}, user()]
    target = msgspec.structs.replace(TARGET, model="gpt-6-astra")
    body = sent(given, target=target, reasoning={"context": "all_turns"}, parallel_tool_calls=False)
    assert body["input"] == given
    assert not {"tools", "instructions"} & body.keys()


def test_a_plain_request_for_a_model_that_wants_lite_framing() -> None:
    body = sent(target=LITE, tools=[FUNCTION], instructions="Be brief.", parallel_tool_calls=True)
    assert [item["type"] for item in body["input"]] == ["additional_tools", "message", "message"]
    assert body["input"][0]["tools"][0]["tools"] == [FUNCTION]
    assert body["input"][1]["content"] == "Be brief."
    assert body["reasoning"] == {"context": "all_turns"}
    assert body["parallel_tool_calls"] is False


def test_the_upstream_s_own_tools_want_plain_framing() -> None:
    body = sent(target=LITE, tools=[{"type": "web_search"}])
    assert body["tools"] == [{"type": "web_search"}]


def test_lite_framing_is_undone_for_a_server_that_does_not_know_it() -> None:
    body = sent([ADDITIONAL, user()], target=PLAIN_SERVER)
    assert (body["tools"], body["input"]) == ([FUNCTION], [user()])
