"""Writes docs/configuration.md from the configuration's own docstrings and the table of variables, and its schema.

`python tools/configuration.py` writes it, `--check` tells (exit code 1) whether it is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from turnout import settings
from turnout.settings import records
from turnout.settings.schema import FILE_NAME, docstrings, encoded
from turnout.settings.schema import plain as _text
from turnout.variables import OTHER_VARIABLES, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
SCHEMA = PAGE.with_name(FILE_NAME)

HEAD = """\
<!-- Written by tools/configuration.py from src/turnout/config/ and src/turnout/variables.py. Do not edit. -->

# Configuration

Every setting has a default, a place in a file and an environment variable; the most common ones have a flag of
`turnout serve` too. What is said later in this list wins:

1. the default,
2. the user's file: `config.toml`, `config.yaml` or `config.yml` in `~/.config/turnout` (Linux),
   `~/Library/Application Support/turnout` (macOS), `%LOCALAPPDATA%\\turnout` (Windows), or in `$TURNOUT_HOME`;
   only one of them may be there. `turnout serve --config FILE` reads another one,
3. the project's file, `.turnout.toml` in the working folder or the nearest one above: it may set
   [`accounts.use`](#accounts.use), and models and efforts, at the top or of a slot,
4. the environment,
5. flags,
6. what a running gateway was told by `POST /turnout/config`.

`turnout config show --origin` shows what is in force, and where each value came from. [Live
configuration](live-configuration.md) says how to change it, also while a gateway runs.

The file is TOML, or YAML with the same names. Only what should differ from the default has to be in it:

```toml
upstream = "codex"

[server]
port = 4100

[slots.opus]
model = "gpt-6-astra"
effort = "high"

[codex.framing]
"gpt-6-astra" = "lite"
```

A setting that Turnout does not know, or a value that is not allowed, stops the start with a message that names the
place, the value and what is allowed. A misspelt `TURNOUT_*` variable is told and has no effect. An empty variable
counts as not set. Where several variables are listed for a setting, the first one that is set counts.
"""

OTHERS_HEAD = """
## Variables that are no settings

"""

SYSTEM = {
    "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY": "Proxy for the way to the upstream. This machine itself is never "
    "asked for through a proxy.",
    "SSL_CERT_FILE, CODEX_CA_CERTIFICATE": "Files with further certificates (PEM) to trust, as in a company's network.",
    "OPENAI_ORGANIZATION, OPENAI_PROJECT": "Sent along to the OpenAI API, if set.",
    "NO_COLOR": "No colours in what is printed.",
}
"""Variables that other programs know too, and what they mean to Turnout."""


def page() -> str:
    """The whole page."""
    return "".join([HEAD, *_sections(), OTHERS_HEAD, *_other_variables()])


def _sections() -> Iterator[str]:
    documented = docstrings()
    seen = None
    for path, leaf in settings.leaves().items():
        section = path.rpartition(".")[0]
        if section != seen:
            seen = section
            title = f"[{section}]" if section else "At the top"
            slot = documented.get(("Slots", section.rpartition(".")[2]), "") if section.startswith("slots.") else ""
            about = slot or documented[leaf.section.__name__, ""]
            yield f"\n## {title}\n\n{_text(about)}\n"
        variable = next(variable for variable in VARIABLES if variable.path == path)
        names = ", ".join(
            f"`{name}`{' (in milliseconds)' if name in variable.milliseconds else ''}" for name in variable.names
        )
        if variable.negates:
            names += " (a true value switches it off)"
        yield (
            f"\n### {path} {{ #{path} }}\n\n{_text(documented[leaf.section.__name__, leaf.name])}\n\n"
            f"- Allowed: {settings.describe(leaf.type)}\n"
            f"- Default: {_default(leaf)}\n"
            f"- Variable: {names}\n"
        )
        if (record := records.record_of(leaf.type)) is not None:
            yield f"\n{_text(documented[record.__name__, ''])} What stands in it:\n\n"
            yield "| Setting | Allowed | Default | |\n|---|---|---|---|\n"
            yield from _fields(record, "", documented)


def _fields(record: type[msgspec.Struct], prefix: str, documented: dict[tuple[str, str], str]) -> Iterator[str]:
    """The rows of a table about a record."""
    kinds = records.fields(record)
    for field in msgspec.structs.fields(record):
        kind = kinds[field.name]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _fields(kind, f"{prefix}{field.name}.", documented)
            continue
        default = "" if field.default_factory is not msgspec.NODEFAULT else field.default
        shown = (
            "required"
            if field.required
            else "empty"
            if default in ("", ())
            else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        )
        text = _text(documented[record.__name__, field.name])
        yield f"| `{prefix}{field.name}` | {settings.describe(kind)} | {shown} | {text} |\n"


def _default(leaf: settings.Leaf) -> str:
    if leaf.default in ("", (), {}):
        return "empty"
    return f"`{str(leaf.default).lower() if isinstance(leaf.default, bool) else leaf.default}`"


def _other_variables() -> Iterator[str]:
    yield "| Variable | What it does |\n|---|---|\n"
    for name, text in (OTHER_VARIABLES | SYSTEM).items():
        yield f"| {', '.join(f'`{each}`' for each in name.split(', '))} | {text} |\n"


def main(arguments: list[str]) -> int:
    """Writes the page and the schema, or compares them with those that are there."""
    wanted = {PAGE: page(), SCHEMA: encoded()}
    if arguments == ["--check"]:
        stale = [path.name for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
        if stale:
            sys.stderr.write(f"{', '.join(stale)} in docs/ out of date: run `python tools/configuration.py`.\n")
        return 1 if stale else 0
    for path, text in wanted.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
