"""The entrance check of a server that has only Chat Completions, and the request as the rest of the simulator sees it.

As strict as the strictest servers of that kind: known fields only, each call answered by the messages right behind it,
no empty content, names and arguments as OpenAI's API wants them. Pure. Written apart from the code that it tests.
"""

import re
from typing import Any

import msgspec

from turnout.simulator import catalogue
from turnout.simulator.catalogue import Model
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.rejection import (
    Refused,
    Rejection,
    api_error,
    invalid,
    missing,
    unknown,
    wrong_type,
    wrong_value,
)
from turnout.simulator.request import Request

FIELDS = frozenset(
    {
        "frequency_penalty",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
        "verbosity",
    }
)
REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details")
_MESSAGE_FIELDS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "refusal", "tool_calls", *REASONING_FIELDS},
    "tool": {"role", "content", "tool_call_id"},
}
_PARTS = {
    "system": ("text",),
    "developer": ("text",),
    "user": ("text", "image_url", "file"),
    "assistant": ("text", "refusal"),
    "tool": ("text",),
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CALL_ID_LENGTH = 64


class ChatRules(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a simulated server of this kind takes, and how it answers."""

    refused_fields: frozenset[str] = frozenset()
    """Fields that it does not know, out of those that OpenAI has."""
    developer_role: bool = False
    one_system_message: bool = False
    """Instructions must be the first message, as some models' templates want it."""
    images: bool = True
    reasoning_field: str = "reasoning_content"
    """Where its answers have reasoning; empty: nowhere."""
    wants_reasoning_back: bool = False
    """Refuses calls whose reasoning was not sent back, as DeepSeek's models do while they call tools."""
    call_indexes: bool = True
    """Calls in its streams are numbered; else each comes whole, in one chunk."""
    usage: bool = True
    """Tells the usage where it is asked for."""
    finish_with_done: bool = True
    """Ends streams with ``[DONE]``."""


def check(body: object, headers: dict[str, str], api_key: str, rules: ChatRules) -> Request | Rejection:
    """The request if the server would take it, else the answer it would give. Header names are in lower case."""
    try:
        if headers.get("authorization") != f"Bearer {api_key}":
            raise Refused(api_error("Invalid API key.", code="invalid_api_key", status=401))
        if not isinstance(body, dict):
            raise Refused(api_error("The body is not a JSON object."))
        return _check(body, headers, rules)
    except Refused as refused:
        return refused.rejection


def _check(body: JsonObject, headers: dict[str, str], rules: ChatRules) -> Request:
    for field in body:
        if field not in FIELDS - rules.refused_fields:
            raise unknown(field)
    if not isinstance(body.get("model"), str):
        raise missing("model")
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise missing("messages")
    names = _check_tools(body)
    _check_settings(body, names)
    _check_messages(body["messages"], rules)
    return Request(
        dialect="openai",
        model=catalogue.find(body["model"]) or Model(slug=body["model"]),
        body=_as_responses(body),
        headers=headers,
        account="api",
        plan="api",
        lite=False,
        items=list(_items(body["messages"])),
    )


def _check_tools(body: JsonObject) -> set[str]:
    names: set[str] = set()
    for index, tool in enumerate(body.get("tools", [])):
        place = f"tools[{index}]"
        if set(tool) != {"type", "function"} or tool["type"] != "function":
            raise wrong_value(f"{place}.type", tool.get("type"), ("function",))
        function = tool["function"]
        for field in function:
            if field not in ("name", "description", "parameters", "strict"):
                raise unknown(f"{place}.function.{field}")
        if not _NAME.fullmatch(str(function.get("name", ""))):
            raise invalid(f"Invalid '{place}.function.name'.", f"{place}.function.name")
        if function["name"] in names:
            raise invalid(f"Two functions are called {function['name']}.", place)
        if (
            not isinstance(function.get("parameters", {}), dict)
            or function.get("parameters", {}).get("type") != "object"
        ):
            raise invalid(f"Invalid schema for function '{function['name']}'.", f"{place}.function.parameters")
        names.add(function["name"])
    if body.get("tools") == []:
        raise invalid("Invalid 'tools': empty array.", "tools", "empty_array")
    return names


def _check_settings(body: JsonObject, names: set[str]) -> None:
    choice = body.get("tool_choice")
    if choice is not None and not names:
        raise invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if "parallel_tool_calls" in body and not names:
        raise invalid("'parallel_tool_calls' is only allowed when 'tools' are specified.", "parallel_tool_calls")
    if isinstance(choice, str) and choice not in ("none", "auto", "required"):
        raise wrong_value("tool_choice", choice, ("none", "auto", "required"))
    if isinstance(choice, dict) and (choice.get("type") != "function" or choice["function"]["name"] not in names):
        raise invalid("Tool choice names no function of 'tools'.", "tool_choice")
    if "stream_options" in body and body.get("stream") is not True:
        raise invalid("'stream_options' is only allowed when 'stream' is true.", "stream_options")
    form = body.get("response_format")
    if form is not None and form.get("type") not in ("text", "json_object", "json_schema"):
        raise wrong_value("response_format.type", form.get("type"), ("text", "json_object", "json_schema"))
    if form is not None and form["type"] == "json_schema" and not isinstance(form["json_schema"].get("schema"), dict):
        raise missing("response_format.json_schema.schema")
    if body.get("n", 1) != 1:
        raise invalid("Only one choice is made here.", "n")


def _check_messages(messages: list[JsonObject], rules: ChatRules) -> None:
    waiting: list[str] = []
    seen: set[str] = set()
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        role = message.get("role")
        roles = [name for name in _MESSAGE_FIELDS if name != "developer" or rules.developer_role]
        if role not in roles:
            raise wrong_value(f"{place}.role", role, roles)
        for field in message:
            if field not in _MESSAGE_FIELDS[str(role)]:
                raise unknown(f"{place}.{field}")
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                what = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
                raise invalid(f"Invalid parameter: {what}.", place)
            waiting.remove(message["tool_call_id"])
        elif waiting:
            what = "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
            raise invalid(f"{what} 'tool_call_id'. These had none: {', '.join(waiting)}", place)
        if role in ("system", "developer") and rules.one_system_message and index:
            raise invalid("System message must be at the beginning.", place)
        _check_content(message, place, rules)
        for call in message.get("tool_calls") or ():
            _check_call(call, place, seen)
            waiting.append(call["id"])
        called = message.get("tool_calls") and _is_current(messages, index)
        if called and rules.wants_reasoning_back and not message.get("reasoning_content"):
            raise invalid("The reasoning_content in the thinking mode must be passed back to the API.", place)
    if waiting:
        raise invalid(f"These calls have no tool message: {', '.join(waiting)}", "messages")


def _is_current(messages: list[JsonObject], index: int) -> bool:
    """Whether the user has not spoken since."""
    return all(message["role"] != "user" for message in messages[index:])


def _check_content(message: JsonObject, place: str, rules: ChatRules) -> None:
    content, role = message.get("content"), message["role"]
    if content is None:
        if role != "assistant" or not (message.get("tool_calls") or message.get("refusal")):
            raise missing(f"{place}.content")
        return
    if isinstance(content, str):
        if not content and role != "tool":
            raise invalid(f"Invalid '{place}.content': empty.", f"{place}.content")
        return
    if not isinstance(content, list) or not content:
        raise wrong_type(f"{place}.content", "a string or an array of parts", content)
    for number, part in enumerate(content):
        allowed = [kind for kind in _PARTS[role] if kind != "image_url" or rules.images]
        if part.get("type") not in allowed:
            raise wrong_value(f"{place}.content[{number}].type", part.get("type"), allowed)
        if part["type"] == "text" and not (isinstance(part.get("text"), str) and part["text"]):
            raise missing(f"{place}.content[{number}].text")
        if part["type"] == "image_url" and not str(part["image_url"].get("url", "")).startswith(
            ("data:image/", "http")
        ):
            raise invalid("Invalid image URL.", f"{place}.content[{number}].image_url.url")


def _check_call(call: JsonObject, place: str, seen: set[str]) -> None:
    if set(call) != {"id", "type", "function"} or call["type"] != "function":
        raise invalid(f"Invalid '{place}.tool_calls'.", place)
    if not 0 < len(call["id"]) <= _CALL_ID_LENGTH or call["id"] in seen:
        raise invalid(f"Invalid '{place}.tool_calls.id': {call['id']}.", place)
    seen.add(call["id"])
    if set(call["function"]) != {"name", "arguments"} or not _NAME.fullmatch(call["function"]["name"]):
        raise invalid(f"Invalid '{place}.tool_calls.function'.", place)
    if not isinstance(call["function"]["arguments"], str):
        raise wrong_type(f"{place}.tool_calls.function.arguments", "a string", call["function"]["arguments"])


def _as_responses(body: JsonObject) -> JsonObject:
    """The parts of the body that scenarios and rules look at, under the names by which they know them."""
    form = body.get("response_format") or {}
    shown = {"type": form["type"], **form.get("json_schema", {})} if form else None
    made: JsonObject = {
        "model": body["model"],
        "stream": body.get("stream") is True,
        "store": False,
        "tools": [{"type": "function", **tool["function"]} for tool in body.get("tools", [])],
        "reasoning": {"effort": body.get("reasoning_effort"), "summary": "auto"},
        "text": {"format": shown} if shown else {},
        "prompt_cache_key": body.get("prompt_cache_key"),
        "chat": body,
    }
    return made


def _items(messages: list[JsonObject]) -> list[JsonObject]:
    items: list[JsonObject] = []
    for message in messages:
        role = message["role"]
        if role == "tool":
            output = _texts(message["content"])
            items.append({"type": "function_call_output", "call_id": message["tool_call_id"], "output": output})
            continue
        if message.get("content"):
            kind = "output_text" if role == "assistant" else "input_text"
            role = "developer" if role == "system" else role
            items.append({"type": "message", "role": role, "content": _parts(message["content"], kind)})
        for call in message.get("tool_calls") or ():
            items.append({"type": "function_call", "call_id": call["id"], **call["function"]})
    return items


def _parts(content: Any, kind: str) -> list[JsonObject]:
    if isinstance(content, str):
        return [{"type": kind, "text": content}]
    kinds = {"image_url": "input_image", "file": "input_file"}
    return [{"type": kinds.get(part["type"], kind), "text": part.get("text", "")} for part in content]


def _texts(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)
