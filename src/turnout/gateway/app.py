"""The gateway as an ASGI application: every request in, every answer out, one record and one line in the log each."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from turnout import log
from turnout.gateway.admission import Admission
from turnout.gateway.doors import MESSAGES, METHODS, answer_small, nothing_there, refuse, wrong_method
from turnout.gateway.encoding import UnsupportedEncoding
from turnout.gateway.exchange import ClientGone, Exchange
from turnout.gateway.messages import MessagesDoor
from turnout.gateway.record import CLIENT_GONE, Dispatch, LogLines, log_facts, milliseconds_since
from turnout.gateway.relay import DEFECT
from turnout.protocol.errors import Failure, FailureKind, TurnoutError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import FilteringBoundLogger

    from turnout.config import Config
    from turnout.gateway.exchange import Receive, Scope, Send
    from turnout.models.catalogue import Catalogue
    from turnout.upstream.base import Upstream


class Gateway:
    """Answers the clients of one configuration. `asgi` is what a server runs."""

    def __init__(self, config: Config, upstreams: Mapping[str, Upstream], catalogue: Catalogue, token: str) -> None:
        """``token`` is what clients must show; empty lets every client in that passes the Host and Origin checks."""
        self.config = config
        self.last: deque[Dispatch] = deque(maxlen=256)
        """The latest requests to ``/v1/messages``, oldest first."""
        self._upstreams = upstreams
        self._admission = Admission(host=config.server.host, allowed_hosts=config.server.allowed_hosts, token=token)
        self._log: FilteringBoundLogger = log.get().bind()  # bound once: a fresh one for each line costs as much again
        self._lines = LogLines(self._log)
        self._messages = MessagesDoor(config, upstreams, catalogue)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application. Takes plain HTTP requests only."""
        if scope["type"] != "http":
            raise RuntimeError(f"the gateway does not take {scope['type']} connections")
        exchange = Exchange(scope, receive, send)
        path = exchange.path.rstrip("/") or "/"
        dispatch = Dispatch(request_id=exchange.request_id) if path == MESSAGES else None
        failure: Failure | None = None
        try:
            await self._answer(exchange, path, dispatch)
        except ClientGone:
            exchange.status = CLIENT_GONE
        except TurnoutError as error:
            failure = error.failure
            if exchange.status:
                raise  # the server breaks the connection: an answer that had begun cannot end well
            status = 415 if isinstance(error, UnsupportedEncoding) else 0
            extra = {"allow": ", ".join(METHODS[path])} if failure.kind is FailureKind.METHOD_NOT_ALLOWED else {}
            await refuse(exchange, failure, time.time(), extra, status)
        except Exception:
            self._log.exception("defect", id=exchange.request_id)
            failure = DEFECT
            if exchange.status:
                raise
            await refuse(exchange, failure, time.time(), {})
        finally:
            self._record(exchange, dispatch, failure)

    async def _answer(self, exchange: Exchange, path: str, dispatch: Dispatch | None) -> None:
        foreign = self._admission.refuses_place(exchange.headers, exchange.listening)
        if foreign is not None:
            raise TurnoutError(foreign)
        methods = METHODS.get(path)
        if methods is None:
            raise TurnoutError(nothing_there(exchange.method, exchange.path))
        if exchange.method not in methods:
            raise TurnoutError(wrong_method(exchange.method, path, methods))
        if dispatch is None:
            await answer_small(exchange, path, self._upstreams.values())
            return
        stranger = self._admission.refuses_client(exchange.headers)
        if stranger is not None:
            raise TurnoutError(stranger)
        await self._messages.answer(exchange, dispatch)

    def _record(self, exchange: Exchange, dispatch: Dispatch | None, failure: Failure | None) -> None:
        kind = failure.kind if failure else None
        if dispatch is not None:
            dispatch.status = exchange.status
            dispatch.total_ms = milliseconds_since(exchange.arrived)
            dispatch.failure = kind = kind or dispatch.failure
            self.last.append(dispatch)
        self._lines.add(log_facts(exchange, dispatch, kind))

    async def close(self) -> None:
        """Closes the upstreams' connections, and writes what is left to be logged."""
        self._lines.write()
        for upstream in self._upstreams.values():
            await upstream.close()
