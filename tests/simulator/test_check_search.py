"""The hosted web search: what the service takes of its definition, and what it says of pages."""

from typing import Any

import msgspec
import pytest

from tests.simulator.wire import accepted, body, function, headers, output, send, user, world
from turnout.simulator import Citation, Message, Simulator, Turn, WebSearch, rules
from turnout.simulator.checks import check
from turnout.simulator.request import Dialect, Request
from turnout.simulator.scenario import FunctionCall

SEARCH = {"type": "web_search"}
ANYTHING = "web_search_call.action.sources"


def found(tool: dict[str, Any], dialect: Dialect = "codex", **known: Any) -> Any:
    """The request if the tool is taken, else the error."""
    fields = body(user(), tools=[tool], stream=True, store=False)
    got = check(fields, headers(dialect), dialect, world(**known))
    return got if isinstance(got, Request) else msgspec.json.decode(got.body)["error"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"external_web_access": False, "search_content_types": ["text", "image"]},
        {"search_context_size": "low"},
        {"filters": {"allowed_domains": ["example.com", "docs.example.org"]}},
        {"user_location": {"type": "approximate", "city": "Bern", "country": "CH", "timezone": None}},
    ],
)
def test_what_is_known_of_the_tool_is_taken(fields: dict[str, Any]) -> None:
    assert isinstance(found({**SEARCH, **fields}), Request)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": "web_search"}, "tools[0].name"),
        ({"max_uses": 8}, "tools[0].max_uses"),
        ({"search_context_size": "huge"}, "tools[0].search_context_size"),
        ({"filters": ["example.com"]}, "tools[0].filters"),
        ({"filters": {"allowed_domains": "example.com"}}, "tools[0].filters.allowed_domains"),
        ({"filters": {"allowed_domains": ["https://example.com"]}}, "tools[0].filters.allowed_domains"),
        ({"filters": {"allowed_domains": ["example.com/blog"]}}, "tools[0].filters.allowed_domains"),
        ({"filters": {"allowed_domains": ["a.com"] * 101}}, "tools[0].filters.allowed_domains"),
        ({"filters": {"blocked_domains": ["a.com"]}}, "tools[0].filters.blocked_domains"),
        ({"user_location": {"city": "Bern"}}, "tools[0].user_location.type"),
        ({"user_location": {"type": "exact"}}, "tools[0].user_location.type"),
        ({"user_location": {"type": "approximate", "street": "x"}}, "tools[0].user_location.street"),
        ({"user_location": {"type": "approximate", "country": "Switzerland"}}, "tools[0].user_location.country"),
        ({"external_web_access": "no"}, "tools[0].external_web_access"),
    ],
)
def test_what_the_tool_does_not_have_is_refused(fields: dict[str, Any], param: str) -> None:
    assert found({**SEARCH, **fields})["param"] == param


def test_only_the_api_blocks_domains() -> None:
    blocking = {**SEARCH, "filters": {"blocked_domains": ["a.com"]}}
    assert isinstance(found(blocking, "openai"), Request)


@pytest.mark.parametrize("dialect", ["codex", "openai"])
def test_a_service_without_a_search_of_its_own_refuses_the_tool(dialect: Dialect) -> None:
    error = found(SEARCH, dialect, hosted_search=False)
    assert (error["param"], error["code"]) == ("tools", "unsupported_value")
    assert isinstance(found(function("web_search", query="string"), dialect, hosted_search=False), Request)


def test_the_number_of_calls_can_be_limited_on_the_api() -> None:
    def checked(number: Any) -> Any:
        return check(body(user(), tools=[SEARCH], max_tool_calls=number), headers("openai"), "openai", world())

    assert isinstance(checked(3), Request)
    assert not isinstance(checked(0), Request)
    assert not isinstance(checked("3"), Request)


def test_sources_are_told_to_those_who_include_them() -> None:
    with Simulator() as sim:
        sim.script(*[Turn(output=[WebSearch(query="q", sources=["https://a.com/1"])])] * 2)
        silent = send(sim, body(user(), tools=[SEARCH]))
        told = send(sim, body(user(), tools=[SEARCH], include=[ANYTHING]))
    assert silent.items[0]["action"] == {"type": "search", "query": "q", "queries": ["q"]}
    assert told.items[0]["action"]["sources"] == [{"type": "url", "url": "https://a.com/1"}]
    assert silent.items[0]["status"] == "completed"


def test_pages_are_opened_and_looked_through() -> None:
    with Simulator() as sim:
        sim.script(
            Turn(
                output=[
                    WebSearch(action="open_page", url="https://a.com"),
                    WebSearch(action="find_in_page", url="https://a.com", pattern="frog", failed=True),
                ]
            )
        )
        answer = send(sim, body(user(), tools=[SEARCH]))
    opened, looked = answer.items
    assert opened["action"] == {"type": "open_page", "url": "https://a.com"}
    assert looked["action"] == {"type": "find_in_page", "url": "https://a.com", "pattern": "frog"}
    assert looked["status"] == "failed"


def test_a_citation_comes_behind_the_words_that_it_stands_at() -> None:
    cited = Citation(url="https://a.com/1", title="One", at="switch")
    with Simulator() as sim:
        sim.script(Turn(output=[Message(text="A turnout is a switch in a track.", citations=[cited])]))
        answer = send(sim, body(user()))
    events = [event for event in answer.events if "annotation" in event["type"] or event["type"].endswith("text.delta")]
    place = next(index for index, event in enumerate(events) if "annotation" in event)
    annotation = events[place]["annotation"]
    said = "".join(event["delta"] for event in events[:place])
    assert said == "A turnout is a switch"
    assert said[annotation["start_index"] : annotation["end_index"]] == "switch"
    assert (annotation["title"], annotation["url"]) == ("One", "https://a.com/1")
    assert place < len(events) - 1
    assert answer.items[0]["content"][0]["annotations"] == [annotation]


def test_a_request_for_nothing_but_a_search_is_searched_and_answered_with_links() -> None:
    asked = body(user("Perform a web search for the query: railway turnout"), tools=[SEARCH])
    _, search, message = rules.respond(accepted(asked)).output
    assert isinstance(search, WebSearch)
    assert isinstance(message, Message)
    assert search.query == "railway turnout"
    assert search.sources == ["https://example.com/railway-turnout", "https://example.org/railway-turnout"]
    assert all(source in message.text for source in search.sources)
    assert [cited.url for cited in message.citations if isinstance(cited, Citation)] == search.sources


def test_the_rules_search_where_they_may() -> None:
    tool = {**SEARCH, "filters": {"allowed_domains": ["a.com", "b.com"], "blocked_domains": ["b.com"]}}
    _, search, _ = rules.respond(accepted(body(user("search for `x`"), tools=[tool]), "openai")).output
    assert isinstance(search, WebSearch)
    assert search.sources == ["https://a.com/x"]


def test_a_search_that_is_a_function_is_called_and_its_result_quoted() -> None:
    tools = [function("web_search", query="string")]
    asked = user("Perform a web search for the query: railway turnout")
    _, made = rules.respond(accepted(body(asked, tools=tools))).output
    assert isinstance(made, FunctionCall)
    assert made.arguments == {"query": "railway turnout"}
    arguments = '{"query":"railway turnout"}'
    called = {"type": "function_call", "call_id": "c1", "name": "web_search", "arguments": arguments}
    result = output("c1", "1. Points\nhttps://example.net/points")
    _, said = rules.respond(accepted(body(asked, called, result, tools=tools))).output
    assert isinstance(said, Message)
    assert "https://example.net/points" in said.text
