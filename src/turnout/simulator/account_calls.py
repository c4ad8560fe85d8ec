"""The HTTP calls about accounts: the sign-in service's and the Codex backend's own (codex-backend.md 1.3-1.6, 2.7, 6).

`account_routes` gives the routes for one simulator's state; who is signed in, issuer.py decides.
"""

import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

import msgspec
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from turnout.simulator.account_faults import AccountFault
from turnout.simulator.accounts import CLIENT_ID, Account, Tokens
from turnout.simulator.checks import sign_in
from turnout.simulator.issuer import invalid_grant, unknown_client
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.rejection import Refused, Rejection, detail
from turnout.simulator.sending import Connection, begin, connected, read_body
from turnout.simulator.state import State

CALLBACK_PORTS = (1455, 1457)
"""The only ports that OpenAI has registered for the Codex CLI (codex-backend.md 1.3)."""

Answer = Response | Rejection


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, read."""

    fields: JsonObject
    """The decoded body: JSON or form."""
    query: dict[str, str]
    headers: dict[str, str]
    origin: str
    """The address under which the client found us."""
    state: State
    fault: AccountFault | None

    @property
    def now(self) -> float:
        """Unix seconds by the service's clock."""
        return time.time() + self.state.settings.clock_offset

    @property
    def account(self) -> Account:
        """Who signs in: the account named in the settings, else the first one."""
        accounts = self.state.accounts
        chosen = self.state.settings.sign_in_as
        return accounts[chosen] if chosen else next(iter(accounts.values()))


def account_routes(state: State) -> list[Route]:
    """The routes about accounts."""

    def route(path: str, method: str, answer: Callable[[Call], Answer]) -> Route:
        return Route(path, Endpoint(state, answer), methods=[method])

    return [
        route("/oauth/authorize", "GET", _authorize),
        route("/oauth/token", "POST", _token),
        route("/oauth/revoke", "POST", _revoke),
        route("/api/accounts/deviceauth/usercode", "POST", _user_code),
        route("/api/accounts/deviceauth/token", "POST", _device_token),
        route("/codex/device", "GET", _device_page),
        route("/backend-api/wham/usage", "GET", _usage),
        route("/api/codex/usage", "GET", _usage),
        route("/backend-api/wham/accounts/check", "GET", _accounts_check),
        route("/api/codex/accounts/check", "GET", _accounts_check),
    ]


class Endpoint:
    """Reads a small call, lets the due fault strike, and answers."""

    def __init__(self, state: State, answer: Callable[[Call], Answer]) -> None:
        self._state = state
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = begin(self._state, scope)
        headers = record.headers
        record.raw = await read_body(receive)
        record.body_at = time.monotonic()
        fields = _fields(record.raw, headers)
        record.body = fields
        fault = self._state.due_account_fault(scope["path"])
        record.fault = fault.kind if fault else None
        call = Call(
            fields=fields,
            query={name: values[0] for name, values in parse_qs(record.query).items()},
            headers=headers,
            origin=f"{scope['scheme']}://{headers.get('host', '')}",
            state=self._state,
            fault=fault,
        )
        async with connected(scope, receive, send, record) as connection:
            await self._respond(call, record, connection)
        self._state.recorder.touch()

    async def _respond(self, call: Call, record: RecordedRequest, connection: Connection) -> None:
        kind = call.fault.kind if call.fault else ""
        if kind == "hang":
            await connection.stall()
        if kind == "drop-before":
            await connection.cut("close")
            return
        answer = (call.fault.rejection if call.fault else None) or self._answer(call)
        if call.fault and kind == "slow":
            await connection.pause(call.fault.seconds)
        if kind == "drop":
            await connection.cut("close")
            return
        if isinstance(answer, Rejection):
            record.error = answer.body
            answer = Response(answer.body, answer.status, answer.headers, answer.content_type)
        body = bytes(answer.body)
        if kind == "truncated-200":
            body = body[: len(body) // 2]
        await connection.open(
            answer.status_code,
            [(name, value) for name, value in answer.headers.items() if name != "content-length"]
            + [("content-length", str(len(body)))],
        )
        await connection.write(body)
        await connection.finish()


def _authorize(call: Call) -> Answer:
    """The page where the user agrees; this one agrees at once, or refuses if the settings say so."""
    query = call.query
    redirect_uri = query.get("redirect_uri", "")
    wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
    wrong = [name for name, value in wanted.items() if query.get(name) != value]
    wrong += [name for name in ("state", "code_challenge") if not query.get(name)]
    wrong += [name for name in ("openid", "offline_access") if name not in query.get("scope", "").split()]
    if redirect_uri not in _callbacks():
        wrong.append("redirect_uri")
    if wrong:
        return HTMLResponse(f"<h1>Authentication Error</h1><p>invalid_request: {', '.join(wrong)}</p>", 400)
    if call.state.settings.authorize == "deny":
        answer = {"error": "access_denied", "error_description": "The user did not agree."}
    else:
        answer = {
            "code": call.state.issuer.authorize(call.account, redirect_uri, query["code_challenge"], now=call.now)
        }
    return RedirectResponse(f"{redirect_uri}?{urlencode({**answer, 'state': query['state']})}", 302)


def _callbacks() -> list[str]:
    return [f"http://{host}:{port}/auth/callback" for host in ("localhost", "127.0.0.1") for port in CALLBACK_PORTS]


def _token(call: Call) -> Answer:
    fields, state = call.fields, call.state
    if refusal := unknown_client(fields.get("client_id")):
        return refusal
    now, lifetime = call.now, state.settings.token_lifetime
    match fields.get("grant_type"):
        case "authorization_code":
            parts = [fields.get(name) for name in ("code", "code_verifier", "redirect_uri")]
            if not all(isinstance(part, str) and part for part in parts):
                return invalid_grant("A field is missing.")
            found = state.issuer.exchange(*map(str, parts), now=now, lifetime=lifetime)
        case "refresh_token":
            found = state.issuer.renew(str(fields.get("refresh_token", "")), now=now, lifetime=lifetime)
        case _:
            return Rejection(status=400, body=msgspec.json.encode({"error": "unsupported_grant_type"}))
    if isinstance(found, Rejection):
        return found
    if call.fault and call.fault.kind == "other-account":
        found = state.issuer.sign_in([*state.accounts.values()][-1], now=now, lifetime=lifetime)
    return _json(_granted(found, call))


def _granted(tokens: Tokens, call: Call) -> JsonObject:
    lifetime = int(call.state.settings.token_lifetime)
    if call.fault and call.fault.kind == "access-only":
        return {"access_token": tokens.access_token}
    return {
        "id_token": tokens.id_token,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": "openid profile email offline_access",
    }


def _revoke(call: Call) -> Answer:
    if refusal := unknown_client(call.fields.get("client_id")):
        return refusal
    token = call.fields.get("token")
    if not isinstance(token, str) or not token:
        return Rejection(status=400, body=msgspec.json.encode({"error": "invalid_request"}))
    call.state.issuer.revoke(token)
    return _json({})


def _user_code(call: Call) -> Answer:
    if refusal := unknown_client(call.fields.get("client_id")):
        return refusal
    if not call.state.settings.device_login:
        return detail("Not Found", 404)
    device_id, user_code = call.state.issuer.begin_device(now=call.now)
    interval = f"{call.state.settings.device_interval:g}"
    return _json({"device_auth_id": device_id, "user_code": user_code, "interval": interval})


def _device_token(call: Call) -> Answer:
    settings = call.state.settings
    polled = call.state.issuer.poll_device(
        str(call.fields.get("device_auth_id", "")),
        str(call.fields.get("user_code", "")),
        redirect_uri=f"{call.origin}/deviceauth/callback",
        now=call.now,
        approve=None if settings.device_polls is None else (call.account, settings.device_polls),
    )
    if isinstance(polled, Rejection):
        return polled
    code, challenge, verifier = polled
    granted = {"authorization_code": code, "code_challenge": challenge, "code_verifier": verifier}
    return _json(granted)


def _device_page(call: Call) -> Answer:
    """Where the user enters the code of their device: `?user_code=` agrees, without it there is a form."""
    entered = call.query.get("user_code")
    if entered is None:
        return HTMLResponse("<form><input name=user_code placeholder=Code><button>Continue</button></form>")
    if call.state.issuer.approve_device(entered, call.account):
        return HTMLResponse("<h1>Device connected</h1>")
    return HTMLResponse("<h1>That code is not known.</h1>", 404)


def _usage(call: Call) -> Answer:
    """The quota (codex-backend.md 6)."""
    account = _signed_in(call)
    if isinstance(account, Rejection):
        return account
    now = int(time.time())
    until = call.state.settings.exhausted.get(account.account_id, 0.0)
    used = 100.0 if until > now else call.state.settings.used_percent
    windows = {
        "primary_window": _window(int(used), 18_000, int(until) if until > now else now + 9_000, now),
        "secondary_window": _window(3, 604_800, now + 300_000, now),
    }
    usage: JsonObject = {
        "plan_type": account.plan,
        "rate_limit": {"allowed": used < 100, "limit_reached": used >= 100, **windows},
        "credits": {"has_credits": False, "unlimited": False, "balance": "0"},
        "additional_rate_limits": [],
        "rate_limit_reached_type": {"type": "rate_limit_reached"} if used >= 100 else None,
    }
    return _json(usage)


def _window(used: int, seconds: int, reset_at: int, now: int) -> JsonObject:
    return {
        "used_percent": used,
        "limit_window_seconds": seconds,
        "reset_after_seconds": reset_at - now,
        "reset_at": reset_at,
    }


def _accounts_check(call: Call) -> Answer:
    """The workspaces of the user, and where each is served (codex-backend.md 2.7)."""
    account = _signed_in(call)
    if isinstance(account, Rejection):
        return account
    entry = {
        "id": account.account_id,
        "plan_type": account.plan,
        "name": "Simulated",
        "structure": "personal",
        "workspace_backend_origin": call.origin,
        "account_routing_override": "NO_CONSTRAINT",
    }
    listed = {"accounts": [entry], "account_ordering": [account.account_id], "default_account_id": account.account_id}
    return _json(listed)


def _signed_in(call: Call) -> Account | Rejection:
    try:
        return call.state.accounts[sign_in(call.headers, "codex", call.state.world())]
    except Refused as refused:
        return refused.rejection


def _fields(raw: bytes, headers: dict[str, str]) -> JsonObject:
    """The body's fields: form or JSON, {} if it is neither."""
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(raw.decode("utf-8", "replace")).items()}
    try:
        decoded = msgspec.json.decode(raw) if raw else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
