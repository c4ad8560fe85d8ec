"""One login in use: read again when its file changes, renewed before it ends, never tried again in a loop."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from turnout import log
from turnout.accounts import documents
from turnout.accounts.account import SourceKind, State
from turnout.accounts.credential import Credential
from turnout.accounts.documents import Login, fingerprint_of
from turnout.accounts.renewal import DUE_SECONDS
from turnout.accounts.words import expired, let_the_owner, other_account, sign_in_again
from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnout.accounts.places import Place, Stamp
    from turnout.accounts.refresh import Refresher
    from turnout.accounts.registry import RegistryFile
    from turnout.accounts.renewal import Reason

LOOK_SECONDS = 1.0
"""Seconds between two looks at a login's file."""
KEYRING_SECONDS = 30.0
"""Seconds between two looks at a keyring entry, which cannot be asked whether it has changed."""
PATIENCE_SECONDS = 30
"""A token with less time left than this is not sent any more while its renewal is under way."""
NEW_SECONDS = 60.0
"""A token that was renewed so recently is not renewed again: whatever is wrong then, it is not the token's age."""
BACKOFF_SECONDS = (2.0, 60.0)
"""Pause after the first renewal that failed for the moment, and the longest one."""
LONGEST_SLEEP = 3600.0
"""Timers do not run while a computer sleeps: the clock is looked at this often."""


class LiveLogin:
    """One login, for one event loop."""

    def __init__(
        self,
        place: Place,
        *,
        name: str,
        account_id: str,
        refresher: Refresher,
        registry: RegistryFile,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``account_id``: whom the login must be for; empty: anyone. ``now`` gives Unix seconds."""
        self.place = place
        self.name = name
        self._account_id = account_id
        self._refresher = refresher
        self._registry = registry
        self._now = now
        self._login: Login | None = None
        self._stamp: Stamp | None = None
        self._looked = self._read_at = float("-inf")
        """Monotonic seconds of the last look at the file, and of its last reading."""
        self._credential: Credential | None = None
        self._good_until = float("-inf")
        """Unix seconds up to which the credential is handed out without a thought."""
        self._refused = ""
        """Fingerprint of the access token that OpenAI has refused."""
        self._renewed: tuple[str, float] = ("", float("-inf"))
        """Fingerprint of the access token that our last renewal brought, and when (monotonic seconds)."""
        self._failure: Failure | None = None
        """Why the last renewal failed for the moment."""
        self._pause = 0.0
        self._again_at = float("-inf")
        """Monotonic seconds before which no renewal is tried."""
        self._verdict: tuple[str, Failure] | None = None
        """The login (its fingerprint) that is not to be renewed any more, and why: if it cannot be written down."""
        self._timer: asyncio.TimerHandle | None = None
        self._renewal: asyncio.Task[Failure | None] | None = None
        self._waking: asyncio.Task[None] | None = None

    async def credential(self) -> Credential:
        """What to send with. See `turnout.accounts.store.Accounts.credential`."""
        if (
            self._credential is not None
            and time.monotonic() - self._looked < LOOK_SECONDS
            and self._now() < self._good_until
        ):
            return self._credential
        login = await self._look()
        left = self._left(login)
        waiting = self._refresher.unwritten(self.place) is not None
        if left > DUE_SECONDS and not waiting:
            return self._hand_out(login)
        if not self._may_renew(login):
            if left <= 0:
                raise TurnoutError(expired(self.place, login, self._now()))
            return self._hand_out(login)
        problem = self._problem(login)
        if problem is None:
            renewing = self._start(login, "proactive_expiry")
            if left > PATIENCE_SECONDS:
                return self._hand_out(login)
            problem = await asyncio.shield(renewing)
            login = await self._look(again=True)
            left = self._left(login)
        if left <= 0:
            raise TurnoutError(problem or expired(self.place, login, self._now()))
        return self._hand_out(login)

    async def renew(self, refused: Credential) -> Credential:
        """What to try once more with. See `turnout.accounts.store.Accounts.renew`."""
        login = await self._look(again=True)
        if login.token != refused.token:
            return self._hand_out(login)
        self._refused = fingerprint_of(login.token)
        self._good_until = float("-inf")
        if not self._may_renew(login):
            raise fail(
                FailureKind.SIGN_IN,
                f"OpenAI refuses the {self.place.owner} login in {self.place.label}.",
                let_the_owner(self.place),
            )
        made, moment = self._renewed
        if made == self._refused and time.monotonic() - moment < NEW_SECONDS:
            raise fail(
                FailureKind.SIGN_IN,
                f"OpenAI refuses the {self.place.owner} login in {self.place.label}, though it was renewed just now.",
                sign_in_again(self.place),
            )
        problem = self._problem(login) or await asyncio.shield(self._start(login, "unauthorized_recovery"))
        login = await self._look(again=True)
        if login.token == refused.token:
            raise TurnoutError(problem or expired(self.place, login, self._now()))
        return self._hand_out(login)

    async def refresh(self, reason: Reason) -> None:
        """Renews now, unless someone else just has. Raises `TurnoutError`."""
        login = await self._look(again=True)
        if not self._may_renew(login):
            raise fail(
                FailureKind.BAD_REQUEST,
                f"The {self.place.owner} login in {self.place.label} is not Turnout's to renew.",
                let_the_owner(self.place),
            )
        problem = await asyncio.shield(self._start(login, reason))
        if problem is not None:
            raise TurnoutError(problem)

    def look_again(self) -> None:
        """The login may have changed: it is looked at before it is used again."""
        self._looked = float("-inf")

    def close(self) -> None:
        """Ends the timer. A renewal that is under way ends by itself."""
        if self._timer is not None:
            self._timer.cancel()
        if self._waking is not None:
            self._waking.cancel()

    # The login as it lies there

    async def _look(self, *, again: bool = False) -> Login:
        """The login as it is now. Raises `TurnoutError` (`SIGN_IN`)."""
        moment, stamp = time.monotonic(), self.place.stamp()
        cannot_tell = self.place.source is SourceKind.CODEX_KEYRING
        unchanged = (
            moment - self._read_at < KEYRING_SECONDS if cannot_tell else stamp is not None and stamp == self._stamp
        )
        if self._login is None or again or not unchanged:
            self._login, self._read_at = None, moment
            if cannot_tell or self.place.pointer() is not None:
                content = await asyncio.to_thread(self.place.read)  # it may wait for a person
            else:
                content = self.place.read()
            login = documents.parse(content, self.place.source, self.place.label)
            unwritten = self._refresher.unwritten(self.place)
            if unwritten is not None and unwritten.replaces == login.fingerprint:
                login = documents.parse(
                    documents.renewed(content, unwritten.tokens, self._now()), self.place.source, self.place.label
                )
            if self._account_id and login.account_id != self._account_id:
                raise TurnoutError(other_account(self.place, login))
            known = self._registry.read().verdict(login.fingerprint)
            if known is not None and known.barred:
                raise fail(FailureKind.SIGN_IN, known.reason, sign_in_again(self.place))
            self._login, self._stamp = login, stamp
            if fingerprint_of(login.token) != self._refused:
                self._refused = ""
        self._looked = moment
        return self._login

    def _left(self, login: Login) -> float:
        """Seconds that the token serves yet; none, if OpenAI has refused both it and its renewal for good.

        A refusal alone does not count: if no renewal can be had for the moment, the token is tried again.
        """
        if self._refused and self._final(login) is not None:
            return float("-inf")
        if login.expires_at is None:
            return float("inf")
        if self._has_left_something(login):
            return min(login.expires_at - self._now(), DUE_SECONDS)
        return login.expires_at - self._now()

    def _has_left_something(self, login: Login) -> bool:
        """Whether a renewal was broken off after its answer had come: there is a successor to be put in place."""
        return self.place.renewable and self.place.pending(login.fingerprint).exists()

    def _hand_out(self, login: Login) -> Credential:
        self._credential = Credential(
            token=login.token,
            account_id=login.account_id if login.kind == "chatgpt" else "",
            expires_at=login.expires_at,
            source=self.place.label,
            account=self.name,
            email=login.email,
            plan=login.plan,
        )
        until_due = self._left(login) - DUE_SECONDS
        self._good_until = self._now() + until_due
        if 0 < until_due < float("inf") and self._may_renew(login):
            self._wake_in(until_due)
        return self._credential

    # Renewing

    def _may_renew(self, login: Login) -> bool:
        return login.kind == "chatgpt" and self.place.renewable

    def _problem(self, login: Login) -> Failure | None:
        """Why no renewal is tried now; None if one may be."""
        if self._renewal is not None and not self._renewal.done():
            return None
        if (final := self._final(login)) is not None:
            return final
        wait = self._again_at - time.monotonic()
        if self._failure is None or wait <= 0:
            return None
        return msgspec.structs.replace(self._failure, retry_after=wait)

    def _final(self, login: Login) -> Failure | None:
        """Why this login is never renewed again; None if it may be."""
        if self._verdict is not None and self._verdict[0] == login.fingerprint:
            return self._verdict[1]
        known = self._registry.read().verdict(login.fingerprint)
        if known is None or known.state is not State.SIGN_IN_AGAIN:
            return None
        return Failure(kind=FailureKind.SIGN_IN, message=known.reason, next_step=sign_in_again(self.place))

    def _start(self, login: Login, reason: Reason) -> asyncio.Task[Failure | None]:
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.get_running_loop().create_task(self._renew(login, reason))
        return self._renewal

    async def _renew(self, login: Login, reason: Reason) -> Failure | None:
        """One renewal; why it failed."""
        done = await self._refresher.refresh(
            self.place, reason, seen=fingerprint_of(login.token), account_id=self._account_id
        )
        if done.failure is None:
            self._failure, self._pause = None, 0.0
            now_there = await self._look(again=True)
            if done.outcome == "renewed":
                self._renewed = (fingerprint_of(now_there.token), time.monotonic())
            self._hand_out(now_there)
            return None
        if done.permanent:
            self._verdict = (login.fingerprint, done.failure)
            log.get().warning("sign_in_again", account=self.name, reason=done.failure.message)
            return done.failure
        first, longest = BACKOFF_SECONDS
        self._pause = min(max(self._pause * 2, first, done.failure.retry_after or 0.0), longest)
        self._failure, self._again_at = done.failure, time.monotonic() + self._pause
        self._wake_in(self._pause)
        return done.failure

    def _wake_in(self, seconds: float) -> None:
        """Looks after the login by itself, so that it is renewed before anyone asks for it."""
        if self._timer is not None:
            self._timer.cancel()
        delay = min(max(seconds, LOOK_SECONDS), LONGEST_SLEEP)
        self._timer = asyncio.get_running_loop().call_later(delay, self.look_after)

    def look_after(self) -> None:
        """Has the login renewed if it is due, and sees to it that this happens again in time."""
        self._waking = asyncio.get_running_loop().create_task(self._look_after())

    async def _look_after(self) -> None:
        try:
            await self.credential()
        except TurnoutError as error:
            log.get().warning("account_not_ready", account=self.name, reason=error.failure.message)
