"""`turnout migrate`: the settings of other tools of this kind, shown, and taken over on request."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.migration.findings import Found
    from turnout.migration.plan import Plan

TOOLS = ("claudex", "ccs", "codex-claude-proxy", "claude-code-router", "litellm")


@click.command("migrate")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--from", "tool", type=click.Choice(TOOLS), help="Only this tool; needed with FILE.")
@click.option("--apply", "applies", is_flag=True, help="Write the settings into your configuration file.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, file: Path | None, tool: str | None, applies: bool, yes: bool, as_json: bool) -> None:
    """Show what Turnout would take over from another tool, and take it over.

    It knows claudex, CCS, codex-claude-proxy, claude-code-router and LiteLLM. Looked at are their files in your home
    folder (LiteLLM's in the working folder) and the variables that they read. Nothing is changed without --apply, and
    nothing of theirs ever. What you have set for Turnout stays. Keys and logins are not copied; the way to them is
    said.

    \b
    turnout migrate
    turnout migrate --from ccs --apply
    turnout migrate --from litellm proxy/config.yaml
    turnout migrate --json
    """
    if file is not None and tool is None:
        raise click.UsageError("Say which tool FILE belongs to: --from")
    from turnout import paths
    from turnout.migration.plan import plan
    from turnout.settings import files

    found = look(file, tool)
    target = files.users_own(os.environ) or paths.config_file()
    planned = plan(found, files.read(target).entries if target.exists() else {})
    if as_json:
        _print_json(found, planned)
    elif not found:
        what = f"of {tool} " if tool else ""
        click.echo(f"Nothing {what}was found. Looked for: {', '.join(TOOLS) if tool is None else tool}.")
    else:
        show(found, planned)
    if applies and planned.takes:
        _apply(target, planned, yes=yes)
    elif planned.takes and not as_json:
        click.echo(f"\nNothing is changed yet. To write this into {target}: turnout migrate --apply")


def look(file: Path | None, tool: str | None) -> list[Found]:
    """What there is of the tool, or of all."""
    from turnout.migration import tools
    from turnout.migration.findings import Around

    if file is not None and tool not in tools.WITH_FILE:
        raise click.UsageError(f"{tool} has no file of its own; leave FILE out.")
    home = os.environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    around = Around(environ=dict(os.environ), home=Path(home) if home else Path.home(), folder=Path.cwd(), file=file)
    wanted = [tool] if tool else TOOLS
    return [found for name in wanted if (found := tools.TOOLS[name](around)) is not None]


def show(found: Sequence[Found], planned: Plan) -> None:
    """What would be taken over, and what not."""
    for each in found:
        click.echo(f"{click.style(each.title, bold=True)}: {', '.join(each.places)}")
    if planned.takes:
        click.echo("\nTo be taken over:")
        width = max(len(take.key) for take in planned.takes)
        for take in planned.takes:
            click.echo(f"  {take.key:<{width}}  {click.style(str(take.value), fg='green')}  ({take.origin})")
    else:
        click.echo("\nThere is no setting to take over.")
    for doubt in _doubts(planned):
        click.echo(f"  {click.style('Note:', fg='yellow', bold=True)} {doubt}")
    left = [*(left for each in found for left in each.left), *planned.left]
    if left:
        click.echo("\nNot taken over:")
        for each_left in left:
            click.echo(f"  {each_left.what}\n    {each_left.why}")


def _doubts(planned: Plan) -> list[str]:
    from turnout.cli import models, options
    from turnout.migration.plan import doubts

    return doubts(planned, models.known(options.load({})))


def _apply(target: Path, planned: Plan, *, yes: bool) -> None:
    from turnout.gateway import config_file
    from turnout.settings import editing

    edit = config_file.prepare(target, lambda text, path: editing.with_values(text, path, planned.values))
    click.echo("")
    for line in edit.difference:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.echo(click.style(line, fg=colour) if colour else line)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Say --yes to write this without being asked.")
        click.confirm("\nWrite this?", abort=True, err=True)
    config_file.write(edit)
    click.echo(f"\n{target} is written. `turnout config show --changed` shows what is in force.")


def _print_json(found: Sequence[Found], planned: Plan) -> None:
    import msgspec

    told = {"found": found, "takes": planned.takes, "left": planned.left}
    click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
