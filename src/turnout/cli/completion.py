"""`turnout completion`: what makes a shell complete Turnout's commands and options."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, ClassVar

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, get_completion_class

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "_TURNOUT_COMPLETE"
"""What click asks for when a shell wants completions."""
SHELLS = ("bash", "zsh", "fish", "powershell")


@click.command("completion")
@click.argument("shell", required=False, type=click.Choice(SHELLS), metavar="[SHELL]")
def command(shell: str | None) -> None:
    """Print what makes your shell complete Turnout's commands, options and names.

    SHELL is bash (4.4 or newer), zsh, fish or powershell; left out, it is your own.

    \b
    eval "$(turnout completion)"                     in ~/.bashrc or ~/.zshrc
    turnout completion fish > ~/.config/fish/completions/turnout.fish
    turnout completion powershell | Out-String | Invoke-Expression    in $PROFILE
    """
    from turnout.cli.root import root
    from turnout.launch import shells

    wanted = shell or shells.guess(os.environ, sys.platform)
    if wanted == "cmd":
        raise click.ClickException("The command prompt cannot be taught completions. Use PowerShell.")
    register()
    found = get_completion_class(wanted)
    assert found is not None  # those of SHELLS are there
    click.echo(found(root, {}, "turnout", VARIABLE).source())


def register() -> None:
    """Lets click know the shell that it does not know by itself."""
    add_completion_class(PowerShell)


class PowerShell(ShellComplete):
    """Windows' shell, which click does not know."""

    name: ClassVar[str] = "powershell"
    source_template: ClassVar[str] = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($word, $tree, $cursor)
    $env:%(complete_var)s = 'powershell_complete'
    $env:_TURNOUT_COMPLETE_LINE = $tree.ToString().Substring(0, [Math]::Min($cursor, $tree.ToString().Length))
    $env:_TURNOUT_COMPLETE_WORD = $word
    %(prog_name)s | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
    }
    Remove-Item Env:%(complete_var)s, Env:_TURNOUT_COMPLETE_LINE, Env:_TURNOUT_COMPLETE_WORD
}
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        return words(os.environ)

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.value}\t{item.help}" if item.help else f"{item.value}"


def words(environ: Mapping[str, str]) -> tuple[list[str], str]:
    """The whole words before the cursor and the begun one, as PowerShell's line gives them."""
    begun = environ.get("_TURNOUT_COMPLETE_WORD", "")
    line = environ.get("_TURNOUT_COMPLETE_LINE", "")
    before = line[: len(line) - len(begun)] if begun and line.endswith(begun) else line
    return before.split()[1:], begun
