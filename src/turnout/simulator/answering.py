"""What every door of the simulator that gives answers of a model has in common: record, check, plan, faults, steps.

A door says how its requests are read and checked, and how an answer's steps are told to its client.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from turnout.simulator import faults, reasoning
from turnout.simulator.items import Context
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.rejection import Rejection, detail
from turnout.simulator.request import Request
from turnout.simulator.sending import Connection, begin, connected, read_body
from turnout.simulator.state import Plan, PromptSize, State
from turnout.simulator.steps import Emit, End, Pause, Stall, Step
from turnout.simulator.stream import Envelope, answer, usage

FAULT_HEADER = "x-sim-fault"
"""Names a fault for the request that carries it."""
STREAM_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class AnswerDoor(ABC):
    """One path. An ASGI application."""

    def __init__(self, state: State) -> None:
        self.state = state

    @abstractmethod
    def decode(self, raw: bytes, headers: dict[str, str]) -> object | Rejection:
        """The JSON value of a body; None if it is none."""

    @abstractmethod
    def check(self, body: object, headers: dict[str, str]) -> Request | Rejection:
        """The request, if it would be taken."""

    @abstractmethod
    async def tell(
        self, request: Request, steps: Iterator[Step], connection: Connection, headers: dict[str, str]
    ) -> None:
        """Sends an answer; `headers` are those that `headers` gave. Raises Gone."""

    def not_posted(self, record: RecordedRequest) -> Rejection:
        """The answer to a request with another method."""
        return detail("Method Not Allowed", 405)

    def exhausted(self, request: Request) -> Rejection | None:
        """The refusal of an account whose usage limit is reached."""
        return None

    def headers(self, request: Request) -> dict[str, str]:
        """The headers that every answer carries."""
        return {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = begin(self.state, scope)
        if scope["method"] != "POST":
            await refuse(record, self.not_posted(record))(scope, receive, send)
        else:
            record.raw = await read_body(receive)
            record.body_at = time.monotonic()
            body = self.decode(record.raw, record.headers)
            record.body = body if isinstance(body, dict) else None
            found = body if isinstance(body, Rejection) else self.check(body, record.headers)
            if isinstance(found, Request):
                await self._respond(found, record, scope, receive, send)
            else:
                await refuse(record, found)(scope, receive, send)
        self.state.recorder.touch()

    async def _respond(
        self, request: Request, record: RecordedRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        state = self.state
        named = request.headers.get(FAULT_HEADER)
        try:
            ordered = faults.parse(named) if named else None
        except ValueError as error:
            await refuse(record, detail(str(error)))(scope, receive, send)
            return
        if (refusal := self.exhausted(request)) is not None:
            await refuse(record, refusal, self.headers(request))(scope, receive, send)
            return
        plan = state.plan(request, ordered)
        size = state.measure(request)
        record.fault = plan.fault.name if plan.fault else None
        rejection = plan.fault.rejection(request, time.time()) if plan.fault else None
        if size.overflows and state.settings.overflow == "http-400":
            rejection = faults.context_failure()
        if rejection:
            await refuse(record, rejection, self.headers(request))(scope, receive, send)
            return
        async with connected(scope, receive, send, record) as connection:
            await self._answer(request, plan, size, connection, record)

    async def _answer(
        self, request: Request, plan: Plan, size: PromptSize, connection: Connection, record: RecordedRequest
    ) -> None:
        state = self.state
        fault = plan.fault
        await connection.pause(plan.pacing.first_byte + (fault.delay if fault else 0))
        match fault.before_headers if fault else None:
            case End(how):
                await connection.end(how)
                return
            case Stall():
                await connection.stall()
            case Pause(seconds):
                await connection.pause(seconds)
        response_id = state.ids.response()
        steps = _recorded(_steps(state, request, plan, size, response_id), record)
        await self.tell(request, steps, connection, self.headers(request))
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


def refuse(record: RecordedRequest, rejection: Rejection, headers: dict[str, str] | None = None) -> Response:
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
