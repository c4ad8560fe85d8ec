"""One answer over several requests to upstream: what makes another one due, and what it adds to the one before.

Upstream asks for it itself (``end_turn: false``, codex-backend.md 3.2), and a search that the gateway makes needs it,
since the model has called for it and waits for what it found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.web_search import Outcome, Refused, decode_action
from turnout.translate import reasoning
from turnout.translate.media import output_text
from turnout.translate.search_blocks import Wanted, about
from turnout.translate.search_history import in_words
from turnout.translate.tools import short_call_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.protocol.responses import Item
    from turnout.translate.target import Target

_encode = msgspec.json.encode

MAX_REQUESTS = 8
"""Requests that upstream may ask for in one answer, one after another, without a search of ours between them."""
_EXCERPT = 1000
"""Characters of a page's excerpt that the model is given."""


class Pause(msgspec.Struct, frozen=True):
    """A response of upstream's is complete, and the answer is not."""

    searches: tuple[Wanted, ...]
    """Searches to make now."""
    goes_on: bool
    """Upstream is to be asked again then; else the answer ends there, since the client has calls of its own to make."""


class Said:
    """What upstream has said in its current response, in the form in which it takes it back.

    Items are kept as they came and put into that form only when they are needed, which they mostly are not.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._items: list[Item] = []

    def add(self, item: Item) -> None:
        """A complete item."""
        self._items.append(item)

    def taken_back(self, outputs: Sequence[tuple[str, Outcome]]) -> list[bytes]:
        """The items for the next request's ``input``; `outputs` are what the called searches gave. Once only."""
        items = [made for item in self._items if (made := self._item(item))]
        items += [
            b'{"type":"function_call_output","call_id":%s,"output":%s}' % (self._call_id(call_id), _encode(told(what)))
            for call_id, what in outputs
        ]
        self._items.clear()
        return items

    def _item(self, item: Item) -> bytes | None:
        match item.type:
            case "reasoning":
                target = self._target
                signature = reasoning.seal(target.account, target.model, item.id, item.encrypted_content or "")
                sealed = reasoning.unseal(signature)
                return sealed.item if sealed and target.capabilities.encrypted_reasoning else None
            case "message":
                texts = [part.text or part.refusal for part in item.content or ()]
                return _message([text for text in texts if text])
            case "web_search_call":
                return _message([in_words(about(decode_action(item.action)), None)])
            case "function_call" if item.name:
                return b'{"type":"function_call","call_id":%s,"name":%s,"arguments":%s}' % (
                    self._call_id(item.call_id or ""),
                    _encode(item.name or ""),
                    _encode(item.arguments or "{}"),
                )
            case _:
                return None

    def _call_id(self, call_id: str) -> bytes:
        return _encode(short_call_id(call_id, self._target.capabilities.max_call_id))


def told(outcome: Outcome) -> str:
    """What the model is told of a search."""
    if isinstance(outcome, Refused):
        return f"The search was not made. {outcome.reason}"
    if not outcome.links:
        return "The search found nothing."
    return "\n\n".join(
        "\n".join(filter(None, (f"{number}. {link.title}", link.url, link.age, link.excerpt[:_EXCERPT])))
        for number, link in enumerate(outcome.links, 1)
    )


def _message(texts: list[str]) -> bytes | None:
    if not texts:
        return None
    parts = b",".join(output_text(_encode(text)) for text in texts)
    return b'{"type":"message","role":"assistant","content":[%s]}' % parts
