"""Whatever an upstream says, in whatever order and pieces: the client reads a legal stream or is told of a failure."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate import acceptance, answers, legality, strategies
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.messages import WebSearchTool
from turnout.protocol.web_search import Found, Link, Refused
from turnout.translate.collect import MessageCollector
from turnout.translate.responses_to_messages import MessagesStream
from turnout.translate.search import Search, plan

FULL_NAMES = {"short_name": "mcp__server__" + "long_name_" * 9}
STOPS = st.sampled_from([(), (), ("</block>",), ("a", "b\n"), ("é", " ")])
TOOL = WebSearchTool(name="web_search", blocked_domains=["b.test"], max_uses=2)
HOSTED = msgspec.structs.replace(
    answers.TARGET, capabilities=msgspec.structs.replace(answers.TARGET.capabilities, hosted_search=True)
)
SEARCHES = st.sampled_from([None, plan(TOOL, HOSTED), plan(TOOL, answers.TARGET)])
"""No web search, one that upstream makes, one that the gateway makes."""


def machine(stops: tuple[str, ...] = (), search: Search | None = None) -> MessagesStream:
    return MessagesStream(
        message_id="msg_1",
        model="claude-opus-5-5",
        target=answers.TARGET,
        full_names=FULL_NAMES,
        now=answers.NOW,
        stop_sequences=stops,
        search=search,
    )


def ended(stream: MessagesStream) -> bytes:
    """What the machine writes when upstream is at its end and no further request is made."""
    if stream.pause is None:
        return stream.close()
    found = [(wanted, Found((Link("https://a.test", "A"),))) for wanted in stream.pause.searches]
    return stream.answer(found) + stream.end() + stream.close()


def check_ended(stream: MessagesStream, out: bytes) -> legality.Answer | None:
    """A machine that was closed is finished, and what it wrote fits what it says of itself."""
    assert stream.finished
    assert stream.started == bool(out)
    if not out:
        assert stream.failure is not None
        return None
    answer = legality.read(out)
    assert (answer.error is not None) == (stream.failure is not None)
    assert answer.error is not None or answer.stop_reason == stream.stop_reason
    return answer


def collected(out: bytes) -> dict[str, Any]:
    collector = MessageCollector()
    collector.feed(out)
    message: dict[str, Any] = json.loads(collector.message())
    return message


@settings(max_examples=400, deadline=None)
@given(strategies.STREAMS, STOPS, SEARCHES)
def test_any_events_in_any_order_give_a_legal_stream(
    events: list[bytes], stops: tuple[str, ...], search: Search | None
) -> None:
    stream = machine(stops, search)
    out = stream.feed(b"".join(events)) + ended(stream)
    answer = check_ended(stream, out)
    if answer is not None and answer.error is None:
        collected(out)
    assert stream.feed(answers.text(0, "late")) + stream.close() + stream.keepalive() + stream.open() == b""


@settings(max_examples=300, deadline=None)
@given(strategies.disturbed(), STOPS, SEARCHES)
def test_a_sound_answer_in_disorder_gives_a_legal_stream(
    events: list[bytes], stops: tuple[str, ...], search: Search | None
) -> None:
    stream = machine(stops, search)
    out = stream.feed(b"".join(events)) + ended(stream)
    answer = check_ended(stream, out)
    if answer is not None and answer.error is None:
        collected(out)


@settings(max_examples=150, deadline=None)
@given(st.lists(strategies.STREAMS | strategies.disturbed(), min_size=2, max_size=3), STOPS, SEARCHES)
def test_an_answer_over_several_responses_is_one_legal_stream(
    responses: list[list[bytes]], stops: tuple[str, ...], search: Search | None
) -> None:
    """Upstream says that it has more to say, or a search was made for it: what it says next is the same message."""
    stream = machine(stops, search)
    out = b""
    for events in responses:
        out += stream.feed(b"".join(events))
        if stream.pause is None:
            break
        found = [(wanted, Refused("unavailable", "No.")) for wanted in stream.pause.searches]
        out += stream.answer(found)
        if not stream.pause.goes_on:
            break
        check_taken_back(stream.go_on())
    check_ended(stream, out + ended(stream))


def check_taken_back(items: list[bytes]) -> None:
    """What the next request has more is what upstream takes: every call with its output."""
    before = [b'{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}']
    body = b'{"model":"gpt-5.5","instructions":"","store":false,"stream":true,"input":[%s]}'
    readable = [item for item in items if b'"type":"reasoning"' not in item]  # the simulator reads only its own
    acceptance.accept(body % b",".join(before + readable))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=30) | strategies.events(), max_size=6))
def test_any_bytes_give_a_legal_stream(pieces: list[bytes]) -> None:
    stream = machine()
    out = b"".join([stream.feed(piece) for piece in pieces]) + ended(stream)
    check_ended(stream, out)


@settings(max_examples=150, deadline=None)
@given(strategies.STREAMS | strategies.disturbed(), STOPS, st.data())
def test_how_the_network_cut_the_bytes_makes_no_difference(
    events: list[bytes], stops: tuple[str, ...], data: st.DataObject
) -> None:
    whole = b"".join(events)
    search = data.draw(SEARCHES)
    one = machine(stops, search)
    expected = one.feed(whole) + ended(one)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    other = machine(stops, search)
    out = b"".join([other.feed(whole[a:b]) for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)])
    assert out + ended(other) == expected
    assert (other.failure, other.usage, other.notes) == (one.failure, one.usage, one.notes)


@settings(max_examples=150, deadline=None)
@given(strategies.STREAMS | strategies.disturbed(), STOPS, st.data())
def test_the_gateway_may_speak_up_at_any_moment(
    events: list[bytes], stops: tuple[str, ...], data: st.DataObject
) -> None:
    stream = machine(stops, data.draw(SEARCHES))
    out = []
    for event in events:
        match data.draw(st.integers(0, 5)):
            case 0:
                out.append(stream.open())
            case 1:
                out.append(stream.keepalive())
            case 2:
                out.append(stream.keepalive() + stream.keepalive())
        out.append(stream.feed(event))
        if b"".join(out):
            legality.read(b"".join(out), ended=stream.finished)
    if data.draw(st.booleans()):
        out.append(stream.fail(Failure(kind=FailureKind.UPSTREAM_TIMEOUT, message="Nothing came.")))
    out.append(ended(stream))
    check_ended(stream, b"".join(out))


# Well-formed answers


def expected_block(index: int, piece: strategies.Piece) -> dict[str, Any]:
    kind, content = piece
    if kind == "text":
        return {"type": "text", "text": content}
    if kind == "thinking":
        return {
            "type": "thinking",
            "thinking": content,
            "signature": f"turnout:1:acct-1:gpt-5.5:rs_1:gAAAA{index}",
        }
    return {
        "type": "tool_use",
        "id": f"call_{index}",
        "name": FULL_NAMES.get(kind, kind),
        "input": json.loads(content),
    }


@settings(max_examples=300, deadline=None)
@given(strategies.well_formed())
def test_a_sound_answer_arrives_whole_and_in_order(case: tuple[list[strategies.Piece], list[bytes]]) -> None:
    pieces, events = case
    stream = machine()
    out = stream.feed(b"".join(events)) + stream.close()
    answer = check_ended(stream, out)
    assert answer is not None
    assert answer.error is None
    called = any(kind not in ("text", "thinking") for kind, _ in pieces)
    assert answer.stop_reason == ("tool_use" if called else "end_turn")
    message = collected(out)
    blocks = message["content"]
    wanted = [expected_block(index, piece) for index, piece in enumerate(pieces)]
    assert sorted(map(str, blocks)) == sorted(map(str, wanted))
    # Items that upstream began one after another keep that order.
    assert [str(block) for block in blocks] == [str(block) for block in wanted] or _interleaved(events)
    assert message["usage"]["input_tokens"] == 40


def _interleaved(events: list[bytes]) -> bool:
    """Whether an item began before one with a lower index did."""
    added = [json.loads(e.partition(b"data: ")[2])["output_index"] for e in events if b"output_item.added" in e[:40]]
    return added != sorted(added)


@settings(max_examples=150, deadline=None)
@given(strategies.well_formed())
def test_stream_and_message_say_the_same(case: tuple[list[strategies.Piece], list[bytes]]) -> None:
    stream = machine()
    out = stream.feed(b"".join(case[1]))
    answer, message = legality.read(out), collected(out)
    assert [block["type"] for block in message["content"]] == [block.type for block in answer.blocks]
    for block, read in zip(message["content"], answer.blocks, strict=True):
        match block["type"]:
            case "text":
                assert block["text"] == read.content
            case "thinking":
                assert (block["thinking"], block["signature"]) == (read.content, read.signature)
            case "tool_use":
                assert (block["id"], block["name"], block["input"]) == (read.id, read.name, json.loads(read.content))
    assert (message["id"], message["model"], message["stop_reason"]) == (answer.id, answer.model, answer.stop_reason)
    assert message["usage"] == answer.usage


@settings(max_examples=100, deadline=None)
@given(strategies.well_formed())
def test_what_keeps_the_client_waiting_is_not_part_of_the_answer(
    case: tuple[list[strategies.Piece], list[bytes]],
) -> None:
    plain, patient = machine(), machine()
    out = b"".join([patient.feed(event) + patient.keepalive() for event in case[1]])
    assert legality.read(out).events.count("ping") == len(case[1]) - 1
    assert collected(out) == collected(plain.feed(b"".join(case[1])))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_every_single_cut_gives_the_same(line_end: bytes) -> None:
    stream = b"".join(
        [
            answers.HANDSHAKE,
            answers.thought(0, "Über ", "🚂 nachgedacht"),
            answers.KEEPALIVE,
            answers.said(1, "Zü", "ge 🚂", ""),
            answers.called(2, "call_1", "Bash", '{"command":', '"ls 🚂"}'),
            answers.completed(),
        ]
    ).replace(b"\n", line_end)
    whole = machine()
    expected = whole.feed(stream) + whole.close()
    assert legality.read(expected).shape == [
        ("thinking", "Über 🚂 nachgedacht"),
        ("text", "Züge 🚂"),
        ("tool_use", '{"command":"ls 🚂"}'),
    ]
    for place in range(len(stream) + 1):
        cut = machine()
        assert cut.feed(stream[:place]) + cut.feed(stream[place:]) + cut.close() == expected
    bytewise = machine()
    out = b"".join([bytewise.feed(stream[i : i + 1]) for i in range(len(stream))])
    assert out + bytewise.close() == expected


def test_a_stream_cut_at_any_byte_never_ends_well() -> None:
    stream = b"".join([answers.HANDSHAKE, answers.said(0, "Hello"), answers.called(1, "c", "Bash", "{}")])
    end = answers.completed()
    for place in range(len(stream) + len(end) - 1):
        cut = machine()
        out = cut.feed((stream + end)[:place]) + cut.close()
        if cut.failure is None:
            # Only the blank line behind the last event was missing: all was said.
            assert place >= len(stream) + len(end) - 2
            continue
        assert cut.failure.kind is FailureKind.CUT
        if out:
            assert legality.read(out).error is not None
