"""Encrypted reasoning: issued for one account and one model, and verified when it comes back.

Nothing is stored: the text carries its own proof (an HMAC over a nonce, the account, the model family and the
thought), so a client may replay it from a new process, and any changed or foreign text is found out.
"""

import base64
import hashlib
import hmac

NONCE_BYTES = 16
TAG_BYTES = 32
FERNET_VERSION = b"\x80\x00\x00\x00\x00"
"""Makes the text start with gAAAA, as the real ones do (codex-backend.md 2.5)."""


def issue(key: bytes, *, account: str, model: str, thought: str, nonce: bytes) -> str:
    """The `encrypted_content` of a reasoning item, url-safe base64 that starts with `gAAAA`.

    `thought` is the reasoning text (masked, not secret), `nonce` NONCE_BYTES random bytes.
    """
    masked = _mask(thought.encode(), key, nonce)
    body = FERNET_VERSION + nonce + masked
    return base64.urlsafe_b64encode(body + _tag(key, account, model, body)).decode()


def verify(key: bytes, encrypted: str, *, account: str, model: str) -> bool:
    """Whether this simulator issued the text for this account and this model."""
    try:
        raw = base64.b64decode(encrypted, altchars=b"-_", validate=True)
    except ValueError:
        return False
    body, tag = raw[:-TAG_BYTES], raw[-TAG_BYTES:]
    return body.startswith(FERNET_VERSION) and hmac.compare_digest(tag, _tag(key, account, model, body))


def reveal(key: bytes, encrypted: str) -> str:
    """The thought inside a text that `verify` accepted."""
    raw = base64.urlsafe_b64decode(encrypted)
    start = len(FERNET_VERSION) + NONCE_BYTES
    nonce, masked = raw[len(FERNET_VERSION) : start], raw[start:-TAG_BYTES]
    return _mask(masked, key, nonce).decode()


def refusal(encrypted: str) -> str:
    """The service's words for a text that fails verification: the text itself is shortened."""
    shown = encrypted if len(encrypted) <= 12 else f"{encrypted[:4]}...{encrypted[-4:]}"
    return f"The encrypted content {shown} could not be verified."


def _tag(key: bytes, account: str, model: str, body: bytes) -> bytes:
    bound = b"\0".join((account.encode(), model.encode(), body))
    return hmac.new(key, bound, hashlib.sha256).digest()


def _mask(data: bytes, key: bytes, nonce: bytes) -> bytes:
    pad = hashlib.shake_256(key + nonce).digest(len(data))
    return bytes(left ^ right for left, right in zip(data, pad, strict=True))
