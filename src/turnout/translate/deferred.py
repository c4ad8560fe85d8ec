"""Tools that the client loads while the conversation runs.

Claude Code leaves most tools out of its requests until the model has searched for them with its tool ``ToolSearch``;
from then on they stand in the middle of its list (claude-code-wire.md 2, Deferred tools). The upstream keeps its prompt
cache only if nothing moves before the end: so its own mechanism is used where it has one, in which loaded tools come
with the search's output, and elsewhere loaded tools are kept last, in the order in which the model first met them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import json

from turnout.protocol import messages as wire

if TYPE_CHECKING:
    from turnout.translate.tools import TranslatedTools

TOOL_SEARCH = "ToolSearch"
"""The client's name of the tool that finds deferred tools."""


class Loaded(msgspec.Struct, frozen=True):
    """What the beginning of a conversation has loaded."""

    found: dict[str, bytes | None]
    """Names of tools that were found, in that order, and the tools; None for a name without one."""
    searches: frozenset[str]
    """Calls that are searches in upstream's own form."""


class Deferred:
    """The deferred tools of one request, and where they go."""

    def __init__(self, tools: TranslatedTools, *, native: bool) -> None:
        """`native`: upstream's own mechanism is used, if the client searches for tools at all."""
        self.native = native and bool(tools.search_hosted)
        self._tools = tools
        self._found: dict[str, bytes | None] = {}
        self.searches: set[str] = set()
        """The calls so far that were searches in upstream's own form."""

    @property
    def terms(self) -> tuple[bool, bool]:
        """All of the tools on which a message's translation depends, but for the ones that are found."""
        return self.native, bool(self._tools.search_function)

    def loaded(self) -> Loaded:
        """What was loaded so far."""
        return Loaded(self._found.copy(), frozenset(self.searches))

    def fits(self, loaded: Loaded) -> bool:
        """Whether these tools are still the ones that were found then."""
        return all(self._tools.late.get(name) == tool for name, tool in loaded.found.items())

    def go_on(self, loaded: Loaded) -> None:
        """Goes on behind a beginning that has loaded this, and whose tools are still the same."""
        self._found = loaded.found.copy()
        self.searches = set(loaded.searches)

    def call(self, call: str, call_id: bytes, arguments: bytes) -> bytes:
        """A search that the model made, in upstream's own form. `call_id` is the id of the `call` as it is sent."""
        self.searches.add(call)
        return b'{"type":"tool_search_call","call_id":%s,"execution":"client","arguments":%s,"status":"completed"}' % (
            call_id,
            arguments,
        )

    def output(self, call_id: bytes, names: list[str]) -> bytes:
        """What a search found, in upstream's own form: the tools themselves, each once in a conversation."""
        found = [tool for name in names if name not in self._found and (tool := self._find(name)) is not None]
        tools = b",".join(tool[:-1] + b',"defer_loading":true}' for tool in found)
        return b'{"type":"tool_search_output","call_id":%s,"execution":"client","status":"completed","tools":[%s]}' % (
            call_id,
            tools,
        )

    def meet(self, name: str) -> None:
        """The history names a loaded tool. Without a search there is no order of finding: the client's own stays."""
        if not self.native and self._tools.search_function and name not in self._found:
            self._find(name)

    def _find(self, name: str) -> bytes | None:
        tool = self._found[name] = self._tools.late.get(name)
        return tool

    def offered(self) -> bytes:
        """The ``tools`` of the request, without the array's brackets, once the whole history has been seen."""
        searching = self._tools.search_hosted if self.native else self._tools.search_function
        # Natively the found ones stand in what the searches have put out.
        met = () if self.native else self._found.values()
        left = [tool for name, tool in self._tools.late.items() if name not in self._found]
        return b",".join(filter(None, (self._tools.functions, searching, *met, *left)))


def referenced(blocks: list[wire.Block]) -> list[str]:
    """The tools that a search's result names."""
    return [block.tool_name for block in blocks if isinstance(block, wire.ToolReferenceBlock)]


def hosted_search(description: bytes, schema: bytes) -> bytes:
    """The client's search as upstream's own tool for it. Both are JSON."""
    return b'{"type":"tool_search","execution":"client","description":%s,"parameters":%s}' % (description, schema)


def searched_words(text: bytes) -> bytes:
    """What a search said that found nothing: upstream's form of its output has no room for words."""
    return json.encode("The search for tools answered: " + json.decode(text, type=str))
