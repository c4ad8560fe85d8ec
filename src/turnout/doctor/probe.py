"""Asks an upstream of the user's own what it takes: a dozen tiny requests, each with one thing more than the first.

What is found is kept (`turnout.upstream.probed`), so that requests leave out what the server would refuse.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from turnout.accounts import key_reference
from turnout.calls import Answer, Calls
from turnout.protocol.errors import Failure, FailureKind, TurnoutError
from turnout.translate.errors import classify_http
from turnout.upstream import custom, custom_addresses
from turnout.upstream.probed import Probed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.config import Config, CustomUpstream

Json = dict[str, Any]

ANSWER_SECONDS = 120.0
"""What an answer may take: a server on the user's own machine may have to load the model first."""
PAUSE_SECONDS = 5.0
"""Waited before a question is asked once more that came too soon after others."""
ANSWER_TOKENS = 64
LONGEST_WORDS = 200

REFUSALS = frozenset(
    {FailureKind.REJECTED, FailureKind.MODEL_UNAVAILABLE, FailureKind.NOT_FOUND, FailureKind.BAD_REQUEST}
)
"""What says that a server does not take something. Anything else says nothing of that."""
REFUSAL_STATUS = frozenset({400, 404, 405, 415, 422, 500, 501})
"""Statuses with which servers refuse what they do not know: some of them fail over it."""

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4"
    "z8CAFTEMLQkAKP8/wc53yE8AAAAASUVORK5CYII="
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
QUESTION = "Answer with the word ok."
CALLING = "What is the weather in Oslo? Call the function."

_THINKS = re.compile(rb'"(reasoning_content|reasoning)"\s*:\s*"[^"]|response\.reasoning')
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_CALLED = re.compile(rb'"name"\s*:\s*"weather"')
_ENCRYPTED = re.compile(rb'"encrypted_content"\s*:\s*"[^"]')
_FAILED = re.compile(rb'(^|\n)(data: *\{"error"|event: *(response\.failed|error))|"type"\s*:\s*"response\.failed"')


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """How it went."""

    upstream: str
    found: Probed | None = None
    failure: Failure | None = None
    """Why nothing could be found out."""
    unknown: tuple[str, ...] = ()
    """Questions that were not answered one way or the other."""


class Question(msgspec.Struct, frozen=True):
    """One request."""

    name: str
    """As in `Probed.takes`."""
    body: Json
    """What it has beside the first one, or in its place."""
    shows: re.Pattern[bytes] | None = None
    """What must stand in the answer, if it is not enough that there is one."""


async def run(
    config: Config,
    environ: Mapping[str, str],
    name: str,
    model: str = "",
    *,
    told: Callable[[str], None] = lambda _: None,
    now: Callable[[], float] = time.time,
) -> Probe:
    """Asks. ``model`` is by which name it is asked; else the upstream's own one, else the first that it lists.

    ``told`` is called with the name of each question before it is asked. Raises `SettingsError` for an upstream that is
    set up wrongly; what a server has against it is in the answer.
    """
    settings = config.custom[name]
    try:
        credential = await asyncio.to_thread(key_reference.read, settings.key, name, environ)
        asker = _Asker(config, environ, name, settings, credential)
        asked = settings.models.get(model, model) or settings.model or await asker.first_model()
        return await _run(asker, name, settings, asked, told=told, now=now)
    except TurnoutError as error:
        return Probe(upstream=name, failure=error.failure)


async def _run(
    asker: _Asker,
    name: str,
    settings: CustomUpstream,
    model: str,
    *,
    told: Callable[[str], None],
    now: Callable[[], float],
) -> Probe:
    chat = settings.wire == "chat"
    base = _first(model, chat=chat)
    limits = ("max_tokens", "max_completion_tokens", "") if chat else ("max_output_tokens", "")
    told("streaming")
    for limit in limits:
        first = await asker.ask(model, {**base, **({limit: ANSWER_TOKENS} if limit else {})})
        if isinstance(first, bytes) or not _refuses(first):
            break
    if not isinstance(first, bytes):
        return Probe(upstream=name, failure=first)
    base |= {limit: ANSWER_TOKENS} if limit else {}
    takes = {"streaming": first.lstrip().startswith((b"data:", b"event:", b":")), "thinks": bool(_THINKS.search(first))}
    words: dict[str, str] = {}
    unknown: list[str] = []
    for question in _of_chat(model) if chat else _of_responses():
        if question.name in ("tool_choice", "parallel", "strict") and not takes.get("tools", True):
            takes[question.name] = False
            continue
        told(question.name)
        answer = await asker.ask(model, {**base, **question.body})
        if isinstance(answer, bytes):
            takes[question.name] = question.shows is None or bool(question.shows.search(answer))
        elif _refuses(answer):
            takes[question.name] = False
            words[question.name] = answer.message[:LONGEST_WORDS]
        else:
            unknown.append(question.name)
    found = Probed(
        base_url=settings.base_url, wire=settings.wire, model=model, at=now(), takes=takes, words=words, limit=limit
    )
    return Probe(upstream=name, found=found, unknown=tuple(unknown))


def _refuses(failure: Failure) -> bool:
    return failure.kind in REFUSALS or failure.status in REFUSAL_STATUS


def _first(model: str, *, chat: bool) -> Json:
    """The request that everything is added to."""
    if chat:
        return {"model": model, "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    return {"model": model, "input": [{"role": "user", "content": QUESTION}], "stream": True, "store": False}


def _of_chat(model: str) -> list[Question]:
    function = {"name": "weather", "description": "The weather of a city.", "parameters": SCHEMA}
    tools = [{"type": "function", "function": function}]
    calling = {"messages": [{"role": "user", "content": CALLING}], "tools": tools}
    said = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}]
    asked = {"role": "user", "content": QUESTION}
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    return [
        Question("usage", {"stream_options": {"include_usage": True}}, _USAGE),
        Question("tools", calling),
        Question("tool_choice", {**calling, "tool_choice": "required"}, _CALLED),
        Question("parallel", {**calling, "parallel_tool_calls": False}),
        Question("strict", {**calling, "tools": [{"type": "function", "function": {**function, "strict": True}}]}),
        Question("images", {"messages": [{"role": "user", "content": [image, {"type": "text", "text": QUESTION}]}]}),
        Question("developer", {"messages": [{"role": "developer", "content": "Be brief."}, asked]}),
        Question(
            "system_anywhere",
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    *said,
                    {"role": "system", "content": "Be kind."},
                    asked,
                ]
            },
        ),
        Question("reasoning", {"messages": [said[0], {**said[1], "reasoning_content": "A greeting."}, asked]}),
        Question("effort", {"reasoning_effort": "low"}),
        Question("stop", {"stop": ["###"]}),
        Question("sampling", {"temperature": 0.5, "top_p": 0.9}),
        Question("json_schema", {"response_format": form}),
    ]


def _of_responses() -> list[Question]:
    tools = [{"type": "function", "name": "weather", "description": "The weather of a city.", "parameters": SCHEMA}]
    calling = {"input": [{"role": "user", "content": CALLING}], "tools": tools}
    image = {"type": "input_image", "image_url": PIXEL}
    return [
        Question("usage", {}, _USAGE),
        Question("tools", calling),
        Question("tool_choice", {**calling, "tool_choice": "required"}, _CALLED),
        Question("parallel", {**calling, "parallel_tool_calls": False}),
        Question("strict", {**calling, "tools": [{**tools[0], "strict": True}]}),
        Question("images", {"input": [{"role": "user", "content": [image, {"type": "input_text", "text": QUESTION}]}]}),
        Question(
            "developer",
            {"input": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": QUESTION}]},
        ),
        Question("effort", {"reasoning": {"effort": "low"}}),
        Question("include", {"include": ["reasoning.encrypted_content"]}),
        Question("reasoning", {"include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"}}, _ENCRYPTED),
        Question("sampling", {"temperature": 0.5, "top_p": 0.9}),
    ]


class _Asker:
    """Sends single requests the way that those of clients go."""

    def __init__(
        self, config: Config, environ: Mapping[str, str], name: str, settings: CustomUpstream, credential: Credential
    ) -> None:
        self._settings = settings
        self._shown = f"The upstream {name}"
        self._calls = Calls(
            environ,
            connect=settings.connect or config.timing.connect,
            seconds=ANSWER_SECONDS,
            limit=4 * 1024 * 1024,
            way=custom.way(settings),
        )
        self._headers = {
            "Content-Type": "application/json",
            **custom.headers(name, settings, environ),
            **custom.key_header(settings, credential),
        }

    async def ask(self, model: str, body: Json) -> bytes | Failure:
        """The answer's bytes, or why there is none. Raises `TurnoutError` where nobody answers."""
        answer = await self._post(model, body)
        if answer.status == 429:
            await asyncio.sleep(PAUSE_SECONDS)
            answer = await self._post(model, body)
        if (
            answer.status == 200
            and not _FAILED.search(answer.body)
            and not answer.body.lstrip().startswith(b'{"error"')
        ):
            return answer.body
        status = answer.status if answer.status != 200 else 400
        return classify_http(status, answer.headers, answer.body)

    async def first_model(self) -> str:
        """The first model that the server lists. Raises `TurnoutError`."""
        url = custom_addresses.models_url(self._settings)
        answer = await self._calls.call(self._shown, "GET", url, headers=self._headers)
        if answer.status == 200:
            try:
                return msgspec.json.decode(answer.body, type=_Models).data[0].id
            except (msgspec.MsgspecError, UnicodeDecodeError, IndexError):
                pass  # told below: there is no list to take one from
        raise TurnoutError(
            Failure(
                kind=FailureKind.MODEL_UNAVAILABLE,
                message=f"{self._shown} lists no models (HTTP {answer.status}), so that none could be asked.",
                next_step="Name one: --model NAME",
            )
        )

    async def _post(self, model: str, body: Json) -> Answer:
        url = custom_addresses.url(self._settings, model)
        return await self._calls.call(self._shown, "POST", url, headers=self._headers, body=msgspec.json.encode(body))


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]
