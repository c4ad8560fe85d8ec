"""Takes secrets out of texts that are kept. Pure. See also `turnout.log`, which blanks what looks like a token."""

from __future__ import annotations

import re

from turnout.log import TOKEN_LIKE

EMAIL = re.compile(r"(?<!\\)[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")

QUOTED = re.compile(r"""(["'`])(?:(?!\1).){25,}\1""", re.DOTALL)
"""A long quotation: upstreams quote the request in their errors, and that may be a piece of the prompt."""

FAILURE_LENGTH = 400
"""Characters of a failure's text that are kept."""


def of_failure(text: str) -> str:
    """A failure's text as it may be kept: no tokens, no addresses of people, no long quotations."""
    bare = QUOTED.sub(lambda found: f"{found[1]}…{found[1]}", TOKEN_LIKE.sub("(redacted)", text))
    clean = EMAIL.sub("(address)", bare)
    return clean if len(clean) <= FAILURE_LENGTH else f"{clean[: FAILURE_LENGTH - 1]}…"
