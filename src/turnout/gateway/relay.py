"""Brings one answer from upstream to the client: opens, pumps, keeps alive, gives up, tries again.

Knows when bytes move, not what they say: that is the machine's (`turnout.translate.translation.AnswerStream`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from turnout import log
from turnout.gateway.exchange import ClientGone
from turnout.gateway.watch import Watch
from turnout.protocol.errors import OF_THE_ACCOUNT, Failure, FailureKind, TurnoutError
from turnout.upstream.base import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from turnout.accounts.credential import Credential
    from turnout.config import Timing
    from turnout.gateway.attempts import Attempts
    from turnout.gateway.continuation import Continuation
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.places import Step
    from turnout.gateway.quota import Meter
    from turnout.gateway.sink import Sink
    from turnout.protocol.fidelity import Note
    from turnout.translate.continuation import Pause
    from turnout.translate.translation import AnswerStream
    from turnout.upstream.base import Upstream, UpstreamStream

    Elsewhere = Callable[[Failure, bool], Awaitable[Step | None]]

TAIL_SECONDS = 1.0
"""How long the end of upstream's HTTP answer is waited for, so that its connection can be used again."""

STOPPING = Failure(kind=FailureKind.OVERLOADED, message="Turnout was stopped before the answer was complete.")
DEFECT = Failure(
    kind=FailureKind.INTERNAL,
    message="Turnout failed at this request through a defect of its own.",
    next_step="Its log has the details under this request's id.",
)


class Relay:
    """One answer on its way. Used once."""

    def __init__(
        self,
        exchange: Exchange,
        sink: Sink,
        *,
        upstream: Upstream,
        credential: Credential,
        attempts: Attempts,
        continuation: Continuation,
        timing: Timing,
        on_accepted: Callable[[bytes], None],
        meter: Meter,
        elsewhere: Elsewhere,
    ) -> None:
        """``on_accepted`` is told the body that upstream accepted, once the first of the answer has been written.

        ``elsewhere`` gives where a request goes on whose account's limit is reached, or for which upstream was
        overloaded; None if nowhere.
        """
        self.machine: AnswerStream | None = None
        """The translation of the current attempt; None before the first."""
        self.first_output: float | None = None
        """`time.perf_counter` when upstream's first output had been translated."""
        self.sending: float | None = None
        """When the last attempt began to be sent (`time.perf_counter`)."""
        self.opened: float | None = None
        """When upstream had answered it with its headers."""
        self.rounds = 1
        """Upstream's responses that the answer is made of, one after the other."""
        self.framing = ""
        """Framing of the last attempt, empty before the first."""
        self.tier: str | None = None
        """Service tier that it asked for."""
        self.notes: tuple[Note, ...] = ()
        """What the translation of the request had to say."""
        self._accepted = b""
        """The body that upstream accepted, until `_on_accepted` is told."""
        self._on_accepted = on_accepted
        self._meter = meter
        self._elsewhere = elsewhere
        self._exchange = exchange
        self._sink = sink
        self._upstream = upstream
        self._credential = credential
        self._attempts = attempts
        self._continuation = continuation
        self._stream: UpstreamStream | None = None
        """What upstream is saying."""
        self._timing = timing
        self._task: asyncio.Task[object] | None = None
        self._fresh = False
        """What is sent from now on goes over new connections."""
        self._interruption: Exception | None = None
        self._beating: asyncio.Task[None] | None = None
        self._over = False
        """The client has the whole answer."""

    async def run(self) -> Failure | None:
        """Brings the answer. None once it is delivered, be it with an error event at its end.

        Otherwise the last attempt's failure; nothing was written then. Raises `ClientGone` when the client has left,
        and `TurnoutError` for a request that cannot be translated.
        """
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._exchange.when_gone(self._left)
        watch = Watch(loop, self._timing, beat=self._beat if self._sink.early else None, expire=self._expire)
        try:
            pause = 0.0
            limit: Failure | None = None
            overload: Failure | None = None
            while True:
                try:
                    call, machine = self._prepare()
                except TurnoutError:
                    if limit is None:
                        raise
                    return limit  # it cannot go elsewhere as strictly as it wants: what it met is the answer
                failure = await self._attempt(call, machine, watch, pause)
                if failure is not None and self._attempts.wants_renewal(failure):
                    failure = await self._renew() or failure
                if failure is None:
                    return None
                if failure.kind is FailureKind.USAGE_LIMIT and await self._move(failure):
                    limit, pause = failure, 0.0
                    continue
                again = self._attempts.again(failure, watch.room)
                if again is None and await self._move(failure, accounts=False):
                    limit, overload, pause = failure, None, 0.0
                    continue
                if again is None:
                    # What is wrong with the account that stood in says nothing of the one whose place it took.
                    return overload if overload is not None and failure.kind in OF_THE_ACCOUNT else failure
                if failure.kind is FailureKind.OVERLOADED:
                    self._fresh = True
                    # Without a strict request's reasoning, which another account could not read, it would be refused.
                    if not self._attempts.strict and await self._move(failure):
                        overload = failure
                pause = again
        except asyncio.CancelledError:
            raise self._reason() from None
        finally:
            self._over = True
            watch.stop()
            self._exchange.when_gone(None)
            self._attempts.let_go()

    async def _move(self, failure: Failure, *, accounts: bool = True) -> bool:
        """Turns to where a request may go on after ``failure``; whether there is such a place.

        ``accounts``: another account may be such a place.
        """
        if not self._attempts.held or (step := await self._elsewhere(failure, accounts)) is None:
            return False
        place, target = step.place, step.target
        self._upstream, self._credential = place.upstream, place.credential
        self._attempts.move(target, step.note, elsewhere=step.elsewhere)
        self._fresh = self._fresh and not step.elsewhere
        self._continuation.turn_to(place.upstream)
        self._meter.chosen(place.credential)
        return True

    async def _renew(self) -> Failure | None:
        """Has the refused credential renewed, for one more attempt; why it could not be, if that is known."""
        try:
            renewed = await self._upstream.renew(self._credential)
        except TurnoutError as error:
            return error.failure
        if renewed is not None:
            self._credential = renewed
            self._attempts.renewed()
        return None

    def _prepare(self) -> tuple[Call, AnswerStream]:
        """The next attempt's request, and the machine that will read its answer."""
        translation = self._attempts.translate()
        target = self._attempts.target
        self.notes, self.framing, self.tier = translation.notes, translation.framing, translation.tier
        call = Call(
            body=translation.body,
            model=target.model,
            lite=translation.framing == "lite",
            session=target.session,
            fresh=self._fresh,
            headers=translation.headers,
            request_id=self._exchange.request_id,
            strict=self._attempts.strict,
        )
        self._continuation.begin(translation)
        self.machine = self._attempts.machine(translation, time.time())
        return call, self.machine

    async def _attempt(self, call: Call, machine: AnswerStream, watch: Watch, pause: float) -> Failure | None:
        """Sends the request and pumps the answer. The failure, if there was one before anything was written."""
        try:
            try:
                if pause:
                    await asyncio.sleep(pause)
                self.sending, self.opened = time.perf_counter(), None
                self._stream = await self._upstream.open(call, self._credential)
                self.opened = time.perf_counter()
                self.notes += call.notes
                self._meter.opened(self._credential, self._stream.headers)
                ending = await self._pump(self._stream, call, machine, watch)
                while machine.pause is not None:
                    ending = await self._go_on(ending, machine.pause, call, machine, watch)
            except TurnoutError as error:
                self._meter.refused(error)
                ending = machine.fail(error.failure)
            except asyncio.CancelledError:
                reason = self._reason()
                if not isinstance(reason, TurnoutError):
                    raise reason from None
                self._attempts.let_go()  # whoever interrupted it does not want it sent again
                ending = machine.fail(reason.failure)
            except Exception:  # noqa: BLE001 (told to the client, and logged in full)
                log.get().exception("defect", id=call.request_id)
                ending = machine.fail(DEFECT)
            self._meter.ended(self._credential, machine.failure, machine.rate_limits)
            if not machine.started:
                return machine.failure
            watch.waiting = False
            await self._sink.write(ending, last=True)
            self._over = True
            if self._stream is not None and machine.failure is None and not self._stream.ended:
                await _read_tail(self._stream)
            return None
        finally:
            self._tell_accepted()
            self._continuation.end(call)
            self._close()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    async def _pump(self, stream: UpstreamStream, call: Call, machine: AnswerStream, watch: Watch) -> bytes:
        """Brings bytes over until the machine has what it needs. Gives its last bytes, not yet written."""
        while True:
            data = await stream.read()
            watch.heard()
            out = machine.feed(data) if data else machine.close()
            if out and self.first_output is None and machine.failure is None:
                self.first_output = time.perf_counter()
                # Nothing will be sent again: the bodies need not be kept for as long as the answer takes.
                self._attempts.settle()
                self._accepted = call.body
                self._continuation.accept(call)
            if machine.finished or machine.pause is not None:
                return out
            if out:
                await self._write(out, watch)

    async def _go_on(self, said: bytes, pause: Pause, call: Call, machine: AnswerStream, watch: Watch) -> bytes:
        """Upstream's response is over and the answer is not: makes searches, asks upstream further, and pumps that.

        ``said`` is what is not yet written. Gives the last bytes, not yet written either.
        """
        await self._write(said, watch)
        if self._stream is not None:
            await _read_to_end(self._stream)
        self._close()
        if pause.searches:
            found = await self._continuation.search(pause.searches)
            watch.heard()
            await self._write(machine.answer(found), watch)
        if not pause.goes_on or not self._continuation.extend(call, machine):
            return machine.end()
        self._attempts.count += 1
        self.rounds += 1
        self._stream = await self._upstream.open(call, self._credential)
        return await self._pump(self._stream, call, machine, watch)

    async def _write(self, out: bytes, watch: Watch) -> None:
        if out:
            watch.waiting = False
            await self._sink.write(out)
            watch.told()
            watch.waiting = True
            if self._accepted:
                self._tell_accepted()

    def _tell_accepted(self) -> None:
        """Only now, behind the first bytes that the client was waiting for."""
        body, self._accepted = self._accepted, b""
        if body:
            self._on_accepted(body)

    # Interruptions: each cancels the relay's own task, which finds the reason here

    def _interrupt(self, reason: Exception) -> None:
        if self._over or self._interruption is not None or self._task is None:
            return
        self._interruption = reason
        self._task.cancel()

    def _reason(self) -> Exception:
        """Why the relay's task was cancelled, and the cancellation taken back. Without a reason it is the server's."""
        if self._task is not None:
            self._task.uncancel()
        reason, self._interruption = self._interruption, None
        return reason or TurnoutError(STOPPING)

    def _left(self) -> None:
        self._interrupt(ClientGone())

    def _expire(self, waiting: bool) -> None:
        if not waiting:
            self._interrupt(ClientGone())  # it has taken nothing for as long: it will not any more
            return
        seconds = f"{self._timing.upstream_idle:g}"
        self._interrupt(
            TurnoutError(
                Failure(
                    kind=FailureKind.UPSTREAM_TIMEOUT,
                    message=f"The upstream has sent nothing for {seconds} seconds and counts as dead.",
                    next_step="Try again; TURNOUT_UPSTREAM_IDLE_SECONDS sets the time.",
                )
            )
        )

    # Keep-alive

    def _beat(self) -> None:
        if self._beating is None or self._beating.done():
            self._beating = asyncio.get_running_loop().create_task(self._say_something())
            self._beating.add_done_callback(self._beaten)

    async def _say_something(self) -> None:
        """Tells the client that it is not forgotten; the first time, that its answer begins."""
        machine = self.machine
        if machine is None or machine.finished:
            return
        out = machine.keepalive() if machine.started else machine.open()
        self._attempts.let_go()  # what was written cannot be taken back: from here on a failure is an event
        await self._sink.write(out)

    def _beaten(self, beating: asyncio.Task[None]) -> None:
        if not beating.cancelled() and (error := beating.exception()) is not None:
            self._interrupt(_as_exception(error))


async def _read_tail(stream: UpstreamStream) -> None:
    """The same, once the client has its answer: that the client leaves then is no matter any more."""
    with contextlib.suppress(asyncio.CancelledError):
        await _read_to_end(stream)


async def _read_to_end(stream: UpstreamStream) -> None:
    """Reads upstream's response to its end, which is all but there once the last event was.

    If it is not, the connection is closed instead of kept, nothing else.
    """
    with contextlib.suppress(TurnoutError, TimeoutError):
        async with asyncio.timeout(TAIL_SECONDS):
            while not stream.ended and await stream.read():
                pass


def _as_exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(repr(error))
