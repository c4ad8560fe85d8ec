"""One answer over several of upstream's responses: when it goes on, with what, and that the client sees one message."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.translate import answers, legality
from tests.translate.answers import (
    HANDSHAKE,
    added,
    arguments,
    call,
    called,
    completed,
    done,
    incomplete,
    reasoning,
    said,
    text,
    thought,
)
from tests.translate.legality import Answer
from tests.translate.searching import NEITHER, citation, cited_text, machine, search_item, searched
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.web_search import Found, Link, Outcome, Refused
from turnout.translate.continuation import MAX_REQUESTS, told
from turnout.translate.responses_to_messages import MessagesStream
from turnout.translate.search_blocks import MAX_SEARCHES, Wanted

LINK = Link("https://a.com/1", "One", "About turnouts.", "2026-11-01")
FOUND = Found((LINK,))
DOWN = Refused("unavailable", "The search service is down.")


def unfinished(usage: object = answers.USAGE) -> bytes:
    """The end of a response behind which upstream has more to say (codex-backend.md 3.2)."""
    return completed(usage=usage, end_turn=False)


def search(index: int, query: str = "railway turnout", call_id: str = "call_1") -> bytes:
    """A call of the function that stands for the search."""
    return called(index, call_id, "web_search", json.dumps({"query": query}))


class Conversation:
    """A machine, what the client has been sent, and what upstream was sent again."""

    def __init__(self, stream: MessagesStream | None = None) -> None:
        self.stream = stream or machine(NEITHER)
        self.out = b""
        self.sent: list[list[dict[str, Any]]] = []

    def hear(self, *events: bytes) -> Conversation:
        """Upstream's next response."""
        self.out += self.stream.feed(HANDSHAKE + b"".join(events))
        return self

    def find(self, outcome: Outcome = FOUND) -> Conversation:
        """What all the wanted searches give."""
        self.out += self.stream.answer([(wanted, outcome) for wanted in self.wanted])
        return self

    def go_on(self) -> Conversation:
        self.sent.append([json.loads(item) for item in self.stream.go_on()])
        return self

    def end(self) -> Conversation:
        self.out += self.stream.end()
        return self

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        assert self.stream.pause is not None
        return self.stream.pause.searches

    @property
    def goes_on(self) -> bool:
        return self.stream.pause is not None and self.stream.pause.goes_on

    @property
    def answer(self) -> Answer:
        return legality.read(self.out)


def kinds(answer: Answer) -> list[str]:
    return [block.type for block in answer.blocks]


def test_an_answer_whose_turn_is_not_over_goes_on_in_the_same_message() -> None:
    talk = Conversation().hear(thought(0, "Hm."), said(1, "First."), unfinished())
    assert talk.goes_on
    assert not talk.stream.finished
    talk.go_on().hear(said(0, "Second."), completed())
    assert talk.stream.finished
    assert kinds(talk.answer) == ["thinking", "text", "text"]
    assert talk.answer.text == "First.Second."
    assert talk.answer.stop_reason == "end_turn"
    assert talk.answer.events.count("message_start") == 1


def test_the_next_request_has_what_was_said_in_the_form_of_the_history() -> None:
    talk = Conversation().hear(thought(0, "Hm.", encrypted="gAAAAsecret"), said(1, "First."), unfinished()).go_on()
    assert talk.sent == [
        [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAsecret"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "First."}]},
        ]
    ]
    talk.hear(said(0, "Second."), unfinished()).go_on()
    assert [item["content"][0]["text"] for item in talk.sent[1]] == ["Second."], "only what is new"


def test_searches_of_upstreams_own_go_on_in_words_and_odd_items_not_at_all() -> None:
    odd = done(1, {"type": "hologram", "data": "x"}) + done(2, reasoning("No cipher.", encrypted=None))
    talk = Conversation(machine()).hear(searched(0, search_item("a")), odd, unfinished()).go_on()
    assert [item["content"][0]["text"] for item in talk.sent[0]] == ['[Web search for "a"]']


def test_a_refusal_goes_on_as_text_and_what_is_empty_not_at_all() -> None:
    parts = [{"type": "refusal", "refusal": "No."}, {"type": "output_text", "text": ""}, {"type": "output_text"}]
    mixed = done(0, {"type": "message", "content": parts})
    empty = done(1, {"type": "message", "content": []}) + done(2, {"type": "message", "content": None})
    talk = Conversation().hear(mixed, empty, unfinished()).go_on()
    assert [[part["text"] for part in item["content"]] for item in talk.sent[0]] == [["No."]]


def test_reasoning_does_not_go_on_where_upstream_does_not_take_it_back() -> None:
    forgetful = msgspec.structs.replace(NEITHER, capabilities=Capabilities(encrypted_reasoning=False))
    talk = Conversation(machine(forgetful)).hear(thought(0, "Hm."), said(1, "First."), unfinished()).go_on()
    assert [item["type"] for item in talk.sent[0]] == ["message"]


@pytest.mark.parametrize("end_turn", [True, None, "false", 0])
def test_a_turn_is_over_unless_upstream_says_that_it_is_not(end_turn: object) -> None:
    talk = Conversation().hear(said(0, "All."), completed(end_turn=end_turn))
    assert talk.stream.pause is None
    assert talk.stream.finished


def test_an_answer_with_a_call_for_the_client_does_not_go_on() -> None:
    talk = Conversation().hear(called(0, "call_1", "Bash", "{}"), unfinished())
    assert talk.answer.stop_reason == "tool_use"


def test_an_answer_that_reached_a_stop_sequence_or_was_cut_does_not_go_on() -> None:
    stopped = Conversation(machine(NEITHER, stops=("STOP",))).hear(said(0, "One STOP two"), unfinished())
    assert stopped.answer.stop_reason == "stop_sequence"
    cut = Conversation().hear(said(0, "One"), incomplete("max_output_tokens"))
    assert cut.answer.stop_reason == "max_tokens"


def test_upstream_is_not_asked_for_ever() -> None:
    talk = Conversation().hear(said(0, "0"), unfinished())
    for number in range(1, MAX_REQUESTS):
        assert talk.goes_on
        talk.go_on().hear(said(0, str(number)), unfinished())
    assert talk.stream.finished
    assert talk.answer.text == "".join(map(str, range(MAX_REQUESTS)))
    assert talk.answer.stop_reason == "end_turn"
    assert [note.action for note in talk.stream.notes] == ["approximated"]


def test_an_answer_may_be_ended_where_it_should_go_on() -> None:
    talk = Conversation().hear(said(0, "First."), unfinished()).end()
    assert talk.answer.stop_reason == "end_turn"


def test_what_comes_behind_the_end_of_a_response_belongs_to_nobody() -> None:
    talk = Conversation().hear(said(0, "First."), unfinished(), said(1, "Ghost."), completed())
    assert talk.stream.close() == b""
    talk.go_on().hear(said(0, "Second."), completed())
    assert talk.answer.text == "First.Second."


def test_a_response_that_was_cut_on_the_way_leaves_nothing_to_the_next() -> None:
    """Items of the next response have the same places as those of the one before."""
    talk = Conversation().hear(added(0, "message"), text(0, "First."), added(1, "reasoning"), unfinished())
    talk.go_on().hear(said(0, "Second."), said(1, "Third."), completed())
    assert talk.answer.text == "First.Second.Third."


def test_a_failure_in_a_later_response_is_an_error_of_the_stream() -> None:
    talk = Conversation().hear(said(0, "First."), unfinished()).go_on()
    talk.hear(answers.failed("server_is_overloaded", "Too much."))
    assert talk.answer.error is not None
    assert talk.stream.failure is not None
    lost = Conversation().hear(said(0, "First."), unfinished()).go_on()
    lost.out += lost.stream.close()
    assert lost.answer.error is not None


def test_the_gateway_may_speak_up_between_two_responses() -> None:
    talk = Conversation().hear(said(0, "First."), unfinished())
    talk.out += talk.stream.keepalive()
    talk.go_on()
    talk.out += talk.stream.keepalive()
    talk.hear(thought(0, "Hm."), said(1, "Second."), completed())
    assert talk.answer.text == "First.Second."


def test_the_record_has_the_sum_and_the_client_what_fills_the_context() -> None:
    def usage(fresh: int, cached: int, out: int) -> dict[str, Any]:
        return {
            "input_tokens": fresh + cached,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": out,
            "output_tokens_details": {"reasoning_tokens": 1},
        }

    talk = Conversation().hear(said(0, "1"), unfinished(usage(100, 0, 10)))
    talk.go_on().hear(said(0, "2"), completed(usage=usage(15, 100, 20)))
    total = talk.stream.usage
    assert (total.input_tokens, total.cached_tokens, total.output_tokens, total.reasoning_tokens) == (115, 100, 30, 2)
    shown = talk.answer.usage
    assert (shown["input_tokens"], shown["cache_read_input_tokens"], shown["output_tokens"]) == (15, 100, 30)
    assert [
        (each["input_tokens"], each["cache_read_input_tokens"], each["output_tokens"]) for each in shown["iterations"]
    ] == [(100, 0, 10), (15, 100, 20)]


def test_a_single_request_says_nothing_of_iterations() -> None:
    assert "iterations" not in Conversation().hear(said(0, "1"), completed()).answer.usage


# Searches that the gateway makes


def test_a_search_that_upstream_cannot_make_is_shown_made_and_given_to_the_model() -> None:
    talk = Conversation().hear(thought(0, "Hm."), search(1), completed())
    assert [(wanted.query, wanted.call_id) for wanted in talk.wanted] == [("railway turnout", "call_1")]
    talk.find().go_on().hear(said(0, "A switch."), completed())
    assert kinds(talk.answer) == ["thinking", "server_tool_use", "web_search_tool_result", "text"]
    use, result = talk.answer.blocks[1:3]
    assert (use.name, json.loads(use.content), use.id) == ("web_search", {"query": "railway turnout"}, result.id)
    assert result.result == [
        {
            "type": "web_search_result",
            "title": "One",
            "url": "https://a.com/1",
            "encrypted_content": "",
            "page_age": "2026-11-01",
        }
    ]
    assert talk.answer.stop_reason == "end_turn"
    assert talk.answer.usage["server_tool_use"]["web_search_requests"] == 1
    thinking, function, output = talk.sent[0]
    assert thinking["type"] == "reasoning"
    assert function == {
        "type": "function_call",
        "call_id": "call_1",
        "name": "web_search",
        "arguments": '{"query": "railway turnout"}',
    }
    assert output == {"type": "function_call_output", "call_id": "call_1", "output": told(FOUND)}


def test_the_model_is_told_titles_addresses_and_excerpts() -> None:
    bare = Link("https://b.com/2", "https://b.com/2")
    assert told(Found((LINK, bare))) == (
        "1. One\nhttps://a.com/1\n2026-11-01\nAbout turnouts.\n\n2. https://b.com/2\nhttps://b.com/2"
    )
    assert told(Found(())) == "The search found nothing."
    assert told(DOWN) == "The search was not made. The search service is down."
    assert len(told(Found((Link("https://a.com", "A", "x" * 5000),)))) < 1100


def test_several_searches_of_one_response_are_made_together() -> None:
    talk = Conversation().hear(search(0, "a", "call_a"), search(1, "b", "call_b"), completed())
    assert [wanted.query for wanted in talk.wanted] == ["a", "b"]
    talk.find().go_on().hear(said(0, "Both."), completed())
    assert kinds(talk.answer) == [
        "server_tool_use",
        "server_tool_use",
        "web_search_tool_result",
        "web_search_tool_result",
        "text",
    ]
    assert [(item["type"], item["call_id"]) for item in talk.sent[0]] == [
        ("function_call", "call_a"),
        ("function_call", "call_b"),
        ("function_call_output", "call_a"),
        ("function_call_output", "call_b"),
    ]


def test_searches_one_after_another_in_one_answer() -> None:
    talk = Conversation()
    for number in range(3):
        talk.hear(search(0, f"q{number}", f"call_{number}"), completed()).find().go_on()
    talk.hear(said(0, "Enough."), completed())
    assert kinds(talk.answer) == ["server_tool_use", "web_search_tool_result"] * 3 + ["text"]
    assert talk.answer.usage["server_tool_use"]["web_search_requests"] == 3
    ids = [block.id for block in talk.answer.blocks if block.type == "server_tool_use"]
    assert len(set(ids)) == 3


def test_a_search_that_fails_is_an_error_for_the_client_and_a_reason_for_the_model() -> None:
    talk = Conversation().hear(search(0), completed()).find(DOWN).go_on().hear(said(0, "Sorry."), completed())
    assert talk.answer.blocks[1].result == {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert talk.sent[0][-1]["output"] == told(DOWN)
    assert "server_tool_use" not in talk.answer.usage
    assert [note.reason for note in talk.stream.notes] == ["a web search failed: The search service is down."]


def test_no_more_searches_are_made_than_the_client_allows() -> None:
    talk = Conversation(machine(NEITHER, max_uses=1))
    talk.hear(search(0, "a", "call_a"), search(1, "b", "call_b"), completed())
    assert [wanted.query for wanted in talk.wanted] == ["a"]
    talk.find().go_on()
    outputs = {item["call_id"]: item["output"] for item in talk.sent[0] if item["type"] == "function_call_output"}
    assert outputs["call_a"] == told(FOUND)
    assert "No more than 1" in outputs["call_b"]
    talk.hear(said(0, "Enough."), completed())
    refused = [block for block in talk.answer.blocks if isinstance(block.result, dict)]
    assert [block.result["error_code"] for block in refused] == ["max_uses_exceeded"]


def test_a_model_that_searches_for_ever_is_ended() -> None:
    talk = Conversation(machine(NEITHER, max_uses=2))
    rounds = 0
    talk.hear(search(0, "q0", "call_0"), completed())
    while talk.goes_on:
        rounds += 1
        talk.find().go_on().hear(search(0, f"q{rounds}", f"call_{rounds}"), completed())
    assert rounds <= 2 + MAX_REQUESTS
    assert talk.answer.stop_reason == "end_turn"
    assert talk.answer.usage["server_tool_use"]["web_search_requests"] == 2


def test_without_a_limit_of_the_clients_there_is_one() -> None:
    talk = Conversation().hear(
        *(search(index, f"q{index}", f"call_{index}") for index in range(MAX_SEARCHES + 1)), completed()
    )
    assert len(talk.wanted) == MAX_SEARCHES


@pytest.mark.parametrize("given", ["", "{", "{}", '{"query":7}', '{"query":"  "}', '"x"'])
def test_a_search_without_a_query_is_refused_and_the_model_told(given: str) -> None:
    talk = Conversation().hear(done(0, call("call_1", "web_search", given)), completed())
    assert talk.wanted == ()
    assert talk.goes_on
    talk.go_on().hear(said(0, "Sorry."), completed())
    assert talk.answer.blocks[1].result["error_code"] == "invalid_tool_input"
    assert [item["type"] for item in talk.sent[0]] == ["function_call", "function_call_output"]


def test_pages_that_the_client_does_not_allow_are_not_shown_and_not_told() -> None:
    found = Found((LINK, Link("https://bad.com", "Bad")))
    talk = Conversation(machine(NEITHER, blocked=["bad.com"])).hear(search(0), completed()).find(found).go_on()
    assert "bad.com" not in talk.sent[0][-1]["output"]
    talk.hear(said(0, "One."), completed())
    assert [page["url"] for page in talk.answer.blocks[1].result] == ["https://a.com/1"]


def test_a_search_beside_a_call_of_the_clients_is_made_and_the_turn_left_to_the_client() -> None:
    talk = Conversation().hear(search(0), called(1, "call_2", "Bash", "{}"), completed())
    assert len(talk.wanted) == 1
    assert not talk.goes_on
    talk.find().end()
    assert kinds(talk.answer) == ["server_tool_use", "tool_use", "web_search_tool_result"]
    assert talk.answer.stop_reason == "tool_use"


def test_a_search_in_a_response_that_was_cut_is_made_and_the_answer_ended() -> None:
    talk = Conversation().hear(search(0), incomplete("max_output_tokens"))
    assert not talk.goes_on
    talk.find().end()
    assert talk.answer.stop_reason == "max_tokens"


def test_an_answer_that_is_ended_with_searches_unmade_has_their_results_all_the_same() -> None:
    talk = Conversation().hear(search(0), completed()).end()
    assert talk.answer.blocks[1].result["error_code"] == "unavailable"


def test_a_search_whose_name_and_arguments_come_late() -> None:
    talk = Conversation().hear(
        added(0, "function_call", call_id="call_1"),
        arguments(0, '{"query":'),
        arguments(0, '"late"}'),
        done(0, call("call_1", "web_search", None)),
        completed(),
    )
    assert [wanted.query for wanted in talk.wanted] == ["late"]


def test_searches_without_ids_or_with_one_id_get_their_own() -> None:
    talk = Conversation().hear(
        done(0, call(None, "web_search", '{"query":"a"}')),
        done(1, call("call_1", "web_search", '{"query":"b"}')),
        done(2, call("call_1", "web_search", '{"query":"c"}')),
        completed(),
    )
    ids = [wanted.call_id for wanted in talk.wanted]
    assert len(set(ids)) == 3
    talk.find().go_on()
    assert [item["call_id"] for item in talk.sent[0]] == ids * 2


def test_a_search_as_a_tool_of_the_clients_own_stays_the_clients() -> None:
    talk = Conversation(answers.machine()).hear(search(0), completed())
    assert kinds(talk.answer) == ["tool_use"]


def test_a_failure_while_a_search_is_being_made_is_an_error_of_the_stream() -> None:
    talk = Conversation().hear(search(0), completed())
    assert talk.stream.failure is None
    talk.out += talk.stream.fail(Failure(kind=FailureKind.UPSTREAM_TIMEOUT, message="Too long."))
    assert talk.answer.error is not None
    assert talk.stream.pause is None


def test_a_hosted_search_and_its_text_may_stand_in_two_responses() -> None:
    talk = Conversation(machine()).hear(searched(0, search_item()), unfinished())
    talk.go_on().hear(cited_text(0, "A switch.", citation("https://a.com/1", "One")), completed())
    assert kinds(talk.answer) == ["server_tool_use", "text", "web_search_tool_result"]
    assert [page["url"] for page in talk.answer.blocks[2].result] == ["https://a.com/1"]
