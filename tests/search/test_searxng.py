"""Searching through a SearXNG server: what it is asked, what is read of its answer, and what goes wrong as a value."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.search.searxng import PAGES, FakeSearXNG
from turnout import search
from turnout.config import SearchSettings
from turnout.protocol.web_search import Found, Link, Outcome, Refused
from turnout.search.searxng import SearXNG, with_operators
from turnout.translate.search import Site, Sites

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[FakeSearXNG]:
    with FakeSearXNG() as running:
        yield running


def ask(
    url: str, query: str = "railway turnout", sites: Sites | None = None, *, results: int = 8, timeout: float = 5
) -> Outcome:
    backend = SearXNG(SearchSettings(url=url, results=results, timeout=timeout), {})
    return asyncio.run(backend.search(query, sites or Sites()))


def refused(url: str, *, timeout: float = 5) -> Refused:
    outcome = ask(url, timeout=timeout)
    assert isinstance(outcome, Refused)
    return outcome


def urls(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Found)
    return [link.url for link in outcome.links]


def test_results_are_titles_addresses_excerpts_and_dates(server: FakeSearXNG) -> None:
    assert ask(server.url) == Found(
        (
            Link("https://rail.example/points", "Points and crossings", "How a turnout works."),
            Link("https://wiki.example/turnout", "https://wiki.example/turnout", "", "2026-10-30T00:00:00"),
        )
    )
    assert server.queries == ["railway turnout"]
    assert server.headers[0]["User-Agent"].startswith("turnout/")


@pytest.mark.parametrize("ending", ["", "/", "/search"])
def test_the_address_may_be_given_in_any_usual_form(ending: str) -> None:
    with FakeSearXNG(prefix="/find") as server:
        assert len(urls(ask(server.url + ending))) == len(PAGES)


def test_the_query_is_sent_as_it_is(server: FakeSearXNG) -> None:
    ask(server.url, 'ä "b" & c=d#e+f')
    assert server.queries == ['ä "b" & c=d#e+f']


def test_no_more_results_are_given_than_wanted_and_each_page_once(server: FakeSearXNG) -> None:
    server.results = [{"url": f"https://a.example/{number // 2}", "title": str(number)} for number in range(40)]
    assert urls(ask(server.url, results=3)) == [f"https://a.example/{number}" for number in range(3)]


def test_what_is_no_page_is_left_out(server: FakeSearXNG) -> None:
    server.results = [{"title": "no address"}, {"url": None}, {"url": "magnet:?xt=1", "title": "x"}, *PAGES[:1]]
    assert urls(ask(server.url)) == [PAGES[0]["url"]]


def test_results_are_held_to_the_sites(server: FakeSearXNG) -> None:
    assert urls(ask(server.url, sites=Sites(allowed=(Site("wiki.example"),)))) == ["https://wiki.example/turnout"]
    assert urls(ask(server.url, sites=Sites(blocked=(Site("wiki.example"),)))) == ["https://rail.example/points"]
    assert server.queries == ["railway turnout site:wiki.example", "railway turnout -site:wiki.example"]


def test_sites_are_named_in_the_query_as_long_as_they_are_few() -> None:
    two = Sites(allowed=(Site("a.com"), Site("b.com", "/docs")), blocked=(Site("c.com"),))
    assert with_operators("q", two) == "q (site:a.com OR site:b.com/docs) -site:c.com"
    many = Sites(allowed=tuple(Site(f"{number}.com") for number in range(9)))
    assert with_operators("q", many) == "q"
    assert with_operators("q", Sites()) == "q"


def test_nothing_found_is_no_failure(server: FakeSearXNG) -> None:
    server.results = []
    assert ask(server.url) == Found(())


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (403, "unavailable", "search.formats"),
        (429, "too_many_requests", "too many"),
        (500, "unavailable", "500"),
        (302, "unavailable", "302"),
    ],
)
def test_a_refusal_is_told_by_its_reason(server: FakeSearXNG, status: int, code: str, word: str) -> None:
    server.status = status
    outcome = refused(server.url)
    assert outcome.code == code
    assert word in outcome.reason


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"", b'{"results": 7}', b'{"results": [7]}', b'{"results": "\xff"}']
)
def test_an_answer_that_cannot_be_read_is_told(server: FakeSearXNG, body: bytes) -> None:
    server.body = body
    assert "cannot be read" in refused(server.url).reason or "no results" in refused(server.url).reason


def test_a_server_that_does_not_answer_in_time_is_given_up(server: FakeSearXNG) -> None:
    server.delay = 5
    began = time.monotonic()
    assert refused(server.url, timeout=0.2).code == "unavailable"
    assert time.monotonic() - began < 2


def test_a_server_that_is_not_there_or_breaks_off_is_told(server: FakeSearXNG) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "connection" in refused(f"http://127.0.0.1:{port}").reason
    server.drops = True
    assert "broke the connection off" in refused(server.url).reason


def test_a_query_of_a_books_length_is_not_sent(server: FakeSearXNG) -> None:
    outcome = ask(server.url, "x" * 1001)
    assert isinstance(outcome, Refused)
    assert outcome.code == "query_too_long"
    assert server.queries == []


def test_without_an_address_there_is_no_search_and_the_model_is_told_so() -> None:
    outcome = asyncio.run(search.build(SearchSettings(), {}).search("q", Sites()))
    assert isinstance(outcome, Refused)
    assert outcome.code == "unavailable"
    assert "TURNOUT_SEARCH_URL" in outcome.reason
    assert isinstance(search.build(SearchSettings(url="http://127.0.0.1:1"), {}), SearXNG)
