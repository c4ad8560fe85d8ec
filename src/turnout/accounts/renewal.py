"""The renewal of one login, from the lock to the disk: the one place where a refresh token is used up.

Refresh tokens are single-use, so that everything here serves one end: nobody else uses the token meanwhile (the locks),
it is not used if someone else just has (read again under the lock), its successor can be kept before it is asked for
(the replacement is made ready first), and whoever finds a successor that was not put in place finishes the work.

It blocks: it runs in a process of its own (`turnout.accounts.renewer`). Time and network come in as arguments.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from filelock import FileLock, Timeout

from turnout.accounts import atomic, documents, keyring_entries, places
from turnout.accounts.account import SourceKind, State
from turnout.accounts.claims import identity
from turnout.accounts.documents import Login, fingerprint_of
from turnout.accounts.places import Place
from turnout.accounts.registry import RegistryFile, Verdict
from turnout.accounts.token_client import TokenError
from turnout.accounts.tokens import Tokens
from turnout.accounts.words import other_account, sign_in_again
from turnout.protocol.errors import Failure, FailureKind, TurnoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

DUE_SECONDS = 300
"""A token that ends within this time is renewed, as the Codex CLI does (codex-backend.md 1.4)."""
LOCK_SECONDS = 60.0
"""How long others may hold the locks: a renewal of theirs takes as long as the network does."""
SUCCESSOR_SECONDS = 3.0
"""How long a token's successor is waited for once it turns out that someone else has used the token: the Codex CLI
asks before it takes the locks (codex-backend.md 1.4), and writes within milliseconds of getting them."""
ORPHAN_SECONDS = 3.0
"""How long a renewal is waited for whose process was killed: whoever had asked for it may have the answer."""
ROOM = 4096
"""Bytes of the disk that a successor may need beyond what its predecessor took."""

Reason = Literal["proactive_expiry", "unauthorized_recovery"]
Ask = Callable[[Tokens, str], Tokens]
"""Asks the sign-in service to renew; as `turnout.accounts.token_client.TokenClient.refresh`, but it waits."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be renewed."""

    source: SourceKind
    path: str
    folder: str
    """Folder of the registry, in which refusals are remembered."""
    reason: Reason = "proactive_expiry"
    seen: str = ""
    """Fingerprint of the access token that is to be replaced: if there is another one by now, all is done."""
    account_id: str = ""
    """Whom the login must be for; empty: anyone."""
    tokens: Tokens | None = None
    """A renewed login that was not put in place: nothing is asked, it only has to be kept."""
    replaces: str = ""
    """Fingerprint of the login that `tokens` replace."""

    @property
    def place(self) -> Place:
        return Place(self.source, self.path)


class Answered(msgspec.Struct, frozen=True, tag=True):
    """The sign-in service has renewed the login; it is not yet on the disk. Goes to whoever waits, nowhere else."""

    tokens: Tokens
    replaces: str


class Done(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """How it ended."""

    outcome: Literal["renewed", "adopted", "failed"]
    """``adopted``: someone else had renewed it. ``failed``: see `failure`."""
    failure: Failure | None = None
    permanent: bool = False
    """Only the user can help: this login will not be renewed again."""


def renew(
    job: Job,
    ask: Ask,
    *,
    prepare: Callable[[], None],
    tell: Callable[[Answered], None],
    now: Callable[[], float] = time.time,
) -> Done:
    """Does the job. Never raises for what the world does: that is a failed `Done`.

    ``prepare`` is called before the locks are taken, if it looks as if ``ask`` will be needed: the less time between
    the last look at the login and the asking, the rarer the Codex CLI is quicker. ``tell`` gets the new tokens before
    they are written. ``now`` gives Unix seconds.
    """
    renewal = _Renewal(job, ask, now, tell)
    patient_until = time.monotonic() + ORPHAN_SECONDS
    try:
        if renewal.looks_wanted():
            prepare()
        while True:
            with _locked(job.place):
                orphan = job.tokens is None and renewal.finds_orphan()
                if not orphan or time.monotonic() > patient_until:
                    done = renewal.run()
                    break
            time.sleep(0.1)
        if done.permanent and renewal.may_be_succeeded and _succeeded(job.place, renewal.login):
            return Done(outcome="adopted")
    except TurnoutError as error:
        return Done(outcome="failed", failure=error.failure)
    except OSError as error:
        return Done(outcome="failed", failure=_not_kept(job.place, error))
    return done


class _Renewal:
    """One run under the locks."""

    def __init__(self, job: Job, ask: Ask, now: Callable[[], float], tell: Callable[[Answered], None]) -> None:
        self.login: Login | None = None
        """The login that was found."""
        self.may_be_succeeded = False
        """Someone else has used the token, so that its successor may be about to be written."""
        self._job = job
        self._place = job.place
        self._ask = ask
        self._now = now
        self._tell = tell
        self._registry = RegistryFile(Path(job.folder))

    def looks_wanted(self) -> bool:
        """Whether there is something to ask for, at a glance. Raises `TurnoutError` for what cannot be read."""
        return self._job.tokens is None and self._is_wanted(self._parse(self._place.read()))

    def finds_orphan(self) -> bool:
        """Whether a renewal was broken off before its answer was kept. The token that it had may be used up."""
        try:
            made_ready = self._place.pending(self._parse(self._place.read()).fingerprint).read_bytes()
        except (TurnoutError, OSError):
            return False  # there is none; what else is wrong is said by `run`
        try:
            self._parse(made_ready)
        except TurnoutError:
            return True
        return False

    def run(self) -> Done:
        """Raises `TurnoutError` for what cannot be read, OSError for what cannot be written."""
        job = self._job
        content, login = self._read()
        if job.account_id and login.account_id != job.account_id:
            return Done(outcome="failed", failure=other_account(self._place, login))
        if job.tokens is not None:
            if login.fingerprint != job.replaces:
                return Done(outcome="adopted")
            with self._replacement(content, login) as keep:
                keep(job.tokens)
            return self._same_account(login, job.tokens)
        if not self._is_wanted(login):
            return Done(outcome="adopted")
        if (refusal := self._refusal(login)) is not None:
            return refusal
        with self._replacement(content, login) as keep:
            try:
                tokens = self._ask(login.tokens, job.reason)
            except TokenError as error:
                return self._refused(login, error)
            self._tell(Answered(tokens, login.fingerprint))
            try:
                keep(tokens)
            except (OSError, TurnoutError) as error:
                return Done(outcome="failed", failure=_not_written(self._place, error))
        return self._same_account(login, tokens)

    def _read(self) -> tuple[bytes, Login]:
        """The document and its login; a successor that was left lying is put in place first."""
        content = self._place.read()
        login = self.login = self._parse(content)
        pending = self._place.pending(login.fingerprint)
        for leftover in pending.parent.glob(self._place.pending("*").name):
            if leftover != pending:
                leftover.unlink(missing_ok=True)
        try:
            found = pending.read_bytes()
            successor = self._parse(found)
        except FileNotFoundError:
            return content, login
        except TurnoutError:  # it was made ready, but never filled
            pending.unlink(missing_ok=True)
            return content, login
        if successor.account_id != login.account_id or successor.fingerprint == login.fingerprint:
            pending.unlink(missing_ok=True)
            return content, login
        atomic.replace(pending, self._place.target)
        self.login = successor
        return found, successor

    def _parse(self, content: bytes) -> Login:
        return documents.parse(content, self._place.source, self._place.label)

    def _is_wanted(self, login: Login) -> bool:
        if login.kind != "chatgpt":
            return False
        if is_due(login, self._now()):
            return True
        return self._job.reason == "unauthorized_recovery" and fingerprint_of(login.token) == self._job.seen

    def _refusal(self, login: Login) -> Done | None:
        """Why the token is not even tried."""
        if not login.refresh_token:
            failure = Failure(
                kind=FailureKind.SIGN_IN,
                message=f"The {self._place.owner} login in {self._place.label} has no refresh token, so that it ends "
                "with its access token.",
                next_step=sign_in_again(self._place),
            )
            return Done(outcome="failed", failure=failure, permanent=True)
        verdict = None
        with contextlib.suppress(TurnoutError):  # a broken list of accounts lets no login expire
            verdict = self._registry.read().verdict(login.fingerprint)
        if verdict is None or verdict.state is not State.SIGN_IN_AGAIN:
            return None
        self.may_be_succeeded = self._now() - verdict.at < 2 * SUCCESSOR_SECONDS
        failure = Failure(kind=FailureKind.SIGN_IN, message=verdict.reason, next_step=sign_in_again(self._place))
        return Done(outcome="failed", failure=failure, permanent=True)

    @contextmanager
    def _replacement(self, content: bytes, login: Login) -> Iterator[Callable[[Tokens], None]]:
        """What keeps the successor, made ready: raises OSError now if it could not. Calling it puts it in place."""
        pointer = self._place.pointer()
        if pointer is not None:

            def keep_in_keyring(tokens: Tokens) -> None:
                moment = self._now()
                document = documents.renewed(content, tokens, moment)
                keyring_entries.write(keyring_entries.SERVICE, pointer.entry, document)
                changed = msgspec.structs.replace(pointer, changed=documents.rfc3339(moment))
                places.write_pointer(self._place.file, changed)

            yield keep_in_keyring
            return
        reserve = len(content) + ROOM
        with atomic.Replacement(self._place.target, self._place.pending(login.fingerprint), reserve) as replacement:
            yield lambda tokens: replacement.commit(documents.renewed(content, tokens, self._now()))

    def _refused(self, login: Login, error: TokenError) -> Done:
        failure = error.failure
        if not error.permanent:
            return Done(outcome="failed", failure=failure)
        self.may_be_succeeded = failure.code == "refresh_token_reused"
        self._remember(login.fingerprint, failure.message)
        failure = msgspec.structs.replace(failure, next_step=sign_in_again(self._place))
        return Done(outcome="failed", failure=failure, permanent=True)

    def _same_account(self, before: Login, tokens: Tokens) -> Done:
        """Refuses to go on, silently, as someone else. The tokens are kept all the same: the old ones are used up."""
        was = identity(before.token, before.id_token).account_id
        is_now = identity(tokens.access_token, tokens.id_token).account_id
        if not was or not is_now or was == is_now:
            return Done(outcome="renewed")
        message = (
            f"After its renewal the {self._place.owner} login in {self._place.label} is for another ChatGPT account "
            "than before, so that Turnout does not use it."
        )
        self._remember(fingerprint_of(tokens.refresh_token or tokens.access_token), message, barred=True)
        failure = Failure(kind=FailureKind.SIGN_IN, message=message, next_step=sign_in_again(self._place))
        return Done(outcome="failed", failure=failure, permanent=True)

    def _remember(self, fingerprint: str, reason: str, *, barred: bool = False) -> None:
        """Keeps everyone from trying the token again. Done under the locks: the next one in line reads it."""
        verdict = Verdict(
            login=fingerprint, state=State.SIGN_IN_AGAIN, reason=reason, at=int(self._now()), barred=barred
        )
        with (
            contextlib.suppress(TurnoutError),
            self._registry.change() as change,
        ):  # nowhere to write: tried again later
            change.registry = change.registry.with_verdict(verdict)


def is_due(login: Login, now: float) -> bool:
    """Whether the access token has ended or is about to."""
    return login.expires_at is not None and login.expires_at - now <= DUE_SECONDS


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """Holds the place's locks. Raises `TurnoutError` if others do not let go of them, OSError if they cannot be had."""
    deadline = time.monotonic() + LOCK_SECONDS
    with ExitStack() as held:
        for path in place.locks:
            # The Codex CLI makes the first one readable for all.
            mode = 0o644 if path.name == "auth.lock" else atomic.MODE
            try:
                held.enter_context(
                    FileLock(path, timeout=max(deadline - time.monotonic(), 0), mode=mode, poll_interval=0.02)
                )
            except Timeout:
                failure = Failure(
                    kind=FailureKind.UPSTREAM_TIMEOUT,
                    message=f"Another program has kept {path} locked for {LOCK_SECONDS:g} seconds.",
                    next_step=f"Look for a {place.owner} or Turnout that hangs.",
                )
                raise TurnoutError(failure) from None
        yield


def _succeeded(place: Place, before: Login | None) -> bool:
    """Whether someone else's successor of the login appears."""
    deadline = time.monotonic() + SUCCESSOR_SECONDS
    while before is not None:
        with contextlib.suppress(TurnoutError):
            found = documents.parse(place.read(), place.source, place.label)
            if found.account_id == before.account_id and found.fingerprint != before.fingerprint:
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return False


def _not_kept(place: Place, error: OSError) -> Failure:
    """The failure before anything has happened."""
    return Failure(
        kind=FailureKind.SIGN_IN,
        message=f"The {place.owner} login in {place.label} was not renewed, since what would come of it could not be "
        f"written: {error.strerror or type(error).__name__}.",
        next_step="Make room or allow it; the login itself is unharmed.",
    )


def _not_written(place: Place, error: Exception) -> Failure:
    """The failure after the sign-in service has renewed the login."""
    reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
    return Failure(
        kind=FailureKind.SIGN_IN,
        message=f"The {place.owner} login in {place.label} was renewed, but could not be written: {reason}",
        next_step="Make room or allow it before you stop Turnout: until then it has the login in its memory only.",
    )
