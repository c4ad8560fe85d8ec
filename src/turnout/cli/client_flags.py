"""Options of `turnout claude` that are said in Claude Code's words: which are for it, and which for the gateway. Pure.

They are taken here and passed on, so that Turnout's own options may stand behind them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from turnout.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., Any]")

OWN_EFFORTS = ("low", "medium", "high", "xhigh", "max")
"""Efforts that Claude Code knows; others it ignores (claude-code-wire.md 1)."""


def given(command: Command) -> Command:
    """``--model``, ``--effort``, ``--reasoning``, ``--thinking`` and ``--fast``."""
    command = options.fast(command)
    command = click.option(
        "--thinking", metavar="EFFORT", help="The same; also Claude Code's own option of that name."
    )(command)
    command = click.option(
        "--reasoning",
        type=click.Choice(options.EFFORTS),
        help="Effort of every request of the session, whatever Claude Code asks for.",
    )(command)
    command = click.option(
        "--effort", metavar="EFFORT", help="Claude Code's effort, for this session's own requests; /effort changes it."
    )(command)
    return click.option(
        "--model",
        metavar="NAME",
        help="Claude Code's model: a name of Claude's or any other, gpt-6-astra or gpt-6-sol@low.",
    )(command)


def divided(
    *, model: str | None, effort: str | None, reasoning: str | None, thinking: str | None, fast: bool
) -> tuple[list[str], dict[str, object]]:
    """The arguments to pass on to Claude Code, and the settings of its gateway."""
    passed_on: list[str] = []
    if model is not None:
        passed_on += ["--model", model]
    if thinking in options.EFFORTS:
        reasoning = reasoning or thinking
    elif thinking is not None:
        passed_on += ["--thinking", thinking]
    if effort in options.EFFORTS and effort not in OWN_EFFORTS:
        reasoning = reasoning or effort
    elif effort is not None:
        passed_on += ["--effort", effort]
    return passed_on, options.slot_flags(None, reasoning, fast=fast)
