"""Claude Code's WebSearch and WebFetch: what they find reaches the model that called them."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import asked, call, say, use
from tests.search.searxng import FakeSearXNG
from turnout.simulator import Citation, Message, Reasoning, Settings, Turn, WebSearch, When

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.stack import Stack
    from turnout.simulator import RecordedRequest
    from turnout.simulator.scenario import Output

ALLOWED = ("--allowedTools", "WebSearch,WebFetch")
PROMPT = "Look it up"
HAIKU = "claude-haiku-4-5"


def look_up(stack: Stack, claude: ClaudeCode, *answer: Output, **arguments: object) -> str:
    """Has the model call WebSearch; gives what its tool told it. Without an `answer` the simulator searches by rule."""
    searching = [Turn(output=[Reasoning(summary=["Looking."]), *answer], when=When(tools=["web_search"]))]
    main = asked(PROMPT, [use(call("WebSearch", query="railway turnout", **arguments)), say("Done.")])
    stack.play(*main, *(searching if answer else []))
    result = claude.run(PROMPT, *ALLOWED).succeeded()
    assert result.stdout == "Done.\n"
    told = upstream.tool_outputs(stack.requests[-1])[-1]
    assert isinstance(told, str)
    assert told.startswith('Web search results for query: "railway turnout"'), told
    return told


def search_request(stack: Stack) -> RecordedRequest:
    """The request that is nothing but a search."""
    return next(
        request
        for request in stack.requests
        if [tool["type"] for tool in upstream.body(request)["tools"]] == ["web_search"]
    )


@pytest.mark.capability("WebSearch")
def test_the_links_of_a_search_reach_the_model(claude: ClaudeCode, stack: Stack) -> None:
    told = look_up(stack, claude)
    found = ["https://example.com/railway-turnout", "https://example.org/railway-turnout"]
    pages = [f'{{"title":"About {url.split("/")[2]}","url":"{url}"}}' for url in found]
    assert f"Links: [{','.join(pages)}]" in told
    assert f"The search found {', '.join(found)}." in told


@pytest.mark.capability("WebSearch")
def test_several_searches_and_opened_pages_each_give_their_links(claude: ClaudeCode, stack: Stack) -> None:
    told = look_up(
        stack,
        claude,
        WebSearch(query="turnout"),
        WebSearch(action="open_page", url="https://b.example/page"),
        Message(text="A switch.", citations=[Citation(url="https://a.example/1", title="One", at="switch")]),
        WebSearch(query="points"),
        Message(text="Also points.", citations=[Citation(url="https://c.example/3", title="Three", at="points")]),
    )
    links = [line for line in told.splitlines() if line.startswith("Links: ")]
    assert links == [
        'Links: [{"title":"https://b.example/page","url":"https://b.example/page"}]',
        'Links: [{"title":"One","url":"https://a.example/1"}]',
        'Links: [{"title":"Three","url":"https://c.example/3"}]',
    ]
    assert "A switch." in told
    assert "Also points." in told


@pytest.mark.capability("WebSearch")
def test_a_failed_search_is_told_as_one(claude: ClaudeCode, stack: Stack) -> None:
    told = look_up(stack, claude, WebSearch(query="turnout", failed=True), Message(text="I could not search."))
    assert "Web search error: unavailable" in told
    assert "I could not search." in told


def test_the_searches_are_counted_in_the_clients_report(claude: ClaudeCode, stack: Stack) -> None:
    main = asked(PROMPT, [use(call("WebSearch", query="railway turnout")), say("Done.")])
    search = Turn(
        output=[WebSearch(query="a"), WebSearch(query="b"), Message(text="Both.")], when=When(tools=["web_search"])
    )
    stack.play(*main, search)
    report = claude.run(PROMPT, *ALLOWED, "--output-format", "json").succeeded().json
    assert [usage["webSearchRequests"] for usage in report["modelUsage"].values()] == [2]


@pytest.mark.capability("WebSearch")
def test_the_domains_that_the_model_names_are_kept_to(claude: ClaudeCode, stack: Stack) -> None:
    told = look_up(stack, claude, allowed_domains=["rail.example"])
    [tool] = upstream.body(search_request(stack))["tools"]
    assert tool["filters"] == {"allowed_domains": ["rail.example"]}
    assert '"url":"https://rail.example/railway-turnout"' in told

    stack.simulator.reset()
    told = look_up(stack, claude, blocked_domains=["example.org"])
    assert "example.org" in str(search_request(stack).input), "the model is asked to keep away"
    assert '"url":"https://example.com/railway-turnout"' in told
    assert '"url":"https://example.org' not in told


@pytest.mark.capability("WebSearch")
def test_where_upstream_does_not_search_a_search_service_does(
    version: str, own_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    with FakeSearXNG() as searxng:
        stack = own_stack(
            Settings(hosted_search=False),
            upstream="openai",
            TURNOUT_OPENAI_HOSTED_SEARCH="false",
            TURNOUT_SEARCH_URL=searxng.url,
        )
        claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
        told = look_up(stack, claude)
        assert searxng.queries == ["railway turnout"]
    assert '{"title":"Points and crossings","url":"https://rail.example/points"}' in told
    assert "How a turnout works." in told, "the helper model has read what was found"


def test_where_nobody_searches_the_model_is_told_so(
    version: str, own_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = own_stack(Settings(hosted_search=False), upstream="openai", TURNOUT_OPENAI_HOSTED_SEARCH="false")
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    assert "Web search error: unavailable" in look_up(stack, claude)


@pytest.mark.capability("WebFetch")
def test_a_fetched_page_is_read_on_the_haiku_slot(version: str, stack: Stack, tmp_path: Path) -> None:
    """The client asks a model of its own about the page, and gives the model its answer.

    Its check of the domain goes to the internet, and can be turned off; it asks for pages by https only.
    """
    with https_page("<h1>Turnouts</h1><p>The secret word is marmalade.</p>", tmp_path) as (url, authority):
        claude = ClaudeCode(
            version,
            tmp_path / "user",
            stack.gateway.url,
            stack.gateway.token,
            settings={"skipWebFetchPreflight": True},
            environment={"NODE_EXTRA_CA_CERTS": str(authority), "ANTHROPIC_DEFAULT_HAIKU_MODEL": HAIKU},
        )
        fetch = call("WebFetch", url=url, prompt="What is the secret word?")
        reading = Turn(output=[Message(text="It is marmalade.")], when=When(last_user_text="What is the secret word?"))
        stack.play(*asked(PROMPT, [use(fetch), say("Done.")]), reading)
        assert claude.run(PROMPT, *ALLOWED).succeeded().stdout == "Done.\n"
    main, helper, again = stack.requests
    assert "The secret word is marmalade." in str(helper.input)
    assert "tools" not in upstream.body(helper)
    assert upstream.body(helper)["model"] != upstream.body(main)["model"]
    assert f"asked={HAIKU}" in stack.gateway.log
    assert upstream.tool_outputs(again) == ["It is marmalade."]


@contextmanager
def https_page(body: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """A page on loopback: its address, and the file with the authority to trust."""
    content = f"<html><head><title>Page</title></head><body>{body}</body></html>".encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/page", trusted
    finally:
        server.shutdown()
        server.server_close()
