"""Upstream's side of a web search in tests: its items, its citations, and machines that may search."""

from __future__ import annotations

import msgspec

from tests.translate import answers
from tests.translate.answers import Item, added, done, message, sse, text
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.messages import UserLocation, WebSearchTool
from turnout.translate.responses_to_messages import MessagesStream
from turnout.translate.search import plan
from turnout.translate.target import Target

HOSTED = msgspec.structs.replace(answers.TARGET, capabilities=Capabilities(hosted_search=True))
"""An upstream that searches itself."""
NEITHER = msgspec.structs.replace(answers.TARGET, capabilities=Capabilities())
"""One that does not."""


def machine(
    target: Target = HOSTED,
    *,
    max_uses: int | None = None,
    allowed: list[str] | None = None,
    blocked: list[str] | None = None,
    stops: tuple[str, ...] = (),
) -> MessagesStream:
    """A machine for an answer that may search the web."""
    tool = WebSearchTool(
        max_uses=max_uses, allowed_domains=allowed, blocked_domains=blocked, user_location=UserLocation(city="Bern")
    )
    return MessagesStream(
        message_id="msg_1",
        model="claude-opus-5-5",
        target=target,
        full_names={},
        now=answers.NOW,
        stop_sequences=stops,
        search=plan(tool, target),
    )


def search_item(query: str = "railway turnout", *, status: str = "completed", **action: object) -> Item:
    """A finished ``web_search_call``."""
    made = {"type": "search", "query": query, "queries": [query], **action}
    return {"id": "ws_1", "type": "web_search_call", "status": status, "action": made}


def page_item(kind: str, url: str | None, *, status: str = "completed", **action: object) -> Item:
    """A page that was opened or looked through."""
    return {"id": "ws_1", "type": "web_search_call", "status": status, "action": {"type": kind, "url": url, **action}}


def searched(index: int, item: Item) -> bytes:
    """A whole search, with the events that the services send in between."""
    between = b"".join(
        sse(f"response.web_search_call.{stage}", output_index=index, item_id="ws_1")
        for stage in ("in_progress", "searching", "completed")
    )
    return added(index, "web_search_call", status="in_progress") + between + done(index, item)


def citation(url: str, title: str | None = "", start: int = 0, end: int = 5) -> Item:
    title = f"About {url}" if title == "" else title
    return {"type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end}


def annotation(index: int, cited: Item, number: int = 0, part: int = 0) -> bytes:
    return sse(
        "response.output_text.annotation.added",
        output_index=index,
        content_index=part,
        annotation_index=number,
        annotation=cited,
    )


def cited_text(index: int, words: str, *cited: Item) -> bytes:
    """A whole message that cites pages: told as events, and again when it is done."""
    whole = message(words)
    whole["content"][0]["annotations"] = list(cited)
    told = b"".join(annotation(index, one, number) for number, one in enumerate(cited))
    return added(index, "message") + text(index, words) + told + done(index, whole)
