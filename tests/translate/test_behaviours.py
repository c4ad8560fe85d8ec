"""The behaviours that users of such gateways rely on, by their numbers in the reference (behaviours.md).

One test for each that is pure translation; the finer points of each have tests beside the module that they belong to.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.translate import answers, asking, legality, searching
from tests.translate.answers import HANDSHAKE, answer, completed, machine, run
from tests.translate.asking import (
    CODEX,
    assistant,
    image,
    items,
    pdf,
    sent,
    system,
    text,
    thinking,
    tool,
    translation,
    user,
)
from tests.translate.asking import tool_result as result
from tests.translate.asking import tool_use as call
from turnout.config import Config
from turnout.gateway.answers import session_key
from turnout.models.catalogue import Catalogue
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import FailureKind
from turnout.protocol.messages import decode_request
from turnout.routing.router import route
from turnout.translate.collect import MessageCollector
from turnout.translate.errors import classify_http, to_anthropic

HI = user("hi")
API = msgspec.structs.replace(
    CODEX, capabilities=Capabilities(fields=Capabilities().fields | {"max_output_tokens", "temperature", "top_p"})
)


def gathered(stream: bytes) -> dict[str, Any]:
    """The message that a client without streaming gets."""
    collector = MessageCollector()
    collector.feed(stream)
    message: dict[str, Any] = json.loads(collector.message())
    return message


def spoken(request: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Role and words of every message item."""
    messages = [item for item in request if item["type"] == "message"]
    return [(item["role"], "|".join(part["text"] for part in item["content"])) for item in messages]


def parameters(schema: object) -> dict[str, Any]:
    """What upstream is sent for a tool's schema."""
    found: dict[str, Any] = sent(HI, tools=[tool("x", schema)])["tools"][0]["parameters"]
    return found


@pytest.mark.parametrize(
    ("prompt", "carrier"),
    [("A", ["A"]), ([text("A"), text("B")], ["A|B"]), (None, []), ("", []), ([], []), ([text("")], [])],
)
def test_01_system_forms(prompt: object, carrier: list[str]) -> None:
    assert spoken(items(HI, system=prompt)) == [*(("developer", one) for one in carrier), ("user", "hi")]


def test_02_attribution_line() -> None:
    def prompt(build: str) -> list[dict[str, Any]]:
        line = f"x-anthropic-billing-header: cc_version=2.1.328.{build};"
        return [text(f"{line}\nYou are kind."), text("Quote: x-anthropic-billing-header: stays")]

    one, two = (translation(HI, system=prompt(build)).body for build in ("ce7", "001"))
    assert one == two
    assert spoken(json.loads(one)["input"])[0] == (
        "developer",
        "You are kind.|Quote: x-anthropic-billing-header: stays",
    )


def test_03_system_message_in_mid_history() -> None:
    found = spoken(items(user("a"), assistant("b"), system("note"), user("c"), system="top"))
    assert found == [("developer", "top"), ("user", "a"), ("assistant", "b"), ("developer", "note"), ("user", "c")]


def test_04_order_within_a_turn() -> None:
    found = items(
        assistant(text("1"), call("a"), text("2"), call("b")), user(result("a", "ra"), result("b", "rb"), text("3"))
    )
    kinds = [(item["type"], item.get("call_id") or item["content"][0]["text"]) for item in found]
    assert kinds == [
        ("message", "1"),
        ("function_call", "a"),
        ("message", "2"),
        ("function_call", "b"),
        ("function_call_output", "a"),
        ("function_call_output", "b"),
        ("message", "3"),
    ]


def test_05_replayed_calls_have_no_item_id() -> None:
    found = items(assistant(text("1"), call("a")), user(result("a")))
    assert [item.get("call_id") for item in found] == [None, "a", "a"]
    assert not any("id" in item for item in found)


def test_06_long_call_ids() -> None:
    ids = ["toolu_" + "x" * 84, "toolu_" + "x" * 83 + "y"]
    found = items(assistant(*map(call, ids)), user(*map(result, ids)))
    short = [item["call_id"] for item in found]
    assert short[:2] == short[2:]
    assert len(set(short)) == 2
    assert all(len(one) <= 64 for one in short)
    assert short == [item["call_id"] for item in items(assistant(*map(call, ids)), user(*map(result, ids)))]


def test_07_long_tool_names() -> None:
    name = "mcp__server__" + "x" * 67
    made = translation(
        assistant(call("a", name)), user(result("a")), tools=[tool(name)], tool_choice={"type": "tool", "name": name}
    )
    request = json.loads(made.body)
    (short,) = {request["tools"][0]["name"], request["input"][0]["name"], request["tool_choice"]["name"]}
    assert len(name) == 80
    assert len(short) <= 64
    out = run(answers.called(0, "c", short, "{}"), completed(), stream=machine(full_names=made.full_names))
    assert legality.read(out).blocks[0].name == name
    assert gathered(out)["content"][0]["name"] == name


def test_08_images() -> None:
    by_url = {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}
    (message,) = items(user(image(), by_url))
    assert [part["image_url"] for part in message["content"]] == [
        f"data:image/png;base64,{asking.PNG}",
        "https://x.test/a.png",
    ]


def test_09_results_with_media() -> None:
    (_, output) = items(assistant(call("a")), user(result("a", [text("seen"), image(), pdf()])))
    assert [part["type"] for part in output["output"]] == ["input_text", "input_image", "input_file"]
    assert output["output"][2]["file_data"] == f"data:application/pdf;base64,{asking.PDF}"


def test_10_failed_results() -> None:
    def output(**fields: object) -> str:
        return str(items(assistant(call("a")), user(result("a", "words", **fields)))[1]["output"])

    assert output(is_error=True) != output(is_error=False) == output() == "words"
    assert "failed" in output(is_error=True)
    assert "words" in output(is_error=True)


def test_11_orphaned_results() -> None:
    found = items(user(result("gone", "still useful")), assistant("a"))
    assert [item["type"] for item in found] == ["message", "message"]
    assert "still useful" in spoken(found)[0][1]


def test_12_awkward_schemas() -> None:
    inner = {
        "format": "uri",
        "oneOf": [{"$ref": "#/$defs/a"}, {"const": None}],
        "enum": [1, 1.5, None, "ü"],
        "patternProperties": {"^x": {"type": "string"}},
    }
    schema = {"$schema": "s", "properties": {"a": {"properties": {"b": inner}}}, "$defs": {"a": {"enum": [{"x": 1}]}}}
    before = json.dumps(schema)
    found = parameters(schema)
    assert json.dumps(schema) == before
    assert found["type"] == "object"
    assert "$schema" not in found
    assert found["properties"]["a"]["properties"]["b"]["enum"] == inner["enum"]
    assert found["$defs"]["a"]["enum"] == [{"x": 1}]
    asking_body = translation(HI, tools=[tool("x", schema)]).body
    assert asking_body == translation(HI, tools=[tool("x", schema)]).body


@pytest.mark.parametrize("pattern", [r"^(?!foo)", r"(?<=a)b", r"\p{L}+"])
def test_13_patterns_that_upstream_refuses(pattern: str) -> None:
    found = parameters({"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}})
    assert found["properties"]["a"] == {"type": "string"}


def test_14_required_that_names_nothing() -> None:
    properties = {"a": {"type": "string"}}
    assert parameters({"type": "object", "properties": properties, "required": None}).get("required", []) == []
    assert parameters({"type": "object", "properties": properties, "required": ["a", "b"]})["required"] == ["a"]


def test_15_optional_parameters() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}
    (function,) = sent(HI, tools=[tool("x", schema)])["tools"]
    assert function["parameters"]["required"] == ["a"]
    assert function["strict"] is False


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "auto"}, "auto"),
        ({"type": "tool", "name": "a.b"}, {"type": "function", "name": "NAME"}),
    ],
)
def test_16_tool_choice(choice: dict[str, str], expected: Any) -> None:
    request = sent(HI, tools=[tool("a.b")], tool_choice=choice)
    if isinstance(expected, dict):
        expected["name"] = request["tools"][0]["name"]
        assert expected["name"] != "a.b"
    assert request["tool_choice"] == expected


def test_17_parallel_calls() -> None:
    def parallel(**choice: object) -> object:
        return sent(HI, tools=[tool("x")], tool_choice={"type": "auto", **choice})["parallel_tool_calls"]

    assert parallel(disable_parallel_tool_use=True) is False
    assert parallel() is True


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"thinking": {"type": "disabled"}}, "low"),  # the model's least
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 20_000}}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),  # the model's own
        ({"output_config": {"effort": "max"}}, "max"),
        ({"output_config": {"effort": "low"}, "thinking": {"type": "enabled", "budget_tokens": 20_000}}, "low"),
    ],
)
def test_18_effort(fields: dict[str, Any], effort: str | None) -> None:
    request = decode_request(asking.body(HI, **fields, model="gpt-6-sol"))
    chosen = route(request, Config(), Catalogue.bundled())
    assert chosen.effort == effort
    target = msgspec.structs.replace(CODEX, model=chosen.model, effort=chosen.effort)
    assert sent(HI, target=target, **fields)["reasoning"].get("effort") == effort


def test_18_effort_is_capped_to_the_model() -> None:
    request = decode_request(asking.body(HI, output_config={"effort": "max"}, model="gpt-5.5"))
    assert route(request, Config(), Catalogue.bundled()).effort == "xhigh"


def test_19_sampling_and_limits() -> None:
    fields: dict[str, Any] = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 32_000}
    subscription, api = sent(HI, **fields), sent(HI, target=API, **fields)
    assert not {"temperature", "top_p", "max_tokens", "max_output_tokens"} & subscription.keys()
    assert (api["temperature"], api["top_p"], api["max_output_tokens"]) == (0.5, 0.9, 32_000)


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({"speed": "fast"}, "priority"),
        ({"service_tier": "priority"}, "priority"),
        ({"service_tier": "fast"}, "priority"),
        ({"service_tier": "platinum"}, None),
        ({"service_tier": 5}, None),
    ],
)
def test_20_tiers(fields: dict[str, Any], tier: str | None) -> None:
    request = decode_request(asking.body(HI, **fields))
    chosen = route(request, Config(), Catalogue.bundled())
    assert sent(HI, target=msgspec.structs.replace(CODEX, tier=chosen.tier), **fields).get("service_tier") == tier


def test_21_reasoning_makes_the_round_trip() -> None:
    cipher = "gAAAAABm" + "Zz-_09" * 200 + "=="
    (block,) = answer(answers.done(0, answers.reasoning("Hm.", encrypted=cipher)), completed()).blocks
    (item, _) = items(assistant(thinking(block.signature, block.content)), HI)
    assert item == {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": cipher}


@pytest.mark.parametrize(
    "signature", ["EqQBCgIYAhIkNative==", "turnout:1:acct-1", "turnout:9:a:b:c:d", "gAAAA", "{}", ""]
)
def test_22_foreign_signatures(signature: str) -> None:
    found = items(assistant(thinking(signature, "Hm."), text("kept")), HI)
    assert spoken(found) == [("assistant", "kept"), ("user", "hi")]
    assert len(found) == 2


def test_23_thinking_of_a_user() -> None:
    ours = thinking("turnout:1:acct-1:gpt-5.5:rs_1:gAAAA")
    assert spoken(items(user(ours, text("hi")))) == [("user", "hi")]
    assert len(items(user(ours, text("hi")))) == 1


def test_24_summaries_in_several_parts() -> None:
    events = [answers.added(0, "reasoning"), answers.summary(0, "A", 0), answers.summary(0, "B", 1)]
    out = run(*events, answers.done(0, answers.reasoning("A", "B")), completed())
    (block,) = legality.read(out).blocks  # the checker holds the signature to be one, and before the stop
    assert (block.content, block.signature) == ("A\n\nB", "turnout:1:acct-1:gpt-5.5:rs_1:gAAAAcipher")
    assert out.count(b"signature_delta") == 1


def test_25_contiguous_blocks() -> None:
    read = answer(answers.said(0, "a"), answers.called(1, "c", "Bash", "{}"), answers.said(2, "b"), completed())
    assert read.shape == [("text", "a"), ("tool_use", "{}"), ("text", "b")]
    assert read.events.count("content_block_start") == read.events.count("content_block_stop") == 3


def test_26_interleaved_calls() -> None:
    start = [answers.added(i, "function_call", call_id=f"c{i}", name="Bash") for i in (0, 1)]
    deltas = [
        answers.arguments(1, '{"b"'),
        answers.arguments(0, '{"a"'),
        answers.arguments(1, ":2}"),
        answers.arguments(0, ":1}"),
    ]
    end = [answers.done(i, answers.call(f"c{i}", "Bash", f'{{"{n}":{i + 1}}}')) for i, n in ((1, "b"), (0, "a"))]
    read = answer(*start, *deltas, *end, completed())
    assert [(block.id, block.content) for block in read.blocks] == [("c0", '{"a":1}'), ("c1", '{"b":2}')]


def test_27_a_name_that_comes_late_or_never() -> None:
    start = [answers.added(0, "function_call", call_id="c", name=None), answers.arguments(0, "{}")]
    stream = machine()
    assert b"content_block_start" not in stream.feed(b"".join(start))
    named = legality.read(answers.run(*start, answers.done(0, answers.call("c", "Bash", "{}")), completed()))
    assert [(block.name, block.content) for block in named.blocks] == [("Bash", "{}")]
    assert named.stop_reason == "tool_use"
    nameless = answer(*start, answers.done(0, answers.call("c", None, "{}")), completed())
    assert (nameless.blocks, nameless.stop_reason) == ([], "end_turn")


def test_28_arguments_only_at_the_end() -> None:
    start = answers.added(0, "function_call", call_id="c", name="Bash", arguments="")
    whole = answers.call("c", "Bash", '{"a":1}')
    ends: list[list[bytes]] = [
        [answers.done(0, whole), completed()],
        [answers.arguments_done(0, '{"a":1}'), answers.done(0, whole), completed([whole])],
        [completed([whole])],
    ]
    for end in ends:
        assert answer(HANDSHAKE, start, *end).shape == [("tool_use", '{"a":1}')]


def test_29_text_is_not_doubled() -> None:
    whole = answers.message("Hello")
    events = [answers.added(0, "message"), answers.text(0, "Hel"), answers.text(0, "lo"), answers.text_done(0, "Hello")]
    assert answer(*events, answers.done(0, whole), completed([whole])).shape == [("text", "Hello")]


def test_30_cut_characters_and_a_last_event_without_its_blank_line() -> None:
    stream = (HANDSHAKE + answers.said(0, "Züge 🚂") + completed()).rstrip(b"\n")
    place = stream.index("🚂".encode()) + 2
    cut = machine()
    out = cut.feed(stream[:place]) + cut.feed(stream[place:]) + cut.close()
    assert legality.read(out).text == "Züge 🚂"


def test_31_a_hosted_search_is_a_call_with_its_query_then_its_result_with_sources() -> None:
    found = searching.search_item(sources=[{"type": "url", "url": "https://a.test/1"}])
    told = answer(HANDSHAKE, searching.searched(0, found), answers.said(1, "A switch."), completed())
    use, result, _ = told.blocks
    assert (use.type, use.name, json.loads(use.content)) == (
        "server_tool_use",
        "web_search",
        {"query": "railway turnout"},
    )
    assert (result.type, result.id) == ("web_search_tool_result", use.id)
    assert [page["url"] for page in result.result] == ["https://a.test/1"]
    assert told.stop_reason == "end_turn"


def test_31_a_failed_search_gives_an_error_result() -> None:
    failed = searching.searched(0, searching.search_item(status="failed"))
    told = answer(HANDSHAKE, failed, answers.said(1, "I could not search."), completed())
    assert told.blocks[1].result == {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert told.stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ([answers.said(0, "a"), completed()], "end_turn"),
        ([answers.said(0, "a"), answers.incomplete("max_output_tokens")], "max_tokens"),
        ([answers.said(0, "a"), answers.incomplete("content_filter")], "refusal"),
        ([answers.called(0, "c", "Bash", "{}"), completed()], "tool_use"),
        ([answers.said(0, "a"), answers.called(1, "c", "Bash", "{}"), completed()], "tool_use"),
    ],
)
def test_32_stop_reasons(end: list[bytes], reason: str) -> None:
    out = run(*end)
    assert legality.read(out).stop_reason == gathered(out)["stop_reason"] == reason
    assert legality.read(out).stop_sequence is None


def test_32_stop_sequence() -> None:
    out = run(answers.said(0, "no</block>more"), completed(), stream=machine(stops=("</block>",)))
    read = legality.read(out)
    assert (read.text, read.stop_reason, read.stop_sequence) == ("no", "stop_sequence", "</block>")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 10}, (40, 60, 0, 10)),
        ({"input_tokens": 50, "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 1}, (0, 60, 0, 1)),
        ({"input_tokens": 9, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}}, (4, 2, 3, 0)),
        (None, (0, 0, 0, 0)),
    ],
)
def test_33_usage(usage: object, expected: tuple[int, ...]) -> None:
    out = run(answers.said(0, "a"), completed(usage=usage))
    for told in (legality.read(out).usage, gathered(out)["usage"]):
        names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
        assert tuple(told[name] for name in names) == expected


@pytest.mark.parametrize(
    "events",
    [
        [answers.added(0, "message"), answers.text(0, "part")],
        [answers.said(0, "whole")],
        [answers.added(0, "function_call", call_id="c", name="Bash"), answers.arguments(0, '{"a"')],
        [answers.called(0, "c", "Bash", "{}")],
    ],
)
def test_34_a_cut_is_never_a_clean_end(events: list[bytes]) -> None:
    stream = machine()
    read = answer(HANDSHAKE, *events, stream=stream)
    assert read.error is not None
    assert read.error["type"] == "api_error"
    assert "message_stop" not in read.events
    assert stream.failure is not None
    assert stream.failure.kind is FailureKind.CUT


def test_35_failures_inside_http_200() -> None:
    for end in (
        answers.failed("server_is_overloaded", "Busy."),
        completed(status="failed", error={"code": "server_is_overloaded", "message": "Busy."}),
        answers.sse("error", code="server_is_overloaded", message="Busy."),
    ):
        stream = machine()
        assert stream.feed(HANDSHAKE + answers.KEEPALIVE + end) + stream.close() == b""
        assert stream.failure is not None
        assert stream.failure.kind is FailureKind.OVERLOADED
        assert to_anthropic(stream.failure, "req_1", answers.NOW).status == 529
    body = b'{"error":{"code":"server_is_overloaded","message":"Busy."}}'
    assert classify_http(200, {"content-type": "application/json"}, body).kind is FailureKind.OVERLOADED


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
    ],
)
def test_36_http_errors(status: int, name: str) -> None:
    shown = json.loads(to_anthropic(classify_http(status, {}, b'{"detail":"Its words."}'), "r", answers.NOW).body)
    assert shown["error"]["type"] == name
    assert shown["error"]["message"].startswith("Its words.")


@pytest.mark.parametrize("status", [400, 413, 429, 500])
def test_36_an_overflow_in_any_status_makes_the_client_compact(status: int) -> None:
    words = "This model's maximum context length is 272000 tokens. However, your messages resulted in 300000 tokens."
    shown = to_anthropic(classify_http(status, {}, json.dumps({"detail": words}).encode()), "r", answers.NOW)
    assert shown.status == 400
    assert json.loads(shown.body)["error"] == {
        "type": "invalid_request_error",
        "message": "prompt is too long: 300000 tokens > 272000 maximum",
    }
    assert "retry-after" not in shown.headers


def test_40_the_conversations_key() -> None:
    def key(user_id: str, agent: str = "") -> str | None:
        request = decode_request(asking.body(HI, metadata={"user_id": user_id}))
        return session_key(request.metadata_session() or "", agent)

    def claude(device: str, session: str = "s-1") -> str:
        return json.dumps({"device_id": device, "account_uuid": "", "session_id": session})

    assert key(claude("one")) == key(claude("two")) == "s-1"
    assert key(claude("one", "s-2")) == "s-2"
    assert key("a-bare-user-id") is None
    agents = {key(claude("one"), agent) for agent in ("", "a" * 17, "b" * 17)}
    assert len(agents) == 3
    assert all(one and len(one) <= 64 for one in agents)
    assert sent(HI, target=msgspec.structs.replace(CODEX, session=key(claude("one"))))["prompt_cache_key"] == "s-1"
