"""The process that renews a login: `python -m turnout.accounts.renewer`, a job on stdin, reports on stdout.

A process of its own, because a renewal must not be broken off: between the sign-in service's word and the disk, a
gateway that is killed, a command that is interrupted or a terminal that is closed would lose the login. It belongs to
no terminal, takes no secret on its command line, and goes on when nobody listens any more.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts.credential import reveal, secret
from turnout.accounts.renewal import Answered, Done, Job, renew
from turnout.accounts.token_client import TokenClient
from turnout.config import Config

if TYPE_CHECKING:
    from typing import BinaryIO

    from turnout.accounts.tokens import Tokens


class Order(msgspec.Struct, frozen=True):
    """What stdin holds."""

    job: Job
    config: Config


UNHEARD = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that mean the gateway: a service manager sends them to all its processes. This one ends soon by itself."""

Report = Answered | Done
"""One line of stdout each, in JSON."""


def main() -> int:
    """Does the job on stdin. The exit code says whether a report could be made, not how the job ended."""
    for number in UNHEARD:
        signal.signal(number, signal.SIG_IGN)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order, dec_hook=secret)

    client = TokenClient(order.config, os.environ)

    def ask(tokens: Tokens, reason: str) -> Tokens:
        return asyncio.run(client.refresh(tokens, reason))

    def tell(answered: Answered) -> None:
        report(sys.stdout.buffer, answered)

    done = renew(order.job, ask, prepare=client.prepare, tell=tell)
    report(sys.stdout.buffer, done)
    return 0


def report(out: BinaryIO, message: Report) -> None:
    """Tells whoever started us, if they are still there."""
    try:
        out.write(msgspec.json.encode(message, enc_hook=reveal) + b"\n")
        out.flush()
    except BrokenPipeError:
        # Nobody listens any more: the work goes on. What is flushed at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


if __name__ == "__main__":
    sys.exit(main())
