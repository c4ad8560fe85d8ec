"""What each of Claude's names stands for, as lines to print."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from turnout.config import Config


def mapping_lines(config: Config) -> list[str]:
    """One line a name, and behind them what there is to warn of."""
    from turnout.accounts.store import Accounts
    from turnout.discovery.catalogues import Catalogues
    from turnout.gateway.who import Who
    from turnout.routing.mapping import mapping

    plan = Who(Accounts(config, os.environ)).plan()
    lines = mapping(config, Catalogues(os.environ).known(config), plan=plan)
    warnings = dict.fromkeys(warning for line in lines for warning in line.warnings)
    return [*map(str, lines), *(f"{click.style('!', fg='yellow', bold=True)} {warning}." for warning in warnings)]
