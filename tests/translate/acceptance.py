"""A strict reader of translated requests: raises where upstream might refuse one, or where Turnout promised more.

The simulator's entrance checks are the ones that the real services are known to make (codex-backend.md 2.3 to 2.5).
Beyond them, each call must have exactly one output, and no message may be empty.
"""

from __future__ import annotations

import json
from typing import Any

from turnout.simulator import reasoning
from turnout.simulator.accounts import Account, issue_tokens
from turnout.simulator.checks import LITE_HEADER, World, check
from turnout.simulator.rejection import Rejection

KEY = b"a key for tests"
NOW = 1_795_000_000.0
ACCOUNT = Account()
HEADERS = {
    "authorization": f"Bearer {issue_tokens(ACCOUNT, KEY, now=NOW).access_token}",
    "chatgpt-account-id": ACCOUNT.account_id,
    "version": "0.169.0",
}
WORLD = World(
    key=KEY,
    accounts={ACCOUNT.account_id: ACCOUNT},
    api_key="sk-test",
    require_lite=frozenset(),
    now=NOW,
    recall=lambda _: None,
)


def encrypted_reasoning(thought: str) -> str:
    """The ``encrypted_content`` of a thought of gpt-5.5 that the simulator takes back."""
    nonce = thought.encode().ljust(reasoning.NONCE_BYTES)[: reasoning.NONCE_BYTES]
    return reasoning.issue(KEY, account=ACCOUNT.account_id, model="gpt-5.5", thought=thought, nonce=nonce)


class Refusal(AssertionError):
    """Upstream would not take the request."""


def accept(body: bytes, *, lite: bool = False) -> dict[str, Any]:
    """The request, decoded. Raises `Refusal`."""
    request: dict[str, Any] = json.loads(body.decode("utf-8"), object_pairs_hook=_without_doubles)
    verdict = check(request, {**HEADERS, LITE_HEADER: "true"} if lite else HEADERS, "codex", WORLD)
    if isinstance(verdict, Rejection):
        raise Refusal(verdict.body.decode())
    _check_pairs(request["input"])
    for item in request["input"]:
        if item["type"] == "message":
            _check_message(item)
    return request


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) and "type" in found and "role" in found:
        raise Refusal(f"a key stands twice: {pairs}")
    return found


def _check_pairs(items: list[dict[str, Any]]) -> None:
    waiting: set[str] = set()
    seen: set[str] = set()
    for item in items:
        if item["type"] == "function_call":
            if item["call_id"] in seen:
                raise Refusal(f"two calls with the id {item['call_id']}")
            seen.add(item["call_id"])
            waiting.add(item["call_id"])
        elif item["type"] == "function_call_output":
            if item["call_id"] not in waiting:
                raise Refusal(f"an output without an open call {item['call_id']}")
            waiting.remove(item["call_id"])
    if waiting:
        raise Refusal(f"calls without an output: {waiting}")


def _check_message(item: dict[str, Any]) -> None:
    if not item["content"]:
        raise Refusal("an empty message")
    for part in item["content"]:
        if part["type"] in ("input_text", "output_text") and not part["text"]:
            raise Refusal("an empty text")
