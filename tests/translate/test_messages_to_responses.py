"""The fields of a translated request, and the prefix that a session's requests share."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.translate import acceptance
from tests.translate.asking import (
    CODEX,
    LITE,
    Json,
    assistant,
    body,
    image,
    items,
    refusal,
    sent,
    system,
    text,
    thinking,
    tool,
    tool_result,
    tool_use,
    translation,
    user,
)
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.messages import decode_request
from turnout.translate.memory import SessionMemory
from turnout.translate.messages_to_responses import Caches, translate
from turnout.translate.target import Target
from turnout.translate.tools import ToolsCache

API = msgspec.structs.replace(
    CODEX, capabilities=Capabilities(fields=Capabilities().fields | {"max_output_tokens", "temperature", "top_p"})
)
HI = user("hi")
BASH = tool("Bash")


def notes(*messages: Json, target: Target = CODEX, **fields: object) -> list[str]:
    """The places of what is noted."""
    return [note.place for note in translation(*messages, target=target, **fields).notes]


# The fields


def test_a_plain_request_is_what_the_codex_backend_takes() -> None:
    request = sent(HI, tools=[BASH])
    assert list(request) == [
        "model",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "stream",
        "include",
        "prompt_cache_key",
        "input",
    ]
    assert request["model"] == "gpt-5.5"
    assert request["instructions"] == ""
    assert request["reasoning"] == {"effort": "high", "summary": "auto"}
    assert (request["store"], request["stream"]) == (False, True)
    assert request["include"] == ["reasoning.encrypted_content"]
    assert request["prompt_cache_key"] == CODEX.session
    acceptance.accept(translation(HI, tools=[BASH]).body)


def test_the_stream_is_always_asked_for_since_upstream_knows_no_other_way() -> None:
    for fields in ({}, {"stream": False}, {"stream": True}, {"stream": None}):
        assert sent(HI, **fields)["stream"] is True


@pytest.mark.parametrize("field", sorted(Capabilities().fields - {"input"}))
def test_no_field_is_sent_that_the_upstream_does_not_take(field: str) -> None:
    fast = msgspec.structs.replace(CODEX, tier="priority")
    fewer = msgspec.structs.replace(
        fast, capabilities=Capabilities(fields=Capabilities().fields - {field}, instructions_required=True)
    )
    request = sent(
        HI,
        target=fewer,
        tools=[BASH],
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
    )
    assert field not in request
    whole = sent(
        HI,
        target=fast,
        tools=[BASH],
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
    )
    assert {**request, field: whole[field]} == whole


def test_nothing_of_the_client_that_is_not_for_the_upstream_is_sent() -> None:
    request = sent(
        HI,
        metadata={"user_id": "someone"},
        max_tokens=32000,
        temperature=0.2,
        top_p=0.9,
        top_k=5,
        stop_sequences=["x"],
        context_management={"edits": []},
        safeguards=[{}],
        betas=["b"],
        anthropic_version="2023-06-01",
    )
    assert set(request) <= Capabilities().fields


def test_instructions_are_sent_only_where_they_must_be() -> None:
    free = msgspec.structs.replace(CODEX, capabilities=Capabilities())
    assert "instructions" not in sent(HI, target=free)
    assert "instructions" not in sent(HI, target=LITE)


def test_lite_framing_carries_the_tools_as_the_first_item() -> None:
    lite = msgspec.structs.replace(LITE, model="gpt-6-sol")
    request = sent(HI, target=lite, tools=[BASH], system="Be brief.")
    assert "tools" not in request
    first, prompt, _ = request["input"]
    assert (first["type"], first["role"]) == ("additional_tools", "developer")
    assert [one["name"] for one in first["tools"][0]["tools"]] == ["Bash"]
    assert prompt["role"] == "developer"
    assert request["parallel_tool_calls"] is False
    assert request["reasoning"]["context"] == "all_turns"
    acceptance.accept(translation(HI, target=lite, tools=[BASH], system="Be brief.").body, lite=True)
    assert sent(HI, target=lite)["input"][0]["type"] == "message"


def test_a_request_without_a_session_has_no_cache_key() -> None:
    assert "prompt_cache_key" not in sent(HI, target=msgspec.structs.replace(CODEX, session=None))


def test_an_upstream_without_encrypted_reasoning_is_not_asked_for_it() -> None:
    plain = msgspec.structs.replace(CODEX, capabilities=Capabilities(encrypted_reasoning=False))
    assert "include" not in sent(HI, target=plain)


@pytest.mark.parametrize(
    ("effort", "asked", "expected"),
    [
        ("high", {"type": "adaptive"}, {"effort": "high", "summary": "auto"}),
        ("max", None, {"effort": "max", "summary": "auto"}),
        (None, {"type": "enabled", "budget_tokens": 5000}, {"summary": "auto"}),
        ("low", {"type": "disabled"}, {"effort": "low"}),
        (None, {"type": "disabled"}, {}),
    ],
)
def test_summaries_are_asked_for_unless_thinking_is_off(
    effort: str | None, asked: object, expected: dict[str, str]
) -> None:
    target = msgspec.structs.replace(CODEX, effort=effort)
    assert sent(HI, target=target, thinking=asked)["reasoning"] == expected


# Tool choice


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, "auto"),
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "Bash"}, {"type": "function", "name": "Bash"}),
    ],
)
def test_the_choice_of_a_tool(choice: object, expected: object) -> None:
    assert sent(HI, tools=[BASH], tool_choice=choice)["tool_choice"] == expected


def test_a_choice_without_tools_is_not_sent() -> None:
    for tools in (None, []):
        for choice in ({"type": "any"}, {"type": "tool", "name": "Bash"}):
            request = sent(HI, tools=tools, tool_choice=choice)
            assert not {"tools", "tool_choice", "parallel_tool_calls"} & request.keys()


def test_the_choice_of_a_tool_that_upstream_is_not_offered_is_left_to_the_model() -> None:
    computer = {"type": "computer_20250124", "name": "computer", "display_width_px": 1}
    request = sent(HI, tools=[BASH, computer], tool_choice={"type": "tool", "name": "computer"})
    assert request["tool_choice"] == "auto"
    assert notes(HI, tools=[BASH, computer]) == ["tools[1]"]


def test_the_choice_of_a_tool_that_does_not_exist_is_refused() -> None:
    assert refusal(body(HI, tools=[BASH], tool_choice={"type": "tool", "name": "Bush"})).startswith("tool_choice.name:")
    assert refusal(body(HI, tools=[BASH], tool_choice={"type": "tool"})).startswith("tool_choice.name:")
    assert refusal(body(HI, tools=[BASH], tool_choice={"type": "luck"})).startswith("tool_choice.type:")


@pytest.mark.parametrize(("disabled", "parallel"), [(True, False), (False, True), (None, True)])
def test_parallel_calls_can_be_switched_off(disabled: bool | None, parallel: bool) -> None:
    for kind in ("auto", "any"):
        choice = {"type": kind, "disable_parallel_tool_use": disabled}
        assert sent(HI, tools=[BASH], tool_choice=choice)["parallel_tool_calls"] is parallel


# Settings


def test_sampling_goes_where_it_is_taken() -> None:
    fields: dict[str, Any] = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 8000}
    request = sent(HI, target=API, **fields)
    assert (request["temperature"], request["top_p"], request["max_output_tokens"]) == (0.5, 0.9, 8000)
    assert not {"temperature", "top_p", "max_output_tokens", "max_tokens"} & sent(HI, **fields).keys()


def test_sampling_that_is_not_taken_is_noted_unless_it_means_nothing() -> None:
    assert notes(HI, temperature=0.5, top_p=0.9) == ["temperature", "top_p"]
    assert notes(HI, temperature=1, top_p=1.0) == []
    assert notes(HI, target=API, temperature=0.5, top_p=0.9) == []


def test_a_small_limit_would_cut_the_answer_and_is_not_passed_on() -> None:
    """Upstream counts hidden reasoning into it; the client's own classifier asks for 64 (claude-code-wire.md 9)."""
    assert sent(HI, target=API, max_tokens=4096)["max_output_tokens"] == 4096
    assert "max_output_tokens" not in sent(HI, target=API, max_tokens=4095)
    assert notes(HI, target=API, max_tokens=64) == ["max_tokens"]


@pytest.mark.parametrize("tier", [None, "priority", "flex"])
def test_the_tier_is_the_routes(tier: str | None) -> None:
    made = translation(HI, target=msgspec.structs.replace(CODEX, tier=tier), speed="fast")
    assert json.loads(made.body).get("service_tier") == made.tier == tier


def test_what_the_upstream_cannot_do_with_the_context_is_noted_if_it_was_asked_to() -> None:
    """The client's standing wish, to keep all thinking, is what upstream does anyway."""
    keep, clear = {"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}
    for wish in (None, {}, {"edits": []}, {"edits": [keep]}):
        assert notes(HI, context_management=wish) == []
    for wish in ({"edits": [clear]}, {"edits": [keep, clear]}, {"edits": [{**keep, "keep": {"value": 1}}]}, "odd"):
        assert notes(HI, context_management=wish) == ["context_management"]


def test_an_answers_format_becomes_a_text_format() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    request = sent(HI, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert request["text"]["format"] == {"type": "json_schema", "name": "answer", "strict": False, "schema": schema}
    for config in (None, {}, {"format": None}, {"effort": "low"}):
        assert "text" not in sent(HI, output_config=config)


def test_a_format_that_strict_mode_can_say_is_strict() -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    assert sent(HI, output_config=wanted)["text"]["format"]["strict"] is True
    assert notes(HI, output_config=wanted) == []
    loose = {"format": {"type": "json_schema", "schema": {**schema, "additionalProperties": True}}}
    assert sent(HI, output_config=loose)["text"]["format"]["strict"] is False
    assert notes(HI, output_config=loose) == ["output_config.format"]


def test_an_unknown_format_is_left_out_and_noted() -> None:
    assert "text" not in sent(HI, output_config={"format": {"type": "yaml"}})
    assert notes(HI, output_config={"format": {"type": "yaml"}}) == ["output_config.format"]


@pytest.mark.parametrize(
    "wanted", [b'"json"', b"5", b'{"type":5}', b'{"type":"\xff"}', b'{"type":"json_schema","schema":{"a":"\xff"}}']
)
def test_a_format_that_is_none_is_refused(wanted: bytes) -> None:
    request = body(HI, output_config={"format": "FORMAT"}).replace(b'"FORMAT"', wanted)
    assert refusal(request).startswith("output_config.format:")


def test_a_schema_that_is_none_is_refused() -> None:
    request = body(HI, output_config={"format": {"type": "json_schema", "schema": "s"}})
    assert refusal(request).startswith("output_config.format.schema:")


def test_stop_sequences_are_handed_on_without_the_empty_ones() -> None:
    assert translation(HI, stop_sequences=["a", "", "b"]).stop_sequences == ("a", "b")
    assert translation(HI).stop_sequences == ()


def test_names_to_restore_come_from_tools_and_history() -> None:
    offered, past = "mcp__a__" + "x" * 90, "mcp__b__" + "y" * 90
    made = translation(HI, assistant(tool_use("c", past)), user(tool_result("c")), tools=[tool(offered)])
    assert sorted(made.full_names.values()) == [offered, past]
    assert all(len(name) <= 64 for name in made.full_names)


# Bad input


@pytest.mark.parametrize(
    "messages",
    [
        [user("")],
        [user()],
        [user(text(""))],
        [user(text("")), assistant(""), system("")],
        [assistant(thinking("EqQBCgIYAhIk"))],
    ],
)
def test_a_conversation_that_says_nothing_is_refused(messages: list[Json]) -> None:
    assert refusal(body(*messages, system="Be brief.")) == "messages: there is nothing in them to send."


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (user(text("a"), {"type": "text", "text": 5}), "messages[1].content[1].text"),
        (assistant({"type": "text", "text": None}), "messages[1].content[0].text"),
        (
            user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": 5}}),
            "messages[1].content[0].source.data",
        ),
        (
            user({"type": "image", "source": {"type": "base64", "media_type": "image/png"}}),
            "messages[1].content[0].source.data",
        ),
        (
            user({"type": "image", "source": {"type": "base64", "data": "aa"}}),
            "messages[1].content[0].source.media_type",
        ),
        (user({"type": "image", "source": {"type": "file", "file_id": "f"}}), "messages[1].content[0].source.type"),
        (user({"type": "image", "source": {"type": "url", "url": 5}}), "messages[1].content[0].source.url"),
        (user(tool_result("c", 5)), "messages[1].content[0].content"),
        (user(tool_result("c", {"a": 1})), "messages[1].content[0].content"),
        (user(tool_result("c", [text("a"), {"type": "image"}])), "messages[1].content[0].content[1].source"),
        (user(tool_result("c", [text("a"), {"type": "text", "text": 5}])), "messages[1].content[0].content[1].text"),
        (user({"type": "document", "source": {"type": "text", "data": 5}}), "messages[1].content[0].source.data"),
        (
            user({"type": "document", "source": {"type": "content", "content": [5]}}),
            "messages[1].content[0].source.content[0]",
        ),
    ],
)
def test_what_is_wrong_deep_inside_is_refused_with_its_place(message: Json, place: str) -> None:
    for before in (assistant(tool_use("c")), HI):
        assert refusal(body(before, message)).startswith(f"{place}:")


def test_a_bad_system_block_is_refused_with_its_place() -> None:
    assert refusal(body(HI, system=[text("a"), {"type": "text", "text": 5}])).startswith("system[1].text:")


@pytest.mark.parametrize(
    ("tools", "place"),
    [
        ([BASH, {"description": "nameless"}], "tools[1].name"),
        ([BASH, {"name": ""}], "tools[1].name"),
        ([BASH, {"name": "x", "description": {"a": 1}}], "tools[1].description"),
        ([BASH, {"name": "x", "input_schema": "object"}], "tools[1].input_schema"),
        ([BASH, {"name": "x", "input_schema": []}], "tools[1].input_schema"),
        ([BASH, 5], "tools[1]"),
        ("Bash", "tools"),
    ],
)
def test_a_bad_tool_is_refused_with_its_place(tools: object, place: str) -> None:
    assert refusal(body(HI, tools=tools)).startswith(f"{place}:")


@pytest.mark.parametrize(
    "request_body",
    [
        body(user(text("BAD"))),
        body(user("BAD")),
        body(assistant(text("BAD")), HI),
        body(assistant(tool_use("c", arguments={"a": "BAD"})), HI),
        body(assistant(tool_use("c", arguments={"BAD": 1})), HI),
        body(user(tool_result("c", "BAD"))),
        body(user(tool_result("c", [text("BAD")]))),
        body(user({"type": "my_note", "a": "BAD"})),
        body(user({"type": "my_note", "BAD": 1})),
        body(user({"type": "document", "source": {"type": "text", "data": "BAD"}})),
        body(HI, system="BAD"),
        body(HI, system=[text("BAD")]),
        body(HI, system=[text("x-anthropic-billing-header: BAD")]),
        body(HI, tools=[tool("Bash", {"type": "object", "properties": {"BAD": {}}})]),
        body(HI, tools=[tool("Bash", {"BAD": 1})]),
        body(HI, tools=[{"name": "Bash", "description": "BAD"}]),
    ],
)
def test_bytes_that_are_no_utf_8_are_refused_wherever_they_stand(request_body: bytes) -> None:
    assert "valid UTF-8" in refusal(request_body.replace(b"BAD", b"\xff"))


# The prefix


class Session:
    """A client at work: each turn it sends the whole conversation again, in the forms that it happens to use."""

    def __init__(self) -> None:
        self.messages: list[Json] = [user("Start."), system("Agents: none. Skills: none. Today is Friday.")]
        self.turn = 0

    def next_turn(self) -> None:
        """The model has thought and called; the tool has answered; now and then something else came."""
        call_id = f"call_{self.turn}"
        seal = f"turnout:1:acct-1:gpt-5.5:rs_{self.turn}:{acceptance.encrypted_reasoning(str(self.turn))}"
        arguments = {"command": f"ls {self.turn}", "ü": [1, "🚂"]}
        self.messages.append(assistant(thinking(seal, "Hm."), text("I look."), tool_use(call_id, "Bash", arguments)))
        result = [tool_result(call_id, [text("out"), image()])] if self.turn % 5 == 3 else [tool_result(call_id, "ü\n")]
        self.messages.append(user(*result, text("Now go on.")) if self.turn % 7 == 2 else user(*result))
        if self.turn % 4 == 1:
            self.messages.append(system("A reminder."))
        if self.turn % 6 == 5:
            self.messages += [user("Read @a.png"), user(image(), text("What is it?"))]
        self.turn += 1

    def body(self) -> bytes:
        """The request of this turn (claude-code-wire.md 11)."""
        last = len(self.messages) - 1
        messages = [self._form(message, is_last=index == last) for index, message in enumerate(self.messages)]
        build = f"cc_version=2.1.328.{self.turn:03x}"
        return body(
            *messages,
            system=[
                text(f"x-anthropic-billing-header: {build}; cc_entrypoint=cli;"),
                text("You are an agent.", cache_control={"type": "ephemeral"}),
                text("The prompt.", cache_control={"type": "ephemeral"}),
            ],
            tools=[tool("Bash"), tool("Read")],
            metadata={"user_id": json.dumps({"session_id": "s", "turn": self.turn})},
            context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
            safeguards=[{"git_state": self.turn}],
            stream=self.turn % 3 != 0,
        )

    def _form(self, message: Json, *, is_last: bool) -> Json:
        """An array with the cache mark while it is the last message, a plain string later; keys in another order."""
        content = message["content"]
        if is_last and isinstance(content, str):
            content = [text(content, cache_control={"type": "ephemeral"})]
        elif is_last:
            content = [*content[:-1], {**content[-1], "cache_control": {"type": "ephemeral"}}]
        formed = {"role": message["role"], "content": content}
        if message["role"] == "system":
            formed["output_config"] = {"effort": "high" if self.turn % 2 else "low"}
        if isinstance(content, list) and self.turn % 2:
            formed["content"] = [dict(reversed(block.items())) for block in content]
        return formed


def test_the_prefix_is_byte_stable_over_a_session_of_30_turns() -> None:
    session, cache = Session(), Caches(ToolsCache(), SessionMemory(0))
    before = b""
    for _ in range(30):
        made = translate(decode_request(session.body()), CODEX, cache).body
        acceptance.accept(made)
        assert made.startswith(before.removesuffix(b"]}"))
        assert len(made) > len(before)
        before = made
        session.next_turn()
    for word in (b"billing-header", b"cache_control", b"cc_version", b"git_state", b"session_id"):
        assert word not in before
    kinds = [item["type"] for item in json.loads(before)["input"]]
    assert kinds.count("function_call") == kinds.count("function_call_output") == kinds.count("reasoning") == 29


def test_a_new_process_that_resumes_the_session_sends_the_same_bytes() -> None:
    session = Session()
    for _ in range(5):
        session.next_turn()
    request = session.body()
    assert translate(decode_request(request), CODEX, Caches(ToolsCache(), SessionMemory(0))) == translate(
        decode_request(request), CODEX
    )


def test_the_escapes_of_a_text_do_not_depend_on_its_form() -> None:
    """Every control character, as JavaScript writes it: copied in one form, decoded and encoded in the other."""
    words = "".join(map(chr, range(0x20))) + '"\\/\x7f\u2028\u2029é🚂'
    assert translation(user(words)).body == translation(user(text(words))).body
    assert translation(HI, system=words).body == translation(HI, system=[text(words)]).body
    assert items(user(words))[0]["content"][0]["text"] == words


def test_tools_that_are_loaded_later_stand_behind_the_others() -> None:
    """The client inserts them in the middle of its list (claude-code-wire.md 2, Deferred tools)."""
    before = sent(HI, tools=[tool("Bash"), tool("Read")])["tools"]
    after = sent(HI, tools=[tool("Bash"), tool("Grep", defer_loading=True), tool("Read")])["tools"]
    assert after[: len(before)] == before
    assert after[-1]["name"] == "Grep"
