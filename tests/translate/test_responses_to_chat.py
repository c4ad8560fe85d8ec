"""What clients of Chat Completions read of an answer, chunk by chunk and whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate import answers, strategies
from tests.translate.chatting import answer, collected, machine, read, run
from turnout.protocol.errors import Failure, FailureKind
from turnout.translate import reasoning


def test_a_text_arrives_in_its_pieces_and_ends_with_stop_and_usage() -> None:
    made = answer(answers.HANDSHAKE, answers.said(0, "Hel", "lo 🚂"), answers.completed())
    texts = [choice["delta"].get("content") for chunk in made.chunks for choice in chunk["choices"]]
    assert texts == ["", "Hel", "lo 🚂", None]
    assert (made.message.content, made.message.refusal, made.reason) == ("Hello 🚂", None, "stop")
    assert made.chunks[-1]["choices"] == []
    assert made.chunks[-1]["usage"] == {
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "total_tokens": 110,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    assert all(chunk["usage"] is None for chunk in made.chunks[:-1])


def test_without_stream_options_there_is_no_word_of_usage() -> None:
    made = answer(answers.said(0, "Hi"), answers.completed(), stream=machine(with_usage=False))
    assert all("usage" not in chunk and chunk["choices"] for chunk in made.chunks)


def test_parallel_calls_keep_their_ids_and_arguments() -> None:
    events = [
        answers.added(0, "function_call", call_id="a", name="look", arguments=""),
        answers.added(1, "function_call", call_id="b", name="wait", arguments=""),
        answers.arguments(0, '{"at":'),
        answers.arguments(1, '{"for":'),
        answers.arguments(0, "1}"),
        answers.arguments(1, "2}"),
        answers.done(0, answers.call("a", "look", '{"at":1}')),
        answers.done(1, answers.call("b", "wait", '{"for":2}')),
        answers.completed(),
    ]
    made = answer(*events)
    assert made.calls == [("look", '{"at":1}'), ("wait", '{"for":2}')]
    assert [each.id for each in made.message.tool_calls] == ["a", "b"]
    assert made.reason == "tool_calls"
    whole = collected(run(*events))["choices"][0]["message"]
    assert whole["content"] is None
    assert [each["function"]["arguments"] for each in whole["tool_calls"]] == ['{"at":1}', '{"for":2}']


@pytest.mark.parametrize("where", ["done", "item", "completed"])
def test_arguments_that_were_not_streamed_are_written_once(where: str) -> None:
    item = answers.call("a", "look", '{"at":1}')
    late = {
        "done": answers.arguments_done(0, '{"at":1}', name="look") + answers.done(0, answers.call("a", None, None)),
        "item": answers.done(0, item),
        "completed": b"",
    }[where]
    made = answer(
        answers.added(0, "function_call", call_id="a", name=None), late, answers.completed([item] if not late else [])
    )
    assert made.calls == [("look", '{"at":1}')]


def test_shortened_names_are_restored_and_calls_without_an_id_get_one() -> None:
    events = [answers.called(0, "", "short", "{}"), answers.called(1, "", "short", "{}"), answers.completed()]
    made = answer(*events, stream=machine(full_names={"short": "mcp__long"}))
    assert [name for name, _ in made.calls] == ["mcp__long", "mcp__long"]
    assert len({each.id for each in made.message.tool_calls}) == 2


def test_older_clients_get_one_function_call() -> None:
    events = [answers.called(0, "a", "look", '{"a"', ":1}"), answers.called(1, "b", "wait", "{}"), answers.completed()]
    stream = machine(older_calls=True)
    out = run(*events, stream=stream)
    made = read(out)
    assert made.message.function_call.name == "look"
    assert made.message.function_call.arguments == '{"a":1}'
    assert made.reason == "function_call"
    assert collected(out)["choices"][0]["message"]["function_call"] == {"name": "look", "arguments": '{"a":1}'}
    assert [note.action for note in stream.notes] == ["dropped"]


def test_custom_tools_are_called_with_text() -> None:
    item = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "*** Begin"}
    out = run(
        answers.added(0, "custom_tool_call", call_id="a", name="patch", input=""),
        answers.sse("response.custom_tool_call_input.delta", output_index=0, delta="*** "),
        answers.done(0, item),
        answers.completed(),
    )
    call = {"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
    assert collected(out)["choices"][0]["message"]["tool_calls"] == [call]


def test_reasoning_is_shown_and_sealed_for_the_next_request() -> None:
    out = run(answers.thought(0, "First ", "this."), answers.thought(1, "Then."), answers.completed())
    message = collected(out)["choices"][0]["message"]
    assert message["reasoning_content"] == "First this.\n\nThen."
    assert [detail["type"] for detail in message["reasoning_details"]] == ["reasoning.encrypted"] * 2
    assert message["reasoning_details"][0]["format"] == "openai-responses-v1", "clients drop what they do not know"
    sealed = reasoning.unseal(message["reasoning_details"][0]["data"].encode())
    assert sealed is not None
    assert (sealed.account, sealed.model) == ("acct-1", "gpt-5.5")
    assert json.loads(sealed.item)["encrypted_content"] == "gAAAAcipher"
    assert read(out).message.reasoning_details == message["reasoning_details"], "the SDK's helper keeps them"


def test_raw_reasoning_is_shown_and_nothing_is_sealed_without_a_ciphertext() -> None:
    delta = answers.sse("response.reasoning_text.delta", output_index=0, content_index=0, delta="Hm.")
    out = run(
        answers.added(0, "reasoning"), delta, answers.done(0, answers.reasoning(encrypted=None)), answers.completed()
    )
    message = collected(out)["choices"][0]["message"]
    assert message["reasoning_content"] == "Hm."
    assert "reasoning_details" not in message


def test_a_refusal_has_its_own_field() -> None:
    part = {"type": "refusal", "refusal": "No."}
    out = run(
        answers.added(0, "message"),
        answers.sse("response.refusal.delta", output_index=0, content_index=0, delta="N"),
        answers.sse("response.refusal.delta", output_index=0, content_index=0, delta="o."),
        answers.done(0, {"type": "message", "content": [part]}),
        answers.completed(),
    )
    assert (read(out).message.content, read(out).message.refusal) == ("", "No.")
    assert collected(out)["choices"][0]["message"]["content"] is None
    assert (
        collected(run(answers.done(0, {"type": "message", "content": [part]}), answers.completed()))["choices"][0][
            "message"
        ]["refusal"]
        == "No."
    )


def test_two_messages_in_one_answer_are_two_paragraphs() -> None:
    made = answer(answers.said(0, "I look."), answers.said(1, "There."), answers.completed())
    assert made.message.content == "I look.\n\nThere."


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (answers.completed(), "stop"),
        (answers.incomplete("max_output_tokens"), "length"),
        (answers.incomplete("content_filter"), "content_filter"),
        (answers.incomplete("steered"), "length"),
        (answers.incomplete(None), "length"),
    ],
)
def test_finish_reasons(end: bytes, reason: str) -> None:
    assert answer(answers.said(0, "Hi"), end).reason == reason


@pytest.mark.parametrize("pieces", [["a STOP b"], ["a ST", "OP b"], list("a STOP b")])
def test_a_stop_sequence_ends_the_text_and_is_not_shown(pieces: list[str]) -> None:
    stream = machine(stops=("STOP",))
    made = answer(answers.said(0, *pieces), answers.called(1, "a", "look", "{}"), answers.completed(), stream=stream)
    assert (made.message.content, made.reason, made.calls) == ("a ", "stop", [])
    assert stream.usage.output_tokens == 10


def test_what_only_might_have_been_a_stop_sequence_is_shown() -> None:
    assert (
        answer(answers.said(0, "a ST"), answers.completed(), stream=machine(stops=("STOP",))).message.content == "a ST"
    )


def test_pages_are_cited_at_their_place_in_the_whole_text() -> None:
    def cited(index: int, start: int, end: int) -> bytes:
        page = {
            "type": "url_citation",
            "url": f"https://{index}.test",
            "title": "T",
            "start_index": start,
            "end_index": end,
        }
        return answers.sse(
            "response.output_text.annotation.added", output_index=index, content_index=0, annotation=page
        )

    out = run(
        answers.added(0, "message") + answers.text(0, "One 🚂") + cited(0, 0, 3) + answers.done(0, {"type": "message"}),
        answers.added(1, "message") + answers.text(1, "Two") + cited(1, 0, 3) + answers.done(1, {"type": "message"}),
        answers.completed(),
        stream=machine(cites=True),
    )
    message = collected(out)["choices"][0]["message"]
    assert [
        message["content"][each["url_citation"]["start_index"] : each["url_citation"]["end_index"]]
        for each in message["annotations"]
    ] == ["One", "Two"]
    assert len(read(out).message.annotations) == 2


def test_an_answer_that_upstream_goes_on_with_is_one() -> None:
    stream = machine()
    out = stream.feed(answers.thought(0, "Hm.") + answers.said(1, "One.") + answers.completed(end_turn=False))
    assert stream.pause is not None
    assert stream.pause.goes_on
    items = [json.loads(item) for item in stream.go_on()]
    assert [item["type"] for item in items] == ["reasoning", "message"]
    made = read(out + stream.feed(answers.said(0, "Two.") + answers.completed()))
    assert made.message.content == "One.\n\nTwo."
    assert made.chunks[-1]["usage"]["completion_tokens"] == 20
    assert made.chunks[-1]["usage"]["prompt_tokens"] == 100


def test_a_failure_before_any_output_writes_nothing() -> None:
    stream = machine()
    out = run(answers.HANDSHAKE, answers.failed("context_length_exceeded", "too long"), stream=stream)
    assert out == b""
    assert stream.failure is not None
    assert stream.failure.kind is FailureKind.CONTEXT_OVERFLOW


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (answers.failed("server_error", "It broke."), "server_error"),
        (answers.sse("error", code="rate_limit_exceeded", message="Slow."), "rate_limit_exceeded"),
        (b"", "upstream_cut"),
        (b"data: {broken\n\n" + b"event: response.completed\ndata: {}\n\n", "server_error"),
    ],
)
def test_a_failure_behind_output_is_the_last_event(end: bytes, code: str) -> None:
    made = answer(answers.said(0, "Hi"), end)
    assert made.error is not None
    assert made.error["code"] == code


def test_a_deadline_of_the_gateways_is_an_error_too() -> None:
    stream = machine()
    out = (
        stream.open() + stream.keepalive() + stream.fail(Failure(kind=FailureKind.UPSTREAM_TIMEOUT, message="Silent."))
    )
    made = read(out)
    assert made.error == {
        "message": "Silent.",
        "type": "server_error",
        "param": None,
        "code": "upstream_timeout",
    }


def test_an_empty_answer_is_an_empty_text() -> None:
    out = run(answers.completed())
    assert read(out).reason == "stop"
    assert collected(out)["choices"][0]["message"]["content"] == ""


# Properties

FULL_NAMES = {"short_name": "mcp__server__" + "long_name_" * 9}
STOPS = st.sampled_from([(), (), ("</block>",), ("a", "b\n"), ("é", " ")])


def made_machine(stops: tuple[str, ...]) -> Any:
    return machine(stops=stops, full_names=FULL_NAMES, cites=True)


def ended(stream: Any) -> bytes:
    return (stream.close() if stream.pause is None else stream.end()) + stream.close()


@settings(max_examples=300, deadline=None)
@given(strategies.STREAMS | strategies.disturbed(), STOPS)
def test_any_events_in_any_order_give_a_legal_stream(events: list[bytes], stops: tuple[str, ...]) -> None:
    stream = made_machine(stops)
    out = stream.feed(b"".join(events)) + ended(stream)
    assert stream.finished
    assert stream.started == bool(out)
    if out and read(out).error is None:
        collected(out)
    assert stream.feed(answers.text(0, "late")) + stream.close() + stream.keepalive() + stream.open() == b""


@settings(max_examples=150, deadline=None)
@given(strategies.STREAMS | strategies.disturbed(), STOPS, st.data())
def test_how_the_network_cut_the_bytes_makes_no_difference(
    events: list[bytes], stops: tuple[str, ...], data: st.DataObject
) -> None:
    whole = b"".join(events)
    one = made_machine(stops)
    expected = one.feed(whole) + ended(one)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    other = made_machine(stops)
    out = b"".join([other.feed(whole[a:b]) for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)])
    assert out + ended(other) == expected
    assert (other.failure, other.usage, other.notes) == (one.failure, one.usage, one.notes)


@settings(max_examples=200, deadline=None)
@given(strategies.well_formed())
def test_a_sound_answer_arrives_whole_and_in_order(case: tuple[list[strategies.Piece], list[bytes]]) -> None:
    pieces, events = case
    message = collected(run(*events, stream=made_machine(())))["choices"][0]["message"]
    texts = [content for kind, content in pieces if kind == "text" and content]
    thoughts = [content for kind, content in pieces if kind == "thinking" and content]
    calls = [(FULL_NAMES.get(kind, kind), json.loads(c)) for kind, c in pieces if kind not in ("text", "thinking")]
    assert sorted((message["content"] or "").replace("\n\n", "")) == sorted("".join(texts).replace("\n\n", ""))
    assert sorted((message.get("reasoning_content") or "").replace("\n\n", "")) == sorted(
        "".join(thoughts).replace("\n\n", "")
    )
    made = [
        (each["function"]["name"], json.loads(each["function"]["arguments"])) for each in message.get("tool_calls", [])
    ]
    assert sorted(map(str, made)) == sorted(map(str, calls))


@settings(max_examples=150, deadline=None)
@given(strategies.STREAMS | strategies.disturbed(), STOPS, st.data())
def test_the_gateway_may_speak_up_at_any_moment(
    events: list[bytes], stops: tuple[str, ...], data: st.DataObject
) -> None:
    stream, plain = made_machine(stops), made_machine(stops)
    out = []
    for event in events:
        match data.draw(st.integers(0, 4)):
            case 0:
                out.append(stream.open())
            case 1:
                out.append(stream.keepalive())
        out.append(stream.feed(event))
    out.append(ended(stream))
    expected = plain.feed(b"".join(events)) + ended(plain)
    whole = b"".join(out)
    if whole:
        answer = read(whole)
        assert answer.error is not None or collected(whole) == collected(expected)
