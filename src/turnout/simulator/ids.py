"""Made-up identifiers in the shapes that the services use."""

import random
import string

_ALNUM = string.ascii_letters + string.digits

ITEM_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "web_search_call": "ws",
    "image_generation_call": "ig",
    "compaction": "cmp",
    "additional_tools": "at",
}
"""How an item's id begins (codex-backend.md 2.5)."""

CODEX_ID_LENGTH = 400
"""The Codex backend hands out ids of about this length, and refuses them when they come back."""
OPENAI_ID_LENGTH = 53


class Ids:
    """A source of identifiers; the same seed gives the same ones."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def item(self, kind: str, length: int) -> str:
        """An item id of exactly `length` characters."""
        prefix = ITEM_PREFIXES[kind] + "_"
        return prefix + self._hex(length - len(prefix))

    def call(self) -> str:
        return "call_" + "".join(self._random.choices(_ALNUM, k=24))

    def response(self) -> str:
        return "resp_" + self._hex(50)

    def request(self) -> str:
        return "req_" + self._hex(32)

    def turn_state(self) -> str:
        return "ts_" + self._hex(40)

    def nonce(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def obfuscation(self, delta: str) -> str:
        """Padding that hides a delta's length: delta and padding together fill multiples of 16 characters."""
        return "".join(self._random.choices(_ALNUM, k=16 - len(delta) % 16))

    def _hex(self, length: int) -> str:
        return f"{self._random.getrandbits(4 * length):0{length}x}"
