"""What the writer writes is legal by itself, in the bytes that clients read."""

from __future__ import annotations

from tests.translate import legality
from turnout.translate.messages_writer import MessagesWriter, TokenUsage


def test_a_whole_answer() -> None:
    writer = MessagesWriter("msg_1", 'gpt-5.5 "x"')
    writer.open("thinking")
    writer.delta(b'"Hm."')
    writer.sign(b"sig")
    writer.open("text")
    writer.delta(b'"He"')
    writer.delta(b'"llo"')
    writer.open_tool_use("call_1", "Bash")
    writer.delta(b'"{}"')
    usage = TokenUsage(input_tokens=1, cached_tokens=2, cache_write_tokens=3, output_tokens=4, reasoning_tokens=5)
    writer.finish("tool_use", usage)
    answer = legality.read(writer.taken())
    assert answer.shape == [("thinking", "Hm."), ("text", "Hello"), ("tool_use", "{}")]
    assert (answer.id, answer.model) == ("msg_1", 'gpt-5.5 "x"')
    assert answer.blocks[0].signature == "sig"
    assert (answer.blocks[2].id, answer.blocks[2].name) == ("call_1", "Bash")
    assert answer.usage == {
        "input_tokens": 1,
        "cache_read_input_tokens": 2,
        "cache_creation_input_tokens": 3,
        "output_tokens": 4,
        "output_tokens_details": {"thinking_tokens": 5},
    }


def test_an_empty_answer_has_a_head_and_an_end() -> None:
    writer = MessagesWriter("msg_1", "m")
    writer.finish("end_turn", TokenUsage())
    answer = legality.read(writer.taken())
    assert answer.events == ["message_start", "message_delta", "message_stop"]
    assert answer.stop_sequence is None


def test_the_stop_sequence_is_named() -> None:
    writer = MessagesWriter("msg_1", "m")
    writer.finish("stop_sequence", TokenUsage(), "</block>")
    assert legality.read(writer.taken()).stop_sequence == "</block>"


def test_the_head_is_written_once() -> None:
    writer = MessagesWriter("msg_1", "m")
    assert not writer.started
    writer.start()
    assert writer.started
    writer.start()
    assert legality.read(writer.taken(), ended=False).events == ["message_start"]
    assert writer.taken() == b""


def test_a_keepalive_speaks_in_the_open_block_and_pings() -> None:
    writer = MessagesWriter("msg_1", "m")
    writer.open("text")
    writer.taken()
    writer.keepalive()
    (name, delta), (ping, _) = legality.split(writer.taken())
    assert (name, delta["delta"]) == ("content_block_delta", {"type": "text_delta", "text": ""})
    assert ping == "ping"


def test_a_keepalive_without_an_open_block_thinks() -> None:
    writer = MessagesWriter("msg_1", "m")
    writer.keepalive()
    writer.keepalive()
    answer = legality.read(writer.taken(), ended=False)
    assert answer.shape == [("thinking", "")]
    assert answer.events.count("ping") == 2


def test_an_error_ends_it_in_the_middle_of_a_block() -> None:
    writer = MessagesWriter("msg_1", "m")
    writer.open("text")
    writer.error(b'{"type":"error","error":{"type":"api_error","message":"It broke."}}')
    assert legality.read(writer.taken()).error == {"type": "api_error", "message": "It broke."}


def test_closing_what_is_not_open_writes_nothing() -> None:
    writer = MessagesWriter("msg_1", "m")
    writer.close()
    assert writer.taken() == b""
