"""An answer's steps, told in chunks of Chat Completions in place of Responses events. Pure.

Faults are already in the steps; what a fault does to the connection is the same here.
"""

from collections.abc import Iterable, Iterator

import msgspec

from turnout.simulator.chat_checks import ChatRules
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.steps import Emit, End, Pause, Stall, Step

DONE = b"data: [DONE]\n\n"
_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}
_STATUSES = {"rate_limit_exceeded": 429, "insufficient_quota": 402, "server_is_overloaded": 503}


class Chunk(msgspec.Struct, frozen=True):
    """Send one chunk, or the end of the stream."""

    data: JsonObject | None
    """None: ``[DONE]``."""

    @property
    def bytes(self) -> bytes:
        return DONE if self.data is None else b"data: " + msgspec.json.encode(self.data) + b"\n\n"


class ChatAnswer:
    """One answer's chunks."""

    def __init__(self, answer_id: str, model: str, created: int, rules: ChatRules, *, with_usage: bool) -> None:
        """`created` is in Unix seconds."""
        self._base: JsonObject = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._rules = rules
        self._with_usage = with_usage
        self._calls: dict[int, int] = {}
        """Places of the calls by their output index."""

    def steps(self, steps: Iterable[Step]) -> Iterator[Chunk | Pause | Stall | End]:
        """The same steps, with chunks in place of events."""
        for step in steps:
            if not isinstance(step, Emit):
                yield step
                continue
            for chunk in self._chunks(step.event):
                yield Chunk(chunk)

    def _chunks(self, event: JsonObject) -> Iterator[JsonObject | None]:
        rules = self._rules
        match event["type"]:
            case "response.created":
                yield self._delta({"role": "assistant", "content": ""})
            case "response.output_text.delta":
                yield self._delta({"content": event["delta"]})
            case "response.refusal.delta":
                yield self._delta({"refusal": event["delta"]})
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" if rules.reasoning_field:
                yield self._delta({rules.reasoning_field: event["delta"]})
            case "response.output_item.added" if event["item"]["type"] == "function_call" and rules.call_indexes:
                item, place = event["item"], len(self._calls)
                self._calls[event["output_index"]] = place
                function = {"name": item.get("name", ""), "arguments": ""}
                call = {"index": place, "id": item["call_id"], "type": "function", "function": function}
                yield self._delta({"tool_calls": [call]})
            case "response.function_call_arguments.delta" if rules.call_indexes:
                place = self._calls[event["output_index"]]
                yield self._delta({"tool_calls": [{"index": place, "function": {"arguments": event["delta"]}}]})
            case "response.output_item.done" if event["item"]["type"] == "function_call" and not rules.call_indexes:
                item = event["item"]
                self._calls[event["output_index"]] = len(self._calls)
                function = {"name": item["name"], "arguments": item["arguments"]}
                yield self._delta({"tool_calls": [{"id": item["call_id"], "type": "function", "function": function}]})
            case "response.completed" | "response.incomplete":
                yield from self._end(event["response"])
            case "response.failed" | "error":
                yield self._failure(event)

    def _delta(self, delta: JsonObject, reason: str | None = None) -> JsonObject:
        return {**self._base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    def _end(self, response: JsonObject) -> Iterator[JsonObject | None]:
        details = response.get("incomplete_details") or {}
        reason = "tool_calls" if self._calls else "stop"
        yield self._delta({}, _REASONS.get(details.get("reason", ""), reason))
        if self._with_usage and self._rules.usage and response.get("usage"):
            yield {**self._base, "choices": [], "usage": usage(response["usage"])}
        if self._rules.finish_with_done:
            yield None

    def _failure(self, event: JsonObject) -> JsonObject:
        error = event["response"]["error"] if "response" in event else event
        code = error["code"]
        return {"error": {"message": error["message"], "type": code, "code": _STATUSES.get(code, code)}}


def usage(counted: JsonObject) -> JsonObject:
    """The Responses API's figures under the names of Chat Completions."""
    return {
        "prompt_tokens": counted["input_tokens"],
        "completion_tokens": counted["output_tokens"],
        "total_tokens": counted["total_tokens"],
        "prompt_tokens_details": {"cached_tokens": counted["input_tokens_details"]["cached_tokens"]},
        "completion_tokens_details": counted["output_tokens_details"],
    }


def whole(chunks: Iterable[JsonObject]) -> JsonObject:
    """The answer for a request without streaming, out of its chunks; an error object if it has failed."""
    message: JsonObject = {"role": "assistant", "content": None}
    answer: JsonObject = {}
    calls: list[JsonObject] = []
    reason = "stop"
    for chunk in chunks:
        if "error" in chunk:
            return chunk
        answer |= {name: value for name, value in chunk.items() if name != "choices"}
        for choice in chunk["choices"]:
            reason = choice["finish_reason"] or reason
            for name, value in choice["delta"].items():
                if name == "tool_calls":
                    _add_call(calls, value[0])
                elif name != "role" and value:
                    message[name] = (message.get(name) or "") + value
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {**answer, "object": "chat.completion", "choices": [choice]}


def _add_call(calls: list[JsonObject], delta: JsonObject) -> None:
    if "id" in delta:
        calls.append({"id": delta["id"], "type": "function", "function": dict(delta["function"])})
    else:
        calls[delta["index"]]["function"]["arguments"] += delta["function"]["arguments"]
