"""How variables and short commands are written for each shell. Pure: says what a shell would read, runs none."""

from __future__ import annotations

import json
import shlex
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Shell = Literal["bash", "zsh", "fish", "powershell", "cmd"]
Form = Literal["bash", "zsh", "fish", "powershell", "cmd", "json", "dotenv"]
SHELLS: tuple[Shell, ...] = get_args(Shell)
FORMS: tuple[Form, ...] = get_args(Form)


def guess(environ: Mapping[str, str], platform: str) -> Shell:
    """The shell that most likely reads what is printed: that of ``$SHELL``, else the system's usual one."""
    if named := environ.get("SHELL"):
        name = PureWindowsPath(named).stem if platform == "win32" else PurePosixPath(named).name
        if name in SHELLS:
            return name
        if platform != "win32":
            return "bash"  # sh, dash, ksh: what is written for bash is their language too
    if platform == "win32":
        # PowerShell adds the user's own module folder; the bare system has none.
        return "powershell" if "\\documents\\" in environ.get("PSModulePath", "").lower() else "cmd"
    return "zsh" if platform == "darwin" else "bash"


def exports(form: Form, variables: Mapping[str, str]) -> str:
    """What sets the variables, one line each, in that shell's language or file format."""
    if form == "json":
        return json.dumps(dict(variables), indent=2) + "\n"
    write = _SETTERS[form]
    return "".join(write(name, value) + "\n" for name, value in variables.items())


def removals(form: Form, names: Sequence[str]) -> str:
    """What unsets the variables. Of the two file formats only names are given, since a file cannot unset anything."""
    if form == "json":
        return json.dumps(list(names), indent=2) + "\n"
    write = _REMOVERS[form]
    return "".join(write(name) + "\n" for name in names)


def aliases(shell: Shell, program: Sequence[str]) -> str:
    """Two short commands: ``ccy`` starts the gateway if it does not run, then Claude Code; ``cpstop`` stops it.

    ``program`` is how `turnout` is run: one word where it is on PATH.
    """
    match shell:
        case "bash" | "zsh":
            run = shlex.join(program)
            return f'ccy() {{ {run} up --quiet && {run} claude "$@"; }}\ncpstop() {{ {run} down "$@"; }}\n'
        case "fish":
            run = " ".join(word if word.isidentifier() else _fish(word) for word in program)
            return (
                f"function ccy --description 'Claude Code through Turnout'\n"
                f"    {run} up --quiet; and {run} claude $argv\n"
                f"end\nfunction cpstop --description 'Stop Turnout'\n    {run} down $argv\nend\n"
            )
        case "powershell":
            run = (
                program[0]
                if len(program) == 1 and " " not in program[0]
                else f"& {' '.join(map(_powershell, program))}"
            )
            return (
                f"function ccy {{ {run} up --quiet; if ($LASTEXITCODE -eq 0) {{ {run} claude @args }} }}\n"
                f"function cpstop {{ {run} down @args }}\n"
            )
        case "cmd":
            run = " ".join(f'"{word}"' if " " in word else word for word in program)
            return f"doskey ccy={run} up --quiet $T {run} claude $*\ndoskey cpstop={run} down $*\n"


POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"
"""What ends a text in single quotes there: typographic ones do too."""

START_FILES: Mapping[Shell, str] = {
    "bash": "~/.bashrc",
    "zsh": "~/.zshrc",
    "fish": "~/.config/fish/config.fish",
    "powershell": "$PROFILE",
    "cmd": "a file that the AutoRun value of Command Processor in the registry names",
}
"""Where a user puts lines that every new shell reads."""

EVALUATE: Mapping[Shell, str] = {
    "bash": 'eval "$({command})"',
    "zsh": 'eval "$({command})"',
    "fish": "{command} | source",
    "powershell": "{command} | Out-String | Invoke-Expression",
    "cmd": "for /f \"delims=\" %i in ('{command}') do %i",
}
"""How a shell takes in what a command prints, with ``{command}`` in its place."""


def _posix(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(value: str) -> str:
    return "'" + "".join(letter * 2 if letter in POWERSHELL_QUOTES else letter for letter in value) + "'"


def _cmd(name: str, value: str) -> str:
    return f'set "{name}={value.replace("%", "%%")}"'


def _dotenv(name: str, value: str) -> str:
    """In double quotes, which every reader of such files understands; some would take a bare ``#`` for a comment."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'{name}="{escaped}"'


_SETTERS: Mapping[str, Callable[[str, str], str]] = {
    "bash": _posix,
    "zsh": _posix,
    "fish": lambda name, value: f"set -gx {name} {_fish(value)}",
    "powershell": lambda name, value: f"$env:{name} = {_powershell(value)}",
    "cmd": _cmd,
    "dotenv": _dotenv,
}
_REMOVERS: Mapping[str, Callable[[str], str]] = {
    "bash": lambda name: f"unset {name}",
    "zsh": lambda name: f"unset {name}",
    "fish": lambda name: f"set -e {name}",
    "powershell": lambda name: f"Remove-Item Env:{name} -ErrorAction SilentlyContinue",
    "cmd": lambda name: f'set "{name}="',
    "dotenv": lambda name: f"# {name}",
}
