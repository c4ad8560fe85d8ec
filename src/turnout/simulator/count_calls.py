"""``POST /v1/responses/input_tokens``: the OpenAI API's count of a request's tokens (codex-backend.md 8).

The Codex backend has no such call.
"""

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from turnout.simulator.account_calls import Answer, Call, Endpoint
from turnout.simulator.checks import check
from turnout.simulator.rejection import Rejection, unknown
from turnout.simulator.state import State

FIELDS = frozenset(
    {
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "truncation",
        "previous_response_id",
        "conversation",
        "personality",
    }
)


def count_routes(state: State) -> list[Route]:
    """The route of the count."""
    return [Route("/v1/responses/input_tokens", Endpoint(state, _count), methods=["POST"])]


def _count(call: Call) -> Answer:
    for field in call.fields:
        if field not in FIELDS:
            return unknown(field).rejection
    request = check(call.fields, call.headers, "openai", call.state.world())
    if isinstance(request, Rejection):
        return request
    answer = {"object": "response.input_tokens", "input_tokens": call.state.count(request)}
    return Response(msgspec.json.encode(answer), media_type="application/json")
