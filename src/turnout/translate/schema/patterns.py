"""Which regular expressions the upstream takes in a tool's schema. Knows nothing of schemas.

The upstream checks a schema twice. Its validator is Python's: a ``pattern`` must be a regular expression to that
(``… is not a 'regex'``: no ``\\p{L}``, no ``(?<name>…)``). And it wants no lookaround (``regex lookaround is not
supported``), as engines without backtracking have none; those have no backreferences either (behaviours.md 13,
peers.md pain 16).
"""

from __future__ import annotations

import re
import warnings

_WIDE = re.compile(
    r"[^\x00-\xff]"
    r"|\\u(?!00)[0-9a-fA-F]{4}"
    r"|\\U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}"
    r"|(?P<other>\\.)",
    re.DOTALL,
)
"""Characters beyond the first 256, and the escapes that must not be mistaken for them."""
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
"""Found anywhere, be the parenthesis escaped: how carefully upstream looks is not known, and to leave a pattern out
costs less than a refused request."""
_TOKEN = re.compile(
    r"\\(?P<escape>.)"
    r"|\[\^?\]?(?:\\.|[^\\\]])*\]"
    r"|(?P<group>\(\?(?:P=|>|\())"
    r"|(?P<possessive>(?:[*+?]|\{\d*,?\d*\})\+)"
    r"|.",
    re.DOTALL,
)
"""A pattern's parts: an escape, a set of characters, the opening of a group that only backtracking engines know, a
repetition that gives nothing back, and all else."""


def is_accepted(pattern: str) -> bool:
    """Whether upstream takes `pattern`."""
    if _LOOKAROUND.search(pattern):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a set such as [[a] is legal; only its future meaning is in doubt
            re.compile(_narrow(pattern))
    except (re.error, OverflowError, RecursionError):
        return False
    return not any(
        token["group"] or token["possessive"] or (token["escape"] or "0") in "123456789"
        for token in _TOKEN.finditer(pattern)
    )


def _narrow(pattern: str) -> str:
    """`pattern` with all wide characters alike: as legal as before, and compiled in no time.

    Python takes milliseconds for each set with a wide range, so a schema could hold up the gateway for hours.
    """
    return _WIDE.sub(lambda found: found["other"] or r"\xff", pattern)
