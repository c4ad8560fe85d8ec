"""Has logins renewed: one renewal of a login at a time, each in a process that outlives whoever asked for it.

Among the tasks of this process by sharing the one that runs; among threads and processes by the locks that the renewing
process takes (`turnout.accounts.renewal`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from turnout import log
from turnout.accounts.credential import reveal, secret
from turnout.accounts.renewal import LOCK_SECONDS, SUCCESSOR_SECONDS, Answered, Done, Job
from turnout.accounts.renewer import Order, Report
from turnout.calls import ANSWER_SECONDS
from turnout.config import Config
from turnout.protocol.errors import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.places import Place
    from turnout.accounts.renewal import Reason

COMMAND = ("-P", "-m", "turnout.accounts.renewer")
"""``-P``: what lies in the working folder, any project of the user's, is not taken for a module."""
SPARE_SECONDS = 15.0
"""What a renewal may take beyond the times that it is given: starting a process, writing."""
TRIES = 3
"""How often a renewed login is tried to be put in place after the process that should do it was killed."""
STDERR_SHOWN = 2000
"""Characters of a defect's traceback that go into the log."""


class Refresher:
    """Renewals on behalf of one process. Its methods are called from one event loop."""

    def __init__(self, config: Config, environ: Mapping[str, str], folder: str) -> None:
        """``folder`` holds the registry. The process that renews gets ``environ`` and the settings it needs, only."""
        self._config = Config(accounts=config.accounts, timing=config.timing)
        self._environ = {**os.environ, **environ}
        self._folder = folder
        self._flights: dict[Place, asyncio.Future[Done]] = {}
        self._unwritten: dict[Place, Answered] = {}
        self._seconds = LOCK_SECONDS + SUCCESSOR_SECONDS + config.timing.connect + ANSWER_SECONDS + SPARE_SECONDS

    def unwritten(self, place: Place) -> Answered | None:
        """A renewed login that could not be written yet (a full disk): only this process has it."""
        return self._unwritten.get(place)

    async def refresh(self, place: Place, reason: Reason, *, seen: str, account_id: str) -> Done:
        """Renews the login, unless it is being renewed: then waits for that. See `Job` for ``seen`` and ``account_id``.

        A caller that is cancelled does not end the renewal.
        """
        flight = self._flights.get(place)
        if flight is None:
            unwritten = self._unwritten.get(place)
            job = Job(
                source=place.source,
                path=place.path,
                folder=self._folder,
                reason=reason,
                seen=seen,
                account_id=account_id,
                tokens=unwritten.tokens if unwritten else None,
                replaces=unwritten.replaces if unwritten else "",
            )
            flight = self._flights[place] = _in_thread(lambda: self._fly(job))
            flight.add_done_callback(lambda _: self._flights.pop(place, None))
        return await asyncio.shield(flight)

    async def close(self, seconds: float = 0.0) -> None:
        """Waits for renewals that are under way, at most ``seconds``; they end well without us, too."""
        if self._flights and seconds:
            await asyncio.wait(self._flights.values(), timeout=seconds)

    def _fly(self, job: Job) -> Done:
        """One renewal, in a thread of its own."""
        answered, done = self._run(job)
        for _ in range(TRIES):
            if done is not None or answered is None:
                break
            # The process was killed with the new login in its hands; we have it too.
            log.get().warning("renewal_interrupted", login=job.place.label)
            again = msgspec.structs.replace(job, tokens=answered.tokens, replaces=answered.replaces)
            _, done = self._run(again)
        if answered is None and job.tokens is not None:
            answered = Answered(job.tokens, job.replaces)
        if answered is not None and (done is None or (done.outcome == "failed" and not done.permanent)):
            self._unwritten[job.place] = answered
        else:
            self._unwritten.pop(job.place, None)
        done = done or Done(outcome="failed", failure=INTERRUPTED)
        log.get().info(
            "login_renewal",
            login=job.place.label,
            outcome=done.outcome,
            failure=done.failure.kind if done.failure else None,
            code=done.failure.code or None if done.failure else None,
        )
        return done

    def _run(self, job: Job) -> tuple[Answered | None, Done | None]:
        """Runs the process; what it reported before it ended."""
        options: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        try:
            process = subprocess.Popen(
                [sys.executable, *COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environ,
                **options,
            )
        except OSError as error:
            failure = Failure(
                kind=FailureKind.INTERNAL,
                message=f"The process that renews a login could not be started: {error.strerror}.",
            )
            return None, Done(outcome="failed", failure=failure)
        order = msgspec.json.encode(Order(job, self._config), enc_hook=reveal)
        try:
            out, complaints = process.communicate(order, timeout=self._seconds)
        except subprocess.TimeoutExpired:
            return None, Done(outcome="failed", failure=TOO_LONG)  # it is left to end by itself
        if process.returncode and complaints:
            log.get().error("defect", traceback=complaints.decode("utf-8", "replace")[-STDERR_SHOWN:])
        return _reports(out)


INTERRUPTED = Failure(
    kind=FailureKind.INTERNAL,
    message="The process that renews a login was ended before its time.",
    next_step="Try again; Turnout's log has more.",
)
TOO_LONG = Failure(
    kind=FailureKind.UPSTREAM_TIMEOUT,
    message="The renewal of the login has taken too long.",
    next_step="Try again; it may have been done by then.",
)


def _reports(out: bytes) -> tuple[Answered | None, Done | None]:
    answered: Answered | None = None
    done: Done | None = None
    for line in out.splitlines():
        with contextlib.suppress(msgspec.MsgspecError):  # a line cut short by a kill
            message = msgspec.json.decode(line, type=Report, dec_hook=secret)
            if isinstance(message, Answered):
                answered = message
            else:
                done = message
    return answered, done


def _in_thread(work: Callable[[], Done]) -> asyncio.Future[Done]:
    """Runs it in a thread that nobody has to wait for: neither the loop's end nor the program's."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Done] = loop.create_future()

    def settle(done: Done | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        elif done is not None:
            future.set_result(done)

    def run() -> None:
        done: Done | None = None
        problem: BaseException | None = None
        try:
            done = work()
        except BaseException as error:  # noqa: BLE001 (raised where the result is waited for)
            problem = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, done, problem)

    threading.Thread(target=run, name="turnout-renewal", daemon=True).start()
    return future
