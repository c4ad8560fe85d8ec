"""Writes docs/configuration.md from the configuration's own docstrings and the table of variables.

`python tools/configuration.py` writes it, `--check` tells (exit code 1) whether it is out of date.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from turnout import config, settings
from turnout.variables import OTHER_VARIABLES, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"

HEAD = """\
<!-- Written by tools/configuration.py from src/turnout/config.py and src/turnout/variables.py. Do not edit. -->

# Configuration

Every setting has a default, a place in a file and an environment variable; the most common ones have a flag of
`turnout serve` too. What is said later in this list wins:

1. the default,
2. the user's file: `config.toml` in `~/.config/turnout` (Linux), `~/Library/Application Support/turnout` (macOS),
   `%LOCALAPPDATA%\\turnout` (Windows), or in `$TURNOUT_HOME`; `turnout serve --config FILE` reads another one,
3. the project's file, `.turnout.toml` in the working folder or the nearest one above: it may set
   [`accounts.use`](#accounts.use), and models and efforts, at the top or of a slot,
4. the environment,
5. flags.

The file is TOML. Only what should differ from the default has to be in it:

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


def _default(leaf: settings.Leaf) -> str:
    if leaf.default in ("", (), {}):
        return "empty"
    return f"`{str(leaf.default).lower() if isinstance(leaf.default, bool) else leaf.default}`"


def _other_variables() -> Iterator[str]:
    yield "| Variable | What it does |\n|---|---|\n"
    for name, text in (OTHER_VARIABLES | SYSTEM).items():
        yield f"| {', '.join(f'`{each}`' for each in name.split(', '))} | {text} |\n"


def docstrings() -> dict[tuple[str, str], str]:
    """The texts in `turnout.config`: (section, field) → the string under the field; (section, "") → the section's."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(config)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        found[node.name, ""] = ast.get_docstring(node) or ""
        for field, after in zip(node.body, node.body[1:], strict=False):
            match field, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[node.name, name] = text
    return found


def _text(docstring: str) -> str:
    """Docstring markup as Markdown: double backticks become single ones, names of our own notes stay out."""
    without_sources = re.sub(r" \([\w-]+\.md [\d.]+\)", "", docstring)
    return " ".join(without_sources.replace("``", "`").split())


def main(arguments: list[str]) -> int:
    """Writes the page, or compares it with the one that is there."""
    wanted = page()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text("utf-8") == wanted:
            return 0
        sys.stderr.write("docs/configuration.md is out of date: run `python tools/configuration.py`.\n")
        return 1
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
