"""What is said of the prompt cache: one sentence, and never more than is known."""

from __future__ import annotations

import pytest

from tests.ledger.bodies import record
from turnout.ledger.cache import missed, missing, sentence
from turnout.ledger.prefix import Parting
from turnout.ledger.record import PrefixFinding, RequestRecord
from turnout.translate.messages_writer import TokenUsage


def answered(cached: int, fresh: int, **finding: object) -> RequestRecord:
    prefix = PrefixFinding(**{"verdict": "unchanged", "against": "req_0", "seconds": 5.0, **finding})  # type: ignore[arg-type]
    return record(usage=TokenUsage(input_tokens=fresh, cached_tokens=cached, output_tokens=10), prefix=prefix)


@pytest.mark.parametrize(
    ("cached", "fresh", "tokens", "is_miss"),
    [
        (9_984, 500, 10_000, False),  # all but a part of a block
        (0, 10_500, 10_000, True),
        (7_000, 3_500, 10_000, True),
        (8_500, 2_000, 10_000, False),
        (0, 900, 800, False),  # too short to be cached
        (0, 10_500, 0, False),  # nothing is known of the request before
        (2_048, 100, 10_000, False),  # cut back: it could not find more than itself
    ],
)
def test_what_counts_as_a_miss(cached: int, fresh: int, tokens: int, is_miss: bool) -> None:
    assert missed(answered(cached, fresh, tokens=tokens)) is is_miss


def test_without_figures_nothing_is_claimed() -> None:
    assert sentence(record()) == ""
    unknown = record(prefix=PrefixFinding(verdict="unchanged", against="req_0", tokens=9000))
    assert not missed(unknown)
    assert sentence(unknown) == "The prompt begins with all of req_0."


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ({"other_account": True}, "the request before went to another account"),
        ({"seconds": 720.0}, "it was 12 minutes before, and a cache forgets what is not used for some minutes"),
        ({"seconds": 8000.0}, "it was 2 hours before"),
        ({}, "the upstream did not keep it, or another one of its machines answered (5 s later)"),
        ({"verdict": "unknown"}, "is not held in memory any more. Yet 10,000 tokens were not in the cache"),
    ],
)
def test_a_miss_with_the_prefix_unchanged_says_why(finding: dict[str, object], words: str) -> None:
    told = answered(0, 10_500, tokens=10_000, **finding)
    assert missing(told) == 10_000
    assert words in sentence(told)


def test_a_changed_prefix_is_named() -> None:
    parting = Parting(
        place="tools[3] (Bash)",
        path=".description",
        offset=57,
        size=812,
        detail="the text differs at byte 12 of 90",
        shared=0.25,
        others=("reasoning",),
    )
    assert sentence(answered(0, 9000, verdict="changed", parting=parting)) == (
        "The prompt changed against req_0 at tools[3] (Bash), byte 57 of 812, in description: "
        "the text differs at byte 12 of 90. "
        "What follows, 75% of the prompt, is new to the cache. Also changed: reasoning."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [("added", "tools[1] (Grep), which is new."), ("removed", "which is gone."), ("moved", "stands in another place.")],
)
def test_what_came_went_or_moved(change: str, words: str) -> None:
    parting = Parting(place="tools[1] (Grep)", change=change)  # type: ignore[arg-type]
    assert words in sentence(answered(0, 9000, verdict="changed", parting=parting))


def test_a_setting_is_no_change_of_the_prompt() -> None:
    parting = Parting(place="reasoning", path=".effort", in_prompt=False, detail="the text differs", shared=1.0)
    told = answered(9000, 100, verdict="changed", parting=parting, tokens=9000)
    assert sentence(told) == "The prompt begins with all of req_0, and only a setting changed: reasoning.effort."
    assert "the setting may change" in sentence(answered(0, 9100, verdict="changed", parting=parting, tokens=9000))


def test_another_model_has_a_cache_of_its_own() -> None:
    parting = Parting(place="model", detail="the text differs at byte 6 of 11")
    assert sentence(answered(0, 9, verdict="changed", parting=parting)).endswith("Each model has a cache of its own.")


def test_the_first_request_of_a_conversation() -> None:
    assert "the first request of its conversation" in sentence(answered(0, 9000, verdict="first", against=""))
