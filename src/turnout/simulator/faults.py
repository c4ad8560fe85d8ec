"""Faults by name: the ways in which the real services fail, for scenarios, the control plane and `x-sim-fault`.

A name is `kind`, `kind-place` or either with `:argument`. Pure: a fault gives an error answer, or changes the steps of
a good one.

Answers instead of a stream:
  401, 403, 403-html, 404-model, 413, 429-usage-limit[:seconds until the reset], 429-usage-not-included,
  429-burst[:retry-after seconds], 429-insufficient-quota, 500, 502-html, 503, lite-required, invalid-encrypted,
  context-400, json-error-200
Late answers:
  slow-first-byte:seconds (headers late), slow-first-event:seconds (headers at once, then nothing)
Changes at a place of the stream (after-created, unless said otherwise):
  failed[:code] (also written failed-in-200:code), error-event[:code], incomplete[:reason] (before-completed), drop,
  reset, eof, stall, silence:seconds (mid-reasoning)
Places:
  before-first-byte, after-created, mid-reasoning, mid-text, mid-arguments, after-item, before-completed
Events before the first byte (failed, error-event, incomplete) are the stream's first and only ones.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, get_args

import msgspec

from turnout.simulator.catalogue import Model
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.rejection import Rejection, api_error, detail
from turnout.simulator.request import Request
from turnout.simulator.scenario import CustomToolCall, FunctionCall, Message, Turn
from turnout.simulator.steps import Emit, End, Pause, Stall, Step

Place = Literal[
    "before-first-byte",
    "after-created",
    "mid-reasoning",
    "mid-text",
    "mid-arguments",
    "after-item",
    "before-completed",
]

CONTEXT_MESSAGE = "Your input exceeds the context window of this model. Please adjust your input and try again."

FAILURE_MESSAGES = {
    "context_length_exceeded": CONTEXT_MESSAGE,
    "insufficient_quota": "You exceeded your current quota, please check your plan and billing details.",
    "usage_not_included": "Your plan does not include this usage.",
    "rate_limit_exceeded": "Rate limit reached for the model on tokens per min (TPM). Please try again in 1.5s.",
    "server_is_overloaded": "Our servers are currently overloaded. Please try again later.",
    "slow_down": "Too many requests at once. Please slow down.",
    "invalid_prompt": "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    "cyber_policy": "This request was flagged for possible cybersecurity risk.",
    "bio_policy": "This request was flagged for possible biological risk.",
    "misalignment_policy_violation": "This request was stopped by a safety policy.",
    "server_error": "The server had an error while processing your request. Sorry about that!",
}
"""The codes of codex-backend.md 3.3 with a text each; other codes get the text of server_error."""

_EVENT_KINDS = ("failed", "error-event", "incomplete")
_STREAM_KINDS = (*_EVENT_KINDS, "drop", "reset", "eof", "stall", "silence")
_LATE_KINDS = ("slow-first-byte", "slow-first-event")
_PLACES: tuple[Place, ...] = get_args(Place)
_ENDS: dict[str, Literal["close", "reset", "eof"]] = {"drop": "close", "reset": "reset", "eof": "eof"}

_DEFAULT_PLACES: dict[str, Place] = {"silence": "mid-reasoning", "incomplete": "before-completed"}

_AFTER: dict[str, tuple[str, ...]] = {
    "after-created": ("response.in_progress",),
    "mid-reasoning": ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"),
    "mid-text": ("response.output_text.delta",),
    "mid-arguments": ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"),
    "after-item": ("response.output_item.done",),
}
"""The event after which each place lies."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, as `parse` reads it from its name."""

    kind: str
    place: Place = "after-created"
    argument: str | None = None

    @property
    def name(self) -> str:
        """The name that gives this fault again."""
        place = f"-{self.place}" if self.kind in _STREAM_KINDS else ""
        return f"{self.kind}{place}" + (f":{self.argument}" if self.argument else "")

    @property
    def seconds(self) -> float:
        return float(self.argument or 0)

    def fits(self, request: Request, turn: Turn) -> bool:
        """Whether this answer has the place where the fault strikes; an unfitting fault waits for a later request."""
        if self.kind == "invalid-encrypted":
            return any(item.get("type") == "reasoning" for item in request.items)
        if self.kind not in _STREAM_KINDS:
            return True
        match self.place:
            case "mid-text":
                return any(isinstance(output, Message) for output in turn.output)
            case "mid-arguments":
                return any(isinstance(output, FunctionCall | CustomToolCall) for output in turn.output)
            case "after-item":
                return bool(turn.output)
            case _:
                return True

    @property
    def delay(self) -> float:
        """Seconds to wait before the headers."""
        return self.seconds if self.kind == "slow-first-byte" else 0.0

    @property
    def before_headers(self) -> End | Stall | Pause | None:
        """What happens instead of sending headers, if the fault lies there."""
        if self.kind not in _STREAM_KINDS or self.place != "before-first-byte" or self.kind in _EVENT_KINDS:
            return None  # an event needs a stream to be in
        return _interruption(self)

    def rejection(self, request: Request, now: float) -> Rejection | None:
        """The error answer to give instead of a stream, if this fault is one. `now` is the Unix time."""
        build = _ANSWERS.get(self.kind)
        return build(self, request, now) if build else None


def parse(name: str) -> Fault:
    """The fault of that name. Raises ValueError that lists the known ones."""
    head, _, argument = name.partition(":")
    if head == "failed-in-200":
        head = "failed"
    if head in _ANSWERS or head in _LATE_KINDS:
        return _checked(Fault(kind=head, argument=argument or None))
    for kind in _STREAM_KINDS:
        default = _DEFAULT_PLACES.get(kind, "after-created")
        for place in _PLACES:
            if head == f"{kind}-{place}" or (head == kind and place == default):
                return _checked(Fault(kind=kind, place=place, argument=argument or None))
    known = ", ".join((*_ANSWERS, *_LATE_KINDS, *(f"{kind}[-place]" for kind in _STREAM_KINDS)))
    raise ValueError(f"There is no fault called {name!r}. Known: {known}. Places: {', '.join(_PLACES)}.")


def inject(steps: Iterable[Step], fault: Fault, usage: JsonObject | None) -> Iterator[Step]:
    """The steps of an answer with the fault in them; `usage` is what an incomplete response reports.

    A place that the answer does not have strikes before its end, never not at all.
    """
    if fault.kind == "slow-first-event":
        yield Pause(fault.seconds, silent=True)
        yield from steps
        return
    if fault.kind not in _STREAM_KINDS or fault.before_headers:
        yield from steps
        return
    struck = False
    base: JsonObject = {}
    for step in steps:
        kind = step.event["type"] if isinstance(step, Emit) else ""
        if isinstance(step, Emit) and kind == "response.created":
            base = step.event["response"]
        if fault.place == "before-first-byte":
            if base:
                yield from _strike(fault, base, usage)
                return
            if isinstance(step, Emit):
                continue  # the quota's event, which comes before the response
        if not struck and kind == "response.completed":
            struck = True
            yield from _strike(fault, base, usage)
            if fault.kind != "silence":
                return
        yield step
        if not struck and kind in _AFTER.get(fault.place, ()):
            struck = True
            yield from _strike(fault, base, usage)
            if fault.kind != "silence":
                return


def _strike(fault: Fault, base: JsonObject, usage: JsonObject | None) -> Iterator[Step]:
    argument = fault.argument
    match fault.kind:
        case "failed":
            code = argument or "server_error"
            error = {"code": code, "message": failure_message(code)}
            yield Emit({"type": "response.failed", "response": {**base, "status": "failed", "error": error}})
        case "error-event":
            code = argument or "server_error"
            yield Emit({"type": "error", "code": code, "message": failure_message(code), "param": None})
        case "incomplete":
            reason = {"reason": argument or "max_output_tokens"}
            response = {**base, "status": "incomplete", "incomplete_details": reason, "usage": usage}
            yield Emit({"type": "response.incomplete", "response": response})
        case _:
            yield _interruption(fault)


def _interruption(fault: Fault) -> End | Stall | Pause:
    match fault.kind:
        case "silence":
            return Pause(fault.seconds, silent=True)
        case "stall":
            return Stall()
        case _:
            return End(_ENDS[fault.kind])


def failure_message(code: str) -> str:
    """The text that goes with a failure code."""
    return FAILURE_MESSAGES.get(code, FAILURE_MESSAGES["server_error"])


def context_failure() -> Rejection:
    """The HTTP form of a prompt that is too long."""
    return api_error(CONTEXT_MESSAGE, param="input", code="context_length_exceeded")


def _checked(fault: Fault) -> Fault:
    """Refuse a number that is none now rather than in the middle of an answer."""
    if fault.kind in ("silence", *_LATE_KINDS, "429-usage-limit", "429-burst") and fault.argument is not None:
        try:
            float(fault.argument)
        except ValueError:
            raise ValueError(f"The fault {fault.kind!r} takes a number of seconds, not {fault.argument!r}.") from None
    elif fault.kind in ("silence", *_LATE_KINDS):
        raise ValueError(f"The fault {fault.kind!r} needs a number of seconds, as in '{fault.kind}:2.5'.")
    return fault


def _usage_limit(fault: Fault, request: Request, now: float) -> Rejection:
    wait = int(float(fault.argument or 3_600))
    return api_error(
        "The usage limit has been reached",
        kind="usage_limit_reached",
        status=429,
        plan_type=request.plan,
        resets_at=int(now) + wait,
        resets_in_seconds=wait,
        headers={
            "x-codex-primary-used-percent": "100.0",
            "x-codex-primary-window-minutes": "300",
            "x-codex-primary-reset-at": str(int(now) + wait),
            "x-codex-rate-limit-reached-type": "rate_limit_reached",
        },
    )


def _burst(fault: Fault, request: Request, _now: float) -> Rejection:
    message = f"Rate limit reached for {request.model.slug} on requests per min (RPM). Please slow down."
    headers = {"retry-after": fault.argument} if fault.argument else {}
    return api_error(message, kind="requests", code="rate_limit_exceeded", status=429, headers=headers)


def _html(status: int, title: str) -> Rejection:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Rejection(
        status=status,
        body=page.encode(),
        content_type="text/html; charset=UTF-8",
        headers={"server": "cloudflare", "cf-ray": "a1b2c3d4e5f60718-SIM"},
    )


_Answer = Callable[[Fault, Request, float], Rejection]

_ANSWERS: dict[str, _Answer] = {
    "401": lambda *_: api_error(
        "Your authentication token has expired. Please try signing in again.", code="token_expired", status=401
    ),
    "403": lambda *_: detail("Forbidden", 403),
    "403-html": lambda *_: _html(403, "Just a moment..."),
    "404-model": lambda _, request, __: detail(f"Model not found {request.model.slug}", 404),
    "413": lambda *_: detail("Request Entity Too Large", 413),
    "429-usage-limit": _usage_limit,
    "429-usage-not-included": lambda _, request, __: api_error(
        failure_message("usage_not_included"), kind="usage_not_included", status=429, plan_type=request.plan
    ),
    "429-burst": _burst,
    "429-insufficient-quota": lambda *_: api_error(
        failure_message("insufficient_quota"), kind="insufficient_quota", code="insufficient_quota", status=429
    ),
    "500": lambda *_: api_error(failure_message("server_error"), kind="server_error", status=500),
    "502-html": lambda *_: _html(502, "502 Bad Gateway"),
    "503": lambda *_: api_error(
        failure_message("server_is_overloaded"),
        kind="service_unavailable_error",
        code="server_is_overloaded",
        status=503,
    ),
    "lite-required": lambda _, request, __: lite_required(request.model),
    "invalid-encrypted": lambda *_: api_error(
        "The encrypted content gAAA...SIM= could not be verified.", code="invalid_encrypted_content"
    ),
    "context-400": lambda *_: context_failure(),
    "json-error-200": lambda *_: Rejection(
        status=200,
        body=msgspec.json.encode(
            {"error": {"message": failure_message("server_error"), "type": "server_error", "param": None, "code": None}}
        ),
    ),
}


def lite_required(model: Model) -> Rejection:
    """A model that only takes Responses Lite framing was asked in plain framing (codex-backend.md 2.3)."""
    message = (
        f"Unsupported value: 'tools' is not supported with the '{model.slug}' model "
        "without X-OpenAI-Internal-Codex-Responses-Lite."
    )
    return api_error(message, param="tools", code="unsupported_value")
