"""Which account a request is sent with."""

from __future__ import annotations

from turnout.config import AccountsSettings, Config
from turnout.routing.accounts import ASKED_ANEW_SECONDS, Standing, at_a_limit, first_to_open, in_order

NOW = 1_800_000_000.0


def open_(name: str) -> Standing:
    return Standing(name=name)


def dry(name: str, *, opens_in: float | None = 3_600, refused_before: float | None = 10) -> Standing:
    return Standing(
        name=name,
        dry=True,
        opens_at=None if opens_in is None else NOW + opens_in,
        refused_at=None if refused_before is None else NOW - refused_before,
    )


def order(*standings: Standing, stays: str = "", spills: bool = False) -> list[str]:
    return in_order(standings, stays, NOW, spills=spills)


def test_a_new_session_goes_to_the_first_account() -> None:
    assert order(open_("a"), open_("b"), open_("c")) == ["a", "b", "c"]


def test_a_session_stays_where_it_is() -> None:
    assert order(open_("a"), open_("b"), open_("c"), stays="b") == ["b", "a", "c"]


def test_a_session_whose_account_is_dry_goes_to_the_next_in_order() -> None:
    assert order(dry("a"), open_("b"), open_("c"), stays="a") == ["b", "c"]


def test_an_account_that_is_gone_is_no_place_to_stay() -> None:
    assert order(open_("a"), stays="gone") == ["a"]


def test_where_all_are_dry_the_one_that_opens_first_is_asked_all_the_same() -> None:
    assert order(dry("a", opens_in=300), dry("b", opens_in=200), dry("c", opens_in=None)) == ["b"]


def test_a_refusal_that_is_old_is_doubted_before_one_that_is_new() -> None:
    assert order(dry("a", opens_in=100), dry("b", opens_in=200, refused_before=ASKED_ANEW_SECONDS)) == ["b"]


def test_nobody_is_asked_in_vain_where_there_is_somewhere_else_to_go() -> None:
    assert order(dry("a"), dry("b"), spills=True) == []
    assert order(dry("a"), dry("b", refused_before=ASKED_ANEW_SECONDS), spills=True) == ["b"]


def test_figures_of_the_usage_endpoint_are_no_refusal_and_are_doubted() -> None:
    assert order(dry("a", refused_before=None), spills=True) == ["a"]


def test_no_account_at_all() -> None:
    assert order() == []
    assert first_to_open([]) is None


def test_the_first_to_open() -> None:
    found = first_to_open([dry("a", opens_in=None), dry("b", opens_in=20), dry("c", opens_in=10)])
    assert found is not None
    assert found.name == "c"


def test_what_happens_at_a_limit_is_told() -> None:
    def told(**settings: object) -> str:
        return at_a_limit(Config(accounts=AccountsSettings(**settings)))  # type: ignore[arg-type]

    assert told() == "limit  → told to the client, with the time it opens again"
    assert told(policy="failover") == "limit  → your next account"
    assert told(spill_to="openai", spill_limit=2.5) == "limit  → the OpenAI API for 2.50 dollars a month at most"
    assert told(policy="failover", spill_to="openai") == (
        "limit  → your next account, then the OpenAI API for 10.00 dollars a month at most"
    )
    assert at_a_limit(Config(upstream="openai")) == ""
