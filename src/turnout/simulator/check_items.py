"""Checks of the input items: their fields, ids, content, and that calls and outputs belong together. Pure.

The refusals are those of codex-backend.md 2.4 and 2.5.
"""

import base64
import binascii
import re
from collections.abc import Callable

from turnout.simulator.check_tools import check_lite_tools, check_name, check_tools
from turnout.simulator.ids import ITEM_PREFIXES
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.reasoning import refusal
from turnout.simulator.rejection import (
    Refused,
    api_error,
    detail,
    invalid,
    missing,
    too_long,
    unknown,
    wrong_type,
    wrong_value,
)
from turnout.simulator.request import CALL_TYPES, OUTPUT_TYPES, Dialect

ID_LENGTH = 64
CALL_ID_LENGTH = 64
IMAGE_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF")
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")

_COMMON = {"type", "id", "status", "internal_chat_message_metadata_passthrough"}
ITEM_FIELDS: dict[str, set[str]] = {
    "message": {"role", "content", "phase"},
    "reasoning": {"summary", "content", "encrypted_content"},
    "function_call": {"call_id", "name", "arguments", "namespace", "async", "caller"},
    "function_call_output": {"call_id", "output"},
    "custom_tool_call": {"call_id", "name", "input", "namespace"},
    "custom_tool_call_output": {"call_id", "output"},
    "local_shell_call": {"call_id", "action"},
    "local_shell_call_output": {"call_id", "output"},
    "tool_search_call": {"call_id", "execution", "arguments"},
    "tool_search_output": {"call_id", "execution", "tools"},
    "web_search_call": {"action"},
    "image_generation_call": {"result", "revised_prompt", "output_format", "size"},
    "compaction": {"encrypted_content"},
    "compaction_trigger": set(),
    "context_compaction": {"encrypted_content"},
    "additional_tools": {"role", "tools"},
    "agent_message": {"content", "role"},
    "configuration_update": {"reasoning", "text", "tools"},
}
"""The item types the services know and the fields of each beyond the common ones (codex-backend.md 2.5)."""

PART_TYPES = {
    "user": ("input_text", "input_image", "input_file"),
    "developer": ("input_text", "input_image", "input_file"),
    "system": ("input_text", "input_image", "input_file"),
    "assistant": ("output_text", "refusal"),
    "tool": ("input_text", "input_image", "input_file"),
}
PART_FIELDS = {
    "input_text": {"type", "text"},
    "input_image": {"type", "image_url", "detail", "file_id"},
    "input_file": {"type", "filename", "file_data", "file_id", "file_url", "detail"},
    "output_text": {"type", "text", "annotations", "logprobs"},
    "refusal": {"type", "refusal"},
}


def check_items(
    items: list[object], *, dialect: Dialect, lite: bool, stored: int, verifies: Callable[[str], bool]
) -> None:
    """Every item of `input`; the first `stored` ones are the service's own and are trusted.

    `verifies` tells whether an encrypted_content was issued for this account and model. Raises Refused.
    """
    for index in range(stored, len(items)):
        _check_item(items[index], f"input[{index - stored}]", dialect, lite=lite, verifies=verifies)
    _check_pairs([item for item in items if isinstance(item, dict)])


def _check_item(item: object, param: str, dialect: Dialect, *, lite: bool, verifies: Callable[[str], bool]) -> None:
    if not isinstance(item, dict):
        raise wrong_type(param, "an object", item)
    kind = item.get("type", "message" if "role" in item else None)
    if kind is None:
        raise missing(f"{param}.type")
    if kind not in ITEM_FIELDS:
        raise wrong_value(f"{param}.type", kind, tuple(ITEM_FIELDS))
    for field in item:
        if field not in ITEM_FIELDS[kind] and field not in _COMMON:
            raise unknown(f"{param}.{field}")
    if dialect == "openai" and "internal_chat_message_metadata_passthrough" in item:
        raise unknown(f"{param}.internal_chat_message_metadata_passthrough")
    _check_id(item, kind, param)
    match kind:
        case "message":
            _check_message(item, param, dialect)
        case "reasoning":
            _check_reasoning(item, param, verifies)
        case "function_call" | "custom_tool_call":
            _check_call_id(item, param)
            check_name(item.get("name"), f"{param}.name", dialect)
            _required_text(item, "arguments" if kind == "function_call" else "input", param)
        case "function_call_output" | "custom_tool_call_output":
            _check_call_id(item, param)
            _check_output(item, param, dialect)
        case "compaction" | "context_compaction":
            _check_encrypted(_required_text(item, "encrypted_content", param), verifies)
        case "additional_tools":
            check_tools(item.get("tools"), dialect=dialect, param=f"{param}.tools")
            if lite:
                check_lite_tools(item.get("tools"))


def _check_id(item: JsonObject, kind: str, param: str) -> None:
    identifier = item.get("id")
    if identifier is None:
        return
    param = f"{param}.id"
    if not isinstance(identifier, str):
        raise wrong_type(param, "a string", identifier)
    if len(identifier) > ID_LENGTH:
        raise too_long(param, identifier, ID_LENGTH)
    if not re.fullmatch("[A-Za-z0-9_-]+", identifier):
        message = (
            f"Invalid '{param}': '{identifier}'. Expected an ID that contains letters, numbers, underscores, or "
            "dashes, but this value contained additional characters."
        )
        raise invalid(message, param)
    prefix = ITEM_PREFIXES.get(kind)
    if prefix and not identifier.startswith(prefix):
        message = f"Invalid '{param}': '{identifier}'. Expected an ID that begins with '{prefix}'."
        raise invalid(message, param, "invalid_id_prefix")


def _check_call_id(item: JsonObject, param: str) -> None:
    call_id = _required_text(item, "call_id", param)
    if len(call_id) > CALL_ID_LENGTH:
        raise too_long(f"{param}.call_id", call_id, CALL_ID_LENGTH)


def _required_text(item: JsonObject, field: str, param: str) -> str:
    value = item.get(field)
    if value is None:
        raise missing(f"{param}.{field}")
    if not isinstance(value, str):
        raise wrong_type(f"{param}.{field}", "a string", value)
    return value


def _check_message(item: JsonObject, param: str, dialect: Dialect) -> None:
    role = item.get("role")
    roles = ("assistant", "system", "developer", "user")
    if role is None:
        raise missing(f"{param}.role")
    if role not in roles:
        raise wrong_value(f"{param}.role", role, roles)
    if role == "system" and dialect == "codex":
        raise Refused(detail("System messages are not allowed"))
    if "content" not in item:
        raise missing(f"{param}.content")
    phase = item.get("phase")
    if phase is not None and (role != "assistant" or phase not in ("commentary", "final_answer")):
        raise wrong_value(f"{param}.phase", phase, ("commentary", "final_answer"))
    _check_content(item["content"], f"{param}.content", role, dialect)


def _check_output(item: JsonObject, param: str, dialect: Dialect) -> None:
    if "output" not in item:
        raise missing(f"{param}.output")
    _check_content(item["output"], f"{param}.output", "tool", dialect)


def _check_content(content: object, param: str, role: str, dialect: Dialect) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong_type(param, "one of an array of objects or string", content)
    for index, part in enumerate(content):
        _check_part(part, f"{param}[{index}]", PART_TYPES[role], dialect)


def _check_part(part: object, param: str, allowed: tuple[str, ...], dialect: Dialect) -> None:
    if not isinstance(part, dict):
        raise wrong_type(param, "an object", part)
    kind = part.get("type")
    if kind is None:
        raise missing(f"{param}.type")
    if kind not in allowed:
        raise wrong_value(param, kind, allowed)
    for field in part:
        if field == "prompt_cache_breakpoint":
            message = "prompt_cache_breakpoint is not supported on this model"
            raise Refused(detail(message)) if dialect == "codex" else invalid(message, f"{param}.{field}")
        if field not in PART_FIELDS[kind]:
            raise unknown(f"{param}.{field}")
    match kind:
        case "input_text" | "output_text":
            _required_text(part, "text", param)
        case "refusal":
            _required_text(part, "refusal", param)
        case "input_image":
            _check_image(part, param, dialect)
        case "input_file":
            _check_file(part, param, dialect)


def _check_image(part: JsonObject, param: str, dialect: Dialect) -> None:
    levels = ("low", "high", "auto", "original")
    level = part.get("detail", "auto")
    if level not in levels:
        raise wrong_value(f"{param}.detail", level, levels)
    if dialect == "openai" and part.get("file_id"):
        return
    url = _required_text(part, "image_url", param)
    place = f"{param}.image_url"
    if url.startswith(("http://", "https://")):
        return
    head, comma, data = url.partition(",")
    media_type = head.removeprefix("data:").removesuffix(";base64")
    if not (head.startswith("data:image/") and head.endswith(";base64") and comma):
        message = (
            f"Invalid '{place}'. Expected a base64-encoded data URL with an image MIME type "
            "(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got a value without one."
        )
        raise invalid(message, place)
    try:
        image = base64.b64decode(data, validate=True)
    except binascii.Error:
        image = b""
    if media_type not in IMAGE_TYPES or not image.startswith(IMAGE_SIGNATURES):
        message = (
            "The image data you provided does not represent a valid image. Please check your input and try again "
            f"with one of the following image formats: {list(IMAGE_TYPES)}."
        )
        raise invalid(message, place)


def _check_file(part: JsonObject, param: str, dialect: Dialect) -> None:
    if dialect == "openai" and (part.get("file_id") or part.get("file_url")):
        return
    data = _required_text(part, "file_data", param)
    _required_text(part, "filename", param)
    if not re.match(r"data:[\w.+-]+/[\w.+-]+;base64,", data):
        place = f"{param}.file_data"
        raise invalid(f"Invalid '{place}'. Expected a base64-encoded data URL with a file MIME type.", place)


def _check_reasoning(item: JsonObject, param: str, verifies: Callable[[str], bool]) -> None:
    summary = item.get("summary")
    if summary is None:
        raise missing(f"{param}.summary")
    if not isinstance(summary, list):
        raise wrong_type(f"{param}.summary", "an array of objects", summary)
    for index, part in enumerate(summary):
        if not isinstance(part, dict) or part.get("type") != "summary_text" or not isinstance(part.get("text"), str):
            kind = part.get("type") if isinstance(part, dict) else None
            raise wrong_value(f"{param}.summary[{index}]", kind, ("summary_text",))
    content = item.get("content")
    if content is not None and not isinstance(content, list):
        raise wrong_type(f"{param}.content", "an array of objects", content)
    encrypted = item.get("encrypted_content")
    if encrypted is not None:
        if not isinstance(encrypted, str):
            raise wrong_type(f"{param}.encrypted_content", "a string", encrypted)
        _check_encrypted(encrypted, verifies)
    elif item.get("id"):
        message = (
            f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set to false. "
            "Try again with `store` set to true, or remove this item from your input."
        )
        raise Refused(api_error(message, param="input", status=404))
    elif not content:
        raise missing(f"{param}.encrypted_content")


def _check_encrypted(encrypted: str, verifies: Callable[[str], bool]) -> None:
    if not verifies(encrypted):
        raise Refused(api_error(refusal(encrypted), code="invalid_encrypted_content"))


def _check_pairs(items: list[JsonObject]) -> None:
    """Every call has its output, every output its call, and the call comes first."""
    calls: dict[str, str] = {}
    answered: set[str] = set()
    for item in items:
        kind = str(item.get("type"))
        if kind in CALL_TYPES:
            calls[item["call_id"]] = kind
        elif kind in OUTPUT_TYPES:
            call_id = item["call_id"]
            if calls.get(call_id) != OUTPUT_TYPES[kind]:
                noun = "function call" if kind == "function_call_output" else "custom tool call"
                message = f"No tool call found for {noun} output with call_id {call_id}."
                raise Refused(api_error(message, param="input"))
            answered.add(call_id)
    for call_id, kind in calls.items():
        if call_id not in answered:
            noun = "function call" if kind == "function_call" else "custom tool call"
            raise Refused(api_error(f"No tool output found for {noun} {call_id}.", param="input"))
