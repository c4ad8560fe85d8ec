"""Running the simulator: in a thread for tests and demos, or in the foreground for `turnout simulate`.

It listens on the loopback interface only: its control plane has no sign-in.
"""

import asyncio
import contextlib
import ipaddress
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from turnout.simulator import account_faults, faults, tokenizer
from turnout.simulator.accounts import Account, Tokens, write_auth_json
from turnout.simulator.app import build_app
from turnout.simulator.faults import Fault
from turnout.simulator.issuer import Issuer
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.scenario import Output, Scenario, Turn, load_scenario
from turnout.simulator.sending import TRANSPORT
from turnout.simulator.settings import Settings
from turnout.simulator.state import DEFAULT_API_KEY, State

START_SECONDS = 10.0
STOP_SECONDS = 10.0
BACKLOG = 1024
REMEMBERED_IN_FOREGROUND = 100
TICK_SECONDS = 0.1
"""The rhythm in which the HTTP server looks after its clock and signals."""


class Simulator:
    """A simulated service on a free loopback port, in a thread of its own.

    Use it as a context manager, or call `start` and `stop`. `url` is the bare origin, `codex_url` and `openai_url` are
    the bases to which clients add `/responses` and `/models`.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path | None = None,
        *,
        settings: Settings | None = None,
        accounts: Iterable[Account] = (Account(),),
        api_key: str = DEFAULT_API_KEY,
        key: bytes | None = None,
        seed: int | None = None,
        remember: int = 10_000,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | None = None,
    ) -> None:
        """`scenario` is a record, a file, or a bundled name; the last `remember` requests are kept.

        The same `key` makes two simulators accept each other's tokens and reasoning, and `seed` makes ids repeatable.
        With a `certificate`, a PEM file that holds its private key too, the service is an https:// one.
        Raises ValueError for a host that is not loopback.
        """
        loaded = load_scenario(scenario) if isinstance(scenario, str | Path) else scenario
        self.state = State(
            settings or Settings(),
            key=key or secrets.token_bytes(32),
            accounts=accounts,
            api_key=api_key,
            scenario=loaded,
            seed=seed,
            remember=remember,
        )
        self._host = loopback(host)
        self._port = port
        self._address: tuple[str, int] | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._scheme = "https" if certificate else "http"
        self._running = _Running(self.state, certificate)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen and serve. Raises OSError if the port is taken, RuntimeError if the server does not come up."""
        if self._thread is not None:
            raise RuntimeError("The simulator runs already.")
        bound = self._listen()
        self._thread = threading.Thread(target=self._run, args=(bound,), name="turnout-simulator", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError(f"The simulator did not start within {START_SECONDS:.0f} seconds.")
        return self

    def stop(self) -> None:
        """Cut all connections and end the thread; does nothing if it is not running. A stopped one is not restarted."""
        if self._thread is None:
            return
        self._running.stop()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError(f"The simulator did not stop within {STOP_SECONDS:.0f} seconds.")
        self._thread = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before it is started."""
        if self._address is None:
            raise RuntimeError("The simulator is not started: call start() or use it in a with statement.")
        return self._address[1]

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self.port}"

    @property
    def codex_url(self) -> str:
        """Base URL of the Codex backend; POST to `<codex_url>/responses`."""
        return f"{self.url}/backend-api/codex"

    @property
    def chatgpt_url(self) -> str:
        """Base URL of the ChatGPT backend, which has the quota at `/wham/usage`."""
        return f"{self.url}/backend-api"

    @property
    def openai_url(self) -> str:
        """Base URL of the OpenAI API; POST to `<openai_url>/responses`.

        It is the base URL of a server with Chat Completions as well: POST to `<openai_url>/chat/completions`.
        """
        return f"{self.url}/v1"

    @property
    def api_key(self) -> str:
        return self.state.api_key

    @property
    def account(self) -> Account:
        """The first known account."""
        return next(iter(self.state.accounts.values()))

    @property
    def settings(self) -> Settings:
        """The settings; change its fields at any time."""
        return self.state.settings

    @property
    def calls(self) -> list[RecordedRequest]:
        """Everything received, model lists included."""
        return self.state.recorder.all()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests for responses, refused ones included."""
        return [call for call in self.calls if _asks_for_response(call)]

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> list[RecordedRequest]:
        """Wait until that many requests for responses have come; raises TimeoutError."""
        self.wait_until(lambda found: len(found) >= count, timeout)
        return self.requests

    def wait_until(self, condition: Callable[[list[RecordedRequest]], bool], timeout: float = 10.0) -> None:
        """Wait until the condition holds for the requests for responses; raises TimeoutError."""
        if not self.state.recorder.wait_for(
            lambda all_: condition([c for c in all_ if _asks_for_response(c)]), timeout
        ):
            seen = ", ".join(f"{call.path} {call.status}" for call in self.requests) or "none"
            raise TimeoutError(f"The awaited requests did not come within {timeout:g} seconds. Seen: {seen}.")

    def script(self, *turns: Turn | Output) -> None:
        """Queue answers for the next requests, each used once; a bare output item is a turn of its own."""
        self.state.script(turn if isinstance(turn, Turn) else Turn(output=[turn]) for turn in turns)

    def load(self, scenario: Scenario | str | Path | None) -> None:
        """Play another scenario from now on."""
        self.state.load(load_scenario(scenario) if isinstance(scenario, str | Path) else scenario)

    def fault(self, fault: str | Fault, *, times: int = 1, after: int = 0, model: str = "") -> None:
        """Let the next `times` fitting requests fail so (faults.py has the names), `after` that many good ones."""
        parsed = faults.parse(fault) if isinstance(fault, str) else fault
        self.state.add_fault(parsed, times=times, after=after, model=model)

    def account_fault(self, fault: str, *, times: int = 1, after: int = 0, path: str = "/oauth/token") -> None:
        """Let the next `times` calls to `path` fail so, `after` that many good ones (names: account_faults.py)."""
        self.state.add_account_fault(account_faults.parse(fault), times=times, after=after, path=path)

    @property
    def issuer(self) -> Issuer:
        """The sign-in service: what became of each token. Its address is `url`."""
        return self.state.issuer

    def approve_device(self, user_code: str, account: Account | None = None) -> bool:
        """The user enters a device's code; whether a device waits for it."""
        return self.issuer.approve_device(user_code, account or self.account)

    def tokens(self, account: Account | None = None) -> Tokens:
        """A fresh login."""
        return self.state.tokens_for(account or self.account)

    def reset(self) -> None:
        """Forget scripts, faults, records and caches."""
        self.state.reset()

    def access_token(self, account: Account | None = None) -> str:
        """A fresh access token."""
        return self.state.tokens_for(account or self.account).access_token

    def headers(self, account: Account | None = None, *, version: str = "0.169.0") -> dict[str, str]:
        """The headers of a well-made request to the Codex backend, for tests that send one themselves."""
        known = account or self.account
        return {
            "authorization": f"Bearer {self.access_token(known)}",
            "chatgpt-account-id": known.account_id,
            "originator": "codex_cli_rs",
            "version": version,
            "accept": "text/event-stream",
            "content-type": "application/json",
        }

    def write_auth_json(self, path: Path | str, account: Account | None = None) -> Path:
        """Write a sign-in as Codex stores it to `path`, a file ending in .json or a folder (CODEX_HOME)."""
        return write_auth_json(Path(path), self.state.auth_document(account or self.account))

    async def serve(self, ready: Callable[[Self], None] | None = None) -> None:
        """Serve in this thread until a signal comes or the task is cancelled; `ready` is called when it listens."""
        bound = self._listen()
        await self._running.serve(bound, ready=lambda: ready(self) if ready else None)

    def _listen(self) -> socket.socket:
        tokenizer.load()  # not at the first request, whose times someone may be looking at
        bound = listen(self._host, self._port)
        self._address = bound.getsockname()
        return bound

    def _run(self, bound: socket.socket) -> None:
        asyncio.run(self._running.serve(bound, ready=self._ready.set))


async def serve(
    host: str = "127.0.0.1",
    port: int = 4010,
    *,
    scenario: Scenario | str | Path | None = None,
    settings: Settings | None = None,
    ready: Callable[[Simulator], None] | None = None,
) -> None:
    """Run a simulator in the foreground until a signal comes; `ready` gets it as soon as it listens.

    Raises ValueError for a host that is not loopback, OSError if the port is taken.
    """
    # It may run for days: bodies of many requests would fill the memory.
    simulator = Simulator(scenario, settings=settings, host=host, port=port, remember=REMEMBERED_IN_FOREGROUND)
    await simulator.serve(ready)


def loopback(host: str) -> str:
    """The host as an address, if it is a loopback one. Raises ValueError otherwise."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        inside = ipaddress.ip_address(address).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ValueError(
            f"The simulator listens on this machine only, not on {host!r}: anyone who reaches it can control it. "
            "Use 127.0.0.1 or ::1."
        )
    return address


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol left at 0, asyncio would not switch Nagle's algorithm off: 40 ms for each answer.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


class _Protocol(HttpToolsProtocol):
    """Shows the connection's transport to the application, which needs it to cut connections."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"] = {**self.scope["state"], TRANSPORT: self.transport}


class _Server(uvicorn.Server):
    """Tells when it listens, and stops at once when told to: tests start and stop hundreds of simulators."""

    on_started: Callable[[], None]
    on_stopping: Callable[[], None]

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leaving = asyncio.Event()

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.leaving.wait(), TICK_SECONDS)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.on_stopping()
        await super().shutdown(sockets)


class _Running:
    """One run of the HTTP server on an event loop."""

    def __init__(self, state: State, certificate: Path | None) -> None:
        self._app = build_app(state)
        config = uvicorn.Config(
            self._app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            backlog=BACKLOG,
            ssl_certfile=certificate,
        )
        self._server = _Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, bound: socket.socket, *, ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._server.on_started = ready
        self._server.on_stopping = self._leave_all
        await self._server.serve(sockets=[bound])

    def stop(self) -> None:
        """End the server; may be called from any thread."""
        self._server.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._server.leaving.set)

    def _leave_all(self) -> None:
        """Wake the answers that wait: a stalled one would never end."""
        for connection in list(self._app.state.connections):
            connection.leave()


def _asks_for_response(call: RecordedRequest) -> bool:
    return call.method == "POST" and call.path.endswith(("/responses", "/chat/completions"))
