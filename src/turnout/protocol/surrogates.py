"""Half surrogate pairs in JSON text: no characters, yet clients and servers in UTF-16 languages write them.

They come from cutting a text inside an emoji. msgspec refuses them, and so do upstreams (serde).
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Every escape of a JSON text, surrogate pairs as one; an escaped backslash before ``ud800`` is not taken for one."""


def mend(text: bytes) -> bytes:
    """The JSON text with each half pair replaced by U+FFFD. `text` itself if it has none."""
    return _ESCAPES.sub(_mend_escape, text)


def _mend_escape(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["lone"] else escape[0]
