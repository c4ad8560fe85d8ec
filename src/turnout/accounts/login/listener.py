"""The small web server to which OpenAI's page sends the browser back (codex-backend.md 1.3).

It listens on this machine only, for one attempt, and knows nothing of tokens: it hands the code over and shows the
browser what became of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from turnout.accounts.login import answer, pages
from turnout.addresses import bare_host, is_loopback
from turnout.calls import Calls
from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from starlette.requests import Request as HttpRequest

    from turnout.accounts.credential import Secret

HOST = "127.0.0.1"
PORTS = (1455, 1457)
"""The only ports that OpenAI sends a browser back to for this client id."""
TRIES, PAUSE = 10, 0.2
"""How often a taken port is tried, and the seconds between: a sign-in that was told to end takes a moment."""
CANCEL_SECONDS = 0.5
"""Seconds that another sign-in may take to accept the question whether it ends, and again to answer it."""
LINGER_SECONDS = 3.0
"""Seconds that the browser has to fetch the last page."""
TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL})
"""Why a port cannot be had; EACCES is Windows' word for a port that it keeps for itself."""


class PortsTaken(TurnoutError):
    """No port is left to wait for the browser on: another way of signing in serves."""


def redirect_uri(port: int) -> str:
    """The address that OpenAI's page sends the browser to.

    With the number, as the Codex CLI of today has it: "localhost" may lead a browser to ::1, where someone else may
    listen (RFC 8252, 8.3).
    """
    return f"http://{HOST}:{port}/auth/callback"


class Listener:
    """Waits for the browser of one attempt."""

    def __init__(self, port: int, state: str) -> None:
        loop = asyncio.get_running_loop()
        self.port = port
        self._state = state
        self._code: asyncio.Future[Secret] = loop.create_future()
        self._page: asyncio.Future[str] = loop.create_future()
        self._good = False
        self._waiting = 0
        self._shown = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/auth/callback", self._callback, methods=["GET"]),
                Route("/success", self._success, methods=["GET"]),
                Route("/cancel", self._cancel, methods=["GET"]),
            ],
            exception_handlers={404: _nothing_here, 405: _nothing_here},
        )

    async def code(self) -> Secret:
        """The code that the browser brings. Raises `TurnoutError` (`SIGN_IN`) if it brings a refusal instead."""
        return await self._code

    def succeed(self, email: str) -> None:
        """What the browser is to show: the sign-in has worked."""
        self._good = True
        self._settle(pages.signed_in(email))

    def fail(self, *sentences: str) -> None:
        """What the browser is to show: it has not, and why."""
        self._settle(pages.not_signed_in(*sentences))

    async def linger(self) -> None:
        """Waits until a browser that is waiting has got its last page."""
        if self._waiting:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._shown.wait(), LINGER_SECONDS)

    def _settle(self, page: str) -> None:
        if not self._page.done():
            self._page.set_result(page)

    async def _callback(self, request: HttpRequest) -> Response:
        if (refusal := _unwanted(request)) is not None:
            return refusal
        try:
            code = answer.code(request.query_params, self._state)
        except answer.NotOurs as error:
            mismatch = str(error).startswith("State")
            return _html(pages.state_mismatch() if mismatch else pages.not_signed_in(str(error)), 400)
        except TurnoutError as error:
            self._end(error)
            self.fail(error.failure.message, error.failure.next_step)
            self._shown.set()
            return _html(await self._page, 400)
        if not self._code.done():
            self._code.set_result(code)
        self._waiting += 1
        page = await asyncio.shield(self._page)  # a browser that reloads gets the same answer
        if self._good:
            return RedirectResponse("/success", 302, headers=pages.HEADERS)  # takes the code out of the address bar
        self._shown.set()
        return _html(page, 400)

    async def _success(self, request: HttpRequest) -> Response:
        if (refusal := _unwanted(request)) is not None:
            return refusal
        if not self._good:
            return _html(pages.nothing_here(), 404)
        self._shown.set()
        return _html(await self._page, 200)

    async def _cancel(self, request: HttpRequest) -> Response:
        """Another sign-in, the Codex CLI's for instance, wants the port: the user has begun that one later."""
        if (refusal := _unwanted(request, from_pages=False)) is not None:
            return refusal
        self._end(
            fail(
                FailureKind.SIGN_IN,
                "Another program that signs in, such as the Codex CLI, has ended this sign-in.",
                "When it is done, run `turnout login` again; or use `turnout login --device`, which needs no port.",
            )
        )
        return _html(pages.cancelled(), 200)

    def _end(self, error: TurnoutError) -> None:
        if not self._code.done():
            self._code.set_exception(error)
            self._code.exception()  # it may come when the code has been pasted and nobody waits for it


@contextlib.asynccontextmanager
async def listening(state: str, ports: Sequence[int] = PORTS) -> AsyncIterator[Listener]:
    """A listener for the attempt with this state, as long as the block lasts.

    A browser that has brought its code is told how the block ended. Raises `PortsTaken` if others have every port.
    """
    bound = await _bind(ports)
    listener = Listener(bound.getsockname()[1], state)
    server = _Server(listener.app)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield listener
    except TurnoutError as error:
        listener.fail(error.failure.message, error.failure.next_step)
        raise
    finally:
        listener.fail("The sign-in was broken off in the terminal.")  # unless it has ended otherwise
        await listener.linger()
        server.should_exit = True
        await serving
        bound.close()


class _Server(uvicorn.Server):
    """Serves one listener. Signals are the command's own matter, not this server's."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="critical",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _bind(ports: Sequence[int]) -> socket.socket:
    """A socket on the first port that can be had; a sign-in that holds one is asked to end, as the Codex CLI does."""
    for port in ports:
        for turn in range(TRIES):
            if turn:
                await asyncio.sleep(PAUSE)
            try:
                return _listen(port)
            except OSError as error:
                if error.errno not in TAKEN:
                    raise
            if not turn and not await _ask_to_end(port):
                break  # nobody there who could end
    failure = Failure(
        kind=FailureKind.SIGN_IN,
        message=f"The ports {' and '.join(map(str, ports))}, to which OpenAI's page sends the browser, are taken by "
        "other programs.",
        next_step="End the other sign-in (the Codex CLI or app?), or sign in without a port: `turnout login --device`.",
    )
    raise PortsTaken(failure)


def _listen(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a sign-in a moment ago does not count
        else:
            bound.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", 0), 1)
        bound.bind((HOST, port))
        bound.listen()
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


async def _ask_to_end(port: int) -> bool:
    """Asks whoever listens there to end their sign-in. Whether they answered that they do."""
    calls = Calls({}, connect=CANCEL_SECONDS, seconds=CANCEL_SECONDS)
    try:
        answered = await calls.call("The other sign-in", "GET", f"http://{HOST}:{port}/cancel")
    except TurnoutError:
        return False
    return answered.status // 100 == 2


def _unwanted(request: HttpRequest, *, from_pages: bool = True) -> Response | None:
    """The answer to what no browser on its way back and no other program would ask; None for the rest."""
    if request.method != "GET":
        return Response(status_code=405)  # link checkers ask with HEAD: that must not use the code up
    if not is_loopback(bare_host(request.headers.get("host", ""))):
        return _html(pages.nothing_here(), 403)  # another name that leads here: DNS rebinding
    if not from_pages and request.headers.get("sec-fetch-site", "none") != "none":
        return _html(pages.nothing_here(), 403)  # a web page in the browser has no business here
    return None


async def _nothing_here(request: HttpRequest, error: Exception) -> Response:
    return _html(pages.nothing_here(), 404)


def _html(page: str, status: int) -> HTMLResponse:
    return HTMLResponse(page, status, headers=pages.HEADERS)
