"""Failures are values: a closed set of kinds, and all that a door needs to render one."""

from __future__ import annotations

import pytest

from turnout.protocol.errors import OF_THE_ACCOUNT, RETRIED_ONCE, Failure, FailureKind, TurnoutError, fail


def test_kinds_have_stable_names() -> None:
    assert {kind.name.lower(): kind.value for kind in FailureKind} == {kind.value: kind.value for kind in FailureKind}


def test_the_text_is_the_message_and_the_next_step() -> None:
    failure = Failure(kind=FailureKind.SIGN_IN, message="The token has expired.", next_step="Run: codex login")
    assert failure.text == "The token has expired. Run: codex login"
    assert Failure(kind=FailureKind.CUT, message="It was cut.").text == "It was cut."


def test_an_error_carries_its_failure() -> None:
    error = fail(FailureKind.BAD_REQUEST, "model: must not be empty.", "Name a model.")
    assert isinstance(error, TurnoutError)
    assert error.failure == Failure(
        kind=FailureKind.BAD_REQUEST, message="model: must not be empty.", next_step="Name a model."
    )
    assert str(error) == "model: must not be empty. Name a model."


def test_a_failure_cannot_be_changed() -> None:
    failure = Failure(kind=FailureKind.CUT, message="It was cut.")
    with pytest.raises(AttributeError):
        failure.message = "It was not."  # type: ignore[misc]


def test_only_what_another_try_may_mend_is_tried_again() -> None:
    """A used-up limit, a burst or a refusal is never repeated by Turnout itself (codex-backend.md 3.3)."""
    K = FailureKind
    assert {K.UPSTREAM_ERROR, K.CUT, K.UNREACHABLE, K.OVERLOADED} == RETRIED_ONCE


def test_what_is_the_accounts_own_is_no_failure_of_the_way_to_upstream() -> None:
    assert not OF_THE_ACCOUNT & RETRIED_ONCE
    assert {FailureKind.SIGN_IN, FailureKind.USAGE_LIMIT} < OF_THE_ACCOUNT
