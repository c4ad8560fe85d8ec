"""Searches of earlier answers: what the model is told of them when the conversation goes on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translate import acceptance
from tests.translate.asking import Json, assistant, items, text, tool_result, tool_use, translation, user


def call(number: int, query: object = "railway turnout", name: str = "web_search") -> Json:
    return {"type": "server_tool_use", "id": f"srvtoolu_{number}", "name": name, "input": {"query": query}}


def result(number: int, content: object) -> Json:
    return {"type": "web_search_tool_result", "tool_use_id": f"srvtoolu_{number}", "content": content}


def page(url: str, title: str = "") -> Json:
    return {"type": "web_search_result", "url": url, "title": title, "encrypted_content": "abc", "page_age": None}


A_LONE_LINK = '[Web search for "railway turnout" found:\n- https://a.com]'
ERROR = {"type": "web_search_tool_result_error", "error_code": "unavailable"}


def said(*blocks: Json) -> list[str]:
    """The assistant's texts upstream."""
    return [
        part["text"]
        for item in items(user("q"), assistant(*blocks), user("and?"))
        if item["role"] == "assistant"
        for part in item["content"]
    ]


def noted(*blocks: Json) -> list[tuple[str, str]]:
    made = translation(user("q"), assistant(*blocks), user("and?"))
    return [(note.action, note.place) for note in made.notes]


def test_a_search_is_told_with_its_query_and_links_in_its_place() -> None:
    blocks = [
        text("Let me see."),
        call(1),
        result(1, [page("https://a.com/1", "One"), page("https://b.com/2")]),
        text("A switch."),
    ]
    assert said(*blocks) == [
        "Let me see.",
        '[Web search for "railway turnout" found:\n- One: https://a.com/1\n- https://b.com/2]',
        "A switch.",
    ]
    assert noted(*blocks) == [("mapped", "messages[1].content[1]")]


def test_several_searches_each_have_their_own_result_wherever_it_stands() -> None:
    one, two = result(1, [page("https://a.com", "A")]), result(2, [page("https://b.com", "B")])
    beside = said(call(1, "a"), one, call(2, "b"), two, text("Both."))
    behind = said(call(1, "a"), call(2, "b"), two, one, text("Both."))
    assert beside == behind
    assert beside[:2] == [
        '[Web search for "a" found:\n- A: https://a.com]',
        '[Web search for "b" found:\n- B: https://b.com]',
    ]


@pytest.mark.parametrize(
    ("blocks", "words", "action"),
    [
        ([call(1), result(1, ERROR)], '[Web search for "railway turnout" failed: unavailable]', "mapped"),
        ([call(1), result(1, {})], '[Web search for "railway turnout" failed: no reason is known]', "mapped"),
        ([call(1), result(1, [])], '[Web search for "railway turnout" found nothing]', "mapped"),
        ([call(1)], '[Web search for "railway turnout"]', "approximated"),
        ([call(1), result(1, None)], '[Web search for "railway turnout"]', "mapped"),
        ([call(1), result(1, "odd")], '[Web search for "railway turnout"]', "mapped"),
        ([call(1), result(1, [page("https://a.com", "https://a.com"), page("")])], A_LONE_LINK, "mapped"),
        ([call(1, 7), result(1, [page("https://a.com")])], "[Web search found:\n- https://a.com]", "mapped"),
        ([result(1, [page("https://a.com", "A")])], "[Web search found:\n- A: https://a.com]", "approximated"),
        ([call(1, 'say "hi"\n')], '[Web search for "say \\"hi\\"\\n"]', "approximated"),
    ],
)
def test_what_is_missing_or_odd_leaves_the_request_sound(blocks: list[Any], words: str, action: str) -> None:
    assert said(*blocks) == [words]
    assert [noted_action for noted_action, _ in noted(*blocks)] == [action]
    acceptance.accept(translation(user("q"), assistant(*blocks), user("and?")).body)


def test_a_result_of_another_call_is_told_beside_the_call_without_one() -> None:
    blocks = [call(1), result(2, [page("https://a.com", "A")])]
    assert said(*blocks) == ['[Web search for "railway turnout"]', "[Web search found:\n- A: https://a.com]"]


def test_other_tools_of_the_providers_are_left_out_with_a_note() -> None:
    fetched = {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {}}
    assert said(call(1, name="web_fetch"), fetched, text("Done.")) == ["Done."]
    assert noted(call(1, name="web_fetch"), fetched, text("Done.")) == [
        ("dropped", "messages[1].content[0]"),
        ("dropped", "messages[1].content[1]"),
    ]


def test_a_search_beside_a_call_keeps_the_order() -> None:
    history = [
        user("q"),
        assistant(call(1), result(1, [page("https://a.com", "A")]), text("Now run."), tool_use("toolu_1")),
        user(tool_result("toolu_1")),
    ]
    kinds = [(item["type"], item.get("role")) for item in items(*history)]
    assert kinds == [
        ("message", "user"),
        ("message", "assistant"),
        ("function_call", None),
        ("function_call_output", None),
    ]


def test_the_words_stay_the_same_from_turn_to_turn() -> None:
    history = [user("q"), assistant(call(1), result(1, [page("https://a.com", "A")]), text("A switch.")), user("and?")]
    first = items(*history)
    second = items(*history, assistant("Yes."), user("really?"))
    assert second[: len(first)] == first
