"""A server that has only Chat Completions: `POST /v1/chat/completions`, as strict as `Settings.chat` says.

The same scenarios, rules and faults as behind the other doors; only requests and chunks look otherwise.
"""

import contextlib
import time
from collections.abc import Iterator

import msgspec

from turnout.simulator.answering import STREAM_HEADERS, AnswerDoor
from turnout.simulator.chat_checks import check
from turnout.simulator.chat_stream import ChatAnswer, Chunk, whole
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.rejection import Rejection
from turnout.simulator.request import Request
from turnout.simulator.sending import Connection, play
from turnout.simulator.steps import End, Pause, Stall, Step
from turnout.simulator.wire import pieces

PATH = "/v1/chat/completions"
KEEPALIVE = b": keep-alive\n\n"


class ChatDoor(AnswerDoor):
    """The one door of such a server."""

    def decode(self, raw: bytes, headers: dict[str, str]) -> object | Rejection:
        body: object = None
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            body = msgspec.json.decode(raw)
        return body

    def check(self, body: object, headers: dict[str, str]) -> Request | Rejection:
        return check(body, headers, self.state.api_key, self.state.settings.chat)

    async def tell(
        self, request: Request, steps: Iterator[Step], connection: Connection, headers: dict[str, str]
    ) -> None:
        wanted = (request.body["chat"].get("stream_options") or {}).get("include_usage") is True
        answer = ChatAnswer(
            self.state.ids.response().replace("resp_", "chatcmpl-"),
            request.model.slug,
            int(time.time()),
            self.state.settings.chat,
            with_usage=wanted or not request.stream,
        )
        if request.stream:
            await connection.open(200, {**STREAM_HEADERS, **headers}.items())
            await self._play(answer.steps(steps), connection)
        else:
            await _play_whole(answer.steps(steps), connection, headers)

    async def _play(self, steps: Iterator[Chunk | Pause | Stall | End], connection: Connection) -> None:
        settings = self.state.settings

        async def tell(chunk: Chunk) -> None:
            await connection.write_pieces(pieces(chunk.bytes, settings.style.split))

        if await play(steps, connection, tell, settings.keepalive_seconds, lambda: connection.write(KEEPALIVE)):
            await connection.finish()


async def _play_whole(
    steps: Iterator[Chunk | Pause | Stall | End], connection: Connection, headers: dict[str, str]
) -> None:
    """The answer as one JSON body."""
    chunks: list[JsonObject] = []

    async def keep(chunk: Chunk) -> None:
        if chunk.data is not None:
            chunks.append(chunk.data)

    if not await play(steps, connection, keep):
        return
    answer = whole(chunks)
    await connection.open(500 if "error" in answer else 200, {"content-type": "application/json", **headers}.items())
    await connection.write(msgspec.json.encode(answer))
    await connection.finish()
