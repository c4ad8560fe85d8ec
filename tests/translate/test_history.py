"""A conversation as upstream's items: everything in its place, in one form, and nothing that upstream would refuse."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest

from tests.translate.asking import (
    CODEX,
    Json,
    assistant,
    body,
    image,
    items,
    sent,
    system,
    text,
    thinking,
    tool_result,
    tool_use,
    translation,
    user,
)
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.messages import decode_request
from turnout.translate.messages_to_responses import translate

HI = user("hi")
ATTRIBUTION = "x-anthropic-billing-header: cc_version=2.1.328.ce7; cc_entrypoint=cli;"
SEALED = "turnout:1:acct-1:gpt-5.5:rs_1:gAAAAcipher"


def said(role: str, *texts: str) -> Json:
    """A message item of texts alone."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": one} for one in texts]}


def call(call_id: str, name: str = "Bash", arguments: str = "{}") -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str, content: object = "ok") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": content}


def noted(*messages: Json) -> list[tuple[str, str]]:
    return [(note.action, note.place) for note in translation(*messages).notes]


# System prompt


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("Be brief.", ["Be brief."]),
        ([text("Be brief."), text("Be kind.")], ["Be brief.", "Be kind."]),
        ([text("Be brief.", cache_control={"type": "ephemeral"}), text("")], ["Be brief."]),
        (f"{ATTRIBUTION}\nBe brief.", ["Be brief."]),
        (f"{ATTRIBUTION}\n\nBe brief.\nBe kind.", ["Be brief.\nBe kind."]),
        ([text(ATTRIBUTION), text("Be brief.")], ["Be brief."]),
        ([text(f"{ATTRIBUTION}\nBe brief."), text("Be kind.")], ["Be brief.", "Be kind."]),
        ([text("Be brief."), text(f"{ATTRIBUTION}\nBe kind.")], ["Be brief.", f"{ATTRIBUTION}\nBe kind."]),
        (f"Be brief. {ATTRIBUTION}", [f"Be brief. {ATTRIBUTION}"]),
    ],
)
def test_the_system_prompt_is_the_first_developer_message(prompt: object, texts: list[str]) -> None:
    assert items(HI, system=prompt) == [said("developer", *texts), said("user", "hi")]


@pytest.mark.parametrize("prompt", [None, "", [], [text("")], ATTRIBUTION, [text(ATTRIBUTION)], f"{ATTRIBUTION}\n"])
def test_an_empty_system_prompt_is_no_message(prompt: object) -> None:
    assert items(HI, system=prompt) == [said("user", "hi")]


def test_the_attribution_line_is_left_alone_where_the_user_wrote_it() -> None:
    assert items(user(ATTRIBUTION), system("\n" + ATTRIBUTION)) == [
        said("user", ATTRIBUTION),
        said("developer", "\n" + ATTRIBUTION),
    ]


# Messages


def test_messages_keep_their_order_and_consecutive_ones_stay_apart() -> None:
    assert items(user("a"), user("b"), assistant("c"), assistant("d"), user("e")) == [
        said("user", "a"),
        said("user", "b"),
        said("assistant", "c"),
        said("assistant", "d"),
        said("user", "e"),
    ]


def test_a_system_message_in_the_middle_stays_there_as_the_developers() -> None:
    assert items(user("a"), system("note"), assistant("b"), system(text("x"), text("y")), user("c")) == [
        said("user", "a"),
        said("developer", "note"),
        said("assistant", "b"),
        said("developer", "x", "y"),
        said("user", "c"),
    ]


def test_empty_texts_and_messages_vanish() -> None:
    assert items(user(""), user(text("")), assistant(), assistant(text(""), text("a")), system(""), user("b")) == [
        said("assistant", "a"),
        said("user", "b"),
    ]


def test_blocks_of_one_message_are_parts_of_one() -> None:
    (message,) = items(user(text("a"), image(), text("b")))
    assert [part["type"] for part in message["content"]] == ["input_text", "input_image", "input_text"]
    assert items(assistant(text("a"), text("b")), HI)[0] == said("assistant", "a", "b")


def test_a_block_of_an_unknown_type_is_shown_as_what_it_is() -> None:
    note = {"type": "my_note", "words": "ü", "cache_control": {"type": "ephemeral"}}
    (message,) = items(user(text("a"), note))
    assert json.loads(message["content"][1]["text"]) == {"type": "my_note", "words": "ü"}
    assert noted(user(text("a"), note)) == [("approximated", "messages[0].content[1]")]


@pytest.mark.parametrize("block", [image(), {"type": "my_note"}, {"type": "tool_reference", "tool_name": "x"}])
def test_what_has_no_form_in_an_assistants_message_is_left_out_and_noted(block: Json) -> None:
    assert items(assistant(text("a"), block, text("b")), HI)[:2] == [said("assistant", "a"), said("assistant", "b")]
    assert noted(assistant(text("a"), block), HI) == [("dropped", "messages[0].content[1]")]


@pytest.mark.parametrize("block", [tool_use("c"), thinking(SEALED), {"type": "redacted_thinking", "data": SEALED}])
@pytest.mark.parametrize("speak", [user, system])
def test_what_only_an_assistant_can_say_is_ignored_from_others(speak: Any, block: Json) -> None:
    found = items(speak(text("a"), block, text("b")))
    assert [part["text"] for part in found[0]["content"]] == ["a", "b"]
    assert len(found) == 1
    assert noted(speak(text("a"), block)) == [("dropped", "messages[0].content[1]")]


# Calls and results


def test_a_turn_with_two_calls_is_a_flat_list_in_its_order() -> None:
    found = items(
        assistant(text("One."), tool_use("a", "Bash", {"x": 1}), text("Two."), tool_use("b", "Read")),
        user(tool_result("a", "first"), tool_result("b", "second"), text("Go on.")),
    )
    assert found == [
        said("assistant", "One."),
        call("a", "Bash", '{"x": 1}'),
        said("assistant", "Two."),
        call("b", "Read"),
        output("a", "first"),
        output("b", "second"),
        said("user", "Go on."),
    ]


def test_words_between_results_stay_between_them() -> None:
    found = items(
        assistant(tool_use("a"), tool_use("b")), user(text("x"), tool_result("a"), text("y"), tool_result("b"))
    )
    assert found[2:] == [said("user", "x"), output("a"), said("user", "y"), output("b")]


@pytest.mark.parametrize(
    "arguments", ['{"b":1,"a":[1.50,"\\u00e9"]}', "{}", '"text"', "null", "[1]", "12345678901234567890123"]
)
def test_arguments_are_the_inputs_own_json(arguments: str) -> None:
    raw = body(assistant(tool_use("a", "Bash", "INPUT")), user(tool_result("a")))
    request = decode_request(raw.replace(b'"INPUT"', arguments.encode()))
    assert json.loads(translate(request, CODEX).body)["input"][0]["arguments"] == arguments


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("words", "words"),
        ("", ""),
        (None, ""),
        ([], ""),
        ([text("")], ""),
        ([text("a"), text("b")], [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]),
    ],
)
def test_a_result_is_a_string_or_parts(content: object, expected: object) -> None:
    assert items(assistant(tool_use("a")), user(tool_result("a", content)))[1] == output("a", expected)


def test_a_result_without_content_is_empty() -> None:
    assert items(assistant(tool_use("a")), user({"type": "tool_result", "tool_use_id": "a"}))[1] == output("a", "")


@pytest.mark.parametrize("failed", [False, None])
def test_a_result_that_did_not_fail_is_not_marked(failed: bool | None) -> None:
    assert items(assistant(tool_use("a")), user(tool_result("a", "x", is_error=failed)))[1] == output("a", "x")


@pytest.mark.parametrize("content", ["no such file", "", None, [], [text("no such file")], [image()]])
def test_a_failed_result_says_so_to_the_model(content: object) -> None:
    failed = items(assistant(tool_use("a")), user(tool_result("a", content, is_error=True)))[1]["output"]
    fine = items(assistant(tool_use("a")), user(tool_result("a", content)))[1]["output"]
    if isinstance(failed, str):
        assert failed.startswith("The tool call failed:")
        assert failed.endswith(fine)
    else:
        assert failed[0]["text"].startswith("The tool call failed:")
        assert failed[1:] == (fine or [])


def test_a_loaded_tool_is_named_as_upstream_knows_it() -> None:
    long = "mcp__wire__" + "y" * 90
    result = tool_result("a", [{"type": "tool_reference", "tool_name": long}])
    (part,) = items(assistant(tool_use("a", long)), user(result))[1]["output"]
    name = items(assistant(tool_use("a", long)), user(result))[0]["name"]
    assert len(name) <= 64
    assert name in part["text"]
    assert long not in part["text"]


@pytest.mark.parametrize(
    ("content", "shown"),
    [("words", ["words"]), ("", []), (None, []), ([], []), ([text("a"), text("b")], ["a", "b"])],
)
def test_a_result_whose_call_is_gone_is_told_as_text(content: object, shown: list[str]) -> None:
    (message,) = items(user(tool_result("gone", content)))
    intro, *rest = [part["text"] for part in message["content"]]
    assert message["role"] == "user"
    assert "earlier tool call" in intro
    assert rest == shown
    assert noted(user(tool_result("gone", content))) == [("approximated", "messages[0].content[0]")]


@pytest.mark.parametrize("content", ["no such file", [text("no such file")]])
def test_a_failed_result_whose_call_is_gone_still_says_that_it_failed(content: object) -> None:
    (message,) = items(user(tool_result("gone", content, is_error=True)))
    words = "".join(part["text"] for part in message["content"])
    assert "failed" in words
    assert "no such file" in words


def test_a_call_without_a_result_gets_one() -> None:
    found = items(assistant(tool_use("a"), tool_use("b")), user(tool_result("b"), text("Go on.")))
    assert [item.get("call_id") for item in found] == ["a", "a", "b", "b", None]
    assert "interrupted" in found[1]["output"]
    assert noted(assistant(tool_use("a")), HI) == [("approximated", "messages[0].content[0]")]


def test_a_result_in_a_system_message_is_no_result() -> None:
    found = items(assistant(tool_use("a")), system(tool_result("a", "x")))
    assert "interrupted" in found[1]["output"]
    assert found[2]["role"] == "user"


def test_doubled_ids_become_pairs_of_their_own() -> None:
    found = items(
        assistant(tool_use("a")), user(tool_result("a", "1")), assistant(tool_use("a")), user(tool_result("a", "2"))
    )
    ids = [item["call_id"] for item in found]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert [item["output"] for item in found if "output" in item] == ["1", "2"]


LONG = ["x" * 90 + "1", "x" * 90 + "2", "ü" * 65]


def test_long_ids_are_shortened_alike_in_call_and_result() -> None:
    found = items(assistant(*[tool_use(one) for one in LONG]), user(*[tool_result(one) for one in LONG]))
    calls, results = [item["call_id"] for item in found[:3]], [item["call_id"] for item in found[3:]]
    assert calls == results
    assert len(set(calls)) == 3
    assert all(0 < len(one) <= 64 for one in calls)


@pytest.mark.parametrize("call_id", ["x" * 64, "call_abc|fc_123.456/x", "toolu_01A09q90qw90lq917835lq9", "ü"])
def test_ids_that_fit_are_left_as_they_are(call_id: str) -> None:
    assert items(assistant(tool_use(call_id)), user(tool_result(call_id)))[0]["call_id"] == call_id


def test_the_limits_are_the_upstreams() -> None:
    roomy = msgspec.structs.replace(CODEX, capabilities=Capabilities(max_call_id=100, max_tool_name=128))
    long = "mcp__" + "y" * 100
    found = items(assistant(tool_use("x" * 91, long)), user(tool_result("x" * 91)), target=roomy)
    assert (found[0]["call_id"], found[0]["name"]) == ("x" * 91, long)


def test_no_item_has_an_id_of_the_clients_or_upstreams_making() -> None:
    seal = f"turnout:1:acct-1:gpt-5.5::{hashlib.sha256(b'').hexdigest()}"
    found = items(user("a"), assistant(thinking(seal), text("b"), tool_use("c")), user(tool_result("c")))
    assert [item["type"] for item in found] == [
        "message",
        "reasoning",
        "message",
        "function_call",
        "function_call_output",
    ]
    assert not any("id" in item for item in found)


# Reasoning


def test_our_own_signature_becomes_the_reasoning_item_again() -> None:
    found = items(assistant(thinking(SEALED, "Hm."), text("a"), tool_use("c")), user(tool_result("c")))
    assert found[0] == {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAcipher"}
    assert [item["type"] for item in found[1:]] == ["message", "function_call", "function_call_output"]


def test_redacted_thinking_is_read_too() -> None:
    assert items(assistant({"type": "redacted_thinking", "data": SEALED}), HI)[0]["encrypted_content"] == "gAAAAcipher"


@pytest.mark.parametrize(
    "seal",
    [
        "turnout:1:acct-2:gpt-5.5:rs_1:gAAAA",
        "turnout:1:acct-1:gpt-6-sol:rs_1:gAAAA",
        "turnout:1:acct-1:gpt-5.5:rs_1:",
        "turnout:2:acct-1:gpt-5.5:rs_1:gAAAA",
        "turnout:1:acct-1:gpt-5.5:rs_1:hex.ff",
        "EqQBCgIYAhIkNativeAnthropicSignature==",
        "",
    ],
)
def test_reasoning_that_cannot_be_read_there_is_left_out_and_the_text_is_kept(seal: str) -> None:
    found = items(assistant(thinking(seal, "Hm."), text("a")), HI)
    assert found == [said("assistant", "a"), said("user", "hi")]


@pytest.mark.parametrize("signature", [None, 5, [], {}, True])
def test_a_signature_that_is_no_string_is_ignored(signature: object) -> None:
    block = {"type": "thinking", "thinking": "x", "signature": signature}
    assert items(assistant(block, text("a")), HI) == [said("assistant", "a"), said("user", "hi")]


def test_reasoning_of_another_account_is_noted_but_foreign_thinking_is_not() -> None:
    assert noted(assistant(thinking("turnout:1:acct-2:gpt-5.5:rs_1:gAAAA")), HI) == [
        ("dropped", "messages[0].content[0]")
    ]
    assert noted(assistant(thinking("EqQBCgIYAhIk"), text("a")), HI) == []


def test_reasoning_is_not_replayed_once_upstream_has_refused_it() -> None:
    again = msgspec.structs.replace(CODEX, replay_reasoning=False)
    found = items(assistant(thinking(SEALED), text("a")), HI, target=again)
    assert [item["type"] for item in found] == ["message", "message"]


def test_reasoning_is_not_sent_where_it_is_not_known() -> None:
    plain = msgspec.structs.replace(CODEX, capabilities=Capabilities(encrypted_reasoning=False))
    found = sent(assistant(thinking(SEALED), text("a")), HI, target=plain)["input"]
    assert [item["type"] for item in found] == ["message", "message"]
