"""Whether the prompt cache missed, and why, as one plain sentence. Pure: reads a record, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.ledger.prefix import Parting
    from turnout.ledger.record import PrefixFinding, RequestRecord

SMALLEST = 1024
"""Tokens: shorter prompts are not cached (OpenAI, Prompt caching)."""
TOLERANCE = 0.2
"""Part of what should be cached that may be missing: caches hold whole blocks, and the last answer is not in them."""
FORGETS_AFTER = 300.0
"""Seconds of disuse after which a cached prompt may be gone (OpenAI, Prompt caching: 5 to 10 minutes)."""


def missing(record: RequestRecord) -> int:
    """Tokens that the request before had left in the cache, as far as is known, and that were not found there."""
    finding = record.prefix
    if finding is None or record.usage is None:
        return 0
    expected = min(finding.tokens, record.prompt_tokens)
    return max(0, expected - record.usage.cached_tokens)


def missed(record: RequestRecord) -> bool:
    """Whether far less came from the cache than the request before had left there."""
    finding = record.prefix
    if finding is None or min(finding.tokens, record.prompt_tokens) < SMALLEST:
        return False
    return missing(record) > max(SMALLEST, TOLERANCE * min(finding.tokens, record.prompt_tokens))


def sentence(record: RequestRecord) -> str:
    """How the prompt continues the one before and what became of the cache; empty if nothing is known."""
    finding = record.prefix
    if finding is None:
        return ""
    if finding.verdict == "first":
        return "It is the first request of its conversation, so nothing of it was expected in the cache."
    if finding.verdict == "unknown":
        said = "Whether the prompt begins as the one before is not known: that one is not held in memory any more."
        return f"{said} {_miss(record)}".strip() if missed(record) else said
    if finding.parting is not None and finding.parting.in_prompt:
        return _changed(finding, finding.parting)
    said = f"The prompt begins with all of {finding.against}"
    if finding.parting is not None:
        said = f"{said}, and only a setting changed: {_what(finding.parting)}"
    return f"{said}. {_miss(record)}" if missed(record) else f"{said}."


def _changed(finding: PrefixFinding, parting: Parting) -> str:
    said = f"The prompt changed against {finding.against} at {_what(parting)}"
    if parting.place == "model":
        return f"{said}. Each model has a cache of its own."
    anew = 1 - parting.shared
    others = f" Also changed: {', '.join(parting.others)}." if parting.others else ""
    return f"{said}. What follows, {anew:.0%} of the prompt, is new to the cache.{others}"


def _what(parting: Parting) -> str:
    """The place and what happened there: ``tools[3] (Bash), byte 52 of 812, in description: the text differs …``."""
    where = parting.place
    if not parting.in_prompt:
        return f"{where}{parting.path}"
    match parting.change:
        case "added":
            return f"{where}, which is new"
        case "removed":
            return f"{where}, which is gone"
        case "moved":
            return f"{where}, which stands in another place"
        case _:
            byte = f", byte {parting.offset:,} of {parting.size:,}" if parting.offset else ""
            inside = f", in {parting.path.lstrip('.')}" if parting.path else ""
            return f"{where}{byte}{inside}{f': {parting.detail}' if parting.detail else ''}"


def _miss(record: RequestRecord) -> str:
    finding = record.prefix
    if finding is None:
        return ""
    said = f"Yet {missing(record):,} tokens were not in the cache:"
    if finding.other_account:
        return f"{said} the request before went to another account."
    if finding.other_model:
        return f"{said} the request before went to another model."
    if finding.parting is not None:
        return f"{said} the setting may change what the model is told before the prompt."
    if finding.seconds >= FORGETS_AFTER:
        return f"{said} it was {_ago(finding.seconds)} before, and a cache forgets what is not used for some minutes."
    return (
        f"{said} the upstream did not keep it, or another one of its machines answered ({_ago(finding.seconds)} later)."
    )


def _ago(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.0f} hours"
