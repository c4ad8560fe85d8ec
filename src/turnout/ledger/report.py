"""A record as it is given out in JSON: what it holds, and what follows from it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.ledger import cache

if TYPE_CHECKING:
    from turnout.ledger.record import RequestRecord


def report(record: RequestRecord) -> dict[str, Any]:
    """All of a record, and its conclusions. Fields that are unknown, empty or zero are left out."""
    share = record.cached_share
    conclusions = {
        "cached_share": None if share is None else round(share, 4),
        "cache_missed": cache.missed(record),
        "cache": cache.sentence(record),
    }
    known: dict[str, Any] = msgspec.to_builtins(record)
    return known | {name: value for name, value in conclusions.items() if value not in (None, "")}


def summary(record: RequestRecord) -> dict[str, Any]:
    """What a list of requests shows of one."""
    share = record.cached_share
    facts = {
        "request_id": record.request_id,
        "at": record.at,
        "session": record.session,
        "client": record.client,
        "model_asked": record.model_asked,
        "model": record.model,
        "effort": record.effort,
        "status": record.status,
        "failure": record.failure,
        "ttft_ms": record.ttft_ms,
        "total_ms": record.total_ms,
        "prompt_tokens": record.prompt_tokens if record.usage else None,
        "output_tokens": record.usage.output_tokens if record.usage else None,
        "cached_share": None if share is None else round(share, 4),
        "cache_missed": cache.missed(record),
        "notes": len(record.notes) + record.more_notes,
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}
