"""Which of the options of `turnout claude` are Claude Code's, and which the gateway's."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from turnout.cli import client_flags


def divided(*arguments: str) -> tuple[list[str], dict[str, object], list[str]]:
    """What is passed on, what the gateway is told, and what nobody has looked at."""
    seen: list[tuple[list[str], dict[str, object], list[str]]] = []

    @click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
    @client_flags.given
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    def command(
        *,
        model: str | None,
        effort: str | None,
        reasoning: str | None,
        thinking: str | None,
        fast: bool,
        rest: tuple[str, ...],
    ) -> None:
        passed_on, told = client_flags.divided(
            model=model, effort=effort, reasoning=reasoning, thinking=thinking, fast=fast
        )
        seen.append((passed_on, {name: value for name, value in told.items() if value is not None}, list(rest)))

    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    return seen[0]


@pytest.mark.parametrize(
    ("arguments", "passed_on", "told"),
    [
        ([], [], {}),
        (["--model", "gpt-5.5", "--reasoning", "high"], ["--model", "gpt-5.5"], {"effort": "high"}),
        (["--effort", "max"], ["--effort", "max"], {}),
        (["--effort", "ultra"], [], {"effort": "ultra"}),
        (["--thinking", "xhigh"], [], {"effort": "xhigh"}),
        (["--thinking", "disabled"], ["--thinking", "disabled"], {}),
        (["--fast", "--model", "opus"], ["--model", "opus"], {"tier": "priority"}),
    ],
)
def test_each_goes_where_it_belongs(arguments: list[str], passed_on: list[str], told: dict[str, object]) -> None:
    assert divided(*arguments) == (passed_on, told, [])


def test_what_stands_behind_claude_codes_own_arguments_is_its_own() -> None:
    assert divided("--fast", "-p", "hi", "--model", "opus") == (
        [],
        {"tier": "priority"},
        ["-p", "hi", "--model", "opus"],
    )
