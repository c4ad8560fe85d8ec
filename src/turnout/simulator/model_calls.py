"""The calls that list models: the Codex backend's catalogue (codex-backend.md 5.2), the OpenAI API's list of names."""

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from turnout.simulator import catalogue
from turnout.simulator.account_calls import Answer, Call, Endpoint
from turnout.simulator.checks import client_version, sign_in
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.rejection import Refused, Rejection
from turnout.simulator.request import Dialect
from turnout.simulator.state import State

MODELS_CREATED = 1_780_000_000


def model_routes(state: State) -> list[Route]:
    """The routes of the lists."""
    codex = [
        Route(f"{prefix}/models", Endpoint(state, _codex), methods=["GET"])
        for prefix in ("/backend-api/codex", "/codex")
    ]
    return [*codex, Route("/v1/models", Endpoint(state, _openai), methods=["GET"])]


def current_etag(state: State, headers: dict[str, str]) -> str:
    """What an answer to a request with these headers says of the catalogue in `x-models-etag`."""
    return catalogue.codex_etag(_listing(state, client_version(headers)))


def _listing(state: State, version: tuple[int, ...]) -> list[JsonObject]:
    listing = catalogue.codex_listing(version, absent=state.settings.absent, plans=state.settings.plans)
    windows = state.settings.windows
    return [{**entry, "context_window": windows.get(entry["slug"], entry["context_window"])} for entry in listing]


def _codex(call: Call) -> Answer:
    if refusal := _stranger(call, "codex"):
        return refusal
    version = catalogue.parse_version(call.query.get("client_version", ""))
    if len(version) != 3:
        problem = {"type": "missing", "loc": ["query", "client_version"], "msg": "Field required", "input": None}
        return Rejection(status=422, body=msgspec.json.encode({"detail": [problem]}))
    listing = _listing(call.state, version)
    etag = catalogue.codex_etag(listing)
    if call.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"etag": etag})
    return Response(msgspec.json.encode({"models": listing}), media_type="application/json", headers={"etag": etag})


def _openai(call: Call) -> Answer:
    if refusal := _stranger(call, "openai"):
        return refusal
    listing = catalogue.openai_listing(MODELS_CREATED, call.state.settings.absent)
    return Response(msgspec.json.encode({"object": "list", "data": listing}), media_type="application/json")


def _stranger(call: Call, dialect: Dialect) -> Rejection | None:
    try:
        sign_in(call.headers, dialect, call.state.world())
    except Refused as refused:
        return refused.rejection
    return None
