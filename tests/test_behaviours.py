"""Each behaviour that users of such gateways rely on (behaviours.md) has a test that is named after its number."""

from __future__ import annotations

import re
from pathlib import Path

BEHAVIOURS = 40


def test_no_behaviour_is_without_a_test() -> None:
    files = Path(__file__).parent.rglob("test_*.py")
    names = (
        name
        for file in files
        for name in re.findall(r"^ *(?:async )?def (test_\d\d_\w+)", file.read_text("utf-8"), re.M)
    )
    held = {int(name.split("_")[1]) for name in names}
    assert held == set(range(1, BEHAVIOURS + 1))
