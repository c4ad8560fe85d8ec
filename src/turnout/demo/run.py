"""Puts the demo on stage: simulator and gateway on free ports, a scratch project, and one of the clients in front."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from turnout.config import AccountsSettings, CodexSettings, Config, Server
from turnout.demo import claude, sdk, tools
from turnout.demo.events import ConversationError, Event, Tally
from turnout.demo.report import Outcome, conclude
from turnout.demo.story import OF_THE_DEMO, of_claude_code, story
from turnout.gateway.server import RunningGateway
from turnout.interrupts import Ends, interruptible
from turnout.launch.claude import window
from turnout.scratch import ScratchFolder
from turnout.simulator.server import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from turnout.simulator.scenario import Pacing, Scenario


def unseen(event: Event) -> None:
    """Watches nothing."""


def through_sdk(pacing: Pacing, watch: Callable[[Event], None]) -> Outcome:
    """The conversation through the official `anthropic` client."""

    def run(ends: Ends) -> Outcome:
        sdk.load()
        ends.begin()
        with _project() as project:

            def converse(gateway: RunningGateway) -> Iterator[Event]:
                return sdk.converse(gateway.base_url, gateway.token, project)

            return _run("sdk", story(OF_THE_DEMO, pacing), converse, watch, ends)

    return interruptible(run)


def through_claude(program: Path, pacing: Pacing, watch: Callable[[Event], None]) -> Outcome:
    """The conversation through Claude Code, with settings and files of its own."""

    def run(ends: Ends) -> Outcome:
        ends.begin()
        with _project() as project, ScratchFolder("turnout-demo-home-") as home:

            def converse(gateway: RunningGateway) -> Iterator[Event]:
                tokens = window(gateway.config)
                environ = claude.scratch_environment(gateway.base_url, gateway.token, tokens, Path(home))
                return claude.converse(program, environ, project, ends)

            return _run("claude", story(of_claude_code(project), pacing), converse, watch, ends)

    return interruptible(run)


def _run(
    client: str,
    scenario: Scenario,
    converse: Callable[[RunningGateway], Iterator[Event]],
    watch: Callable[[Event], None],
    ends: Ends,
) -> Outcome:
    tally, problem = Tally(), ""
    with _gateway(scenario) as gateway:
        ends.add(lambda: gateway.end(at_once=True))
        try:
            for event in converse(gateway):
                tally.add(event)
                watch(event)
        except ConversationError as error:
            problem = str(error)
    # Read once the gateway has stopped: a request's record is written after its last byte was sent.
    return conclude(client, tally, list(gateway.gateway.last), problem)


@contextmanager
def _gateway(scenario: Scenario) -> Iterator[RunningGateway]:
    """A gateway in front of a simulated Codex backend; with nothing of the user's in it."""
    with ScratchFolder("turnout-demo-login-") as login, Simulator(scenario) as simulator:
        simulator.write_auth_json(Path(login))
        codex = CodexSettings(base_url=simulator.chatgpt_url, home=login)
        accounts = AccountsSettings(folder=login, issuer=simulator.url)
        config = Config(server=Server(port=0), codex=codex, accounts=accounts)
        # The simulated figures must not get among the user's own.
        with RunningGateway(config, environ={**os.environ, "TURNOUT_HOME": login}) as gateway:
            yield gateway


@contextmanager
def _project() -> Iterator[Path]:
    with ScratchFolder("turnout-demo-") as folder:
        # Resolved, because a client may: its tools then speak of the same path as the story.
        project = Path(folder).resolve()
        tools.make_project(project)
        yield project
