"""`turnout setup`: a few questions, from nothing to the first `turnout claude`."""

from __future__ import annotations

import click


@click.command("setup")
@click.option("--again", is_flag=True, help="Ask everything once more, also what has been answered.")
def command(*, again: bool) -> int:
    """Set Turnout up with a few questions: provider, sign-in, models, shell.

    Each answer counts at once, so that you may stop at any question with Ctrl-C: the next `turnout setup` goes on from
    there. Files are changed only where you say yes. Everything it does can be done by single commands as well.

    \b
    turnout setup
    turnout setup --again
    turnout login; turnout claude  all that is needed, without questions
    """
    from turnout.cli import wizard

    return wizard.run(again=again)
