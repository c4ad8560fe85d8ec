"""What a trace may hold: everything but secrets, and the same stand-in for the same secret."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from turnout.ledger.standins import StandIns


def cleaned(value: object) -> Any:
    return msgspec.json.decode(StandIns().json(json.dumps(value).encode()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"encrypted_content": "gAAA"}, {"encrypted_content": "redacted-reasoning-1"}),
        ({"type": "thinking", "signature": "turnout:1:x"}, {"type": "thinking", "signature": "redacted-signature-1"}),
        ({"type": "redacted_thinking", "data": "x"}, {"type": "redacted_thinking", "data": "redacted-signature-1"}),
        ({"type": "text", "data": "x", "signature": "y"}, {"type": "text", "data": "x", "signature": "y"}),
        ({"signature": {"type": "string"}}, {"signature": {"type": "string"}}),
        ({"encrypted_content": ""}, {"encrypted_content": ""}),
        ({"user_id": "just-a-user"}, {"user_id": "redacted-user-1"}),
        (["mail a.b@c.example, d@e.example and a.b@c.example"],) * 2,
        ({"text": "a key sk-abcdefghijklmnopqrst here"}, {"text": "a key redacted-token-1 here"}),
        ({"n": 1.5, "t": True, "z": None, "big": 12345678901234567890}, ...),
    ],
)
def test_what_is_replaced_and_what_is_not(before: Any, after: Any) -> None:
    if after is ...:
        after = before
    elif isinstance(before, list):
        words = "mail email-1@redacted.invalid, email-2@redacted.invalid and email-1@redacted.invalid"
        after = [words]
    assert cleaned(before) == after


def test_the_clients_user_keeps_its_session() -> None:
    inside = {"device_id": "d" * 64, "account_uuid": "acc", "session_id": "the-session"}
    found = json.loads(cleaned({"metadata": {"user_id": json.dumps(inside)}})["metadata"]["user_id"])
    assert found == {
        "device_id": "redacted-installation-1",
        "account_uuid": "redacted-account-1",
        "session_id": "the-session",
    }


def test_an_address_behind_an_escape_keeps_the_escape() -> None:
    arguments = json.dumps({"text": "Dear\nada@example.com"})
    found = cleaned({"arguments": arguments})["arguments"]
    assert json.loads(found) == {"text": "Dear\nemail-1@redacted.invalid"}


def test_headers_show_what_is_known_to_be_harmless() -> None:
    stand_ins = StandIns()
    shown = stand_ins.headers(
        {
            "Authorization": "Bearer secret",
            "X-Api-Key": "secret-2",
            "User-Agent": "claude-cli/2",
            "x-stainless-os": "Linux",
            "Cookie": "session=1",
            "x-codex-installation-id": "inst",
        }
    )
    assert shown == {
        "authorization": "redacted-header-1",
        "x-api-key": "redacted-header-2",
        "user-agent": "claude-cli/2",
        "x-stainless-os": "Linux",
        "cookie": "redacted-header-3",
        "x-codex-installation-id": "redacted-header-4",
    }
    assert stand_ins.headers({"authorization": "Bearer secret"}) == {"authorization": "redacted-header-1"}


def test_the_order_of_fields_stays() -> None:
    assert bytes(StandIns().json(b'{"b": 1, "a": {"d": [1, 2], "c": "\xc3\xa9"}}')) == (
        '{"b":1,"a":{"d":[1,2],"c":"é"}}'.encode()
    )


@pytest.mark.parametrize("data", [b"", b"not json, sk-abcdefghijklmnopqrst", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_told_as_text(data: bytes) -> None:
    found = msgspec.json.decode(StandIns().json(data))
    assert isinstance(found, str)
    assert "sk-" not in found
