"""The quota as Anthropic's headers."""

from __future__ import annotations

from tests.quota.conftest import NOW, quota
from turnout.quota.unified import headers
from turnout.quota.windows import Window

RESET = int(NOW) + 9_000


def told(*windows: Window, refused: bool = False, until: int | None = None) -> dict[str, str]:
    made = headers(quota(windows=windows, reached_until=until), NOW, refused=refused)
    return {name.decode().removeprefix("anthropic-ratelimit-unified-"): value.decode() for name, value in made}


def test_both_windows() -> None:
    assert told(Window(12.5, 300, RESET), Window(3.0, 10_080, RESET + 1)) == {
        "status": "allowed",
        "reset": str(RESET),
        "representative-claim": "five_hour",
        "5h-status": "allowed",
        "5h-utilization": "0.125",
        "5h-reset": str(RESET),
        "7d-status": "allowed",
        "7d-utilization": "0.03",
        "7d-reset": str(RESET + 1),
    }


def test_the_fullest_window_speaks_for_all() -> None:
    found = told(Window(12.5, 300, RESET), Window(95.0, 10_080, RESET + 1))
    assert (found["status"], found["representative-claim"], found["reset"]) == (
        "allowed_warning",
        "seven_day",
        str(RESET + 1),
    )


def test_a_window_of_another_length_is_not_called_what_it_is_not() -> None:
    found = told(Window(50.0, 43_200, RESET))
    assert found == {"status": "allowed", "reset": str(RESET)}


def test_a_full_window_that_upstream_still_answers_in_is_a_warning() -> None:
    assert told(Window(100.0, 300, RESET))["status"] == "allowed_warning"


def test_a_refusal() -> None:
    found = told(Window(100.0, 300, RESET), Window(3.0, 10_080), refused=True, until=RESET + 5)
    assert (found["status"], found["reset"], found["5h-status"], found["7d-status"]) == (
        "rejected",
        str(RESET + 5),
        "rejected",
        "allowed",
    )


def test_nothing_known_is_nothing_said() -> None:
    assert headers(quota(windows=()), NOW) == ()
