"""Minimal values for a JSON schema: the arguments of a call that the client will accept. Pure."""

from urllib.parse import unquote

from turnout.simulator.jsontypes import JsonObject

MAX_DEPTH = 12
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "PT1S",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "0b1f6d3c-5a7e-4c7e-9d55-51b0a70f0001",
}


def sample_arguments(schema: JsonObject, known: JsonObject) -> JsonObject:
    """An object for a function's parameters: the known values that the schema has, and samples for what is required."""
    required = sample({"type": "object", **schema}, schema)
    fitting = {name: value for name, value in known.items() if _has(schema, name)}
    return {**required, **fitting} if isinstance(required, dict) else fitting


def sample(schema: object, root: JsonObject, depth: int = 0) -> object:
    """The smallest value that fits the schema; `root` resolves `$ref`. Nothing better known: a short text."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return "sample"
    if isinstance(schema.get("$ref"), str):
        return sample(_resolve(schema["$ref"], root), root, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            return sample(schema[key][0], root, depth + 1)
    if isinstance(schema.get("allOf"), list):
        return sample(_merged(schema), root, depth + 1)
    return _by_type(schema, root, depth)


def _by_type(schema: JsonObject, root: JsonObject, depth: int) -> object:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if kind is None and "properties" in schema:
        kind = "object"
    match kind:
        case "object":
            properties = schema.get("properties") or {}
            return {name: sample(properties.get(name), root, depth + 1) for name in schema.get("required") or []}
        case "array":
            return [sample(schema.get("items"), root, depth + 1) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return _text(schema)


def _number(schema: JsonObject) -> float:
    if "minimum" in schema:
        return schema["minimum"]  # type: ignore[no-any-return]
    if "exclusiveMinimum" in schema:
        return schema["exclusiveMinimum"] + 1  # type: ignore[no-any-return]
    return min(1, schema.get("maximum", 1))  # type: ignore[no-any-return]


def _text(schema: JsonObject) -> str:
    text = _FORMATS.get(schema.get("format", ""), "sample")
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def _resolve(reference: str, root: JsonObject) -> object:
    """The schema at a local reference such as `#/$defs/Item`; {} when there is none."""
    found: object = root
    for part in reference.removeprefix("#").split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _merged(schema: JsonObject) -> JsonObject:
    merged: JsonObject = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        if isinstance(part, dict):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", []), *part.get("required", [])]
            merged = {**merged, **part, "properties": properties, "required": required}
    return merged


def _has(schema: JsonObject, name: str) -> bool:
    return name in (schema.get("properties") or {}) or schema.get("additionalProperties") is not False
