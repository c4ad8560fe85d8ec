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

from turnout.simulator import chat_door, faults
from turnout.simulator.account_calls import account_routes
from turnout.simulator.answering import STREAM_HEADERS, AnswerDoor
from turnout.simulator.checks import check
from turnout.simulator.control import control_routes
from turnout.simulator.count_calls import count_routes
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.model_calls import current_etag, model_routes
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.rejection import Rejection, api_error, detail
from turnout.simulator.request import Dialect, Request
from turnout.simulator.sending import Connection, play, play_events
from turnout.simulator.state import State
from turnout.simulator.steps import Emit, Step
from turnout.simulator.wire import Framer

UPGRADE_REQUIRED = 426


def build_app(state: State) -> Starlette:
    """The application for one simulator's state."""
    routes = [*control_routes(state)]
    for prefix in ("/backend-api/codex", "/codex"):
        routes.append(Route(f"{prefix}/responses", _Responses(state, "codex"), methods=["GET", "POST"]))
    routes.append(Route("/v1/responses", _Responses(state, "openai"), methods=["GET", "POST"]))
    routes.append(Route(chat_door.PATH, chat_door.ChatDoor(state), methods=["GET", "POST"]))
    routes.extend(model_routes(state))
    routes.extend(count_routes(state))
    routes.extend(account_routes(state))
    app = Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_allowed})
    app.state.connections = set()
    return app


class _Responses(AnswerDoor):
    """POST …/responses in one dialect; a WebSocket upgrade is refused with 426."""

    def __init__(self, state: State, dialect: Dialect) -> None:
        super().__init__(state)
        self._dialect = dialect

    def not_posted(self, record: RecordedRequest) -> Rejection:
        return _no_websocket(record)

    def decode(self, raw: bytes, headers: dict[str, str]) -> object | Rejection:
        return _decode(raw, headers, self._dialect)

    def check(self, body: object, headers: dict[str, str]) -> Request | Rejection:
        return check(body, headers, self._dialect, self.state.world())

    def exhausted(self, request: Request) -> Rejection | None:
        return _exhausted(self.state, request)

    def headers(self, request: Request) -> dict[str, str]:
        return _service_headers(self.state, request)

    async def tell(
        self, request: Request, steps: Iterator[Step], connection: Connection, headers: dict[str, str]
    ) -> None:
        settings = self.state.settings
        if request.stream:
            await connection.open(200, {**STREAM_HEADERS, **headers}.items())
            await play_events(steps, connection, Framer(settings.style), settings.keepalive_seconds)
        else:
            await _play_whole(steps, connection, headers)


async def _play_whole(steps: Iterator[Step], connection: Connection, headers: dict[str, str]) -> None:
    """The answer as one JSON body, for requests that do not stream."""
    response: JsonObject = {}

    async def keep(emit: Emit) -> None:
        nonlocal response
        response = emit.event.get("response", response)

    if not await play(steps, connection, keep):
        return
    status = 500 if response.get("status") == "failed" else 200
    body = {"error": {**response["error"], "type": "server_error", "param": None}} if status == 500 else response
    await connection.open(status, {"content-type": "application/json", **headers}.items())
    await connection.write(msgspec.json.encode(body))
    await connection.finish()


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


def _no_websocket(record: RecordedRequest) -> Rejection:
    if record.headers.get("upgrade", "").lower() == "websocket":
        return Rejection(status=UPGRADE_REQUIRED, body=msgspec.json.encode({"detail": "WebSocket is not offered here"}))
    return detail("Method Not Allowed", 405)


async def _not_found(*_: object) -> Response:
    return Response(msgspec.json.encode({"detail": "Not Found"}), status_code=404, media_type="application/json")


async def _not_allowed(*_: object) -> Response:
    return Response(
        msgspec.json.encode({"detail": "Method Not Allowed"}), status_code=405, media_type="application/json"
    )
