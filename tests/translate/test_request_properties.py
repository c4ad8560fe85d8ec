"""Whatever a client sends: upstream gets a request that it takes, or the client is told what is wrong with its own."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.translate import acceptance, asking, strategies
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.protocol.messages import decode_request
from turnout.translate.memory import SessionMemory
from turnout.translate.messages_to_responses import Caches, translate
from turnout.translate.tools import ToolsCache
from turnout.translate.translation import Translation

Json = dict[str, Any]

LITE = msgspec.structs.replace(asking.LITE, model="gpt-6-sol")
BARE = msgspec.structs.replace(
    asking.CODEX,
    capabilities=Capabilities(instructions_required=True, encrypted_reasoning=False, images=False, files=False),
    session=None,
    effort=None,
)
TARGETS = (asking.CODEX, LITE, BARE)


def encoded(messages: list[Json], settings: Json) -> bytes:
    return asking.body(*messages, **settings)


def translated(body: bytes, target: Any = asking.CODEX, cache: Caches | None = None) -> Translation | None:
    """The translation, or None if the request was refused for a reason that names what is wrong."""
    try:
        return translate(decode_request(body), target, cache)
    except TurnoutError as error:
        assert error.failure.kind is FailureKind.BAD_REQUEST
        assert error.failure.message.endswith(".")
        assert len(error.failure.message) > 10
        return None


@settings(max_examples=400, deadline=None)
@given(strategies.CONVERSATIONS, strategies.SETTINGS, st.sampled_from(TARGETS))
def test_upstream_takes_whatever_the_history_is_like(messages: list[Json], fields: Json, target: Any) -> None:
    body = encoded(messages, fields)
    try:
        translation = translate(decode_request(body), target)
    except TurnoutError as error:
        # The only things wrong with these requests.
        assert error.failure.message == "messages: there is nothing in them to send." or "tool_choice" in str(error)
        return
    request = acceptance.accept(translation.body, lite=target.framing == "lite")
    assert b"cache_control" not in translation.body
    assert not any(item["type"] == "reasoning" for item in request["input"])  # every signature was foreign or broken
    assert request["model"] == target.model
    assert all(place.place for place in translation.notes)


@settings(max_examples=150, deadline=None)
@given(strategies.CONVERSATIONS, strategies.SETTINGS)
def test_equal_requests_are_translated_to_equal_bytes(messages: list[Json], fields: Json) -> None:
    body = encoded(messages, fields)
    first = translated(body)
    assume(first is not None)
    request = decode_request(body)
    cache = Caches(ToolsCache(), SessionMemory(0))
    assert translate(request, asking.CODEX, cache) == first
    assert translate(request, asking.CODEX, cache) == first  # neither the request nor the cache has changed by it
    assert translate(decode_request(body), asking.CODEX, cache) == first


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mangled_request_is_translated_or_refused_but_never_a_crash(data: st.DataObject) -> None:
    request = {
        "model": "claude-opus-5-5",
        "messages": data.draw(strategies.CONVERSATIONS),
        **data.draw(strategies.SETTINGS),
    }
    for _ in range(data.draw(st.integers(1, 2))):
        request = data.draw(strategies.mangled(request))
        assume(request)
    translated(json.dumps(request).encode(), data.draw(st.sampled_from(TARGETS)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_but_never_a_crash(data: st.DataObject) -> None:
    body = encoded(data.draw(strategies.CONVERSATIONS), data.draw(strategies.SETTINGS))
    start = data.draw(st.integers(0, len(body)))
    damage = st.binary(max_size=4) | st.sampled_from([b"\xff", b"\\ud83d", b"\x00", b'"', b"[" * 3000, b"\xed\xa0\x80"])
    damaged = body[:start] + data.draw(damage) + body[data.draw(st.integers(start, len(body))) :]
    translation = translated(damaged)
    if translation is not None:
        json.loads(translation.body.decode("utf-8"))


@settings(max_examples=150, deadline=None)
@given(strategies.CONVERSATIONS, strategies.SETTINGS)
def test_the_form_of_a_text_makes_no_difference(messages: list[Json], fields: Json) -> None:
    """A string and an array of one text block are the same, and so is everything that is only for the provider."""
    translation = translated(encoded(messages, fields))
    flipped = translated(encoded([_flipped(message) for message in messages], fields))
    assert (translation and translation.body) == (flipped and flipped.body)


def _flipped(message: Json) -> Json:
    """The message as the client sends it on another turn (claude-code-wire.md 11)."""
    content = message["content"]
    if isinstance(content, str):
        mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
        return {"content": [asking.text(content, **mark)], "role": message["role"], "output_config": {"effort": "max"}}
    if len(content) == 1 and content[0]["type"] == "text":
        return {"role": message["role"], "content": content[0]["text"]}
    return {**message, "content": [_moved_mark(block) for block in content]}


def _moved_mark(block: Json) -> Json:
    bare = {name: value for name, value in block.items() if name != "cache_control"}
    return bare if "cache_control" in block else {**bare, "cache_control": {"type": "ephemeral"}}


@settings(max_examples=150, deadline=None)
@given(strategies.CONVERSATIONS, strategies.CONVERSATIONS, strategies.SETTINGS)
def test_a_longer_conversation_begins_with_the_bytes_of_the_shorter(
    past: list[Json], more: list[Json], fields: Json
) -> None:
    """Once every call has its result, nothing that comes later changes what was sent."""
    before = translated(encoded(past, fields))
    assume(before is not None and not any("without a result" in note.reason for note in before.notes))
    after = translated(encoded([*past, *more], fields))
    assert before is not None
    assert after is not None
    assert after.body.startswith(before.body[: -len(b"]}")])
