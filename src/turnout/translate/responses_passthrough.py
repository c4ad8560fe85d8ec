"""A Responses client's request → the same request as the upstream takes it, as bytes. Pure.

What the upstream's capabilities allow goes on unchanged. The rest is said otherwise, or left out with a note on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail
from turnout.protocol.fidelity import Note, approximated, dropped, ignored, mapped
from turnout.protocol.reading import is_null
from turnout.translate.body import Beginning, joined, whole_body
from turnout.translate.response_items import ADDITIONAL_TOOLS, has_additional_tools, legal_items
from turnout.translate.response_tools import ClientTools, client_tools
from turnout.translate.translation import Translation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from turnout.protocol.response_create import ResponseCreate, Wishes
    from turnout.translate.target import Framing, Target

ENCRYPTED_REASONING = "reasoning.encrypted_content"

_OWN = frozenset(
    {
        "background",
        "codex_capabilities",
        "extra_body",
        "generate",
        "include",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "prompt_cache_key",
        "reasoning",
        "reasoning_effort",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
        "turnout",
        "type",
    }
)
"""Fields that are dealt with one by one, or say nothing to the upstream."""
_NEUTRAL: dict[str, frozenset[bytes]] = {
    "context_management": frozenset({b"[]"}),
    "frequency_penalty": frozenset({b"0", b"0.0"}),
    "metadata": frozenset({b"{}"}),
    "presence_penalty": frozenset({b"0", b"0.0"}),
    "temperature": frozenset({b"1", b"1.0"}),
    "top_logprobs": frozenset({b"0"}),
    "top_p": frozenset({b"1", b"1.0"}),
    "truncation": frozenset({b'"disabled"'}),
}
"""Values that say what is so anyway."""
_WITHOUT_EFFECT = frozenset(
    {
        "client_metadata",
        "metadata",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "user",
    }
)
"""Fields that do not change what is answered."""
_ELSEWHERE = {
    "conversation": "Send the conversation in input, or the last answer's id as previous_response_id.",
    "prompt": "Send the prompt itself, as instructions or in input.",
}
"""Fields that name what is stored upstream: without them the request would be another one. What to send instead."""

_encode = msgspec.json.encode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_name = msgspec.json.Decoder(str).decode
_DEVELOPER = b'{"type":"message","role":"developer","content":%s}'
_LITE_TOOLS = b'{"type":"additional_tools","role":"developer","tools":[%s]}'
_NAMESPACE = b'{"type":"namespace","name":"functions","description":"","tools":[%s]}'


def translate(request: ResponseCreate, items: Sequence[Raw], target: Target) -> Translation:
    """The request as `target` wants it; `items` is the whole conversation.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    capabilities = target.capabilities
    notes: list[Note] = []
    tools = client_tools(request.wishes.tools, capabilities)
    notes += tools.notes
    made = legal_items(items, target, notes)
    framing = _framing(items, tools, target, notes)
    if has_additional_tools(items) and not capabilities.lite_framing:
        tools, made = _taken_out(tools, made, notes)
    if framing == "lite":
        made = [*_lite_beginning(request.wishes, tools), *made]
    if not made and not request.wishes.previous_response_id:
        raise fail(FailureKind.BAD_REQUEST, "input: there is nothing in it to send.")
    allowed = capabilities.fields | capabilities.client_fields
    sent = [(name, value) for name, value in _fields(request, tools, target, framing, notes) if name in allowed]
    head = joined(sent)
    return Translation(
        body=whole_body(head, made),
        full_names={},
        stop_sequences=(),
        notes=tuple(notes),
        framing=framing,
        tier=target.tier if "service_tier" in capabilities.fields else None,
        cleaners={},
        search=None,
        beginning=Beginning.of(sent, head),
    )


def not_found(response_id: str) -> TurnoutError:
    """The error for a conversation whose beginning is not there: clients send all of it then (codex-backend.md 7)."""
    return TurnoutError(
        Failure(
            kind=FailureKind.BAD_REQUEST,
            message=f"previous_response_id: Previous response with id '{response_id[:80]}' not found.",
            next_step="Send the whole conversation in input.",
            code="previous_response_not_found",
        )
    )


# Framing (codex-backend.md 2.3)


def _framing(items: Sequence[Raw], tools: ClientTools, target: Target, notes: list[Note]) -> Framing:
    """A client that has put its request in lite framing (the Codex CLI) has it sent so."""
    if not target.capabilities.lite_framing:
        return "plain"
    if has_additional_tools(items):
        return "lite"
    if target.framing == "lite" and tools.hosted:
        notes.append(mapped("tools", "sent in plain framing, since only that has the upstream's own tools"))
        return "plain"
    return target.framing


def _lite_beginning(wishes: Wishes, tools: ClientTools) -> list[bytes]:
    """What plain framing has in fields of their own."""
    own = []
    if tools.tools:
        functions = [tool for tool in tools.tools if b'"namespace"' not in tool[:40]]
        spaces = [tool for tool in tools.tools if b'"namespace"' in tool[:40]]
        if functions:
            spaces.insert(0, _NAMESPACE % b",".join(functions))
        own.append(_LITE_TOOLS % b",".join(spaces))
    if wishes.instructions:
        own.append(_DEVELOPER % _encode(wishes.instructions))
    return own


class _Listed(msgspec.Struct):
    type: str = ""
    name: str = ""
    tools: list[Raw] | None = None


def _taken_out(tools: ClientTools, items: list[bytes], notes: list[Note]) -> tuple[ClientTools, list[bytes]]:
    """The tools out of the items, for an upstream that knows no lite framing."""
    found = list(tools.tools)
    kept: list[bytes] = []
    for item in items:
        listed = msgspec.json.decode(item, type=_Listed) if b"additional_tools" in item[:200] else _Listed()
        if listed.type != ADDITIONAL_TOOLS:
            kept.append(item)
            continue
        for tool in listed.tools or ():
            space = msgspec.json.decode(tool, type=_Listed)
            inner = space.tools or () if space.type == "namespace" else (tool,)
            found += [bytes(each) for each in inner]
    notes.append(mapped("input", "tools among the items were sent as tools: the upstream knows no lite framing"))
    return msgspec.structs.replace(tools, tools=tuple(found)), kept


# Fields


def _fields(
    request: ResponseCreate, tools: ClientTools, target: Target, framing: Framing, notes: list[Note]
) -> Iterable[tuple[str, bytes]]:
    """Every field but ``input``, in wire order; the caller drops those that the upstream does not take."""
    capabilities, fields, wishes = target.capabilities, request.fields, request.wishes
    plain = framing == "plain"
    yield "model", _encode(target.model)
    if plain and (wishes.instructions is not None or capabilities.instructions_required):
        yield "instructions", _encode(wishes.instructions or "")
    if plain and tools.tools:
        yield "tools", b"[%s]" % b",".join(tools.tools)
    if not is_null(wishes.tool_choice):
        yield "tool_choice", bytes(wishes.tool_choice).replace(b"web_search_preview", b"web_search")
    parallel = fields.get("parallel_tool_calls")
    if not plain:
        yield "parallel_tool_calls", b"false"
    elif parallel is not None and not is_null(parallel):
        yield "parallel_tool_calls", bytes(parallel)
    if reasoning := _reasoning(fields, target, framing):
        yield "reasoning", reasoning
    yield "store", b"false"
    yield "stream", b"true"
    if included := _included(wishes, target, notes):
        yield "include", _encode(included)
    if target.session:
        yield "prompt_cache_key", _encode(target.session)
    if target.tier is not None:
        yield "service_tier", _encode(target.tier)
    for name, value in fields.items():
        if name not in _OWN and not is_null(value) and _goes_on(name, bytes(value), target, notes):
            yield name, bytes(value)


def _goes_on(name: str, value: bytes, target: Target, notes: list[Note]) -> bool:
    """Whether a field of the client's is sent. Says so if it is not."""
    capabilities = target.capabilities
    if name in capabilities.fields or name in capabilities.client_fields:
        return True
    if value in _NEUTRAL.get(name, ()):
        return False
    if name in _ELSEWHERE:
        raise fail(FailureKind.BAD_REQUEST, f"{name}: the upstream keeps nothing of that kind.", _ELSEWHERE[name])
    if name == "previous_response_id":
        raise not_found(_decode_name(value))
    if name in _WITHOUT_EFFECT:
        notes.append(ignored(name, "the upstream does not take it"))
    elif name == "max_output_tokens":
        notes.append(approximated(name, "was not passed on: the upstream does not take it"))
    else:
        notes.append(dropped(name, "the upstream does not take it"))
    return False


def _reasoning(fields: dict[str, Raw], target: Target, framing: Framing) -> bytes:
    """``reasoning`` with the route's effort in place of the client's; empty if nothing is to be said."""
    given = fields.get("reasoning")
    made: dict[str, Raw] = {} if given is None or is_null(given) else _decode_object(given)
    if target.effort:
        made["effort"] = Raw(_encode(target.effort))
    if framing == "lite":
        made["context"] = Raw(b'"all_turns"')
    made = {name: value for name, value in made.items() if not is_null(value)}
    return _encode(made) if made else b""


def _included(wishes: Wishes, target: Target, notes: list[Note]) -> list[str]:
    """``include``. Encrypted reasoning is always in it: the upstream keeps nothing from one request to the next."""
    takes = target.capabilities.includes
    asked = list(wishes.include or ())
    included = [name for name in asked if takes is None or name in takes]
    if left := [name for name in asked if name not in included]:
        notes.append(dropped("include", f"the upstream gives no {', '.join(left)[:200]}"))
    if target.capabilities.encrypted_reasoning and ENCRYPTED_REASONING not in included:
        included.append(ENCRYPTED_REASONING)
    return included
