"""`turnout logs`: what the gateway has logged."""

from __future__ import annotations

import click


@click.command("logs")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
@click.option(
    "--lines", "-n", type=click.IntRange(0), default=50, show_default=True, help="How many of the last lines."
)
@click.option("--path", is_flag=True, help="Print only where the file is.")
def command(*, follow: bool, lines: int, path: bool) -> None:
    """Show the log of the gateway in the background, and of those that `turnout claude` starts: one line a request.

    A gateway that you started with `turnout serve` logs to its terminal instead; one that a service runs as the
    service does (systemd: `journalctl --user -u turnout`).

    \b
    turnout logs
    turnout logs -f
    turnout logs -n 500 | grep error
    """
    from turnout import paths
    from turnout.launch import log_view
    from turnout.launch.running import find_running

    file = paths.log_file()
    if path:
        click.echo(file)
        return
    info = find_running()
    if info is not None and not info.log:
        where = "as the service that runs it does" if info.supervisor else "to the terminal of `turnout serve`"
        rest = f"In {file}:" if file.exists() else "There is no log of another one."
        click.echo(f"The gateway that runs (process {info.pid}) logs {where}.\n{rest}", err=True)
    elif not file.exists() and not follow:
        raise click.ClickException(f"There is no log yet ({file}).\n  `turnout up` begins one.")
    place = None
    if file.exists():
        place = file.stat().st_size
        for line in log_view.last_lines(file, lines):
            click.echo(line)
    if follow:
        for line in log_view.follow(file, place or 0):
            click.echo(line)
