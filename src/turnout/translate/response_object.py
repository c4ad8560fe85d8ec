"""The response object that a client of the Responses API gets: the upstream's, with what the client asked for in it.

The Open Responses specification (2026-04-24, ``ResponseResource``) says which fields each one has; upstreams leave some
out, and echo what they were sent and not what the client has sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from turnout.protocol.reading import NULL, is_null
from turnout.translate.response_tools import echoed_tools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from turnout.protocol.response_create import ResponseCreate

_encode = msgspec.json.encode


def _raw(value: object) -> Raw:
    return Raw(_encode(value))


_USUAL: dict[str, Raw] = {
    "object": _raw("response"),
    "status": _raw("in_progress"),
    "completed_at": NULL,
    "background": _raw(value=False),
    "error": NULL,
    "frequency_penalty": _raw(0.0),
    "incomplete_details": NULL,
    "instructions": NULL,
    "max_output_tokens": NULL,
    "max_tool_calls": NULL,
    "metadata": _raw({}),
    "output": _raw([]),
    "parallel_tool_calls": _raw(value=True),
    "presence_penalty": _raw(0.0),
    "previous_response_id": NULL,
    "prompt_cache_key": NULL,
    "reasoning": _raw({"effort": None, "summary": None}),
    "safety_identifier": NULL,
    "service_tier": _raw("default"),
    "store": _raw(value=False),
    "temperature": _raw(1.0),
    "text": _raw({"format": {"type": "text"}}),
    "tool_choice": _raw("auto"),
    "tools": _raw([]),
    "top_logprobs": _raw(0),
    "top_p": _raw(1.0),
    "truncation": _raw("disabled"),
    "usage": NULL,
    "user": NULL,
}
"""What stands in a response that says nothing else: every field that the specification requires, and ``user``."""
_NEVER_NULL = frozenset(name for name, value in _USUAL.items() if not is_null(value))
_USAGE: dict[str, object] = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
_USAGE_DETAILS: dict[str, dict[str, int]] = {
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
"""The figures that the SDK's types require of ``usage``."""
_ECHOED = ("metadata", "safety_identifier", "tool_choice", "user")
"""Fields that come back as the client has sent them, wherever they went."""


class ResponseObject:
    """One response as its client sees it, from its head to its end."""

    def __init__(self, response_id: str, created_at: int, request: ResponseCreate, *, stored: bool) -> None:
        """`created_at` is in Unix seconds; `stored`: the response can be asked for later."""
        self.id = response_id
        fields, wishes = request.fields, request.wishes
        given = {name: fields[name] for name in _ECHOED if name in fields and not is_null(fields[name])}
        if wishes.text is not None:
            given["text"] = _whole_text(wishes.text)
        self._own: dict[str, Raw] = given | {
            "id": _raw(response_id),
            "object": _USUAL["object"],
            "created_at": _raw(created_at),
            "background": _USUAL["background"],
            "instructions": _raw(wishes.instructions),
            "model": _raw(wishes.model),
            "previous_response_id": _raw(wishes.previous_response_id),
            "prompt_cache_key": _raw(wishes.prompt_cache_key),
            "store": _raw(stored),
            "tools": echoed_tools(wishes.tools),
        }

    def begun(self, upstreams: Mapping[str, Raw], status: str = "in_progress") -> bytes:
        """The object while nothing has been said; `upstreams` is what upstream has sent of its own."""
        return self._with(upstreams, status=_raw(status), output=_raw([]), usage=NULL)

    def ended(self, upstreams: Mapping[str, Raw], status: str, output: Sequence[bytes], now: int) -> bytes:
        """The object at its end, with all that was said. `now` is in Unix seconds."""
        items = Raw(b"[%s]" % b",".join(output))
        completed_at = _raw(now) if status == "completed" else NULL
        usage = _whole_usage(upstreams.get("usage", NULL))
        return self._with(upstreams, status=_raw(status), output=items, completed_at=completed_at, usage=usage)

    def failed(self, code: str, message: str, output: Sequence[bytes]) -> bytes:
        """The object of a response that has failed."""
        items = Raw(b"[%s]" % b",".join(output))
        return self._with({}, status=_raw("failed"), output=items, error=_raw({"code": code, "message": message}))

    def _with(self, upstreams: Mapping[str, Raw], **ours: Raw) -> bytes:
        said = {name: value for name, value in upstreams.items() if name not in _NEVER_NULL or not is_null(value)}
        return _encode({"id": NULL, "object": NULL, "created_at": NULL} | _USUAL | said | self._own | ours)


def _whole_text(given: dict[str, Raw]) -> Raw:
    """``text`` with a format, which is whole: the specification wants a description even where there is none."""
    text = {"format": _raw({"type": "text"})} | given
    if bytes(memoryview(text["format"])[:1]) == b"{":
        form = msgspec.json.decode(text["format"], type=dict[str, Raw])
        if bytes(form.get("type", NULL)) == b'"json_schema"':
            text["format"] = _raw({"description": None, "strict": None} | form)
    return _raw(text)


def _whole_usage(given: Raw) -> Raw:
    """``usage`` with every figure that clients may rely on; null where upstream has told none."""
    try:
        usage = msgspec.json.decode(given, type=dict[str, Any])
    except msgspec.DecodeError:
        return NULL
    for name, figures in _USAGE_DETAILS.items():
        told = usage.get(name)
        usage[name] = figures | told if isinstance(told, dict) else figures
    return _raw(_USAGE | usage)
