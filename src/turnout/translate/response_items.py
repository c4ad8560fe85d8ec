"""Input items of a Responses client, as an upstream takes them: most are not touched, byte for byte. Pure.

What upstreams refuse of items is in codex-backend.md 2.4 and 2.5.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, dropped
from turnout.protocol.reading import is_null, refuse
from turnout.protocol.response_create import head_of
from turnout.translate.tools import short_call_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from turnout.translate.target import Target

REFERENCE = "item_reference"
"""An item that stands for a stored one."""
ADDITIONAL_TOOLS = "additional_tools"
"""The tools of a request in lite framing (codex-backend.md 2.3)."""

PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "web_search_call": "ws",
    "image_generation_call": "ig",
    "compaction": "cmp",
    "additional_tools": "at",
}
"""How the ids of items begin, by type."""
_LEGAL = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PARSED = (b"parsed", b"parsed_arguments")
"""What the official SDK's ``parse`` helpers put into the items that they give, and nobody takes back."""
_INTERNAL = "internal_chat_message_metadata_passthrough"
"""The Codex CLI's own note on an item: for its backend only (codex-backend.md 2.2)."""

_encode = msgspec.json.encode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_parts = msgspec.json.Decoder(list[dict[str, Raw]]).decode


def is_legal_id(identifier: str, kind: str) -> bool:
    """Whether upstreams take this id for an item of that type."""
    return bool(_LEGAL.fullmatch(identifier)) and identifier.startswith(PREFIXES.get(kind, ""))


def legal_items(items: Iterable[Raw], target: Target, notes: list[Note]) -> list[bytes]:
    """The items as `target` takes them.

    Raises `TurnoutError` (`BAD_REQUEST`) naming an item that it could not understand.
    """
    made: list[bytes] = []
    for index, item in enumerate(items):
        path = f"input[{index}]"
        legal = _legal(item, path, target, notes)
        if legal is not None:
            made.append(legal)
    return made


def has_additional_tools(items: Sequence[Raw]) -> bool:
    """Whether the items hold the tools themselves, as in lite framing."""
    return any(b"additional_tools" in bytes(memoryview(item)[:200]) for item in items[:2])


def _legal(item: Raw, path: str, target: Target, notes: list[Note]) -> bytes | None:
    head, whole, capabilities = head_of(item, path), bytes(item), target.capabilities
    if head.type == "reasoning" and not target.replay_reasoning:
        return None  # upstream could not read it: the attempt's own note says so
    if head.type == REFERENCE and not capabilities.stored_responses:
        raise fail(
            FailureKind.BAD_REQUEST,
            f"{path}: the item {(head.id or '')[:80]!r} is not stored here.",
            "Send the item itself in place of a reference to it.",
        )
    if head.type == "reasoning" and is_null(head.encrypted_content) and not capabilities.stored_responses:
        notes.append(dropped(path, "reasoning without its encrypted content: the upstream has not kept it"))
        return None
    changes: dict[str, bytes | None] = {}
    if head.id is not None and not is_legal_id(head.id, head.type) and head.type != REFERENCE:
        changes["id"] = None
    if head.role == "system" and not capabilities.system_role:
        changes["role"] = b'"developer"'
    if head.call_id and len(head.call_id) > capabilities.max_call_id:
        changes["call_id"] = _encode(short_call_id(head.call_id, capabilities.max_call_id))
    if not capabilities.internal_metadata and _INTERNAL.encode() in whole:
        changes[_INTERNAL] = None
    if b'"parsed' in whole:
        changes |= _without_parsed(item, path)
    return _changed(item, changes) if changes else whole


def _changed(item: Raw, changes: dict[str, bytes | None]) -> bytes:
    """The item with other values for some fields, or without them; those that it does not have stay absent."""
    fields = _decode_fields(item)
    for name, value in changes.items():
        if name in fields:
            if value is None:
                del fields[name]
            else:
                fields[name] = Raw(value)
    return _encode(fields)


def _without_parsed(item: Raw, path: str) -> dict[str, bytes | None]:
    changes: dict[str, bytes | None] = {name.decode(): None for name in _PARSED}
    content = _decode_fields(item).get("content")
    if content is not None and bytes(memoryview(content)[:1]) == b"[":
        try:
            parts = _decode_parts(content)
        except msgspec.DecodeError as error:
            refuse(error, f"{path}.content")
        changes["content"] = _encode([{name: part[name] for name in part if name != "parsed"} for part in parts])
    return changes
