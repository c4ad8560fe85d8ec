"""The control plane under `/_sim/`: scripts and faults over HTTP, for tests in another process and for people.

GET  /_sim/health        {"ok": true}
GET  /_sim/requests      what was received, with bodies
GET  /_sim/auth.json     a fresh sign-in, as Codex stores it
POST /_sim/fault         {"fault": "429-burst", "times": 2, "after": 0, "model": ""}
POST /_sim/account-fault {"fault": "429:5", "times": 1, "after": 0, "path": "/oauth/token"}: account_faults.py
POST /_sim/script        a list of turns
POST /_sim/scenario      a scenario, or null for none
POST /_sim/settings      the settings to change
POST /_sim/reset         forget scripts, faults, records and caches
"""

from collections.abc import Callable
from dataclasses import asdict

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from turnout.simulator import account_faults, faults
from turnout.simulator.scenario import Scenario, Turn
from turnout.simulator.settings import Settings
from turnout.simulator.state import State


class FaultOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /_sim/fault."""

    fault: str
    times: int = 1
    after: int = 0
    model: str = ""


class AccountFaultOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /_sim/account-fault."""

    fault: str
    times: int = 1
    after: int = 0
    path: str = ""


def control_routes(state: State) -> list[Route]:
    """The routes of the control plane."""

    def order_fault(body: bytes) -> object:
        order = msgspec.json.decode(body, type=FaultOrder)
        fault = faults.parse(order.fault)
        state.add_fault(fault, times=order.times, after=order.after, model=order.model)
        return {"ok": True, "fault": fault.name}

    def order_account_fault(body: bytes) -> object:
        order = msgspec.json.decode(body, type=AccountFaultOrder)
        state.add_account_fault(
            account_faults.parse(order.fault), times=order.times, after=order.after, path=order.path
        )
        return {"ok": True, "fault": order.fault}

    def order_script(body: bytes) -> object:
        turns = msgspec.json.decode(body, type=list[Turn])
        state.script(turns)
        return {"ok": True, "turns": len(turns)}

    def order_scenario(body: bytes) -> object:
        scenario = msgspec.json.decode(body, type=Scenario | None)
        state.load(scenario)
        return {"ok": True, "scenario": scenario.name if scenario else None}

    def order_settings(body: bytes) -> object:
        current = msgspec.to_builtins(state.settings)
        state.settings = msgspec.convert({**current, **msgspec.json.decode(body, type=dict)}, Settings)
        return msgspec.to_builtins(state.settings)

    def order_reset(_: bytes) -> object:
        state.reset()
        return {"ok": True}

    return [
        _read("health", lambda: {"ok": True}),
        _read("requests", lambda: [_shown(record) for record in state.recorder.all()]),
        _read("auth.json", lambda: state.auth_document(next(iter(state.accounts.values())))),
        _order("fault", order_fault),
        _order("account-fault", order_account_fault),
        _order("script", order_script),
        _order("scenario", order_scenario),
        _order("settings", order_settings),
        _order("reset", order_reset),
    ]


def _read(name: str, read: Callable[[], object]) -> Route:
    async def endpoint(_: HttpRequest) -> Response:
        return _json(read())

    return Route(f"/_sim/{name}", endpoint, methods=["GET"])


def _order(name: str, order: Callable[[bytes], object]) -> Route:
    async def endpoint(request: HttpRequest) -> Response:
        try:
            return _json(order(await request.body()))
        except (ValueError, msgspec.MsgspecError) as error:
            return _json({"error": str(error)}, 400)

    return Route(f"/_sim/{name}", endpoint, methods=["POST"])


def _shown(record: object) -> object:
    shown = asdict(record)  # type: ignore[call-overload]
    shown["raw"] = len(shown["raw"])
    shown["error"] = shown["error"].decode() if shown["error"] else None
    return shown


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
