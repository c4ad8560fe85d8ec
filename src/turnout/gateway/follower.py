"""Puts into a request's record how its body continues the one before it in the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout import log
from turnout.ledger.previous import Sent

if TYPE_CHECKING:
    from turnout.ledger.ledger import Ledger
    from turnout.ledger.record import RequestRecord


class Follower:
    """Follows one request."""

    def __init__(self, ledger: Ledger, record: RequestRecord, conversation: str) -> None:
        """``conversation`` is its key; empty if it has none."""
        self._ledger = ledger
        self._record = record
        self._conversation = conversation
        self._sent: Sent | None = None

    def follow(self, body: bytes) -> None:
        """Upstream has accepted this body. Never fails: the answer is more than what is remembered of it."""
        record = self._record
        record.body_bytes = len(body)
        sent = Sent(
            record.request_id,
            body,
            model=(record.upstream, record.model),
            account=(record.upstream, record.account),
            at=record.at,
        )
        try:
            record.prefix = self._ledger.previous.follow(self._conversation, sent)
        except Exception:  # noqa: BLE001 (told in the log)
            log.get().exception("defect", id=record.request_id)
        self._sent = sent

    def count(self, tokens: int) -> None:
        """The prompt had so many tokens, which the next request should find in the cache; 0 if that is not known."""
        if self._sent is not None:
            self._sent.tokens = tokens
