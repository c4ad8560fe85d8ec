"""The usage endpoint's answer, read and written."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.quota.conftest import ADA, NOW, quota
from turnout.quota import wham
from turnout.quota.windows import Credits, FurtherLimit, Window

RESET = int(NOW) + 9_000


def test_it_is_read() -> None:
    body = {
        "plan_type": "pro",
        "rate_limit": {
            "allowed": False,
            "limit_reached": True,
            "primary_window": {"used_percent": 100, "limit_window_seconds": 18_000, "reset_at": RESET},
            "secondary_window": {"used_percent": 3, "limit_window_seconds": 604_800, "reset_after_seconds": 60},
        },
        "credits": {"has_credits": True, "unlimited": False, "balance": "4"},
        "additional_rate_limits": [
            {
                "limit_name": "GPT-6 Astra",
                "metered_feature": "codex_bengalfox",
                "rate_limit": {"primary_window": {"used_percent": 1, "limit_window_seconds": 3_600}},
            }
        ],
        "rate_limit_reached_type": {"type": "workspace_member_credits_depleted"},
        "spend_control": {"new": "field"},
    }
    found = wham.read(json.dumps(body).encode(), ADA, NOW)
    assert found.windows == (Window(100.0, 300, RESET), Window(3.0, 10_080, int(NOW) + 60))
    assert (found.credits, found.reached) == (Credits(True, False, "4"), "workspace_member_credits_depleted")
    assert found.further == (FurtherLimit("codex_bengalfox", (Window(1.0, 60),), "GPT-6 Astra"),)
    assert found.is_reached(NOW)


@pytest.mark.parametrize("body", [b"{}", b'{"rate_limit": null, "credits": null, "additional_rate_limits": null}'])
def test_an_account_without_limits(body: bytes) -> None:
    found = wham.read(body, ADA, NOW)
    assert (found.windows, found.credits, found.reached, found.plan) == ((), None, "", "pro")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"rate_limit": 3}'])
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        wham.read(body, ADA, NOW)


def test_what_is_written_reads_the_same() -> None:
    known = quota(
        windows=(Window(12.0, 300, RESET), Window(3.0, 10_080, RESET)),
        credits=Credits(True, False, "4"),
        further=(FurtherLimit("x", (Window(1.0, 60, RESET),), "X"),),
        origin="usage",
    )
    assert wham.read(wham.write(known, NOW), ADA, NOW) == known


def test_it_is_written_as_the_backend_does() -> None:
    written = json.loads(wham.write(quota(reached="rate_limit_reached"), NOW))
    assert written["rate_limit"]["primary_window"] == {
        "used_percent": 12,
        "limit_window_seconds": 18_000,
        "reset_after_seconds": 9_000,
        "reset_at": RESET,
    }
    assert written["rate_limit"]["limit_reached"] is True
    assert written["rate_limit_reached_type"] == {"type": "rate_limit_reached"}


def test_a_limit_behind_which_credits_go_on_is_not_reached() -> None:
    found = wham.read(b'{"rate_limit": {"allowed": true, "limit_reached": true}}', ADA, NOW)
    assert not found.is_reached(NOW)
