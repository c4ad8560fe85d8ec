"""The client's side of a Responses test: requests by hand, and streams held to the Open Responses specification."""

from __future__ import annotations

import json
from typing import Any

import openresponses_types.types as specified
import pydantic
from openai.types.responses import Response as SdkResponse

from tests.translate import answers
from turnout.protocol.capabilities import CODEX, OPENAI
from turnout.protocol.response_create import ResponseCreate, decode_create
from turnout.translate.response_object import ResponseObject
from turnout.translate.responses_stream import ResponsesStream
from turnout.translate.target import Target

Json = dict[str, Any]

TARGET = Target(model="gpt-5.5", effort=None, account="acct-1", capabilities=CODEX)
API = Target(model="gpt-5.5", effort=None, account="key", capabilities=OPENAI)
MODELS: dict[str, type[pydantic.BaseModel]] = {
    next(iter(model.model_fields["type"].annotation)).value: model
    for name, model in vars(specified).items()
    if name.endswith("StreamingEvent")
}
"""The specification's events by their types."""


def request(given: object = "hi", **fields: object) -> ResponseCreate:
    return decode_create(json.dumps({"model": "gpt-5.5", "input": given, **fields}).encode())


def user(text: str = "hi") -> Json:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def machine(asked: ResponseCreate | None = None, *, stored: bool = False, for_codex: bool = False) -> ResponsesStream:
    made = ResponseObject("resp_ours", int(answers.NOW), asked or request(), stored=stored)
    return ResponsesStream(made, now=answers.NOW, for_codex=for_codex)


def events(data: bytes) -> list[Json]:
    """The events in a stream's bytes; each has the name that it gives itself."""
    found: list[Json] = []
    for block in data.split(b"\n\n"):
        lines = [line for line in block.split(b"\n") if not line.startswith(b":")]
        fields = dict(line.split(b": ", 1) for line in lines if line)
        if fields:
            found.append(json.loads(fields[b"data"]))
            assert found[-1]["type"] == fields[b"event"].decode()
    return found


def hold_to_specification(found: list[Json]) -> None:
    """Each event is as the specification has it (those that it has), and they stand in the order that it wants."""
    for each in found:
        if each["type"] in MODELS:
            MODELS[each["type"]].model_validate(each)
    numbers = [each["sequence_number"] for each in found if "sequence_number" in each]
    assert numbers == sorted(set(numbers)), numbers
    assert found[0]["type"] == "response.created"
    assert found[-1]["type"] in ("response.completed", "response.incomplete", "response.failed")
    opened: set[int] = set()
    for each in found:
        index = each.get("output_index")
        if each["type"] == "response.output_item.added":
            assert index not in opened
            opened.add(index)
        elif index is not None:
            assert index in opened, each
    last = found[-1]["response"]
    specified.ResponseResource.model_validate(last)
    if last["error"] is None:
        SdkResponse.model_validate(last)  # the SDK's list of codes has not all that the Codex CLI knows
