"""The envelope that carries upstream's encrypted reasoning inside a thinking block's signature.

Claude Code replays signatures byte for byte, across turns, processes and ``--resume`` (claude-code-wire.md 3), so the
conversation itself is the store. The envelope names account and model, because the ciphertext can be read only there
(codex-backend.md 2.5); any other signature is foreign and is left alone.

Layout, version 1: ``turnout:1:<account tag>:<model>:<item id>:<ciphertext>``, account and model percent-encoded. All
of it is plain ASCII without characters that JSON escapes, so it is read and written as JSON bytes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote

import msgspec
from msgspec import json

PREFIX = b"turnout:1:"
_HEX = b"hex."
_PLAIN = re.compile(rb"[A-Za-z0-9+/=_.\-]+")
_ITEM_ID = re.compile(rb"rs[A-Za-z0-9_-]{1,62}")


class Sealed(msgspec.Struct, frozen=True):
    """An encrypted reasoning item and whom it belongs to."""

    account: str
    model: str
    item: bytes
    """The item as upstream takes it back. Its id is left out if upstream would not take it (longer than 64, foreign
    prefix), its ``encrypted_content`` is kept byte for byte."""


@lru_cache(64)
def beginning(account: str, model: str) -> bytes:
    """How the signatures begin that carry the reasoning of this account and model."""
    return b"".join((PREFIX, quote(account).encode(), b":", quote(model).encode(), b":"))


def seal(account: str, model: str, item_id: str | None, ciphertext: str) -> bytes:
    """The signature for one reasoning item; without ciphertext it only says where the thinking came from."""
    kept = item_id.encode() if item_id else b""
    if not _ITEM_ID.fullmatch(kept):
        kept = b""
    # A ciphertext with characters beyond base64 would need escapes; none is known, and hex keeps it exact if one comes.
    content = ciphertext.encode()
    if content and (content.startswith(_HEX) or not _PLAIN.fullmatch(content)):
        content = _HEX + content.hex().encode()
    return b"".join((beginning(account, model), kept, b":", content))


def unseal(signature: bytes) -> Sealed | None:
    """Reads a signature (without quotes); None if it is not one of ours, is damaged, or carries no ciphertext."""
    if not signature.startswith(PREFIX):
        return None
    account, *fields = signature[len(PREFIX) :].split(b":", 2)
    item = item_in(fields[1]) if len(fields) == 2 else None
    try:
        return Sealed(_unquoted(account), _unquoted(fields[0]), item) if item is not None else None
    except ValueError:
        return None


def item_in(signature: bytes) -> bytes | None:
    """The reasoning item, as upstream takes it back, in a signature of which the `beginning` was cut off; None if it is
    damaged, or there is none."""
    item_id, _, content = signature.partition(b":")
    # Whether it is whole is for upstream to say; here it need only be safe to copy into JSON as it is.
    if not content or not content.isascii() or b":" in content or b"\\" in content or b'"' in content:
        return None
    if item_id and not _ITEM_ID.fullmatch(item_id):
        return None
    if content.startswith(_HEX):
        try:
            content = json.encode(bytes.fromhex(content[len(_HEX) :].decode()).decode())[1:-1]
        except ValueError:
            return None
    named = (b'"id":"', item_id, b'",') if item_id else ()
    return b"".join((b'{"type":"reasoning",', *named, b'"summary":[],"encrypted_content":"', content, b'"}'))


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
