"""The process that renews logins, killed before step N of its writing: `python killed_renewer.py N LOG`.

A step is a call of `turnout.accounts.atomic` to the system; its name goes into the file LOG before it is done. N may be
`half:N`: half of the bytes of step N, a write, are written before the kill; or `any`: some step, or none.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from turnout.accounts import atomic, renewer

ALL = 12
"""Steps of one renewal."""
ASKED = 4
"""Those before OpenAI is asked."""
STEPS = ("open", "write", "fsync", "lseek", "ftruncate", "close")


class SteppingOs:
    """The module `os` as `turnout.accounts.atomic` sees it."""

    def __init__(self, last: int, half: bool, log: Path) -> None:
        self._left = last
        self._half = half
        self._log = log

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        return self.stepping(name, found) if name in STEPS else found

    def stepping(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            with self._log.open("a") as log:
                log.write(f"{name}\n")
            self._left -= 1
            if self._left == 0:
                if self._half:
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)

        return step


def main() -> int:
    half, number = sys.argv[1].startswith("half:"), sys.argv[1].removeprefix("half:")
    if number == "any":
        # Before anything was asked, it is harmless, and costs the next one a pause: seldom.
        number = str(random.randint(1, ASKED) if random.random() < 0.05 else random.randint(ASKED + 1, 2 * ALL))
    stepping = SteppingOs(int(number), half, Path(sys.argv[2]))
    real = os.replace
    atomic.os = stepping  # type: ignore[assignment]
    os.replace = stepping.stepping("replace", real)
    return renewer.main()


if __name__ == "__main__":
    sys.exit(main())
