"""The translators under fire: two minutes in CI, a few seconds elsewhere, with other input each time around.

The properties are those of test_request_properties.py and test_stream_properties.py, which run a fixed number of
examples; here the clock decides. `TURNOUT_FUZZ_SECONDS` sets another time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.translate import strategies
from tests.translate import test_memory as memory
from tests.translate import test_request_properties as requests
from tests.translate import test_stream_properties as streams

SECONDS = float(os.environ.get("TURNOUT_FUZZ_SECONDS") or (120 if os.environ.get("CI") else 4))

PROPERTIES: tuple[tuple[Callable[..., None], tuple[st.SearchStrategy[Any], ...]], ...] = (
    (streams.test_any_events_in_any_order_give_a_legal_stream, (strategies.STREAMS, streams.STOPS, streams.SEARCHES)),
    (
        streams.test_a_sound_answer_in_disorder_gives_a_legal_stream,
        (strategies.disturbed(), streams.STOPS, streams.SEARCHES),
    ),
    (
        requests.test_upstream_takes_whatever_the_history_is_like,
        (strategies.CONVERSATIONS, strategies.SETTINGS, st.sampled_from(requests.TARGETS)),
    ),
    (memory.test_no_sequence_of_requests_is_translated_otherwise, (st.data(),)),
)


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize(("property", "inputs"), PROPERTIES, ids=lambda value: getattr(value, "__name__", ""))
def test_nothing_invalid_and_no_exception(
    property: Callable[..., None], inputs: tuple[st.SearchStrategy[Any], ...]
) -> None:
    check = property.hypothesis.inner_test  # type: ignore[attr-defined]
    start = time.monotonic()
    rounds = 0
    while time.monotonic() - start < SECONDS / len(PROPERTIES):
        run = settings(
            max_examples=100,
            deadline=None,
            database=None,
            derandomize=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )(given(*inputs)(check))
        seed(int(start) + rounds)(run)()
        rounds += 1
    assert rounds
