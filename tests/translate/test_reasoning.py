"""The envelope brings encrypted reasoning back byte for byte, and reads nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.translate.reasoning import account_in, beginning, item_in, seal, unseal

IDS = st.from_regex(r"rs_?[A-Za-z0-9_-]{1,60}", fullmatch=True) | st.sampled_from(["", None])
NAMES = st.text(max_size=12) | st.sampled_from(["acct-1", "org/model:beta", "50%", "%3A", 'say "hi"\n', "größe"])
CIPHERS = st.text(min_size=1, max_size=30) | st.sampled_from(["gAAAA-_=", "a+/=", "hex.61", "hex.", ":", '"\\', "a\nb"])


@settings(max_examples=300, deadline=None)
@given(NAMES, NAMES, IDS, CIPHERS)
def test_what_is_sealed_comes_back_the_same(account: str, model: str, item_id: str | None, cipher: str) -> None:
    signature = seal(account, model, item_id, cipher)
    sealed = unseal(signature)
    assert sealed is not None
    named = {"id": item_id} if item_id else {}
    assert (sealed.account, sealed.model) == (account, model)
    assert json.loads(sealed.item) == {"type": "reasoning", **named, "summary": [], "encrypted_content": cipher}
    begin = beginning(account, model)
    assert signature.startswith(begin)
    assert item_in(signature[len(begin) :]) == sealed.item


@settings(max_examples=200, deadline=None)
@given(NAMES, NAMES, IDS, CIPHERS | st.just(""))
def test_a_signature_needs_no_escapes_in_json_or_in_an_event(
    account: str, model: str, item_id: str | None, cipher: str
) -> None:
    signature = seal(account, model, item_id, cipher).decode("ascii")
    assert json.dumps(signature) == f'"{signature}"'
    assert signature.isprintable()


def test_the_layout_is_version_1() -> None:
    assert seal("acct-1", "gpt-5.5", "rs_1", "gAAAA=") == b"turnout:1:acct-1:gpt-5.5:rs_1:gAAAA="


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=40) | st.binary(max_size=30).map(lambda rest: b"turnout:1:" + rest))
def test_any_bytes_are_read_or_left_alone(signature: bytes) -> None:
    sealed = unseal(signature)
    if sealed is not None:
        assert signature.startswith(b"turnout:1:")
        assert json.loads(sealed.item)["encrypted_content"]


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"EqQBCgIYAhIkNativeAnthropicSignature==",
        b"turnout:2:acct-1:gpt-5.5:rs_1:gAAAA",
        b"turnout:1:acct-1:gpt-5.5:rs_1",
        b"turnout:1:acct-1:gpt-5.5:rs_1:gAAAA:more",
        b"turnout:1:acct-1:gpt-5.5:rs_1:",
        b'turnout:1:acct-1:gpt-5.5:rs_1:g"AAA',
        b"turnout:1:acct-1:gpt-5.5:rs_1:g\\/AAA",
        b"turnout:1:acct-1:gpt-5.5:rs_1:g\xffAAA",
        b"turnout:1:acct-1:gpt-5.5:msg_1:gAAAA",
        b"turnout:1:acct-1:gpt-5.5:rs_" + b"1" * 70 + b":gAAAA",
        b"turnout:1:acct-1:gpt-5.5:rs_1:hex.zz",
        b"turnout:1:acct-1:gpt-5.5:rs_1:hex.ff",
        b"turnout:1:acct\xff:gpt-5.5:rs_1:gAAAA",
        b"turnout:1:acct-1:%FF:rs_1:gAAAA",
        b"TURNOUT:1:acct-1:gpt-5.5:rs_1:gAAAA",
    ],
)
def test_foreign_and_damaged_signatures_are_left_alone(signature: bytes) -> None:
    assert unseal(signature) is None


@pytest.mark.parametrize("item_id", [None, "", "rs", "msg_1", "rs_" + "a" * 400, 'rs_"', "rs_ü"])
def test_an_id_that_upstream_would_not_take_back_is_left_out(item_id: str | None) -> None:
    sealed = unseal(seal("acct-1", "gpt-5.5", item_id, "gAAAA"))
    assert sealed is not None
    assert "id" not in json.loads(sealed.item)


@pytest.mark.parametrize("account", ["5f0c2a9d", "größe", "a:b"])
def test_the_account_of_a_messages_reasoning_is_found_without_reading_it(account: str) -> None:
    blocks = [
        {"type": "thinking", "thinking": "", "signature": seal("other", "m", None, "gAAA").decode()},
        {"type": "thinking", "thinking": "x", "signature": seal(account, "m", None, "gAAA").decode()},
        {"type": "text", "text": "y"},
    ]
    assert account_in(json.dumps({"role": "assistant", "content": blocks}).encode()) == account


@pytest.mark.parametrize("message", [b"", b"{}", b'"turnout:1:', b'{"signature": "EqQB"}'])
def test_without_reasoning_of_ours_there_is_no_account(message: bytes) -> None:
    assert account_in(message) == ""
