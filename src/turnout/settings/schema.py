"""The configuration's JSON Schema, for editors: made of the types and the docstrings in `turnout.config`. Pure."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from typing import Any

import msgspec

from turnout import config
from turnout.settings import backends, files, migrations
from turnout.settings.leaves import leaves

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE_NAME = "turnout.schema.json"


def schema() -> dict[str, Any]:
    """The schema of a configuration file, TOML or YAML."""
    (made,), parts = msgspec.json.schema_components([config.Config], ref_template="#/$defs/{name}")
    documented = docstrings()
    secrets = {(leaf.section.__name__, leaf.name) for leaf in leaves().values() if leaf.secret}
    for name, part in parts.items():
        part["title"] = plain(documented.get((name, ""), name))
        part.pop("description", None)
        for field, kind in part.get("properties", {}).items():
            text = documented.get((name, field), "")
            if "$ref" in kind or "anyOf" in kind or text:
                kind["description"] = plain(text) if text else plain(documented.get((_referred(kind), ""), field))
            if "$ref" in kind:
                kind.pop("default", None)  # its parts say theirs
            if field == "model" and kind.get("type") == "string":
                kind["anyOf"] = [{"type": kind.pop("type")}, {"type": "array", "items": {"type": "string"}}]
            if (name, field) in secrets:
                kind["writeOnly"] = True
    top = parts.pop(made["$ref"].rsplit("/", 1)[-1])
    top["properties"] |= {
        migrations.KEY: {
            "description": "Number of this file's format.",
            "type": "integer",
            "minimum": migrations.FIRST,
            "maximum": migrations.PRESENT,
        },
        backends.SECTION: {"description": "The section of the same name of llm-interactive-proxy.", "type": "object"},
        files.SCHEMA: {"description": "Where this schema is, for editors.", "type": "string"},
    }
    return {"$schema": DIALECT, **top, "title": "Turnout's configuration", "$defs": dict(sorted(parts.items()))}


def encoded() -> str:
    """The schema as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def docstrings() -> dict[tuple[str, str], str]:
    """The texts in `turnout.config`: (section, field) → the string under the field; (section, "") → the section's."""
    found: dict[tuple[str, str], str] = {}
    records = [each for each in vars(config).values() if isinstance(each, type) and issubclass(each, config.Section)]
    sources = [inspect.getsource(sys.modules[name]) for name in sorted({each.__module__ for each in records})]
    for node in (node for source in sources for node in ast.parse(source).body):
        if not isinstance(node, ast.ClassDef):
            continue
        found[node.name, ""] = ast.get_docstring(node) or ""
        for field, after in zip(node.body, node.body[1:], strict=False):
            match field, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[node.name, name] = text
    return found


def plain(docstring: str) -> str:
    """Docstring markup as Markdown: double backticks become single ones, names of our own notes stay out."""
    without_sources = re.sub(r" \([\w-]+\.md [\d.]+\)", "", docstring)
    return " ".join(without_sources.replace("``", "`").split())


def _referred(kind: dict[str, Any]) -> str:
    reference = kind.get("$ref") or next((each["$ref"] for each in kind.get("anyOf", ()) if "$ref" in each), "")
    return str(reference).rsplit("/", 1)[-1]
