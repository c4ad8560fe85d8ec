"""What came of a demo conversation: the figures, and whether everything was as it should be. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.demo.story import EVIDENCE, MODEL, TOOL_CALLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.demo.events import Tally
    from turnout.ledger.record import RequestRecord


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one conversation, all of them measured; what is unknown because it failed is None."""

    ok: bool
    client: str
    """``sdk`` or ``claude``."""
    model_asked: str
    model_sent: str | None
    thinking_blocks: int
    tool_calls: int
    input_tokens: int
    cached_share: float
    """Part of the input tokens that came from the prompt cache, 0 to 1."""
    ttft_ms: float | None
    """Milliseconds from the first request's arrival at the gateway to the first translated bytes of its answer."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A report with what only people read."""

    report: Report
    effort: str | None = None
    upstream: str = ""
    output_tokens: int = 0
    problem: str = ""
    """Why it is not ok, as a sentence."""


def conclude(client: str, tally: Tally, dispatches: Sequence[RequestRecord], problem: str = "") -> Outcome:
    """Adds up what the client saw (``tally``) and what the gateway did (``dispatches``, oldest first).

    ``problem`` is what stopped the conversation, if something did. The first request of the conversation proper is the
    one that was routed for the model asked for.
    """
    own = [dispatch for dispatch in dispatches if dispatch.model_asked == MODEL]
    first = own[0] if own else None
    found = problem or _problem(tally, own)
    return Outcome(
        report=Report(
            ok=not found,
            client=client,
            model_asked=first.model_asked if first else MODEL,
            model_sent=(first.model or None) if first else None,
            thinking_blocks=tally.thinking_blocks,
            tool_calls=tally.tool_calls,
            input_tokens=tally.input_tokens,
            cached_share=round(tally.cached_share, 3),
            ttft_ms=first.ttft_ms if first else None,
        ),
        effort=first.effort if first else None,
        output_tokens=tally.output_tokens,
        problem=found,
    )


def _problem(tally: Tally, dispatches: Sequence[RequestRecord]) -> str:
    """The first thing that is not as it should be, empty if all is well."""
    failed = [dispatch for dispatch in dispatches if dispatch.failure is not None]
    checks = (
        (bool(dispatches), "no request of the conversation reached the gateway"),
        (not failed, f"a request failed: {failed[0].failure if failed else ''}"),
        (tally.tool_calls == TOOL_CALLS, f"{tally.tool_calls} tool calls came instead of {TOOL_CALLS}"),
        (all(proof in tally.tool_output for proof in EVIDENCE), "a tool was not really run"),
        (tally.thinking_blocks >= 1, "no thinking came through"),
        (bool(tally.text.strip()), "no answer came at the end"),
        (tally.cached_tokens > 0, "nothing came from the prompt cache: the prompt's beginning is not stable"),
    )
    return next((f"{problem[0].upper()}{problem[1:]}." for fine, problem in checks if not fine), "")
