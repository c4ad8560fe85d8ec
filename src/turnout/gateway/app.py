"""The gateway as an ASGI application: every request in, every answer out, one record and one line in the log each."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from turnout import log
from turnout.accounts.store import Accounts
from turnout.discovery.catalogues import Catalogues
from turnout.gateway import record as records
from turnout.gateway.admin import AdminDoor
from turnout.gateway.admission import Admission
from turnout.gateway.answers import Answers
from turnout.gateway.chat import ChatDoor
from turnout.gateway.config_door import ConfigDoor
from turnout.gateway.counting import Counting
from turnout.gateway.doors import (
    CHAT,
    COMPACT,
    CONFIGURING,
    COUNT_TOKENS,
    INPUT_TOKENS,
    MESSAGES,
    QUOTA,
    RESPONSES,
    USAGE,
    answer_small,
    is_for_all,
    is_of_models,
    is_of_responses,
    methods_of,
    nothing_there,
    refuse,
    wrong_method,
)
from turnout.gateway.encoding import UnsupportedEncoding
from turnout.gateway.exchange import ClientGone, Exchange
from turnout.gateway.kept_responses import KeptResponses
from turnout.gateway.life import Life
from turnout.gateway.live import Live
from turnout.gateway.messages import MessagesDoor
from turnout.gateway.models import ModelsDoor
from turnout.gateway.placements import Placements
from turnout.gateway.quota import QuotaDoor
from turnout.gateway.record import CLIENT_GONE, Line, LogLines, milliseconds
from turnout.gateway.refreshing import Refresher
from turnout.gateway.relay import DEFECT
from turnout.gateway.responses import ResponsesDoor
from turnout.gateway.responses_socket import ResponsesSocket, not_here
from turnout.gateway.steering import Steering
from turnout.gateway.tap import TappedExchange
from turnout.gateway.token_counts import TokenCountsDoor
from turnout.gateway.tracing import Tracer
from turnout.gateway.who import Who
from turnout.ledger.ledger import Ledger
from turnout.protocol.errors import Failure, FailureKind, TurnoutError
from turnout.quota.board import Board
from turnout.quota.spending import Spending
from turnout.settings import Given
from turnout.upstream import prepare

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping

    from structlog.typing import FilteringBoundLogger

    from turnout.config import Config
    from turnout.gateway.exchange import Receive, Scope, Send
    from turnout.ledger.record import RequestRecord
    from turnout.ledger.store import RecordStore
    from turnout.models.catalogue import Catalogue
    from turnout.settings import Source
    from turnout.upstream.base import Upstream


class Gateway:
    """Answers the clients of one configuration. `asgi` is what a server runs."""

    def __init__(
        self,
        config: Config,
        upstreams: Mapping[str, Upstream],
        catalogue: Catalogue,
        token: str,
        store: RecordStore | None = None,
        *,
        accounts: Accounts | None = None,
        environ: Mapping[str, str] = os.environ,
        life: Life | None = None,
        refreshes: bool = False,
        source: Source | None = None,
        build: Callable[[Config], Mapping[str, Upstream]] | None = None,
    ) -> None:
        """``token`` is what clients must show; empty lets every client in that passes the Host and Origin checks.

        Without a ``store`` the records of requests live as long as the gateway. ``accounts`` are those that the
        upstreams use; without them they are opened once more. ``environ`` says where this user's files are. ``life`` is
        how it is told to end. With ``refreshes`` it asks for models by itself. ``source`` is asked for the
        configuration when a file changes, and ``build`` makes the upstreams then; without the one only requests change
        it, without the other the upstreams stay as they are.
        """
        self.live = Live(config, catalogue, upstreams)
        self.ledger = Ledger(store)
        self.tracer = Tracer()
        self.life = life or Life()
        self._token = token
        self._followed: Config | None = None
        self._log: FilteringBoundLogger = log.get().bind()  # bound once: a fresh one for each line costs as much again
        self._lines = LogLines(self._log)
        self._board = Board.of(environ)
        self._accounts = Accounts(config, environ) if accounts is None else accounts
        self._placements = Placements(
            self.live, accounts=self._accounts, board=self._board, spending=Spending.of(environ)
        )
        self._refreshes = refreshes
        self.refresher = Refresher(self.live, Catalogues(environ))
        self._models = ModelsDoor(self.live, self.refresher, Who(self._accounts))
        counting = Counting()
        answers = Answers(
            self.live,
            self._placements,
            self.ledger,
            board=self._board,
            counting=counting,
            notice=self.refresher.notice,
        )
        self._kept = KeptResponses(self.live, environ)
        responses = ResponsesDoor(self.live, answers, self._kept)
        self._models_answer = {
            MESSAGES: MessagesDoor(self.live, answers).answer,
            CHAT: ChatDoor(self.live, answers).answer,
            RESPONSES: responses.answer,
            COMPACT: responses.compact,
        }
        """Where models answer, by path; each request there has a record."""
        self._token_counts = TokenCountsDoor(self.live, counting, self._kept)
        self._follow()
        self.live.subscribe(self._follow)
        self.steering = Steering(
            self.live, source or Given(config), build=build or (lambda _: upstreams), accounts=self._accounts
        )
        self._config_door = ConfigDoor(self.live, self.steering, self._models.refresh)
        self._admin = AdminDoor(self.live, self.ledger, self.tracer, self.life)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.live.config

    def _follow(self) -> None:
        """Makes anew what is made of the configuration, if it has changed."""
        config = self.live.config
        if config is self._followed:
            return
        self._followed = config
        server = config.server
        self._admission = Admission(host=server.host, allowed_hosts=server.allowed_hosts, token=self._token)
        self._quota = QuotaDoor(config, self._accounts, self._board)

    @property
    def last(self) -> deque[RequestRecord]:
        """The latest requests for an answer, oldest first."""
        return self.ledger.last

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application. Takes HTTP requests, and WebSockets at one path."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the gateway does not take {scope['type']} connections")
        recording = self.tracer.recording
        if recording is None:
            exchange = Exchange(scope, receive, send)
        else:
            exchange = TappedExchange(scope, receive, send, recording)
        await self._serve(exchange)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes a WebSocket, or refuses it with an HTTP error."""
        socket = ResponsesSocket(scope, receive, send)
        handshake = Exchange({**scope, "method": "GET"}, receive, send)
        failure = self._admission.refuses_place(handshake.headers, handshake.listening)
        failure = failure or self._admission.refuses_client(handshake.headers)
        if failure is None and handshake.path.rstrip("/") != RESPONSES:
            failure = nothing_there("a WebSocket to", handshake.path)
        if failure is None and not self.config.responses.websocket:
            failure = not_here()
        if failure is None:
            await socket.run(self._serve)
            return
        handshake.status = await socket.refuse(failure)
        self._record(handshake, None, failure)

    async def _serve(self, exchange: Exchange) -> None:
        path = exchange.path.rstrip("/") or "/"
        record = records.begin(exchange) if path in self._models_answer else None
        self.life.open += record is not None
        failure: Failure | None = None
        try:
            await self._answer(exchange, path, record)
        except ClientGone:
            exchange.status = CLIENT_GONE
        except TurnoutError as error:
            failure = error.failure
            if exchange.status:
                raise  # the server breaks the connection: an answer that had begun cannot end well
            status = 415 if isinstance(error, UnsupportedEncoding) else 0
            allowed = methods_of(path) if failure.kind is FailureKind.METHOD_NOT_ALLOWED else None
            extra = {"allow": ", ".join(allowed)} if allowed else {}
            await refuse(exchange, failure, time.time(), extra, status)
        except Exception:
            self._log.exception("defect", id=exchange.request_id)
            failure = DEFECT
            if exchange.status:
                raise
            await refuse(exchange, failure, time.time(), {})
        finally:
            self._record(exchange, record, failure)

    async def _answer(self, exchange: Exchange, path: str, record: RequestRecord | None) -> None:
        foreign = self._admission.refuses_place(exchange.headers, exchange.listening)
        if foreign is not None:
            raise TurnoutError(foreign)
        methods = methods_of(path)
        if methods is None:
            raise TurnoutError(nothing_there(exchange.method, exchange.path))
        if exchange.method not in methods:
            raise TurnoutError(wrong_method(exchange.method, path, methods))
        if record is None and is_for_all(path):
            await answer_small(exchange, path, self._placements.check)
            return
        stranger = self._admission.refuses_client(exchange.headers)
        if stranger is not None:
            raise TurnoutError(stranger)
        with self.live.hold():
            if record is not None:
                await self._models_answer[path](exchange, record)
            else:
                await self._enter(exchange, path)

    async def _enter(self, exchange: Exchange, path: str) -> None:
        """Goes through one of the doors behind which no model answers, and that are not for everyone."""
        if path in (COUNT_TOKENS, INPUT_TOKENS):
            await self._token_counts.answer(exchange, path)
        elif path in CONFIGURING:
            await self._config_door.answer(exchange, path)
        elif is_of_models(path):
            await self._models.answer(exchange, path)
        elif is_of_responses(path):
            await self._kept.answer(exchange, path)
        elif path == QUOTA or path in USAGE:
            await self._quota.answer(exchange, path)
        else:
            await self._admin.answer(exchange, path)

    def _record(self, exchange: Exchange, record: RequestRecord | None, failure: Failure | None) -> None:
        kind = failure.kind if failure else None
        took = milliseconds(exchange.arrived, time.perf_counter())
        if record is not None:
            self.life.open -= 1
            self.life.requests += 1
            record.status = exchange.status
            record.total_ms = took
            records.add_failure(record, failure)
            kind = record.failure
            self.ledger.keep(record)
            if exchange.tap is not None:
                exchange.tap.ended(record)
        self._lines.add(
            Line(
                exchange.request_id,
                exchange.method,
                exchange.path,
                exchange.headers.get(b"user-agent", b""),
                exchange.status,
                took,
                record,
                kind,
            )
        )

    def start(self) -> None:
        """Begins what the gateway does by itself, in the running event loop: it keeps logins and models fresh."""
        if self._refreshes:
            self.refresher.start()
        try:
            self._accounts.look_after()
        except TurnoutError as error:
            self._log.warning("accounts_not_ready", reason=error.failure.message)  # requests will be told the same
        self.steering.start()
        asyncio.get_running_loop().run_in_executor(None, prepare)

    async def close(self) -> None:
        """Closes the upstreams' connections, and writes what is left to be written."""
        self._lines.write()
        await self.refresher.close()
        await self.steering.close()
        await self.tracer.close()
        await self.ledger.close()
        await self._placements.close()
        await self._kept.close()
        await self._board.close()
        await self.live.close()
        await self._accounts.close()
