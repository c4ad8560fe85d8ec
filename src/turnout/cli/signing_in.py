"""The talk with a user who signs in: what to open, what to enter, and what came of it.

Ways of signing in are in `turnout.accounts.login`; this shows them in a terminal.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Literal

import click
from rich.style import Style
from rich.text import Text

from turnout.accounts.login import browser, desktop, device, keeping, key
from turnout.accounts.login.listener import PortsTaken
from turnout.accounts.store import Accounts
from turnout.accounts.token_client import TokenClient
from turnout.cli import typed

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any, TypeVar

    from rich.console import Console
    from rich.status import Status

    from turnout.accounts.login.browser import Invitation
    from turnout.accounts.login.keeping import Kept
    from turnout.accounts.token_client import DeviceCode
    from turnout.accounts.tokens import Tokens
    from turnout.config import Config

    T = TypeVar("T")

Way = Literal["browser", "device", "headless"]


class SigningIn:
    """One sign-in, shown on one console."""

    def __init__(self, config: Config, console: Console) -> None:
        self._config = config
        self._console = console
        self._accounts = Accounts.open(config, os.environ)
        self._client = TokenClient(config, os.environ)
        self._keeping = False
        """The sign-in itself has worked."""
        self._asking = False
        """The cursor stands behind a question."""

    def with_chatgpt(self, way: Way | None = None, nickname: str = "", *, add: bool = False) -> Kept:
        """Signs in with ChatGPT and keeps the login; without a ``way``, in the first one that is open here.

        Raises `TurnoutError`, and `KeyboardInterrupt` for Ctrl-C.
        """
        self._accounts.check_place()
        ways = {"browser": self._with_browser, "device": self._with_device, "headless": self._by_pasting}

        async def sign_in() -> Kept:
            with self._console.status("") as status:
                tokens = await (ways[way](status) if way else self._with_what_is_open(status))
            self._keeping = True
            return await keeping.keep(self._accounts, self._client, tokens, nickname, add=add)

        return self._run(sign_in())

    def with_key(self, text: str, nickname: str = "", *, add: bool = False) -> Kept:
        """Tries an API key out and keeps it. Raises `TurnoutError`."""
        self._accounts.check_place()
        good = key.clean(text)
        with self._console.status("Trying the key out …"):
            tested = self._run(key.test(self._config, os.environ, good))
        if tested.restricted:
            self._say(
                "The key is good but may not list models, so that nothing more could be tried out: it must be allowed "
                "to write responses.",
                "yellow",
            )
        return keeping.keep_key(self._accounts, good, nickname, add=add)

    # The three ways

    async def _with_what_is_open(self, status: Status) -> Tokens:
        if desktop.can_open():
            try:
                return await self._with_browser(status)
            except PortsTaken as error:
                self._say(f"{error.failure.message} So it goes on without.", "dim")
        try:
            return await self._with_device(status)
        except device.NotOffered as error:
            self._say(f"{error.failure.message} So it goes on without.", "dim")
        return await self._by_pasting(status)

    async def _with_browser(self, status: Status) -> Tokens:
        opening: list[asyncio.Task[bool]] = []

        def invite(invitation: Invitation) -> None:
            self._title("Sign in with ChatGPT")
            self._say("Your browser opens OpenAI's page. If it does not, open this address in it:")
            self._address(invitation.url)
            self._say("No browser on this machine? Press Ctrl-C, then: turnout login --device", "dim")
            self._console.print()
            opening.append(asyncio.create_task(asyncio.to_thread(desktop.open_browser, invitation.url)))
            status.update(Countdown("Waiting for you in the browser", browser.SECONDS))

        status.update("Making ready for the browser …")
        tokens = await browser.sign_in(self._client, self._config.accounts, invite=invite)
        await asyncio.gather(*opening)
        return tokens

    async def _with_device(self, status: Status) -> Tokens:
        def invite(device_code: DeviceCode) -> None:
            self._title("Sign in with ChatGPT, on any device")
            self._say("1. Open this page in a browser, and sign in:")
            self._address(device_code.verification_url)
            self._say("2. Enter this code there:")
            self._console.print()
            self._console.print(Text(f"   {device_code.user_code}", "bold green"))
            self._console.print()
            self._say("Only if you have begun this yourself: the code lets whoever shows it use your account.", "dim")
            self._console.print()
            status.update(Countdown("Waiting for the code to be entered", device.SECONDS))

        status.update("Asking OpenAI for a code …")
        return await device.sign_in(self._client, invite=invite)

    async def _by_pasting(self, status: Status) -> Tokens:
        def invite(invitation: Invitation) -> None:
            status.stop()  # the line is the user's, to paste into
            self._title("Sign in with ChatGPT, in a browser elsewhere")
            self._say("1. Open this address in a browser on your own machine, and sign in:")
            self._address(invitation.url)
            self._say(
                "2. The browser ends at an address that begins with http://127.0.0.1 and most likely shows an error. "
                "Copy that whole address and paste it here."
            )
            if invitation.port is not None:
                self._console.print()
                self._say("To do without pasting, run this on your own machine before you sign in:")
                self._console.print()
                tunnel = desktop.tunnel(invitation.port, _user(), socket.gethostname())
                self._console.print(Text(f"   {tunnel}", "cyan"), soft_wrap=True)
            self._ask_for_address()

        def wrong(complaint: str) -> None:
            self._say(complaint, "yellow")
            self._ask_for_address()

        status.update("Making ready for the browser …")
        pasting = browser.Pasting(lines=typed.lines(), wrong=wrong)
        tokens = await browser.sign_in(self._client, self._config.accounts, invite=invite, pasting=pasting)
        self._console.print()
        return tokens

    # Showing

    def _title(self, title: str) -> None:
        self._console.print()
        self._console.print(Text(title, "bold"))
        self._console.print()

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style))

    def _address(self, url: str) -> None:
        """An address on lines of its own, unbroken, so that it can be clicked and copied."""
        self._console.print()
        self._console.print(Text(url, Style(color="cyan", link=url)), soft_wrap=True)
        self._console.print()

    def _ask_for_address(self) -> None:
        self._console.print()
        self._console.print(Text("Address: ", "bold"), end="")
        self._asking = True

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run(work)
        except KeyboardInterrupt:
            if self._asking:
                self._console.print()
            self._say("Stopped." if self._keeping else "Stopped. Nothing was kept.")
            raise


class Countdown:
    """What is waited for, and how much time is left for it: drawn anew as often as it is shown."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._until = time.monotonic() + seconds

    def __rich__(self) -> Text:
        left = max(0, int(self._until - time.monotonic()))
        return Text.assemble(f"{self._what} … ", (f"{left // 60}:{left % 60:02}", "dim"))


def ask_for_key() -> str:
    """The key as the user types it, unseen, or as it comes in a pipe. Arguments could be seen by others."""
    if sys.stdin.isatty():
        typed_key: str = click.prompt("OpenAI API key (not shown)", hide_input=True, err=True)
        return typed_key
    return sys.stdin.read()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # the system knows no name for us
        return "USER"
