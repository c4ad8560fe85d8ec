"""A request's web search on its way upstream: the limits that upstream takes, and what becomes of the others."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.translate import acceptance, asking
from tests.translate.asking import CODEX, Json, items, sent, tool, translation, user
from turnout.protocol.capabilities import Capabilities
from turnout.translate.search import MAX_DOMAINS, Site, Sites
from turnout.translate.target import Target
from turnout.upstream import codex, openai


def at(capabilities: Capabilities, **fields: Any) -> Target:
    return msgspec.structs.replace(CODEX, capabilities=capabilities, **fields)


BACKEND = at(codex.CAPABILITIES)
API = at(openai.CAPABILITIES)
NEITHER = at(Capabilities())


def search(**fields: object) -> Json:
    """The tool as Claude Code defines it (claude-code-wire.md 2, WebSearch)."""
    return {"type": "web_search_20250305", "name": "web_search", **fields}


def offered(target: Target, **fields: object) -> Json:
    """The search's definition upstream."""
    [definition] = sent(user("q"), target=target, tools=[search(**fields)])["tools"]
    found: Json = definition
    return found


def told(target: Target, **fields: object) -> list[str]:
    """What the model is told before the conversation."""
    return [
        part["text"]
        for item in items(user("q"), target=target, tools=[search(**fields)])
        if item["role"] == "developer"
        for part in item["content"]
    ]


def notes(target: Target, **fields: object) -> list[tuple[str, str]]:
    made = translation(user("q"), target=target, tools=[search(**fields)])
    return [(note.action, note.reason) for note in made.notes]


@pytest.mark.parametrize("kind", ["web_search_20250305", "web_search_20260209", "web_search_20260318", "web_search"])
def test_every_version_of_the_tool_becomes_upstreams_own(kind: str) -> None:
    request = sent(user("q"), target=BACKEND, tools=[{"type": kind, "name": "web_search"}])
    assert request["tools"] == [{"type": "web_search"}]
    assert request["tool_choice"] == "auto"


def test_upstream_takes_what_is_made_of_it() -> None:
    everything = search(
        max_uses=3,
        allowed_domains=["https://example.com/", "Docs.Example.org/guide"],
        user_location={"type": "approximate", "city": "Bern", "country": "CH", "timezone": "Europe/Zurich"},
        cache_control={"type": "ephemeral"},
    )
    body = translation(user("q"), target=BACKEND, tools=[everything, tool("Bash")]).body
    assert acceptance.accept(body)["tools"][0]["type"] == "web_search"


def test_allowed_domains_are_a_filter() -> None:
    domains = ["https://Example.com/", "docs.example.org", "docs.example.org"]
    wanted = {"allowed_domains": ["example.com", "docs.example.org"]}
    assert offered(BACKEND, allowed_domains=domains)["filters"] == wanted
    assert offered(API, allowed_domains=domains)["filters"] == wanted
    assert notes(BACKEND, allowed_domains=domains) == []
    assert "filters" not in offered(BACKEND, allowed_domains=[])
    assert "filters" not in offered(BACKEND, allowed_domains=None)


def test_a_part_of_a_site_is_searched_by_its_domain_and_told_to_the_model() -> None:
    fields = {"allowed_domains": ["example.com/blog"]}
    assert offered(BACKEND, **fields)["filters"] == {"allowed_domains": ["example.com"]}
    assert told(BACKEND, **fields) == ["About web searches: Only use pages below these addresses: example.com/blog."]
    assert [action for action, _ in notes(BACKEND, **fields)] == ["approximated"]


def test_blocked_domains_are_a_filter_where_upstream_has_it_and_are_told_to_the_model_elsewhere() -> None:
    fields = {"blocked_domains": ["bad.example", "mixed.example/ads"]}
    assert offered(API, **fields)["filters"] == {"blocked_domains": ["bad.example"]}
    assert told(API, **fields) == ["About web searches: Do not use pages from these sites: mixed.example/ads."]
    assert "filters" not in offered(BACKEND, **fields)
    assert told(BACKEND, **fields) == [
        "About web searches: Do not use pages from these sites: bad.example, mixed.example/ads."
    ]
    assert [action for action, _ in notes(BACKEND, **fields)] == ["approximated"]
    assert notes(API, blocked_domains=["bad.example"]) == []


def test_no_more_domains_are_sent_than_upstream_takes() -> None:
    domains = [f"{number}.example.com" for number in range(MAX_DOMAINS + 1)]
    assert offered(BACKEND, allowed_domains=domains)["filters"]["allowed_domains"] == domains[:MAX_DOMAINS]
    assert [action for action, _ in notes(BACKEND, allowed_domains=domains)] == ["approximated"]
    assert offered(API, blocked_domains=domains)["filters"]["blocked_domains"] == domains[:MAX_DOMAINS]
    assert domains[-1] in told(API, blocked_domains=domains)[0]


def test_the_users_location_is_passed_on() -> None:
    location = {"type": "approximate", "city": "Bern", "region": "Bern", "country": "CH", "timezone": "Europe/Zurich"}
    assert offered(BACKEND, user_location=location)["user_location"] == location
    assert offered(BACKEND, user_location={"type": "approximate", "city": None, "country": "CH"})["user_location"] == {
        "type": "approximate",
        "country": "CH",
    }
    assert "user_location" not in offered(BACKEND, user_location=None)


def test_the_number_of_searches_is_limited_where_upstream_can_be_held_to_it_and_told_to_the_model_elsewhere() -> None:
    assert sent(user("q"), target=API, tools=[search(max_uses=3)])["max_tool_calls"] == 3
    assert told(API, max_uses=3) == []
    assert notes(API, max_uses=3) == [("mapped", "max_uses was sent as max_tool_calls")]
    assert "max_tool_calls" not in sent(user("q"), target=BACKEND, tools=[search(max_uses=3)])
    assert told(BACKEND, max_uses=3) == ["About web searches: Search the web at most 3 times."]
    assert told(BACKEND, max_uses=1) == ["About web searches: Search the web at most once."]
    assert [action for action, _ in notes(BACKEND, max_uses=3)] == ["approximated"]
    assert "max_tool_calls" not in sent(user("q"), target=API, tools=[search()])


def test_sources_are_asked_for_only_where_upstream_tells_them() -> None:
    reasoning = "reasoning.encrypted_content"
    assert sent(user("q"), target=API, tools=[search()])["include"] == [reasoning, "web_search_call.action.sources"]
    assert sent(user("q"), target=BACKEND, tools=[search()])["include"] == [reasoning]
    assert sent(user("q"), target=API)["include"] == [reasoning]


def test_the_search_can_be_forced() -> None:
    forced = {"type": "tool", "name": "web_search"}
    request = sent(user("q"), target=BACKEND, tools=[search(), tool("Bash")], tool_choice=forced)
    assert request["tool_choice"] == {"type": "web_search"}
    function = sent(user("q"), target=NEITHER, tools=[search(), tool("Bash")], tool_choice=forced)
    assert function["tool_choice"] == {"type": "function", "name": "web_search"}


def test_the_search_stands_before_the_functions_where_further_ones_leave_the_prefix_as_it_is() -> None:
    [first, second] = [
        sent(user("q"), target=BACKEND, tools=[tool("Bash"), search(), *more])["tools"] for more in ([], [tool("Late")])
    ]
    assert [one.get("name", one["type"]) for one in second] == ["web_search", "Bash", "Late"]
    assert second[: len(first)] == first


def test_what_the_model_is_told_stands_behind_the_system_prompt_and_stays_the_same() -> None:
    def asked(*messages: Json) -> list[Json]:
        return items(*messages, target=BACKEND, tools=[search(max_uses=8)], system="Be brief.")

    first = asked(user("one"))
    second = asked(user("one"), asking.assistant("1"), user("two"))
    assert [item["role"] for item in first] == ["developer", "developer", "user"]
    assert second[: len(first)] == first


def test_only_plain_framing_has_a_search() -> None:
    lite = at(codex.CAPABILITIES, framing="lite")
    made = translation(user("q"), target=lite, tools=[search(), tool("Bash")])
    assert made.framing == "plain"
    assert [note.action for note in made.notes] == ["mapped"]
    acceptance.accept(made.body)
    assert translation(user("q"), target=lite, tools=[tool("Bash")]).framing == "lite"


def test_where_lite_framing_is_a_must_the_search_is_a_function() -> None:
    target = at(codex.CAPABILITIES, model="gpt-6-astra", framing="lite", hosted_search=False)
    made = translation(user("q"), target=target, tools=[search()])
    assert made.framing == "lite"
    request = acceptance.accept(made.body, lite=True)
    assert request["input"][0]["tools"][0]["tools"][0]["name"] == "web_search"


def test_where_upstream_does_not_search_it_is_a_function_with_a_query() -> None:
    definition = offered(NEITHER, max_uses=2, allowed_domains=["a.com"], blocked_domains=["b.com"])
    assert (definition["type"], definition["name"], definition["strict"]) == ("function", "web_search", False)
    assert definition["parameters"]["required"] == ["query"]
    assert told(NEITHER, max_uses=2, blocked_domains=["b.com"]) == [], "the gateway holds to these itself"
    assert [action for action, _ in notes(NEITHER)] == ["mapped"]
    assert [action for action, _ in notes(NEITHER, user_location={"city": "Bern"})] == ["mapped", "approximated"]
    made = translation(user("q"), target=NEITHER, tools=[search(max_uses=2)]).search
    assert made is not None
    assert (made.hosted, made.function, made.max_uses) == (False, "web_search", 2)


def test_a_second_search_is_left_out() -> None:
    made = translation(user("q"), target=BACKEND, tools=[search(), search()])
    assert made.body.count(b'"type":"web_search"') == 1
    assert [note.action for note in made.notes] == ["dropped"]


def test_without_a_search_nothing_of_it_is_said() -> None:
    made = translation(user("q"), target=BACKEND, tools=[tool("Bash")])
    assert made.search is None
    assert b"web" not in made.body


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_uses": "3"}, "tools[0].max_uses: expected int | null, got str."),
        ({"max_uses": 0}, "tools[0].max_uses: expected int >= 1."),
        ({"allowed_domains": "example.com"}, "tools[0].allowed_domains: expected array | null, got str."),
        ({"blocked_domains": [1]}, "tools[0].blocked_domains[0]: expected str, got int."),
        ({"user_location": "Bern"}, "tools[0].user_location: expected object | null, got str."),
    ],
)
def test_a_malformed_definition_is_refused_by_its_place(fields: Json, message: str) -> None:
    assert asking.refusal(asking.body(user("q"), tools=[search(**fields)]), BACKEND) == message


@pytest.mark.parametrize(
    ("site", "url", "has"),
    [
        (Site("example.com"), "https://example.com/", True),
        (Site("example.com"), "https://EXAMPLE.com:443/a?b#c", True),
        (Site("example.com"), "https://docs.example.com/a", True),
        (Site("example.com"), "https://example.com./a", True),
        (Site("docs.example.com"), "https://example.com/", False),
        (Site("example.com"), "https://notexample.com/", False),
        (Site("example.com"), "https://example.com.evil.org/", False),
        (Site("example.com"), "https://evil.org/?example.com", False),
        (Site("example.com"), "https://example.com@evil.org/", False),
        (Site("example.com", "/blog"), "https://example.com/blog/one", True),
        (Site("example.com", "/blog"), "https://example.com/about", False),
        (Site("example.com", "/*/posts"), "https://example.com/en/posts/1", True),
        (Site("example.com", "/*/posts"), "https://example.com/en/about", False),
        (Site("example.com"), "example.com/page", True),
        (Site("example.com"), "http://[broken/", False),
        (Site("example.com"), "", False),
    ],
)
def test_a_site_has_a_page(site: Site, url: str, has: bool) -> None:
    assert site.has(url) is has


def test_sites_admit_what_is_allowed_and_not_blocked() -> None:
    sites = Sites(allowed=(Site("a.com"),), blocked=(Site("bad.a.com"),))
    assert sites.admit("https://a.com/x")
    assert not sites.admit("https://bad.a.com/x")
    assert not sites.admit("https://b.com/x")
    assert Sites().admit("https://anything.example")
