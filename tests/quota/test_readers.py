"""The quota in headers, events and refusals (codex-backend.md 6)."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests.quota.conftest import ADA, NOW
from turnout.protocol.errors import Failure, FailureKind
from turnout.quota.readers import from_event, from_headers, from_refusal
from turnout.quota.windows import Credits, FurtherLimit, Window

RESET = int(NOW) + 9_000
HEADERS = {
    "X-Codex-Primary-Used-Percent": "12.5",
    "x-codex-primary-window-minutes": "300",
    "x-codex-primary-reset-at": str(RESET),
    "x-codex-secondary-used-percent": "3",
    "x-codex-secondary-window-minutes": "10080",
    "x-codex-secondary-reset-at": str(RESET + 1),
}


class TestHeaders:
    def test_are_read_in_any_case(self) -> None:
        found = from_headers(CIMultiDict(HEADERS), ADA, NOW)
        assert found
        assert found.windows == (Window(12.5, 300, RESET), Window(3.0, 10_080, RESET + 1))
        assert (found.account, found.tag, found.plan) == ("ada", ADA.tag, "pro")
        assert (found.origin, found.seen_at, found.reached) == ("headers", NOW, "")

    def test_that_say_nothing_of_the_quota_are_none(self) -> None:
        assert from_headers({"content-type": "text/event-stream", "x-request-id": "1"}, ADA, NOW) is None
        assert from_headers({"codex-primary-used-percent": "1", "x-codex-credits-balance": "2"}, ADA, NOW) is None

    @given(st.permutations(range(9)))
    def test_stand_anywhere_among_the_others(self, order: list[int]) -> None:
        others = {"date": "today", "x-request-id": "1", "x-codex-active-limit": "codex"}
        among = list({**HEADERS, **others}.items())
        assert from_headers(dict(among[place] for place in order), ADA, NOW) == from_headers(HEADERS, ADA, NOW)

    def test_that_say_the_same_as_before_say_it_now(self) -> None:
        early, late = from_headers(HEADERS, ADA, NOW), from_headers(dict(HEADERS), ADA, NOW + 60)
        assert early
        assert late == msgspec.structs.replace(early, seen_at=NOW + 60)
        assert from_headers({**HEADERS, "x-codex-secondary-used-percent": "4"}, ADA, NOW) != early

    def test_the_last_of_several_with_one_name_counts(self) -> None:
        twice = CIMultiDict([*HEADERS.items(), ("X-Codex-Secondary-Used-Percent", "70")])
        found = from_headers(twice, ADA, NOW)
        assert found
        assert found.windows[1].used_percent == 70

    def test_a_window_with_nothing_used_and_nothing_else_said_is_absent(self) -> None:
        found = from_headers({**HEADERS, "x-codex-secondary-used-percent": "0"} | _without("secondary"), ADA, NOW)
        assert found
        assert len(found.windows) == 1

    def test_the_older_form_of_the_reset(self) -> None:
        headers = {"x-codex-primary-used-percent": "7", "x-codex-primary-reset-after-seconds": "60"}
        found = from_headers(headers, ADA, NOW)
        assert found
        assert found.windows == (Window(7.0, None, int(NOW) + 60),)
        later = from_headers(headers, ADA, NOW + 30)
        assert later
        assert later.windows == (Window(7.0, None, int(NOW) + 90),)

    @pytest.mark.parametrize("has", ["True", "true", "1"])
    def test_credits(self, has: str) -> None:
        more = {
            "x-codex-credits-has-credits": has,
            "x-codex-credits-unlimited": "False",
            "x-codex-credits-balance": "9.99",
        }
        found = from_headers({**HEADERS, **more}, ADA, NOW)
        assert found
        assert found.credits == Credits(True, False, "9.99")

    def test_a_limit_that_an_answer_names_is_not_reached_for_it_is_an_answer(self) -> None:
        found = from_headers({**HEADERS, "x-codex-rate-limit-reached-type": "rate_limit_reached"}, ADA, NOW)
        assert found
        assert not found.is_reached(NOW)

    def test_limits_beside_the_plans_own(self) -> None:
        more = {
            "x-codex-bengalfox-primary-used-percent": "40",
            "x-codex-bengalfox-primary-window-minutes": "60",
            "x-codex-bengalfox-limit-name": "GPT-6 Astra",
        }
        found = from_headers({**HEADERS, **more}, ADA, NOW)
        assert found
        assert found.further == (FurtherLimit("codex_bengalfox", (Window(40.0, 60),), "GPT-6 Astra"),)

    @pytest.mark.parametrize("value", ["", "many", "nan", "inf", "-inf", "1e999"])
    def test_nonsense_is_left_out(self, value: str) -> None:
        found = from_headers({**HEADERS, "x-codex-primary-used-percent": value}, ADA, NOW)
        assert found
        assert [window.minutes for window in found.windows] == [10_080]

    @pytest.mark.parametrize(("value", "used"), [("120", 100.0), ("-3", 0.0)])
    def test_a_figure_is_a_percentage(self, value: str, used: float) -> None:
        found = from_headers({**HEADERS, "x-codex-primary-used-percent": value}, ADA, NOW)
        assert found
        assert found.windows[0].used_percent == used

    @pytest.mark.parametrize("value", ["nan", "inf", "1e30", "-1", "soon"])
    def test_nonsense_for_a_time_costs_the_time_only(self, value: str) -> None:
        odd = {**HEADERS, "x-codex-primary-reset-at": value, "x-codex-primary-window-minutes": value}
        found = from_headers(odd, ADA, NOW)
        assert found
        assert found.windows[0] == Window(12.5)


def _without(place: str) -> dict[str, str]:
    return {f"x-codex-{place}-window-minutes": "", f"x-codex-{place}-reset-at": ""}


LIMITS = {
    "allowed": True,
    "limit_reached": False,
    "primary": {"used_percent": 12, "window_minutes": 300, "reset_at": RESET},
    "secondary": None,
}


class TestTheEvent:
    def event(self, **fields: object) -> bytes:
        made = {"type": "codex.rate_limits", "plan_type": "plus", "rate_limits": LIMITS, "credits": None}
        return json.dumps(made | fields).encode()

    def test_is_read(self) -> None:
        found = from_event(self.event(), ADA, NOW)
        assert found
        assert (found.windows, found.plan, found.origin) == ((Window(12.0, 300, RESET),), "plus", "event")

    def test_with_credits_that_go_on_behind_the_limit(self) -> None:
        credits = {"has_credits": True, "unlimited": False, "balance": 5}
        found = from_event(self.event(rate_limits={**LIMITS, "limit_reached": True}, credits=credits), ADA, NOW)
        assert found
        assert (found.credits, found.reached) == (Credits(True, False, "5"), "")

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"rate_limits": 3}', b'{"rate_limits": null}', b"\xff"])
    def test_that_cannot_be_read_says_nothing(self, data: bytes) -> None:
        assert from_event(data, ADA, NOW) is None

    def test_about_another_limit_is_not_taken_for_the_plan(self) -> None:
        assert from_event(self.event(metered_limit_name="codex_bengalfox"), ADA, NOW) is None


class TestARefusal:
    def test_says_until_when(self) -> None:
        failure = Failure(
            kind=FailureKind.USAGE_LIMIT, message="x", code="usage_limit_reached", resets_at=int(NOW) + 60
        )
        found = from_refusal(failure, HEADERS, ADA, NOW)
        assert (found.reached, found.reached_until) == ("usage_limit_reached", int(NOW) + 60)
        assert (found.refused_at, found.origin, len(found.windows)) == (NOW, "refusal", 2)

    def test_without_headers_and_with_a_span_only(self) -> None:
        failure = Failure(kind=FailureKind.USAGE_LIMIT, message="x", retry_after=90.0)
        found = from_refusal(failure, {}, ADA, NOW)
        assert (found.reached, found.reached_until, found.windows) == ("rate_limit_reached", int(NOW) + 90, ())

    def test_the_full_window_says_it_if_nothing_else_does(self) -> None:
        failure = Failure(kind=FailureKind.USAGE_LIMIT, message="x")
        found = from_refusal(failure, {**HEADERS, "x-codex-primary-used-percent": "100"}, ADA, NOW)
        assert found.reached_until == RESET
