"""The quota as values."""

from __future__ import annotations

import pytest

from tests.quota.conftest import NOW, quota
from turnout.quota.windows import Credits, FurtherLimit, Quota, Window, joined


@pytest.mark.parametrize(
    ("minutes", "name"),
    [
        (300, "5 h"),
        (10_080, "weekly"),
        (1_440, "daily"),
        (43_200, "monthly"),
        (43_800, "monthly"),
        (4_320, "3 d"),
        (90, "90 min"),
        (None, "window"),
    ],
)
def test_a_window_is_called_by_its_length_and_never_by_its_place(minutes: int | None, name: str) -> None:
    assert Window(10, minutes).name == name


def test_a_window_that_has_begun_anew_is_not_used() -> None:
    window = Window(80, 300, int(NOW))
    assert window.used(NOW - 1) == 80
    assert window.used(NOW) == 0


class TestJoining:
    def test_what_an_answer_leaves_out_still_counts(self) -> None:
        known = quota(credits=Credits(True, False, "5"), further=(FurtherLimit("other", (Window(1, 60),)),))
        seen = Quota(account="ada", tag=known.tag, windows=(Window(20, 300),), seen_at=NOW + 1)
        made = joined(known, seen)
        assert (made.windows, made.plan, made.credits) == (seen.windows, "pro", known.credits)
        assert made.further == known.further

    def test_older_figures_do_not_replace_newer_ones(self) -> None:
        known = quota()
        assert joined(known, quota(seen_at=NOW - 1, windows=())) == known

    def test_figures_of_another_account_under_the_same_nickname_do(self) -> None:
        other = quota(tag="another", seen_at=NOW - 1, windows=())
        assert joined(quota(), other) == other

    def test_a_limit_counts_as_reached_until_an_answer_says_otherwise(self) -> None:
        refusal = quota(reached="rate_limit_reached", reached_until=int(NOW) + 60, refused_at=NOW, origin="refusal")
        assert joined(quota(), refusal).is_reached(NOW)
        assert not joined(refusal, quota(seen_at=NOW + 1)).is_reached(NOW + 1)


class TestALimitThatIsReached:
    def test_ends_when_upstream_said(self) -> None:
        made = quota(reached="rate_limit_reached", reached_until=int(NOW) + 60)
        assert made.is_reached(NOW + 59)
        assert not made.is_reached(NOW + 60)

    def test_ends_with_the_last_of_the_full_windows_if_upstream_did_not_say(self) -> None:
        windows = (Window(100, 300, int(NOW) + 10), Window(100, 10_080, int(NOW) + 20), Window(99, 43_200))
        assert quota(windows=windows, reached="x").resets_at == int(NOW) + 20
