"""Changes the text of a configuration file as a careful person would: comments, order and style stay. Pure.

TOML goes through tomlkit, YAML through ruamel.yaml; both are imported by whoever edits, not by whoever reads.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from turnout.settings import files, migrations, records
from turnout.settings.leaves import SettingsError, is_section, is_table, leaves, nearest, sections
from turnout.settings.report import without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Change = Callable[[Any], None]

_BARE = re.compile(r"[A-Za-z0-9][\w./@-]*")
HINTS = {False: "#:schema {}", True: "# yaml-language-server: $schema={}"}
"""The first line of a new file, TOML's and YAML's: editors find the schema by it."""

START = """\
{hint}
# Turnout's configuration: only what should differ from the default.
# `turnout config set KEY VALUE` changes this file;
# `turnout config show --origin` says what is in force and why.
{version}
"""


def split(key: str) -> tuple[str, str]:
    """A dotted path as a setting's own path, and the name of an entry where the setting is a table, else empty.

    ``codex.framing.gpt-5.5`` is the entry ``gpt-5.5`` of ``codex.framing``. Raises `SettingsError` for no setting.
    """
    if key in leaves():
        return key, ""
    for path, leaf in leaves().items():
        if is_table(leaf) and key.startswith(f"{path}."):
            entry = key[len(path) + 1 :]
            if not records.split(leaf.type, entry):
                raise SettingsError(f"Turnout does not know the setting {key}.")
            return path, entry
    if is_section(key):
        inside = ", ".join(path for path in leaves() if path.startswith(f"{key}."))
        raise SettingsError(f"{key} is a section. Its settings: {inside}.")
    raise SettingsError(f"Turnout does not know the setting {key}.{nearest(key, sections() | set(leaves()))}")


def with_values(text: str, path: Path, values: Mapping[str, object]) -> str:
    """The file's text with these settings (by dotted path, as `split` takes them) set to these values."""

    def change(document: Any) -> None:
        for key, value in values.items():
            plain = msgspec.to_builtins(value)
            _put(document, key, _quoted(plain) if files.is_yaml(path) else plain)

    changed = _changed(text, path, change)
    found = files.read_text(changed, path).entries
    for key, value in values.items():
        name, entry = split(key)
        read = found.get(name)
        for part in _inside(name, entry):
            read = read.get(part) if isinstance(read, dict) else None
        if msgspec.json.encode(read, order="sorted") != msgspec.json.encode(value, order="sorted"):
            raise SettingsError(f"{key} cannot be set in {path} without a person's help: edit the file yourself.")
    return changed


def _quoted(value: object) -> object:
    """The value for ruamel.yaml, its texts in quotation marks: bare ones it writes in ways that YAML does not read
    back, such as ``{model: :0}``. Plain words stay bare."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, str) and not _BARE.fullmatch(value):
        return DoubleQuotedScalarString(value)
    if isinstance(value, dict):
        return {key: _quoted(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_quoted(inner) for inner in value]
    return value


def without(text: str, path: Path, key: str) -> str:
    """The file's text without this setting, and without a section that is empty then."""
    return _changed(text, path, lambda document: _remove(document, key))


def migrated(text: str, path: Path) -> str:
    """The file's text in the present format."""
    moves = migrations.moves(files.parse(text, path), f"the file {path}")

    def change(document: Any) -> None:
        for move in moves:
            migrations.apply(document, move)
        if migrations.KEY in document:
            document[migrations.KEY] = migrations.PRESENT
        else:
            _first(document, migrations.KEY, migrations.PRESENT)

    return _changed(text, path, change)


def new_file(path: Path, schema: str) -> str:
    """The text that a new file begins with. ``schema`` is where its schema is, as an editor understands it."""
    yaml = files.is_yaml(path)
    version = f"{migrations.KEY}: {migrations.PRESENT}" if yaml else f"{migrations.KEY} = {migrations.PRESENT}"
    return START.format(hint=HINTS[yaml].format(schema), version=version)


def difference(before: str, after: str, path: Path) -> list[str]:
    """What changes, as lines of a unified diff. Secrets are not in it."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{path} (before)", f"{path} (after)", lineterm="", n=2
    )
    return [_hidden(line) for line in lines]


_SECRET_HEADER = re.compile(
    r"""((?:^|[\s{,.\"'+-])["']?(?:[\w-]*(?:api-?key|secret|password|auth)[\w-]*|cookie|x-[\w-]*token)["']?\s*[=:]\s*)"""
    r"""(?!["']?env:)\S.*""",
    re.IGNORECASE,
)
"""A header of an upstream whose value is better given as a variable, and was not."""


@cache
def _secret() -> re.Pattern[str]:
    """Where a secret stands in a line. Made when it is wanted: a gateway rarely shows a difference."""
    names = sorted({re.escape(leaf.name) for leaf in leaves().values() if leaf.secret})
    return re.compile(r"((?:^|[\s{{,.\"'+-])(?:{})[\"']?\s*[=:]\s*)\S.*".format("|".join(names)))


def _hidden(line: str) -> str:
    """The line, cut off where a secret begins."""
    if line[:1] not in "+- ":
        return line
    return without_password(_SECRET_HEADER.sub(r"\1(hidden)", _secret().sub(r"\1(hidden)", line)))


def _changed(text: str, path: Path, change: Change) -> str:
    return _yaml(text, path, change) if files.is_yaml(path) else _toml(text, path, change)


def _toml(text: str, path: Path, change: Change) -> str:
    import tomlkit

    files.parse(text, path)  # says what is wrong with a broken one as the reader does
    document = tomlkit.parse(text)
    change(document)
    changed = tomlkit.dumps(document)
    return changed if changed == text else f"{changed.rstrip()}\n".lstrip("\n")


def _yaml(text: str, path: Path, change: Change) -> str:
    import io

    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.util import load_yaml_guess_indent

    files.parse(text, path)
    document, indent, offset = load_yaml_guess_indent(text)
    if document is None:
        document = CommentedMap()
        if text.strip():  # nothing but comments, which have no place to hang on: they stay in front
            change(document)
            return text.rstrip() + "\n" + _dump(document)
    change(document)
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = 4096
    writer.indent(mapping=indent or 2, sequence=indent or 2, offset=offset or 0)
    out = io.StringIO()
    writer.dump(document, out)
    return out.getvalue()


def _dump(document: Any) -> str:
    import io

    from ruamel.yaml import YAML

    out = io.StringIO()
    YAML().dump(document, out)
    return out.getvalue()


def _put(document: Any, key: str, value: object) -> None:
    path, entry = split(key)
    names = [*path.split("."), *_inside(path, entry)]
    table = document
    for name in names[:-1]:
        if name not in table:
            table[name] = {}
        table = table[name]
    table[names[-1]] = value


def _inside(path: str, entry: str) -> list[str]:
    """The names of an entry on the way into the setting's own table."""
    return records.split(leaves()[path].type, entry) if entry else []


def _remove(document: Any, key: str) -> None:
    path, entry = split(key)
    names = [*path.split("."), *_inside(path, entry)]
    tables = [document]
    for name in names[:-1]:
        if name not in tables[-1]:
            return
        tables.append(tables[-1][name])
    if names[-1] not in tables[-1]:
        return
    del tables[-1][names[-1]]
    for table, name in zip(reversed(tables[:-1]), reversed(names[:-1]), strict=True):
        if table[name]:
            break
        del table[name]


def _first(document: Any, key: str, value: int) -> None:
    """Puts a key in front of the sections."""
    if hasattr(document, "insert"):
        document.insert(0, key, value)  # ruamel.yaml's mapping
    else:
        document[key] = value  # tomlkit puts it behind the last key that stands in no section
