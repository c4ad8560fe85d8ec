"""Checks of tools, tool choices and JSON schemas, with the refusals of codex-backend.md 2.3 to 2.5. Pure."""

import re
from collections.abc import Callable

import msgspec

from turnout.simulator.check_search import check_web_search
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.rejection import Refused, api_error, detail, invalid, missing, too_long, unknown, wrong_type
from turnout.simulator.rejection import wrong_value as wrong
from turnout.simulator.request import Dialect

NAME_PATTERN = "^[a-zA-Z0-9_-]+$"
NAME_LENGTH: dict[Dialect, int] = {"codex": 64, "openai": 128}
"""The API's schema allows 128 for Responses function names; the Codex backend is kept at the safe 64."""

CODEX_TOOL_TYPES = (
    "function",
    "custom",
    "web_search",
    "image_generation",
    "local_shell",
    "tool_search",
    "namespace",
)
OPENAI_TOOL_TYPES = (
    *CODEX_TOOL_TYPES,
    "web_search_preview",
    "file_search",
    "code_interpreter",
    "computer_use_preview",
    "mcp",
    "shell",
    "apply_patch",
)
FUNCTION_FIELDS = frozenset({"type", "name", "description", "parameters", "strict", "defer_loading", "async"})
CUSTOM_FIELDS = frozenset({"type", "name", "description", "format", "defer_loading"})
TOP_LEVEL_COMBINATORS = ("oneOf", "anyOf", "allOf", "enum", "not")
FOREIGN_SCHEMA_KEYS = ("$schema", "$id")
_LOOKAROUND = re.compile(r"\(\?<?[=!]")

_Refuse = Callable[[str], Refused]
"""Makes a refusal out of a reason."""
_Path = tuple[str, ...]


def check_tools(tools: object, *, dialect: Dialect, param: str = "tools") -> None:
    """The `tools` array, namespaces included."""
    if not isinstance(tools, list):
        raise wrong_type(param, "an array of objects", tools)
    for index, tool in enumerate(tools):
        _check_tool(tool, f"{param}[{index}]", dialect)


def check_lite_tools(tools: object) -> None:
    """Responses Lite takes only tools that the client runs (codex-backend.md 2.3)."""
    for index, tool in enumerate(tools if isinstance(tools, list) else []):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind == "namespace":
            check_lite_tools(tool.get("tools"))
        elif kind not in ("function", "custom") and not (kind == "tool_search" and tool.get("execution") == "client"):
            message = (
                f"Unsupported value: '{kind}' is not supported when using X-OpenAI-Internal-Codex-Responses-Lite. "
                f"Only function, custom and client-executed tool_search tools are supported (tools[{index}])."
            )
            raise invalid(message, "tools", "unsupported_value")


def check_tool_choice(choice: object, offered: list[JsonObject]) -> None:
    """`tool_choice` against the tools that are offered."""
    modes = ("none", "auto", "required")
    if isinstance(choice, str):
        if choice not in modes:
            raise wrong("tool_choice", choice, modes)
        if choice == "required" and not offered:
            raise invalid(f"Tool choice '{choice}' must be specified with 'tools' parameter.", "tool_choice")
        return
    if not isinstance(choice, dict):
        raise wrong_type("tool_choice", "one of an object or string", choice)
    kind = choice.get("type")
    if kind == "allowed_tools":
        return
    if not isinstance(kind, str):
        raise missing("tool_choice.type")
    if kind in ("function", "custom"):
        name = choice.get("name")
        if not isinstance(name, str):
            raise missing("tool_choice.name")
        found = any(tool.get("type") == kind and tool.get("name") == name for tool in offered)
    else:
        found = any(tool.get("type") == kind for tool in offered)
    if not found:
        raise invalid(f"Tool choice '{kind}' not found in 'tools' parameter.", "tool_choice")


def check_name(name: object, param: str, dialect: Dialect) -> None:
    """A tool's or call's name."""
    if name is None:
        raise missing(param)
    if not isinstance(name, str):
        raise wrong_type(param, "a string", name)
    if len(name) > NAME_LENGTH[dialect]:
        raise too_long(param, name, NAME_LENGTH[dialect])
    if not re.fullmatch(NAME_PATTERN, name):
        message = (
            f"Invalid '{param}': string does not match pattern. "
            f"Expected a string that matches the pattern '{NAME_PATTERN}'."
        )
        raise invalid(message, param)


def check_parameters(name: str, schema: object, param: str, *, strict: bool) -> None:
    """A function's `parameters`: an object schema that the service's validator takes."""
    code = "invalid_function_parameters"

    def refuse(reason: str) -> Refused:
        return invalid(f"Invalid schema for function '{name}': {reason}", param, code)

    kind = schema.get("type") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or kind != "object":
        raise refuse(f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'.")
    if any(key in schema for key in TOP_LEVEL_COMBINATORS):
        raise refuse(
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
        )
    if not isinstance(schema.get("properties"), dict):
        raise refuse("In context=(), object schema missing properties.")
    for path, node in _nodes(schema, ()):
        for key in FOREIGN_SCHEMA_KEYS:
            if key in node:
                raise refuse(f"In context={path!r}, '{key}' is not permitted.")
        required = node.get("required", [])
        if not isinstance(required, list):
            raise refuse(f"{_show(required)} is not of type 'array'")
        if node.get("type") == "array" and "items" not in node and "prefixItems" not in node:
            raise refuse(f"In context={path!r}, array schema missing items.")
        _check_pattern(node, path, refuse)
        if strict and (node.get("type") == "object" or "properties" in node):
            _check_strict_object(node, path, required, refuse)


def check_format(text_format: JsonObject) -> None:
    """`text.format`, structured output included."""
    kinds = ("json_object", "json_schema", "text")
    kind = text_format.get("type")
    if kind not in kinds:
        raise wrong("text.format.type", kind, kinds)
    if kind != "json_schema":
        return
    for field in ("name", "schema"):
        if field not in text_format:
            raise missing(f"text.format.{field}")
    check_name(text_format["name"], "text.format.name", "codex")
    schema = text_format["schema"]
    if not isinstance(schema, dict) or schema.get("type") != "object":
        kind = schema.get("type") if isinstance(schema, dict) else None
        message = (
            f"Invalid schema for response_format '{text_format['name']}': "
            f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
        )
        raise invalid(message, "text.format.schema", "invalid_json_schema")
    if text_format.get("strict"):

        def refuse(reason: str) -> Refused:
            message = f"Invalid schema for response_format '{text_format['name']}': {reason}"
            return invalid(message, "text.format.schema", "invalid_json_schema")

        for path, node in _nodes(schema, ()):
            if node.get("type") == "object" or "properties" in node:
                _check_strict_object(node, path, node.get("required", []), refuse)


def _check_tool(tool: object, param: str, dialect: Dialect) -> None:
    if not isinstance(tool, dict):
        raise wrong_type(param, "an object", tool)
    kind = tool.get("type")
    if kind is None:
        raise missing(f"{param}.type")
    allowed = CODEX_TOOL_TYPES if dialect == "codex" else OPENAI_TOOL_TYPES
    if kind not in allowed:
        if dialect == "codex" and kind in OPENAI_TOOL_TYPES:
            raise Refused(detail(f"Unsupported tool type: {kind}"))
        raise wrong(f"{param}.type", kind, allowed)
    match kind:
        case "function":
            _check_function(tool, param, dialect)
        case "custom":
            _check_fields(tool, CUSTOM_FIELDS, param)
            check_name(tool.get("name"), f"{param}.name", dialect)
        case "web_search":
            check_web_search(tool, param, dialect)
        case "namespace":
            check_name(tool.get("name"), f"{param}.name", dialect)
            check_tools(tool.get("tools"), dialect=dialect, param=f"{param}.tools")


def _check_function(tool: JsonObject, param: str, dialect: Dialect) -> None:
    _check_fields(tool, FUNCTION_FIELDS, param)
    name = tool.get("name")
    check_name(name, f"{param}.name", dialect)
    if not isinstance(tool.get("description", ""), str | None):
        raise wrong_type(f"{param}.description", "a string", tool["description"])
    # The service takes an absent `strict` for true, which most clients do not expect (codex-backend.md 2.5).
    strict = tool.get("strict", True)
    if not isinstance(strict, bool | None):
        raise wrong_type(f"{param}.strict", "a boolean", strict)
    check_parameters(str(name), tool.get("parameters"), f"{param}.parameters", strict=strict is not False)


def _check_fields(tool: JsonObject, known: frozenset[str], param: str) -> None:
    for field in tool:
        if field not in known:
            raise unknown(f"{param}.{field}")


def _check_strict_object(node: JsonObject, path: _Path, required: list[object], refuse: _Refuse) -> None:
    if node.get("additionalProperties") is not False:
        raise refuse(f"In context={path!r}, 'additionalProperties' is required to be supplied and to be false.")
    for key in node.get("properties", {}):
        if key not in required:
            raise refuse(
                f"In context={path!r}, 'required' is required to be supplied and to be an array including every key "
                f"in properties. Missing '{key}'."
            )


def _check_pattern(node: JsonObject, path: _Path, refuse: _Refuse) -> None:
    patterns = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    keyed = node.get("patternProperties")
    patterns += keyed if isinstance(keyed, dict) else []
    for pattern in patterns:
        if _LOOKAROUND.search(pattern):
            place = ".".join(("$", *path, "pattern"))
            message = f"Invalid JSON schema: regex lookaround is not supported. Found at {place}."
            raise Refused(api_error(message, code="invalid_function_parameters"))
        try:
            re.compile(pattern)
        except re.error:
            raise refuse(f"{pattern!r} is not a 'regex'") from None


def _nodes(schema: JsonObject, path: _Path) -> list[tuple[_Path, JsonObject]]:
    """The schema and all schemas inside it, each with its path."""
    found = [(path, schema)]
    for key in ("properties", "$defs", "definitions", "patternProperties"):
        children = schema.get(key)
        if isinstance(children, dict):
            for name, child in children.items():
                if isinstance(child, dict):
                    found += _nodes(child, (*path, key, name))
    for key in ("items", "additionalProperties", "not", "propertyNames", "contains"):
        if isinstance(schema.get(key), dict):
            found += _nodes(schema[key], (*path, key))
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        children = schema.get(key)
        if isinstance(children, list):
            for index, child in enumerate(children):
                if isinstance(child, dict):
                    found += _nodes(child, (*path, key, str(index)))
    return found


def _show(value: object) -> str:
    return "None" if value is None else msgspec.json.encode(value).decode()
