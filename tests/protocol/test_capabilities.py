"""The defaults are those of a plain, modern Responses server, and allow nothing that some server refuses."""

from __future__ import annotations

import pytest

from turnout.protocol.capabilities import Capabilities

REFUSED = (
    "max_output_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "truncation",
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_retention",
    "prompt_cache_options",
    "context_management",
    "previous_response_id",
    "stream_id",
    "stream_options",
    "background",
    "conversation",
    "max_tool_calls",
    "top_logprobs",
)
"""What the Codex backend answers with 400 (codex-backend.md 2.4)."""


@pytest.mark.parametrize("field", REFUSED)
def test_no_field_that_the_codex_backend_refuses_is_allowed_by_default(field: str) -> None:
    assert field not in Capabilities().fields


def test_the_limits_are_the_ones_that_were_measured() -> None:
    assert (Capabilities().max_call_id, Capabilities().max_tool_name) == (64, 64)


def test_capabilities_are_values() -> None:
    assert Capabilities() == Capabilities()
    with pytest.raises(AttributeError):
        Capabilities().files = False  # type: ignore[misc]
