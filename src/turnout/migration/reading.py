"""Reads other tools' files: JSON as people write it, YAML, and the variables that shell start files set."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from pathlib import Path

START_FILES = (".zshrc-codex-proxy", ".zshrc", ".zprofile", ".zshenv", ".bashrc", ".bash_profile", ".profile")
NOT_JSON = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
ASSIGNMENT = re.compile(r"""^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=("[^"\n]*"|'[^'\n]*'|[^\s;#\\]*)""", re.MULTILINE)


def json_file(path: Path) -> dict[str, Any]:
    """A JSON file with comments and commas too many, as several tools allow. Raises `TurnoutError` (`BAD_REQUEST`)."""
    bare = TRAILING_COMMA.sub(lambda found: found[1] or "", NOT_JSON.sub(lambda found: found[1] or "", _content(path)))
    try:
        held = json.loads(bare or "{}")
    except ValueError as error:
        raise _unreadable(path, str(error)) from None
    return held if isinstance(held, dict) else {}


def yaml_file(path: Path) -> dict[str, Any]:
    """A YAML file. Raises `TurnoutError` (`BAD_REQUEST`)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        held = YAML(typ="safe", pure=True).load(_content(path))
    except (YAMLError, ValueError) as error:
        raise _unreadable(path, str(error).splitlines()[0]) from None
    return held if isinstance(held, dict) else {}


def variables(home: Path, names: frozenset[str]) -> dict[str, tuple[str, Path]]:
    """The variables of these names that shell start files set, with the file; the later line of a file counts."""
    found: dict[str, tuple[str, Path]] = {}
    for name in START_FILES:
        path = home / name
        try:
            content = path.read_text("utf-8", "replace")
        except OSError:
            continue
        here = {match[1]: (match[2].strip("\"'"), path) for match in ASSIGNMENT.finditer(content) if match[1] in names}
        found = {**here, **found}
    return {name: value for name, value in found.items() if value[0] and "$" not in value[0]}


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from None


def _unreadable(path: Path, why: str) -> Exception:
    return fail(FailureKind.BAD_REQUEST, f"{path} cannot be read: {why}.", "Nothing was changed.")
