"""What the client sees of each thing that an upstream may say."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.translate import legality, strategies
from tests.translate.answers import (
    CREATED,
    HANDSHAKE,
    IN_PROGRESS,
    KEEPALIVE,
    added,
    answer,
    arguments,
    arguments_done,
    call,
    called,
    completed,
    done,
    failed,
    incomplete,
    machine,
    message,
    reasoning,
    run,
    said,
    sse,
    summary,
    text,
    text_done,
    thought,
)
from turnout.protocol.errors import Failure, FailureKind
from turnout.translate.answer_machine import PATIENCE

SIGNATURE = "turnout:1:acct-1:gpt-5.5:rs_1:gAAAAcipher"


def failure(*events: bytes) -> Failure:
    """The failure of an answer of which nothing was written."""
    stream = machine()
    assert stream.feed(b"".join(events)) + stream.close() == b""
    assert stream.failure is not None
    return stream.failure


# The beginning


@pytest.mark.parametrize(
    "shake",
    [
        CREATED,
        IN_PROGRESS,
        sse("response.queued", response={}),
        sse("codex.rate_limits", plan_type="pro"),
        sse("response.metadata", headers={"openai-model": "gpt-5.5"}),
        sse("surprise", anything=[1]),
        KEEPALIVE,
        b": comment\n\n",
        b"\n\n",
        b"event: surprise\ndata: no json\n\n",
    ],
)
def test_nothing_is_written_while_upstream_only_shakes_hands(shake: bytes) -> None:
    stream = machine()
    assert stream.feed(HANDSHAKE + shake) == b""
    assert not stream.started
    assert legality.read(stream.feed(said(0, "Hi")), ended=False).text == "Hi"
    assert stream.started


def test_the_models_name_is_echoed_exactly() -> None:
    for name in ("claude-opus-5-5", "gpt-5.5", 'ünïcode "name"', "claude-haiku-4-5-20251001"):
        assert answer(said(0, "Hi"), completed(), stream=machine(model=name)).model == name


def test_opening_early_writes_the_head_once() -> None:
    stream = machine()
    head = stream.open()
    assert legality.read(head, ended=False).events == ["message_start"]
    assert stream.open() == b""
    out = head + stream.feed(HANDSHAKE + said(0, "Hi") + completed())
    assert legality.read(out).text == "Hi"


# Text


def test_text_streams_as_it_comes() -> None:
    stream = machine()
    stream.feed(HANDSHAKE + added(0, "message") + text(0, "One"))
    assert b'"text":" two"' in stream.feed(text(0, " two"))


def test_text_in_parts_is_a_block_for_each() -> None:
    events = [
        added(0, "message"),
        text(0, "a"),
        text(0, "b", part=1),
        text(0, "c", part=1),
        done(0, message("a", "bc")),
    ]
    assert answer(*events, completed()).shape == [("text", "a"), ("text", "bc")]


def test_a_part_that_was_not_streamed_comes_with_the_whole() -> None:
    events = [added(0, "message"), text(0, "a"), done(0, message("a", "b"))]
    assert answer(*events, completed()).shape == [("text", "a"), ("text", "b")]


def test_escapes_in_text_arrive_as_they_are() -> None:
    words = 'quote " backslash \\ tab \t nul \x00 separator \u2028 train 🚂'
    assert answer(said(0, words), completed()).text == words
    escaped = text(0, "x").replace(b'"delta": "x"', b'"delta": "\\u00e9\\ud83d\\ude82\\/"')
    assert answer(added(0, "message"), escaped, completed()).text == "é🚂/"


def test_a_refusal_is_text() -> None:
    refused = {"type": "message", "content": [{"type": "refusal", "refusal": "I cannot."}]}
    deltas = sse("response.refusal.delta", output_index=0, content_index=0, delta="I cannot.")
    whole = sse("response.refusal.done", output_index=0, content_index=0, refusal="I cannot.")
    for events in ([deltas, whole, done(0, refused)], [whole, done(0, refused)], [done(0, refused)]):
        assert answer(added(0, "message"), *events, completed()).text == "I cannot."


def test_an_empty_text_makes_no_block() -> None:
    assert answer(added(0, "message"), text(0, ""), text_done(0, ""), done(0, message("")), completed()).blocks == []


@pytest.mark.parametrize("delta", [None, 5, {"a": 1}])
def test_a_thought_that_is_no_text_says_nothing(delta: object) -> None:
    odd = sse("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta=delta)
    (block,) = answer(added(0, "reasoning"), summary(0, "a"), odd, summary(0, "b"), completed()).blocks
    assert block.content == "ab"


@pytest.mark.parametrize("fields", [{"delta": None}, {"delta": 5}, {"delta": {"a": 1}}])
def test_a_delta_that_is_no_text_says_nothing(fields: dict[str, Any]) -> None:
    odd = sse("response.output_text.delta", output_index=0, content_index=0, **fields)
    assert answer(added(0, "message"), text(0, "a"), odd, text(0, "b"), completed()).text == "ab"


# Thinking


def test_reasoning_is_a_thinking_block_with_one_signature() -> None:
    (block,) = answer(thought(0, "Let me ", "see."), completed()).blocks
    assert (block.type, block.content, block.signature) == ("thinking", "Let me see.", SIGNATURE)


def test_reasoning_without_a_summary_still_carries_its_signature() -> None:
    (block,) = answer(added(0, "reasoning"), done(0, reasoning()), completed()).blocks
    assert (block.content, block.signature) == ("", SIGNATURE)


def test_parts_of_a_summary_are_paragraphs() -> None:
    events = [added(0, "reasoning"), summary(0, "One"), summary(0, ".", 0), summary(0, "Two.", 1)]
    (block,) = answer(*events, done(0, reasoning("One.", "Two.")), completed()).blocks
    assert block.content == "One.\n\nTwo."


def test_a_summary_that_was_not_streamed_comes_with_the_whole() -> None:
    (block,) = answer(added(0, "reasoning"), done(0, reasoning("One.", "Two.")), completed()).blocks
    assert block.content == "One.\n\nTwo."


def test_raw_reasoning_of_open_models_is_thinking_too() -> None:
    raw = [
        sse("response.reasoning_text.delta", output_index=0, content_index=0, delta="Raw."),
        sse("response.reasoning_text.delta", output_index=0, content_index=1, delta="More."),
    ]
    whole = reasoning(encrypted=None, content=[{"type": "reasoning_text", "text": "Raw."}])
    assert answer(added(0, "reasoning"), *raw, done(0, whole), completed()).blocks[0].content == "Raw.\n\nMore."
    assert answer(added(0, "reasoning"), done(0, whole), completed()).blocks[0].content == "Raw."


def test_two_reasoning_items_are_two_blocks_each_with_its_own_signature() -> None:
    blocks = answer(thought(0, "A", encrypted="gA"), thought(1, "B", encrypted="gB"), completed()).blocks
    assert [(block.content, block.signature.rpartition(":")[2]) for block in blocks] == [("A", "gA"), ("B", "gB")]


def test_the_signature_of_reasoning_without_ciphertext_only_says_where_it_is_from() -> None:
    (block,) = answer(thought(0, "A", encrypted=None), completed()).blocks
    assert block.signature == "turnout:1:acct-1:gpt-5.5:rs_1:"


# Calls


def test_a_call_streams_its_arguments() -> None:
    (block,) = answer(called(0, "call_1", "Bash", '{"command"', ':"ls"}'), completed()).blocks
    assert (block.id, block.name, block.content) == ("call_1", "Bash", '{"command":"ls"}')


def test_the_block_opens_with_the_announcement_so_that_the_client_sees_the_tool_at_once() -> None:
    out = machine().feed(added(0, "function_call", call_id="c", name="Bash"))
    assert legality.read(out, ended=False).blocks[0].name == "Bash"


def test_a_short_name_becomes_the_long_one_again() -> None:
    full = "mcp__server__" + "x" * 90
    stream = machine(full_names={"mcp__server_short": full})
    assert answer(called(0, "c", "mcp__server_short", "{}"), completed(), stream=stream).blocks[0].name == full


@pytest.mark.parametrize("call_id", [None, ""])
def test_a_call_without_an_id_gets_one(call_id: str | None) -> None:
    events = [added(0, "function_call", call_id=call_id, name="Bash"), done(0, call(call_id, "Bash", "{}"))]
    other = [added(1, "function_call", call_id=call_id, name="Bash"), done(1, call(call_id, "Bash", "{}"))]
    one, two = answer(*events, *other, completed()).blocks
    assert one.id.startswith("call_1_")
    assert one.id != two.id


def test_a_call_with_the_id_of_another_gets_its_own() -> None:
    """The client loses one of two calls with the same id."""
    one, two = answer(called(0, "c", "Bash", "{}"), called(1, "c", "Read", "{}"), completed()).blocks
    assert one.id == "c"
    assert two.id not in ("c", "")


def test_an_id_that_comes_only_with_the_whole_is_used_if_nothing_was_written() -> None:
    events = [added(0, "function_call", name=None), arguments(0, "{}"), done(0, call("call_9", "Bash", "{}"))]
    assert answer(*events, completed()).blocks[0].id == "call_9"


def test_arguments_that_came_before_the_name_are_kept() -> None:
    events = [added(0, "function_call", call_id="c", name=None), arguments(0, '{"a"'), arguments(0, ":1}")]
    (block,) = answer(*events, done(0, call("c", "Bash", '{"a":1}')), completed()).blocks
    assert block.content == '{"a":1}'
    (block,) = answer(*events, arguments_done(0, '{"a":1}', name="Bash"), completed()).blocks
    assert (block.name, block.content) == ("Bash", '{"a":1}')


@pytest.mark.parametrize(
    "events",
    [
        [arguments_done(0, '{"a":1}'), done(0, call("c", "Bash", '{"a":1}'))],
        [arguments_done(0, '{"a":1}'), done(0, call("c", "Bash", ""))],
        [arguments_done(0, '{"a":1}'), done(0, call("c", None, None))],
        [arguments_done(0, '{"a":1}')],
        [arguments(0, '{"a"'), arguments_done(0, '{"a":1}')],
        [arguments(0, '{"a"'), done(0, call("c", "Bash", '{"a":1}'))],
        [arguments(0, '{"a":1}')],
        [done(0, call("c", "Bash", '{"a":1}'))],
    ],
)
def test_arguments_are_whole_wherever_they_stand(events: list[bytes]) -> None:
    (block,) = answer(added(0, "function_call", call_id="c", name="Bash"), *events, completed()).blocks
    assert block.content == '{"a":1}'


def test_a_name_that_is_known_is_not_forgotten() -> None:
    events = [arguments_done(0, "{}", name="Bash"), added(0, "function_call", call_id="c", name=None)]
    assert answer(*events, done(0, call("c", None, "{}")), completed()).blocks[0].name == "Bash"


def test_arguments_that_were_streamed_otherwise_than_completed_are_noted() -> None:
    stream = machine()
    start = added(0, "function_call", call_id="c", name="Bash")
    (block,) = answer(start, arguments(0, "{}"), done(0, call("c", "Bash", "[1]")), completed(), stream=stream).blocks
    assert block.content == "{}"
    assert [note.action for note in stream.notes] == ["approximated"]


def test_a_call_without_arguments_has_none() -> None:
    (block,) = answer(called(0, "c", "Bash"), completed()).blocks
    assert block.content == ""


# Order


def test_items_that_are_never_announced_are_taken_for_what_their_events_say() -> None:
    read = answer(text(0, "Hi"), done(0, message("Hi")), summary(1, "Hm."), done(1, reasoning("Hm.")), completed())
    assert read.shape == [("text", "Hi"), ("thinking", "Hm.")]
    assert answer(done(0, call("c", "Bash", "{}")), completed()).shape == [("tool_use", "{}")]


def test_an_announcement_that_comes_late_or_twice_doubles_nothing() -> None:
    late = [text(0, "Hi"), added(0, "message"), text(0, "!"), done(0, message("Hi!"))]
    assert answer(*late, completed()).shape == [("text", "Hi!")]
    start = added(0, "function_call", call_id="c", name="Bash")
    twice = [start, arguments(0, "{"), start, arguments(0, "}"), done(0, call("c", "Bash", "{}"))]
    assert answer(*twice, completed()).shape == [("tool_use", "{}")]


def test_an_item_that_was_completed_twice_is_written_once() -> None:
    assert answer(said(0, "Hi"), done(0, message("Hi")), text(0, "more"), completed()).shape == [("text", "Hi")]


def test_what_an_event_of_another_kind_says_of_an_item_means_nothing() -> None:
    start = added(0, "function_call", call_id="c", name="Bash")
    strange = [start, text(0, "oops"), summary(0, "oops"), arguments(0, "{}"), done(0, call("c", "Bash", "{}"))]
    assert answer(*strange, completed()).shape == [("tool_use", "{}")]


def test_an_item_that_turns_out_to_be_another_kind_is_written_as_that() -> None:
    assert answer(added(0, "reasoning"), done(0, message("Hi")), completed()).text == "Hi"


def test_an_item_without_its_end_is_ended_with_the_answer() -> None:
    read = answer(added(0, "message"), text(0, "One"), added(1, "message"), text(1, "Two"), completed())
    assert read.shape == [("text", "One"), ("text", "Two")]


def test_interleaved_items_come_one_after_another_in_the_order_of_the_output() -> None:
    events = [
        added(0, "message"),
        added(2, "function_call", call_id="c2", name="Read"),
        added(1, "function_call", call_id="c1", name="Bash"),
        arguments(2, '{"b":'),
        text(0, "Hi"),
        arguments(1, '{"a":'),
        arguments(2, "2}"),
        done(2, call("c2", "Read", '{"b":2}')),
        done(0, message("Hi")),
        arguments(1, "1}"),
        done(1, call("c1", "Bash", '{"a":1}')),
    ]
    read = answer(*events, completed())
    assert read.shape == [("text", "Hi"), ("tool_use", '{"a":1}'), ("tool_use", '{"b":2}')]
    assert [block.id for block in read.blocks] == ["", "c1", "c2"]


def test_every_interleaving_of_two_calls_gives_the_same_answer() -> None:
    pieces = [
        [arguments(i, '{"n"'), arguments(i, f":{i}}}"), done(i, call(f"c{i}", "Bash", f'{{"n":{i}}}'))] for i in (0, 1)
    ]
    start = [added(i, "function_call", call_id=f"c{i}", name="Bash") for i in (0, 1)]
    outs = set()
    for places in itertools.combinations(range(6), 3):
        queues = [list(pieces[0]), list(pieces[1])]
        order = [queues[0 if place in places else 1].pop(0) for place in range(6)]
        outs.add(tuple(answer(*start, *order, completed()).shape))
    assert outs == {(("tool_use", '{"n":0}'), ("tool_use", '{"n":1}'))}


# Events that do not fit


@pytest.mark.parametrize("kind", strategies.SILENT_TYPES)
def test_events_that_say_nothing_more_than_others_change_nothing(kind: str) -> None:
    event = sse(
        kind, sequence_number=7, item_id="it_0", output_index=0, content_index=0, summary_index=0, part={}, text="Hello"
    )
    pieces = [
        HANDSHAKE,
        thought(0, "Hm."),
        added(1, "message"),
        text(1, "Hel"),
        text(1, "lo"),
        done(1, message("Hello")),
    ]
    expected = run(*pieces, completed())
    for place in range(len(pieces) + 1):
        assert run(*pieces[:place], event, *pieces[place:], completed()) == expected


def test_the_json_says_what_an_event_is_where_its_name_does_not() -> None:
    stream = HANDSHAKE + said(0, "Hi") + completed()
    nameless = b"".join(line + b"\n" for line in stream.split(b"\n")[:-1] if not line.startswith(b"event"))
    misnamed = b"\n".join(b"event: message" if line.startswith(b"event") else line for line in stream.split(b"\n"))
    assert run(nameless) == run(misnamed) == run(stream)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "tool_search_call", "arguments": {"query": "x"}, "name": 5, "content": "words"},
        {"type": "compaction", "encrypted_content": "gAAAA"},
        {"type": "image_generation_call", "result": "iVBO", "id": None},
        {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"]}},
        {"type": ""},
    ],
)
def test_items_that_have_no_form_downstream_are_left_out_and_noted(item: dict[str, Any]) -> None:
    stream = machine()
    events = [added(0, item["type"]), done(0, item), said(1, "Hi")]
    assert answer(*events, completed([item, message("Hi")]), stream=stream).shape == [("text", "Hi")]
    assert [note.action for note in stream.notes] == ["dropped"]


@pytest.mark.parametrize(
    "event",
    [
        sse("response.output_item.added", output_index=0, item={"type": "message", "content": "words"}),
        sse("response.output_item.done", output_index="first", item={"type": "message"}),
        sse("response.output_text.delta", output_index=0, content_index=0),
        sse("response.output_text.delta", output_index=None, content_index=0, delta="x"),
        b"event: response.completed\ndata: {}\n\n",
        b"event: response.output_text.delta\ndata: {not json\n\n",
        b"event: response.output_text.done\ndata: 5\n\n",
        b"event: response.function_call_arguments.delta\ndata: " + b"[" * 5000 + b"\n\n",
        arguments(0, "x").replace(b'"x"', b'"\xff"'),
        text(0, "x").replace(b'"x"', b'"\xff"'),
        summary(0, "x").replace(b'"x"', b'"\xff"'),
    ],
)
def test_an_event_that_cannot_be_read_is_a_failure_and_no_crash(event: bytes) -> None:
    assert failure(HANDSHAKE, event).kind is FailureKind.UPSTREAM_ERROR
    read = answer(said(0, "Hi"), event, completed())
    assert read.text == "Hi"
    assert read.error is not None
    assert "cannot be read" in read.error["message"]


def test_half_surrogate_pairs_cost_a_character_and_not_the_answer() -> None:
    halves = [text(0, "x").replace(b'"x"', half) for half in (b'"a\\ud83d"', b'"\\ude82b"')]
    assert answer(added(0, "message"), *halves, completed()).text == "a\ufffd\ufffdb"
    half = arguments(0, "x").replace(b'"x"', b'"\\ud83d"')
    assert answer(added(0, "function_call", name="Bash"), half, completed()).blocks[0].content == "\ufffd"


def test_an_event_longer_than_any_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnout.protocol.sse._MAX_PENDING", 1000)
    assert failure(b"data: " + b"x" * 1001).kind is FailureKind.UPSTREAM_ERROR


def test_a_negative_index_is_an_index_like_others() -> None:
    assert answer(text(-1, "Hi", part=-1), completed()).text == "Hi"


@pytest.mark.parametrize("behind", [text(0, "late"), text(1, "late"), said(2, "late"), failed("server_error", "late")])
def test_nothing_is_written_behind_the_end(behind: bytes) -> None:
    whole = [HANDSHAKE, added(0, "message"), text(0, "Hi")]
    assert run(*whole, completed(), behind) == run(*whole, completed())
    assert run(*whole, failed("server_error", "No."), behind) == run(*whole, failed("server_error", "No."))
    assert run(*whole, completed(), behind[:-2]) == run(*whole, completed())
    stream = machine()
    stream.feed(b"".join([*whole, completed()]))
    assert stream.feed(behind) + stream.keepalive() + stream.open() + stream.close() == b""
    assert stream.fail(Failure(kind=FailureKind.CUT, message="Late.")) == b""
    assert stream.failure is None


# The end


def test_the_terminal_output_fills_in_what_was_not_streamed() -> None:
    output = [reasoning("Hm."), message("Hi"), call("c", "Bash", '{"a":1}')]
    read = answer(HANDSHAKE, completed(output))
    assert read.shape == [("thinking", "Hm."), ("text", "Hi"), ("tool_use", '{"a":1}')]
    assert read.stop_reason == "tool_use"


def test_the_terminal_output_completes_what_was_begun() -> None:
    events = [
        added(0, "message"),
        text(0, "Hi"),
        added(1, "function_call", call_id="c", name="Bash"),
        arguments(1, '{"a"'),
    ]
    read = answer(*events, completed([message("Hi"), call("c", "Bash", '{"a":1}')]))
    assert read.shape == [("text", "Hi"), ("tool_use", '{"a":1}')]


def test_the_terminal_output_repeats_nothing() -> None:
    output = [reasoning("Hm."), message("Hi"), call("c", "Bash", "{}")]
    events = [thought(0, "Hm."), said(1, "Hi"), called(2, "c", "Bash", "{}")]
    assert run(*events, completed(output)) == run(*events, completed())


@pytest.mark.parametrize("reason", ["max_messages", "steered", None])
def test_an_answer_that_is_incomplete_for_another_reason_asks_to_go_on(reason: str | None) -> None:
    stream = machine()
    assert answer(said(0, "Hi"), incomplete(reason), stream=stream).stop_reason == "max_tokens"
    assert "incomplete" in str(stream.notes[0])
    assert answer(called(0, "c", "Bash", "{}"), incomplete(reason)).stop_reason == "tool_use"


def test_a_call_in_an_answer_cut_for_length_keeps_the_reason() -> None:
    assert answer(called(0, "c", "Bash", "{"), incomplete("max_output_tokens")).stop_reason == "max_tokens"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "failed", "error": {"code": "server_is_overloaded", "message": "Busy."}},
        {"status": "completed", "error": {"code": "server_is_overloaded", "message": "Busy."}},
    ],
)
def test_a_failure_that_is_called_completed_is_a_failure(fields: dict[str, Any]) -> None:
    assert failure(HANDSHAKE, completed(**fields)).kind is FailureKind.OVERLOADED


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_failed_status_without_an_error_is_a_failure(status: str) -> None:
    assert failure(completed(status=status)).kind is FailureKind.UPSTREAM_ERROR


def test_usage_that_cannot_be_read_does_not_cost_the_answer() -> None:
    stream = machine()
    read = answer(said(0, "Hi"), completed(usage="none"), stream=stream)
    assert (read.text, read.error, read.usage["input_tokens"]) == ("Hi", None, 0)
    assert "usage" in str(stream.notes[0])


# Failures


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        (failed("server_is_overloaded", "Busy."), FailureKind.OVERLOADED, "Busy."),
        (failed("context_length_exceeded", "Too long."), FailureKind.CONTEXT_OVERFLOW, "Too long."),
        (failed("rate_limit_exceeded", "try again in 1.5s"), FailureKind.RATE_LIMITED, "1.5s"),
        (failed("usage_limit_reached", "Limit.", resets_at="soon", param=3), FailureKind.USAGE_LIMIT, "Limit."),
        (failed("cyber_policy", "No."), FailureKind.POLICY, "No."),
        (failed("invalid_encrypted_content", "No."), FailureKind.REFUSED_REASONING, "No."),
        (failed(None, None), FailureKind.UPSTREAM_ERROR, "without a reason"),
        (sse("response.failed", response={}), FailureKind.UPSTREAM_ERROR, "without a reason"),
        (sse("response.failed", response=None), FailureKind.UPSTREAM_ERROR, "without a reason"),
        (sse("response.failed"), FailureKind.UPSTREAM_ERROR, "without a reason"),
        (sse("error", code="slow_down", message="Slow.", param=None), FailureKind.OVERLOADED, "Slow."),
        (sse("error", error={"code": "slow_down", "message": "Slow."}), FailureKind.OVERLOADED, "Slow."),
        (sse("error", status=401, error={"message": "Who?"}), FailureKind.SIGN_IN, "Who?"),
        (sse("error", status="401", message="Odd."), FailureKind.UPSTREAM_ERROR, "Odd."),
        (sse("error"), FailureKind.UPSTREAM_ERROR, "without a reason"),
    ],
)
def test_a_failure_in_the_stream_is_told_apart(event: bytes, kind: FailureKind, words: str) -> None:
    before = failure(HANDSHAKE, event)
    assert before.kind is kind
    assert words in before.message
    stream = machine()
    after = answer(said(0, "Hi"), event, stream=stream)
    assert stream.failure == before
    assert after.error is not None
    assert after.stop_reason is None


def test_an_answer_that_has_failed_is_not_begun() -> None:
    """The gateway answers it with a real HTTP error."""
    stream = machine()
    stream.feed(failed("server_error", "No."))
    assert stream.open() + stream.keepalive() + stream.close() == b""
    assert not stream.started


def test_a_failure_of_the_connection_is_an_event_once_something_was_written() -> None:
    broken = Failure(kind=FailureKind.UNREACHABLE, message="The connection broke.")
    stream = machine()
    assert stream.fail(broken) == b""
    assert (stream.failure, stream.finished) == (broken, True)
    stream = machine()
    out = stream.feed(said(0, "Hi")) + stream.fail(broken)
    assert legality.read(out).error == {"type": "api_error", "message": "The connection broke."}


@pytest.mark.parametrize(
    "tail", [b"data: [DONE]\n\n", b"data: [DONE]", b"event: response.comp", text(1, "Hi")[:-9], b"\r"]
)
def test_a_stream_cut_inside_an_event_is_cut(tail: bytes) -> None:
    assert failure(HANDSHAKE, tail).kind is FailureKind.CUT
    read = answer(said(0, "Hi"), tail)
    assert read.error is not None
    assert "cut" in read.error["message"]


# Answers over several responses


def test_a_failure_ends_a_pause() -> None:
    stream = machine()
    out = stream.feed(said(0, "One.") + completed(end_turn=False))
    out += stream.fail(Failure(kind=FailureKind.UNREACHABLE, message="No search."))
    assert stream.pause is None
    assert legality.read(out).error is not None


def test_what_comes_behind_a_pause_is_for_nobody() -> None:
    stream = machine()
    out = stream.feed(said(0, "One.") + completed(end_turn=False) + said(1, "no"))
    assert stream.pause is not None
    assert stream.pause.goes_on
    assert stream.feed(text(2, "no")) == b""
    stream.go_on()
    out += stream.feed(HANDSHAKE + said(0, "Two.") + completed())
    assert legality.read(out).shape == [("text", "One."), ("text", "Two.")]


def test_a_call_that_was_never_named_is_not_taken_back() -> None:
    """Upstream would refuse it: it has no output."""
    stream = machine()
    stream.feed(said(0, "One.") + done(1, call("c", None, "{}")) + completed(end_turn=False))
    assert [json.loads(item)["type"] for item in stream.go_on()] == ["message"]


# Stop sequences


def stopped(*events: bytes, stops: tuple[str, ...] = ("</block>",)) -> legality.Answer:
    return answer(*events, stream=machine(stops=stops))


@pytest.mark.parametrize(
    "events",
    [
        [said(0, "yes</block> and more")],
        [said(0, "yes<", "/bl", "ock", "> and", " more")],
        [added(0, "message"), text_done(0, "yes</block> and more")],
        [done(0, message("yes</block> and more", "second part"))],
        [said(0, "yes</block>"), said(1, "more"), called(2, "c", "Bash", "{}")],
        [added(0, "message"), added(1, "message"), text(1, "more"), text(0, "yes</block>"), done(1, message("more"))],
    ],
)
def test_nothing_is_shown_from_a_stop_sequence_on(events: list[bytes]) -> None:
    read = stopped(*events, completed())
    assert read.shape == [("text", "yes")]
    assert (read.stop_reason, read.stop_sequence) == ("stop_sequence", "</block>")
    assert read.usage["input_tokens"] == 40


def test_a_stop_sequence_in_the_terminal_output_counts() -> None:
    read = stopped(HANDSHAKE, completed([message("yes</block> and more"), call("c", "Bash", "{}")]))
    assert read.shape == [("text", "yes")]
    assert (read.stop_reason, read.stop_sequence) == ("stop_sequence", "</block>")


def test_the_beginning_of_a_stop_sequence_that_does_not_come_is_shown() -> None:
    assert stopped(said(0, "a </blo", "ck"), completed()).text == "a </block"
    assert stopped(said(0, "a </"), called(1, "c", "Bash", "{}"), completed()).shape == [
        ("text", "a </"),
        ("tool_use", "{}"),
    ]
    assert stopped(said(0, "</"), said(1, "block>"), completed()).shape == [("text", "</"), ("text", "block>")]


def test_an_answer_that_is_a_stop_sequence_is_empty() -> None:
    read = stopped(said(0, "</block>"), completed())
    assert (read.blocks, read.stop_reason) == ([], "stop_sequence")


def test_thinking_and_arguments_are_not_searched_for_stop_sequences() -> None:
    read = stopped(thought(0, "</block>"), called(1, "c", "Bash", '"</block>"'), completed())
    assert read.shape == [("thinking", "</block>"), ("tool_use", '"</block>"')]
    assert read.stop_reason == "tool_use"


@pytest.mark.parametrize("end", [b"", failed("server_error", "No."), b"event: response.output_text.delta\ndata: {\n\n"])
def test_whatever_goes_wrong_behind_a_stop_sequence_is_no_failure(end: bytes) -> None:
    """The client has all that it asked for; only the usage is not known."""
    stream = machine(stops=("</block>",))
    read = answer(said(0, "yes</block>"), end, stream=stream)
    assert (read.stop_reason, read.error, stream.failure) == ("stop_sequence", None, None)
    assert "usage" in str(stream.notes[-1])


def test_upstream_is_not_heard_out_for_ever_behind_a_stop_sequence() -> None:
    stream = machine(stops=("</block>",))
    stream.feed(added(0, "message") + text(0, "yes</block>"))
    assert not stream.finished
    out = stream.feed(text(0, "more") * PATIENCE)
    assert stream.finished
    assert json.loads(out.split(b"data: ")[-2].split(b"\n")[0])["delta"]["stop_reason"] == "stop_sequence"
