"""The envelope that carries upstream's encrypted reasoning inside a thinking block's signature.

Claude Code replays signatures byte for byte, across turns, processes and ``--resume`` (claude-code-wire.md 3), so the
conversation itself is the store. The envelope names account and model, because the ciphertext can be read only there
(codex-backend.md 2.5); any other signature is foreign and is left alone.

Layout, version 1: ``turnout:1:<account tag>:<model>:<item id>:<ciphertext>``, account and model percent-encoded. All
of it is plain ASCII without characters that JSON escapes, so it is read and written as JSON bytes.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import msgspec
from msgspec import json

PREFIX = b"turnout:1:"
_FIELDS = 6
_HEX = b"hex."
_PLAIN = re.compile(rb"[A-Za-z0-9+/=_.\-]+")
_ITEM_ID = re.compile(rb"rs[A-Za-z0-9_-]{1,62}")


class Sealed(msgspec.Struct, frozen=True):
    """An encrypted reasoning item and whom it belongs to."""

    account: str
    model: str
    item_id: bytes
    """The item's id upstream; empty when it had none that upstream would take back (longer than 64, foreign prefix)."""
    ciphertext: bytes
    """``encrypted_content`` byte for byte, as it stands in JSON."""


def seal(account: str, model: str, item_id: str | None, ciphertext: str) -> bytes:
    """The signature for one reasoning item; without ciphertext it only says where the thinking came from."""
    kept = item_id.encode() if item_id else b""
    if not _ITEM_ID.fullmatch(kept):
        kept = b""
    # A ciphertext with characters beyond base64 would need escapes; none is known, and hex keeps it exact if one comes.
    content = ciphertext.encode()
    if content and (content.startswith(_HEX) or not _PLAIN.fullmatch(content)):
        content = _HEX + content.hex().encode()
    return b":".join((PREFIX[:-1], quote(account).encode(), quote(model).encode(), kept, content))


def unseal(signature: bytes) -> Sealed | None:
    """Reads a signature (without quotes); None if it is not one of ours, is damaged, or carries no ciphertext."""
    if not signature.startswith(PREFIX):
        return None
    fields = signature.split(b":")
    if len(fields) != _FIELDS:
        return None
    _, _, account, model, item_id, content = fields
    # Whether it is whole is for upstream to say; here it need only be safe to copy into JSON as it is.
    if not content or not content.isascii() or b"\\" in content or b'"' in content:
        return None
    if item_id and not _ITEM_ID.fullmatch(item_id):
        return None
    try:
        if content.startswith(_HEX):
            content = json.encode(bytes.fromhex(content[len(_HEX) :].decode()).decode())[1:-1]
        return Sealed(_unquoted(account), _unquoted(model), item_id, content)
    except ValueError:
        return None


def _unquoted(field: bytes) -> str:
    """Raises ValueError for what is not ASCII, or is no UTF-8 behind it."""
    text = field.decode("ascii")
    return unquote(text, errors="strict") if "%" in text else text


def account_in(message: bytes) -> str:
    """The account whose reasoning comes last in a message (JSON); empty if there is none of ours in it."""
    begin = message.rfind(b'"' + PREFIX)
    if begin < 0:
        return ""
    begin += 1 + len(PREFIX)
    return unquote(message[begin : message.find(b":", begin)].decode("ascii", "replace"))


def item(sealed: Sealed) -> bytes:
    """The reasoning item as upstream takes it back."""
    begin = b'{"type":"reasoning","id":"%s",' % sealed.item_id if sealed.item_id else b'{"type":"reasoning",'
    return b"".join((begin, b'"summary":[],"encrypted_content":"', sealed.ciphertext, b'"}'))
