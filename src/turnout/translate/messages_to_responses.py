"""A Messages request → a Responses request, as bytes.

The body is written so that a session's requests share the longest possible prefix: ``input`` is last and only grows,
every message has one canonical form whatever form the client gave it this time, and what changes from turn to turn
(the attribution line, ``cache_control``, per-message settings) is not sent (claude-code-wire.md 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import FailureKind, fail
from turnout.translate.body import whole_body
from turnout.translate.deferred import Deferred
from turnout.translate.history import History
from turnout.translate.memory import Conversation, SessionMemory
from turnout.translate.opening import opening
from turnout.translate.tools import ToolsCache
from turnout.translate.translation import Translation

if TYPE_CHECKING:
    from turnout.protocol.messages import MessagesRequest
    from turnout.translate.target import Target

_LITE_TOOLS = (
    b'{"type":"additional_tools","role":"developer",'
    b'"tools":[{"type":"namespace","name":"functions","description":"","tools":[%s]}]}'
)
"""Tools in lite framing are the first item (codex-backend.md 2.3)."""


class Caches(msgspec.Struct, frozen=True):
    """What is kept from one request to the next. It changes what a translation costs, never what it gives."""

    tools: ToolsCache
    sessions: SessionMemory


def translate(
    request: MessagesRequest,
    target: Target,
    caches: Caches | None = None,
    conversation: Conversation | None = None,
) -> Translation:
    """The request as `target` wants it. `conversation` has its messages, if they were not read with it.

    Pure but for `caches`, which only save work. Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    caches = caches or Caches(ToolsCache(0), SessionMemory(0))
    settled = None
    try:
        around = (conversation.opening(target) if conversation else None) or opening(request, target, caches.tools)
        deferred = Deferred(around.tools, native=target.tool_search and target.capabilities.tool_search)
        history = History(around.target, deferred)
        if conversation is not None:
            settled = history.add_conversation(conversation)
        else:
            history.add_messages(request.messages)  # type: ignore[arg-type]
    except UnicodeDecodeError:
        raise fail(FailureKind.BAD_REQUEST, "The request body is not valid UTF-8.") from None
    if not history.items:
        raise fail(FailureKind.BAD_REQUEST, "messages: there is nothing in them to send.")
    head = around.head_of(request, deferred.offered())
    known = settled.known(around.with_head(head)) if settled is not None and target.replay_reasoning else None
    if settled is not None and known is not None:
        caches.sessions.remember(settled.conversation.key, known)
    target, tools = around.target, around.tools
    items = [*around.items, *history.items]
    if target.framing == "lite" and head.functions:
        items.insert(0, _LITE_TOOLS % head.functions)
    return Translation(
        body=whole_body(head.fields, items),
        full_names={**tools.full_names, **history.full_names},
        stop_sequences=tuple(sequence for sequence in request.stop_sequences or () if sequence),
        notes=(*tools.notes, *history.notes, *head.notes),
        framing=target.framing,
        tier=target.tier if "service_tier" in target.capabilities.fields else None,
        cleaners=tools.cleaners,
        search=around.web_search,
        beginning=head.beginning,
    )
