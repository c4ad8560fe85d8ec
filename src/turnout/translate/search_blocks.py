"""The web searches of one answer as blocks of its stream: a call, what it found, citations in the text.

A call's block begins as soon as upstream begins it. Which pages a search of upstream's own found is mostly known later:
upstream names sources with the search only where it may be asked to (`Capabilities.search_sources`), else they are the
pages that the text behind it cites. So a result that is not known waits: until the end of the first message that cites
pages, or of the answer. The text is never held up for it, and each result names the call that it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.fidelity import Note, approximated, dropped
from turnout.protocol.web_search import Action, Citation, Found, Link, Outcome, Refused, decode_action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.protocol.responses import Item
    from turnout.translate.messages_writer import MessagesWriter
    from turnout.translate.search import Search

_encode = msgspec.json.encode

MAX_SEARCHES = 20
"""Searches of one answer that the gateway makes if the client sets no limit."""
_NAME = "web_search"
_FAILED = b'"failed"'
_UPSTREAM_FAILED = Refused("unavailable", "The upstream could not search the web.")
_OUTSIDE = dropped("output", "pages outside of the domains that the client allows are not shown")
_NOT_MADE = Refused("unavailable", "The answer ended before the search was made.")
_NO_QUERY = Refused("invalid_tool_input", "The search had no query.")


class Wanted(msgspec.Struct, frozen=True):
    """A search that the gateway is to make."""

    tool_use_id: str
    call_id: str
    query: str


class _Arguments(msgspec.Struct):
    query: str = ""


class SearchBlocks:
    """Writes them, one after another."""

    def __init__(self, writer: MessagesWriter, search: Search | None, notes: list[Note]) -> None:
        """`search` is None for a request without one. `notes` gets what was approximated."""
        self.made = 0
        """Searches that were made."""
        self.wanted: list[Wanted] = []
        """Searches that the gateway has still to make."""
        self.outputs: list[tuple[str, Outcome]] = []
        """Calls that the gateway has answered, by their ids upstream, and what the model is to be told."""
        self._writer = writer
        self._search = search
        self._name = search.name if search is not None else _NAME
        self._notes = notes
        self._asked = 0
        self._open = ""
        """The id of the call that has begun, and is not over."""
        self._waiting: list[str] = []
        """Calls whose results are not known, by the ids of their blocks."""
        self._links: dict[str, Link] = {}
        """Pages that the current message cites, by address."""
        self._cited: set[tuple[int, str, int | None, int | None]] = set()

    def serves(self, function: str) -> bool:
        """Whether a call of this function is a search for the gateway to make."""
        return self._search is not None and not self._search.hosted and function == self._search.function

    def open(self) -> None:
        """A search begins, with no block open; what it is about is not known yet."""
        self._open = f"srvtoolu_{self._writer.message_id.removeprefix('msg_')}_{self._writer.index}"
        self._writer.open_server_tool_use(self._open, self._name)

    # Searches that upstream makes

    def finish_hosted(self, item: Item) -> None:
        """Upstream's search is over, or whatever else its tool did: also the opening of a page is one of its calls."""
        action = decode_action(item.action)
        call_id = self._finish_call(about(action))
        if action.type in ("", "search"):
            self.made += bytes(item.status) != _FAILED
        if bytes(item.status) == _FAILED:
            self._write(call_id, _UPSTREAM_FAILED)
        elif links := _sources(action):
            self._write(call_id, Found(self._admitted(links)))
        else:
            self._waiting.append(call_id)

    def cite(self, part: int, citation: Citation) -> None:
        """The message names a page in its text part `part`. Upstream may say so twice."""
        key = (part, citation.url or "", citation.start_index, citation.end_index)
        if key in self._cited or not citation.url:
            return
        self._cited.add(key)
        for link in self._admitted([Link(citation.url, citation.title or citation.url)]):
            self._links.setdefault(link.url, link)
            self._write_citation(link)

    def _write_citation(self, link: Link) -> None:
        if self._writer.block == "text":
            self._writer.cite(
                {
                    "type": "web_search_result_location",
                    "url": link.url,
                    "title": link.title,
                    # Upstream gives places in the answer's own text, and no words of the page.
                    "cited_text": "",
                    "encrypted_index": "",
                }
            )

    def end_item(self) -> None:
        """An item is over, and its block closed. What a message cites is what the searches before it found."""
        if self._open:  # it began as a search and was nothing that one could tell
            self._waiting.append(self._open)
            self._open = ""
        if self._links and self._waiting:
            if len(self._waiting) > 1:
                self._notes.append(
                    approximated("output", "which search found which page is not known: each is shown with all of them")
                )
            self._settle(Found(tuple(self._links.values())))
        self._links.clear()
        self._cited.clear()

    def end_answer(self) -> None:
        """Nothing more will be said: every call gets its result."""
        for wanted in tuple(self.wanted):
            self.answer(wanted, _NOT_MADE)
        if self._waiting:
            self._notes.append(approximated("output", "upstream did not say what a web search found"))
            self._settle(Found(()))

    # Searches that the gateway makes

    def finish_call(self, call_id: str, arguments: str) -> None:
        """The model has called for a search. One too many, or without a query, is refused at once."""
        try:
            query = msgspec.json.decode(arguments or "{}", type=_Arguments).query.strip()
        except (msgspec.DecodeError, RecursionError):
            query = ""
        tool_use_id = self._finish_call(query)
        limit = self._limit()
        if query and self._asked < limit:
            self._asked += 1
            self.wanted.append(Wanted(tool_use_id, call_id, query))
            return
        too_many = Refused("max_uses_exceeded", f"No more than {limit} searches are allowed.")
        refused = too_many if query else _NO_QUERY
        self._write(tool_use_id, refused)
        self.outputs.append((call_id, refused))

    def answer(self, wanted: Wanted, outcome: Outcome) -> None:
        """The gateway has made a search."""
        self.wanted.remove(wanted)
        if isinstance(outcome, Found):
            self.made += 1
            outcome = Found(self._admitted(outcome.links))
        self._write(wanted.tool_use_id, outcome)
        self.outputs.append((wanted.call_id, outcome))

    # Writing

    def _limit(self) -> int:
        return (self._search.max_uses if self._search is not None else None) or MAX_SEARCHES

    def _finish_call(self, query: str) -> str:
        """Ends the open call's block, and gives its id."""
        call_id, self._open = self._open, ""
        self._writer.delta(_encode(_encode({"query": query}).decode()))
        self._writer.close()
        return call_id

    def _settle(self, outcome: Outcome) -> None:
        for call_id in self._waiting:
            self._write(call_id, outcome)
        self._waiting.clear()

    def _write(self, call_id: str, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            self._writer.web_search_result(
                call_id, {"type": "web_search_tool_result_error", "error_code": outcome.code}
            )
            self._notes.append(approximated("output", f"a web search failed: {outcome.reason}"))
            return
        self._writer.web_search_result(
            call_id,
            [
                {
                    "type": "web_search_result",
                    "title": link.title,
                    "url": link.url,
                    "encrypted_content": "",
                    "page_age": link.age,
                }
                for link in outcome.links
            ],
        )

    def _admitted(self, links: Sequence[Link]) -> tuple[Link, ...]:
        """Those that the client's limits let it see."""
        admitted = tuple(link for link in links if self._search is None or self._search.sites.admit(link.url))
        if len(admitted) < len(links) and _OUTSIDE not in self._notes:
            self._notes.append(_OUTSIDE)
        return admitted


def about(action: Action) -> str:
    """What a call was about, as the query that clients show."""
    match action.type:
        case "open_page":
            return action.url or ""
        case "find_in_page" | "find":
            return " in ".join(filter(None, (action.pattern, action.url)))
        case _:
            return "; ".join(filter(None, action.queries or ())) or action.query or ""


def _sources(action: Action) -> tuple[Link, ...]:
    """The pages that a call is known to have looked at, each once."""
    if action.type not in ("", "search"):
        return (Link(action.url, action.url),) if action.url else ()
    links = {source.url: Link(source.url, source.title or source.url) for source in action.sources or () if source.url}
    return tuple(links.values())
