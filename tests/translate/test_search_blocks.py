"""Searches that upstream makes, as the client sees them: a call, its result with links, text with citations."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from anthropic.types import Message

from tests.translate import legality
from tests.translate.answers import HANDSHAKE, added, call, called, completed, done, run, said, text, thought
from tests.translate.legality import Answer, Block
from tests.translate.searching import annotation, citation, cited_text, machine, page_item, search_item, searched
from turnout.translate.collect import MessageCollector
from turnout.translate.responses_to_messages import MessagesStream

A, B = "https://a.com/1", "https://b.com/2"


def read(*events: bytes, stream: MessagesStream | None = None) -> Answer:
    return legality.read(run(HANDSHAKE, *events, completed(), stream=stream or machine()))


def links(block: Block) -> list[tuple[str, str]]:
    """Title and address of each result."""
    return [(page["title"], page["url"]) for page in block.result]


def results(answer: Answer) -> list[Block]:
    return [block for block in answer.blocks if block.type == "web_search_tool_result"]


def queries(answer: Answer) -> list[str]:
    return [json.loads(block.content)["query"] for block in answer.blocks if block.type == "server_tool_use"]


def kinds(answer: Answer) -> list[str]:
    return [block.type for block in answer.blocks]


def test_a_search_whose_sources_are_told_has_its_result_at_once() -> None:
    sources = [{"type": "url", "url": A}, {"type": "url", "url": B, "title": "Two"}, {"type": "api", "name": "weather"}]
    answer = read(thought(0, "Hm."), searched(1, search_item(sources=sources)), said(2, "A switch."))
    assert kinds(answer) == ["thinking", "server_tool_use", "web_search_tool_result", "text"]
    use, result = answer.blocks[1:3]
    assert (use.name, use.id) == ("web_search", result.id)
    assert use.id.startswith("srvtoolu_")
    assert queries(answer) == ["railway turnout"]
    assert links(result) == [(A, A), ("Two", B)]
    assert answer.stop_reason == "end_turn"
    assert answer.usage["server_tool_use"]["web_search_requests"] == 1


def test_a_search_whose_sources_are_not_told_gets_the_pages_that_the_text_cites() -> None:
    answer = read(searched(0, search_item()), cited_text(1, "A switch.", citation(A, "One"), citation(B, "Two")))
    assert kinds(answer) == ["server_tool_use", "text", "web_search_tool_result"]
    assert links(answer.blocks[2]) == [("One", A), ("Two", B)]


def test_the_text_is_not_held_up_for_the_result() -> None:
    stream = machine()
    assert b"content_block_stop" in stream.feed(searched(0, search_item())), "and the query is complete at once"
    assert b"A switch" in stream.feed(added(1, "message") + text(1, "A switch"))


def test_the_citations_stand_in_the_text_once_each() -> None:
    cited = [citation(A, "One"), citation(A, "One", start=9, end=12), citation(B, None)]
    answer = read(searched(0, search_item()), cited_text(1, "A switch.", *cited))
    assert answer.blocks[1].citations == [
        {
            "type": "web_search_result_location",
            "url": url,
            "title": title,
            "cited_text": "",
            "encrypted_index": "",
        }
        for url, title in ((A, "One"), (A, "One"), (B, B))
    ]
    assert links(answer.blocks[2]) == [("One", A), (B, B)], "a page that is cited twice was found once"


def test_citations_that_only_the_finished_item_tells_are_not_lost() -> None:
    whole = {"type": "output_text", "text": "A switch.", "annotations": [citation(A, "One")]}
    item = {"type": "message", "role": "assistant", "content": [whole]}
    answer = read(searched(0, search_item()), added(1, "message"), text(1, "A switch."), done(1, item))
    assert len(answer.blocks[1].citations) == 1
    assert links(answer.blocks[2]) == [("One", A)]
    unannounced = read(searched(0, search_item()), done(1, item))
    assert unannounced.shape[1] == ("text", "A switch.")
    assert len(unannounced.blocks[1].citations) == 1


def test_a_citation_amid_the_text_does_not_cut_it() -> None:
    answer = read(
        searched(0, search_item()),
        added(1, "message"),
        text(1, "One. "),
        annotation(1, citation(A, "One")),
        text(1, "Two."),
        annotation(1, citation(B, "Two"), number=1),
        done(1, {"type": "message", "content": []}),
    )
    assert answer.shape[1] == ("text", "One. Two.")
    assert links(answer.blocks[2]) == [("One", A), ("Two", B)]


def test_several_searches_share_the_pages_that_one_text_cites_and_that_is_noted() -> None:
    stream = machine()
    answer = read(
        searched(0, search_item("a")),
        thought(1, "More."),
        searched(2, search_item("b")),
        cited_text(3, "Both.", citation(A, "One")),
        stream=stream,
    )
    assert kinds(answer) == [
        "server_tool_use",
        "thinking",
        "server_tool_use",
        "text",
        "web_search_tool_result",
        "web_search_tool_result",
    ]
    assert queries(answer) == ["a", "b"]
    assert [links(result) for result in results(answer)] == [[("One", A)], [("One", A)]]
    assert answer.usage["server_tool_use"]["web_search_requests"] == 2
    assert [note.action for note in stream.notes] == ["approximated"]


def test_each_search_gets_the_pages_of_the_text_behind_it() -> None:
    answer = read(
        searched(0, search_item("a")),
        cited_text(1, "First.", citation(A, "One")),
        searched(2, search_item("b")),
        cited_text(3, "Second.", citation(B, "Two")),
    )
    assert [links(result) for result in results(answer)] == [[("One", A)], [("Two", B)]]
    assert [block.id for block in results(answer)] == [
        block.id for block in answer.blocks if block.type == "server_tool_use"
    ]


def test_a_page_may_be_cited_at_the_same_place_of_two_texts() -> None:
    cited = citation(A, "One")
    answer = read(searched(0, search_item()), cited_text(1, "First.", cited), cited_text(2, "Second.", cited))
    assert [len(block.citations) for block in answer.blocks if block.type == "text"] == [1, 1]


def test_a_text_that_cites_nothing_settles_nothing() -> None:
    answer = read(
        searched(0, search_item()), said(1, "Let me look closer."), cited_text(2, "A switch.", citation(A, "One"))
    )
    assert [links(result) for result in results(answer)] == [[("One", A)]]


def test_a_search_of_which_nothing_is_ever_told_has_an_empty_result() -> None:
    stream = machine()
    answer = read(searched(0, search_item()), said(1, "I do not know."), stream=stream)
    assert kinds(answer) == ["server_tool_use", "text", "web_search_tool_result"]
    assert links(answer.blocks[2]) == []
    assert [note.action for note in stream.notes] == ["approximated"]


def test_a_failed_search_is_an_error_and_does_not_count() -> None:
    answer = read(searched(0, search_item(status="failed")), said(1, "I could not search."))
    assert answer.blocks[1].result == {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert answer.stop_reason == "end_turn"
    assert "server_tool_use" not in answer.usage


@pytest.mark.parametrize(
    ("item", "query", "found"),
    [
        (page_item("open_page", A), A, [(A, A)]),
        (page_item("find_in_page", A, pattern="frog"), f"frog in {A}", [(A, A)]),
        (page_item("find", A, pattern="frog"), f"frog in {A}", [(A, A)]),
        (page_item("open_page", None), "", []),
        (page_item("find_in_page", None, pattern="frog"), "frog", []),
    ],
)
def test_pages_that_are_opened_are_calls_of_their_own_but_no_searches(
    item: dict[str, Any], query: str, found: list[tuple[str, str]]
) -> None:
    answer = read(searched(0, item), said(1, "Read."))
    assert queries(answer) == [query]
    assert [links(result) for result in results(answer)] == [found]
    assert "server_tool_use" not in answer.usage


def test_a_search_of_several_queries_names_them_all() -> None:
    answer = read(searched(0, search_item("a", queries=["a", "b"])), said(1, "Found."))
    assert queries(answer) == ["a; b"]


@pytest.mark.parametrize("action", [None, {}, {"type": "dance"}, {"type": "search", "sources": "x"}, 7])
def test_a_search_that_says_nothing_of_itself_is_still_a_pair(action: object) -> None:
    item = {"type": "web_search_call", "status": "completed", "action": action}
    answer = read(searched(0, item), cited_text(1, "A switch.", citation(A, "One")))
    assert queries(answer) == [""]
    assert [links(result) for result in results(answer)] == [[("One", A)]]


def test_an_unannounced_search_is_shown_when_it_is_done() -> None:
    answer = read(done(0, search_item(sources=[{"url": A}])), said(1, "A switch."))
    assert kinds(answer) == ["server_tool_use", "web_search_tool_result", "text"]


def test_a_search_that_never_ends_has_a_result_when_the_answer_does() -> None:
    answer = read(added(0, "web_search_call"))
    assert kinds(answer) == ["server_tool_use", "web_search_tool_result"]


def test_what_was_announced_as_a_search_and_is_none_is_a_pair_all_the_same() -> None:
    answer = read(added(0, "web_search_call"), said(0, "No search."), said(1, "None at all."))
    assert kinds(answer) == ["server_tool_use", "text", "text", "web_search_tool_result"]
    assert answer.text == "No search.None at all."


def test_searches_that_only_the_end_tells_of_are_shown() -> None:
    last = completed([search_item(sources=[{"url": A}]), {"type": "message", "content": [{"text": "A switch."}]}])
    answer = legality.read(run(HANDSHAKE, last, stream=machine()))
    assert kinds(answer) == ["server_tool_use", "web_search_tool_result", "text"]


def test_a_search_beside_a_call_of_the_clients_leaves_the_turn_to_the_client() -> None:
    answer = read(searched(0, search_item(sources=[{"url": A}])), called(1, "call_1", "Bash", '{"x":1}'))
    assert kinds(answer) == ["server_tool_use", "web_search_tool_result", "tool_use"]
    assert answer.stop_reason == "tool_use"


def test_a_search_before_a_call_gets_its_result_though_no_text_comes() -> None:
    answer = read(searched(0, search_item()), called(1, "call_1", "Bash", "{}"))
    assert kinds(answer) == ["server_tool_use", "tool_use", "web_search_tool_result"]


def test_pages_that_the_client_does_not_allow_are_not_shown() -> None:
    stream = machine(allowed=["a.com"], blocked=["a.com/ads"])
    sources = [{"url": A}, {"url": B}, {"url": "https://a.com/ads/x"}]
    answer = read(
        searched(0, search_item(sources=sources)),
        searched(1, search_item()),
        searched(2, page_item("open_page", B)),
        cited_text(3, "Both.", citation(A, "One"), citation(B, "Two")),
        stream=stream,
    )
    assert [links(result) for result in results(answer)] == [[(A, A)], [], [("One", A)]]
    assert [each["url"] for block in answer.blocks for each in block.citations] == [A]
    assert [note.action for note in stream.notes] == ["dropped"]


def test_annotations_that_are_no_pages_are_left_out() -> None:
    file = {"type": "file_citation", "file_id": "file_1", "filename": "x"}
    answer = read(
        searched(0, search_item()),
        cited_text(1, "A switch.", file, {"type": "url_citation"}, citation(A, "One")),
    )
    assert [each["url"] for each in answer.blocks[1].citations] == [A]


def test_an_answer_that_was_stopped_has_all_its_results() -> None:
    stream = machine(stops=("STOP",))
    answer = read(searched(0, search_item()), said(1, "A switch. STOP and more"), stream=stream)
    assert kinds(answer) == ["server_tool_use", "text", "web_search_tool_result"]
    assert answer.stop_reason == "stop_sequence"


def test_citations_without_a_search_are_citations_all_the_same() -> None:
    answer = read(cited_text(0, "A switch.", citation(A, "One")))
    assert kinds(answer) == ["text"]
    assert len(answer.blocks[0].citations) == 1


def test_the_gateway_may_speak_up_while_upstream_searches() -> None:
    stream = machine()
    out = stream.feed(HANDSHAKE + added(0, "web_search_call")) + stream.keepalive()
    out += stream.feed(done(0, search_item())) + stream.keepalive()
    out += stream.feed(cited_text(1, "A switch.", citation(A, "One")) + completed())
    answer = legality.read(out)
    assert queries(answer) == ["railway turnout"]
    assert [links(result) for result in results(answer)] == [[("One", A)]]


def test_any_split_of_the_bytes_gives_the_same() -> None:
    upstream = b"".join(
        (
            HANDSHAKE,
            searched(0, search_item("ä", sources=[{"url": A}])),
            searched(1, search_item("b")),
            cited_text(2, "Ein Schalter – ja.", citation(B, "Zwei")),
            completed(),
        )
    )
    whole = run(upstream, stream=machine())
    for cut in range(0, len(upstream), 7):
        stream = machine()
        assert stream.feed(upstream[:cut]) + stream.feed(upstream[cut:]) == whole


def test_without_streaming_the_message_is_the_same() -> None:
    collector = MessageCollector()
    out = run(
        HANDSHAKE,
        searched(0, search_item()),
        searched(1, search_item("b", status="failed")),
        cited_text(2, "A switch.", citation(A, "One")),
        completed(),
        stream=machine(),
    )
    collector.feed(out)
    message = msgspec.json.decode(collector.message())
    Message.model_validate(message, strict=True)
    use, failed, error, said, result = message["content"]
    assert (use["type"], failed["type"], error["type"]) == ("server_tool_use", "server_tool_use", result["type"])
    assert use["input"] == {"query": "railway turnout"}
    assert (error["tool_use_id"], error["content"]["error_code"]) == (failed["id"], "unavailable")
    assert [each["url"] for each in said["citations"]] == [A]
    assert (result["tool_use_id"], [page["url"] for page in result["content"]]) == (use["id"], [A])
    assert message["usage"]["server_tool_use"]["web_search_requests"] == 1


def test_a_function_call_of_that_name_is_the_clients_where_upstream_searches_itself() -> None:
    answer = read(done(0, call("call_1", "web_search", '{"query":"x"}')))
    assert kinds(answer) == ["tool_use"]
