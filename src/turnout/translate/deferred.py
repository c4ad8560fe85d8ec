"""Tools that the client loads while the conversation runs.

Claude Code leaves most tools out of its requests until the model has searched for them with its tool ``ToolSearch``;
from then on they stand in the middle of its list (claude-code-wire.md 2, Deferred tools). The upstream keeps its prompt
cache only if nothing moves before the end: so its own mechanism is used where it has one, in which loaded tools come
with the search's output, and elsewhere loaded tools are kept last, in the order in which the model first met them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import json

from turnout.protocol import messages as wire

if TYPE_CHECKING:
    from turnout.translate.tools import TranslatedTools

TOOL_SEARCH = "ToolSearch"
"""The client's name of the tool that finds deferred tools."""


class Deferred:
    """The deferred tools of one request, and where they go."""

    def __init__(self, tools: TranslatedTools, *, native: bool) -> None:
        """`native`: upstream's own mechanism is used, if the client searches for tools at all."""
        self.native = native and bool(tools.search_hosted)
        self._tools = tools
        self._left = dict(tools.late)
        """Deferred tools that are not yet in the request."""
        self._met: list[bytes] = []
        """Of those the ones that the history names, in that order, where upstream has no mechanism of its own."""

    def call(self, call_id: bytes, arguments: bytes) -> bytes:
        """A search that the model made, in upstream's own form."""
        return b'{"type":"tool_search_call","call_id":%s,"execution":"client","arguments":%s,"status":"completed"}' % (
            call_id,
            arguments,
        )

    def output(self, call_id: bytes, names: list[str]) -> bytes:
        """What a search found, in upstream's own form: the tools themselves, each once in a conversation."""
        found = [self._left.pop(name) for name in names if name in self._left]
        tools = b",".join(tool[:-1] + b',"defer_loading":true}' for tool in found)
        return b'{"type":"tool_search_output","call_id":%s,"execution":"client","status":"completed","tools":[%s]}' % (
            call_id,
            tools,
        )

    def meet(self, name: str) -> None:
        """The history names a loaded tool. Without a search there is no order of finding: the client's own stays."""
        if not self.native and self._tools.search_function and name in self._left:
            self._met.append(self._left.pop(name))

    def offered(self) -> bytes:
        """The ``tools`` of the request, without the array's brackets, once the whole history has been seen."""
        searching = self._tools.search_hosted if self.native else self._tools.search_function
        return b",".join(filter(None, (self._tools.functions, searching, *self._met, *self._left.values())))


def referenced(blocks: list[wire.Block]) -> list[str]:
    """The tools that a search's result names."""
    return [block.tool_name for block in blocks if isinstance(block, wire.ToolReferenceBlock)]


def hosted_search(description: bytes, schema: bytes) -> bytes:
    """The client's search as upstream's own tool for it. Both are JSON."""
    return b'{"type":"tool_search","execution":"client","description":%s,"parameters":%s}' % (description, schema)


def searched_words(text: bytes) -> bytes:
    """What a search said that found nothing: upstream's form of its output has no room for words."""
    return json.encode("The search for tools answered: " + json.decode(text, type=str))
