"""From how many tokens on a request is refused."""

from __future__ import annotations

import pytest

from turnout.models.catalogue import Catalogue
from turnout.models.windows import limit, most_tokens, whole

MODELS = Catalogue.bundled()


@pytest.mark.parametrize(
    ("model", "upstream", "window"),
    [
        ("gpt-6.1-terra", "codex", 500_000),
        ("gpt-5.5", "codex", 272_000),
        ("gpt-6-astra", "openai", 922_000),
        ("gpt-5.5", "openai", None),
        ("gpt-99", "codex", None),
    ],
)
def test_the_whole_window_where_it_is_known(model: str, upstream: str, window: int | None) -> None:
    assert whole(MODELS.get(model), upstream) == window


def test_the_limit_is_a_share_of_it() -> None:
    facts = MODELS.get("gpt-5.5")
    assert limit(facts, "codex", 0.98) == 266_560
    assert limit(facts, "codex", 1) == 272_000
    assert limit(facts, "codex", 0) is None, "switched off"
    assert limit(None, "codex", 0.98) is None, "nobody knows"


def test_the_most_tokens_that_bytes_can_have() -> None:
    assert most_tokens(250_000) < 266_560 < most_tokens(600_000)
    assert most_tokens(-1_000) == 0
