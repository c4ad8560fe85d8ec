"""What the simulated model says in the demo: a scenario for the simulator, with the tools of either client. Pure."""

from __future__ import annotations

import sys
from pathlib import PurePath
from typing import Any

import msgspec

from turnout.simulator.scenario import FunctionCall, Message, Pacing, Reasoning, Scenario, Turn

MODEL = "claude-opus-5-5"
"""The model that the clients ask for: Claude Code's own default (claude-code-wire.md 0)."""

TASK = "The tests of this project fail. Read cart.py, run the tests, and tell me what is wrong and how to mend it."

TOOL_CALLS = 2

EVIDENCE = ("def total", "190 != 180")
"""What only a tool that really ran can have found: the file's text, and the failing test's figures."""

UNHURRIED = Pacing(first_byte=0.25, item=0.1, delta=0.015)
"""As a model feels that thinks well and writes fast."""

QUICK = Pacing(first_byte=0.02)
"""For those who want the figures only."""


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that read the file and run the tests, in one client's terms."""

    read: tuple[str, dict[str, Any]]
    run: tuple[str, dict[str, Any]]


OF_THE_DEMO = Tools(
    read=("read_file", {"path": "cart.py"}),
    run=("run_command", {"command": "python -m unittest -q"}),
)
"""The two tools that the demo itself gives the model (`turnout.demo.tools`)."""


def of_claude_code(project: PurePath) -> Tools:
    """Claude Code's own tools, at work on a project folder."""
    python = PurePath(sys.executable).name
    return Tools(
        read=("Read", {"file_path": str(project / "cart.py")}),
        run=("Bash", {"command": f"{python} -m unittest -q", "description": "Run the project's tests"}),
    )


SUSPICION = (
    "**Looking at the code first**\n\n"
    "The user says that the tests fail. Before I guess, I want to see what `total` promises and what it does with the "
    "discount."
)

CHECK = (
    "**Checking the suspicion**\n\n"
    "The docstring speaks of percent, yet the discount is taken off as money. That would give 190 where 180 is right. "
    "The tests will tell."
)

CONFIRMED = "**Confirmed**\n\n190 against 180: just the case that I expected."

ANSWER = (
    "`total` takes the discount off as money, not as a percentage: for 80 + 120 with a discount of 10 it gives 190, "
    "and the test rightly expects 180.\n\n"
    "The mend is one line in cart.py:\n\n"
    "    return sum(prices) * (1 - discount / 100)\n\n"
    "With it both tests pass, and `describe` is right as well, since it uses `total`."
)


def story(tools: Tools, pacing: Pacing) -> Scenario:
    """Thinks, reads the file, thinks, runs the tests, thinks, answers."""
    (read, read_arguments), (run, run_arguments) = tools.read, tools.run
    return Scenario(
        name="demo",
        pacing=pacing,
        turns=[
            Turn(output=[Reasoning(summary=[SUSPICION]), FunctionCall(name=read, arguments=read_arguments)]),
            Turn(output=[Reasoning(summary=[CHECK]), FunctionCall(name=run, arguments=run_arguments)]),
            Turn(output=[Reasoning(summary=[CONFIRMED]), Message(text=ANSWER, phase="final_answer")]),
        ],
    )
