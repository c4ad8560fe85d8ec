"""The HTTP application of the simulator: the services' routes in front of checks, plan and stream.

`build_app` needs a server that puts the connection's transport into the scope; server.py has one.
"""

import math
import time
import zlib
from collections.abc import Iterator

import msgspec
import zstandard
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from turnout.simulator import faults, reasoning
from turnout.simulator.account_calls import account_routes
from turnout.simulator.checks import check
from turnout.simulator.control import control_routes
from turnout.simulator.count_calls import count_routes
from turnout.simulator.items import Context
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.model_calls import current_etag, model_routes
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.rejection import Rejection, api_error, detail
from turnout.simulator.request import Dialect, Request
from turnout.simulator.sending import Connection, Gone, play
from turnout.simulator.state import Plan, PromptSize, State
from turnout.simulator.steps import Emit, End, Pause, Stall, Step
from turnout.simulator.stream import Envelope, answer, usage
from turnout.simulator.wire import Framer

UPGRADE_REQUIRED = 426
FAULT_HEADER = "x-sim-fault"
"""Names a fault for the request that carries it."""


def build_app(state: State) -> Starlette:
    """The application for one simulator's state."""
    routes = [*control_routes(state)]
    for prefix in ("/backend-api/codex", "/codex"):
        routes.append(Route(f"{prefix}/responses", _Responses(state, "codex"), methods=["GET", "POST"]))
    routes.append(Route("/v1/responses", _Responses(state, "openai"), methods=["GET", "POST"]))
    routes.extend(model_routes(state))
    routes.extend(count_routes(state))
    routes.extend(account_routes(state))
    app = Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_allowed})
    app.state.connections = set()
    return app


class _Responses:
    """POST …/responses in one dialect; a WebSocket upgrade is refused with 426."""

    def __init__(self, state: State, dialect: Dialect) -> None:
        self._state = state
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self._state
        record = _begin(state, scope)
        if scope["method"] == "GET":
            await _refuse(record, _no_websocket(record))(scope, receive, send)
        else:
            record.raw = await _read_body(receive)
            record.body_at = time.monotonic()
            body = _decode(record.raw, record.headers, self._dialect)
            record.body = body if isinstance(body, dict) else None
            found = body if isinstance(body, Rejection) else check(body, record.headers, self._dialect, state.world())
            if isinstance(found, Request):
                await self._respond(found, record, scope, receive, send)
            else:
                await _refuse(record, found)(scope, receive, send)
        state.recorder.touch()

    async def _respond(
        self, request: Request, record: RecordedRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        state = self._state
        named = request.headers.get(FAULT_HEADER)
        try:
            ordered = faults.parse(named) if named else None
        except ValueError as error:
            await _refuse(record, detail(str(error)))(scope, receive, send)
            return
        if (refusal := _exhausted(state, request)) is not None:
            await _refuse(record, refusal, _service_headers(state, request))(scope, receive, send)
            return
        plan = state.plan(request, ordered)
        size = state.measure(request)
        record.fault = plan.fault.name if plan.fault else None
        rejection = plan.fault.rejection(request, time.time()) if plan.fault else None
        if size.overflows and state.settings.overflow == "http-400":
            rejection = faults.context_failure()
        if rejection:
            await _refuse(record, rejection, _service_headers(state, request))(scope, receive, send)
            return
        connection = Connection(scope, receive, send, record)
        scope["app"].state.connections.add(connection)
        try:
            await self._answer(request, plan, size, connection, record)
        except Gone:
            await connection.abandon()
        finally:
            scope["app"].state.connections.discard(connection)
            connection.release()

    async def _answer(
        self, request: Request, plan: Plan, size: PromptSize, connection: Connection, record: RecordedRequest
    ) -> None:
        state = self._state
        fault = plan.fault
        await connection.pause(plan.pacing.first_byte + (fault.delay if fault else 0))
        match fault.before_headers if fault else None:
            case End(how):
                # Without a status line even a proper end of the body is a cut.
                await connection.cut("reset" if how == "reset" else "close")
                return
            case Stall():
                await connection.stall()
            case Pause(seconds):
                await connection.pause(seconds)
        response_id = state.ids.response()
        steps = _recorded(_steps(state, request, plan, size, response_id), record)
        if request.stream:
            headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
            await connection.open(200, {**headers, **_service_headers(state, request)}.items())
            await play(steps, connection, Framer(state.settings.style), state.settings.keepalive_seconds)
        else:
            await _play_whole(steps, connection, _service_headers(state, request))
        if request.dialect == "openai" and request.body.get("store") is not False:
            state.store(response_id, [*request.items, *record.output])


def _steps(state: State, request: Request, plan: Plan, size: PromptSize, response_id: str) -> Iterator[Step]:
    """The answer's steps, with the fault in them."""
    envelope = Envelope(
        response_id=response_id,
        created_at=int(time.time()),
        input_tokens=size.input_tokens,
        cached_tokens=size.cached_tokens,
        rate_limits=_rate_limits(state, request)
        if request.dialect == "codex" and state.settings.rate_limits_event
        else None,
        unknown_event=state.settings.unknown_event,
    )
    context = Context(
        request=request,
        ids=state.ids,
        seal=lambda thought: reasoning.issue(
            state.key,
            account=request.account,
            model=request.model.slug,
            thought=thought,
            nonce=state.ids.nonce(reasoning.NONCE_BYTES),
        ),
    )
    steps = answer(plan.turn, plan.pacing, context, envelope)
    fault = faults.parse("failed:context_length_exceeded") if size.overflows else plan.fault
    return faults.inject(steps, fault, usage(plan.turn, envelope)) if fault else steps


def _recorded(steps: Iterator[Step], record: RecordedRequest) -> Iterator[Step]:
    """The same steps; events and finished items are noted as they pass."""
    for step in steps:
        yield step
        if isinstance(step, Emit):
            kind = step.event["type"]
            record.events.append(kind)
            if kind == "response.output_item.done":
                record.output.append(step.event["item"])
            elif kind in ("response.completed", "response.incomplete"):
                record.usage = step.event["response"]["usage"]


async def _play_whole(steps: Iterator[Step], connection: Connection, headers: dict[str, str]) -> None:
    """The answer as one JSON body, for requests that do not stream."""
    response: JsonObject = {}
    for step in steps:
        match step:
            case Emit(event):
                response = event.get("response", response)
            case Pause(seconds):
                await connection.pause(seconds)
            case Stall():
                await connection.stall()
            case End(how):
                await connection.cut("reset" if how == "reset" else "close")
                return
    status = 500 if response.get("status") == "failed" else 200
    body = {"error": {**response["error"], "type": "server_error", "param": None}} if status == 500 else response
    await connection.open(status, {"content-type": "application/json", **headers}.items())
    await connection.write(msgspec.json.encode(body))
    await connection.finish()


def _begin(state: State, scope: Scope) -> RecordedRequest:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return state.recorder.begin(scope["method"], scope["path"], scope["query_string"].decode(), headers)


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _decode(raw: bytes, headers: dict[str, str], dialect: Dialect) -> object | Rejection:
    """The JSON value of a body; the Codex backend takes zstd as well (codex-backend.md 2.1)."""
    if not headers.get("content-type", "").lower().startswith("application/json"):
        unsupported = "Unsupported content type"
        return detail(unsupported) if dialect == "codex" else api_error(unsupported, status=415)
    encoding = headers.get("content-encoding", "identity").lower()
    try:
        if encoding == "zstd" and dialect == "codex":
            raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
        elif encoding == "gzip" and dialect == "codex":
            raw = zlib.decompress(raw, wbits=31)
        elif encoding != "identity":
            return api_error(f"Unsupported content encoding: {encoding}", status=415)
        value: object = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, zstandard.ZstdError, zlib.error):
        return None
    return value


def _service_headers(state: State, request: Request) -> dict[str, str]:
    """The headers that every answer of the service carries (codex-backend.md 3.3, 4 and 6)."""
    common = {"x-request-id": state.ids.request(), "openai-model": request.model.slug}
    if request.dialect == "openai":
        return {
            **common,
            "openai-processing-ms": "12",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "6ms",
            "x-ratelimit-limit-tokens": "2000000",
            "x-ratelimit-remaining-tokens": "1999000",
            "x-ratelimit-reset-tokens": "30ms",
        }
    now = int(time.time())
    headers = {
        **common,
        "cf-ray": "a1b2c3d4e5f60718-SIM",
        "x-models-etag": current_etag(state, request.headers),
        "x-reasoning-included": "true",
        "x-codex-plan-type": request.plan,
        "x-codex-primary-used-percent": str(state.settings.used_percent),
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-reset-at": str(now + 9_000),
        "x-codex-secondary-used-percent": "3.0",
        "x-codex-secondary-window-minutes": "10080",
        "x-codex-secondary-reset-at": str(now + 300_000),
        "x-codex-credits-has-credits": "False",
        "x-codex-credits-unlimited": "False",
    }
    if "x-codex-turn-state" not in request.headers:
        headers["x-codex-turn-state"] = state.ids.turn_state()
    return headers


def _exhausted(state: State, request: Request) -> Rejection | None:
    """The refusal of an account whose usage limit is reached."""
    now = time.time()
    wait = state.settings.exhausted.get(request.account, 0.0) - now
    return faults.parse(f"429-usage-limit:{math.ceil(wait)}").rejection(request, now) if wait > 0 else None


def _rate_limits(state: State, request: Request) -> JsonObject:
    """The content of a codex.rate_limits event (codex-backend.md 6)."""
    now = int(time.time())
    used = state.settings.used_percent
    return {
        "plan_type": request.plan,
        "rate_limits": {
            "allowed": True,
            "limit_reached": False,
            "primary": {"used_percent": used, "window_minutes": 300, "reset_at": now + 9_000},
            "secondary": {"used_percent": 3.0, "window_minutes": 10_080, "reset_at": now + 300_000},
        },
        "credits": {"has_credits": False, "unlimited": False, "balance": None},
    }


def _no_websocket(record: RecordedRequest) -> Rejection:
    if record.headers.get("upgrade", "").lower() == "websocket":
        return Rejection(status=UPGRADE_REQUIRED, body=msgspec.json.encode({"detail": "WebSocket is not offered here"}))
    return detail("Method Not Allowed", 405)


def _refuse(record: RecordedRequest, rejection: Rejection, headers: dict[str, str] | None = None) -> Response:
    """The response for a refusal, noted in the record."""
    record.status = rejection.status
    record.error = rejection.body
    record.finished_at = time.monotonic()
    return Response(
        rejection.body,
        status_code=rejection.status,
        headers={**(headers or {}), **rejection.headers},
        media_type=rejection.content_type,
    )


def _json(value: object, **headers: str) -> Response:
    return Response(msgspec.json.encode(value), headers=headers, media_type="application/json")


async def _not_found(*_: object) -> Response:
    return Response(msgspec.json.encode({"detail": "Not Found"}), status_code=404, media_type="application/json")


async def _not_allowed(*_: object) -> Response:
    return Response(
        msgspec.json.encode({"detail": "Method Not Allowed"}), status_code=405, media_type="application/json"
    )
