"""The one gateway of a user: the lock that it holds for as long as it listens, and the file that says how to reach it.

A lock of the system ends with its process, however that ends, so that what a killed gateway leaves behind is known to
be stale without asking anybody. Knows nothing of what a gateway does.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Self

import msgspec

from turnout import paths

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from filelock import BaseFileLock

LOOK_SECONDS = 2.0
"""How long a starting gateway waits for the lock: others hold it for an instant, to see whether it is free."""
POLL_SECONDS = 0.02


class RunningGatewayInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a gateway that runs, and what it is."""

    pid: int
    url: str
    """Address for clients of this machine, without a path."""
    token: str = ""
    """What clients must show; empty: nothing."""
    control: str = ""
    """What one must show to ask for its state or its end: only who may read the file knows it."""
    version: str
    """Turnout's version."""
    started: float
    """When it began to listen, in Unix seconds."""
    log: str = ""
    """File of its log; empty: it goes to a terminal, or to the service that runs it."""
    supervisor: str = ""
    """What started it and will start it again: ``systemd``, ``launchd``, ``task-scheduler``; empty: nothing does."""
    arguments: tuple[str, ...] = ()
    """Arguments of `turnout serve` that it was started with, to be started in the same way again; no secret."""

    def __repr__(self) -> str:
        return f"RunningGatewayInfo(pid={self.pid}, url={self.url!r}, version={self.version!r})"  # never the tokens


class AlreadyRunningError(Exception):
    """Another gateway of this user holds the lock."""

    def __init__(self, info: RunningGatewayInfo | None) -> None:
        super().__init__("Another gateway of this user runs already.")
        self.info = info
        """How to reach it; None while it is starting."""


def state_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that says how to reach the running gateway. Raises `paths.NoHomeError`."""
    return paths.state_dir(environ) / "gateway.json"


def find_running(environ: Mapping[str, str] = os.environ) -> RunningGatewayInfo | None:
    """The running gateway of this user; None if none listens. What a killed one left behind is removed."""
    try:
        file = state_file(environ)
        info = _read(file)
    except OSError:
        return None  # who cannot read it cannot reach the gateway either
    if info is None:
        return None
    lock = _lock(file)
    try:
        lock.acquire(blocking=False)
    except TimeoutError:
        return info
    except OSError:
        return None
    try:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
    finally:
        lock.release()
    return None


class Registration:
    """The lock, held: this process is the user's gateway. Use it as a context manager around the listening."""

    def __init__(self, environ: Mapping[str, str] = os.environ, *, wait: float = LOOK_SECONDS) -> None:
        """Raises `paths.NoHomeError`. ``wait``: see the attribute."""
        self._file = state_file(environ)
        self._lock = _lock(self._file)
        self.wait = wait
        """Seconds that another gateway may take to leave."""

    def __enter__(self) -> Self:
        """Raises `AlreadyRunningError`, and OSError where no file can be written."""
        from turnout.accounts import atomic

        atomic.make_folder(self._file.parent)
        try:
            self._lock.acquire(timeout=self.wait, poll_interval=POLL_SECONDS)
        except TimeoutError:
            raise AlreadyRunningError(_read(self._file)) from None
        self._file.unlink(missing_ok=True)  # of one that was killed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def announce(self, info: RunningGatewayInfo) -> None:
        """Tells the user's other commands how to reach this gateway. Raises OSError."""
        from turnout.accounts import atomic

        atomic.write(self._file, msgspec.json.encode(info))

    def release(self) -> None:
        """Lets another gateway take the place. May be called twice."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
            self._lock.release()


def _lock(file: Path) -> BaseFileLock:
    from filelock import FileLock  # 20 ms, which only those pay who find something

    from turnout.accounts import atomic

    # Not thread-local: the gateway's end may be begun in another thread than its beginning.
    return FileLock(file.with_suffix(".lock"), mode=atomic.MODE, thread_local=False)


def _read(file: Path) -> RunningGatewayInfo | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=RunningGatewayInfo)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # of a version that wrote something else
