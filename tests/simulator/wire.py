"""A plain HTTP client for the simulator's tests: requests that a well-behaved client would send, and what came back."""

import http.client
from dataclasses import dataclass, field
from typing import Any

import msgspec

from turnout.simulator import Simulator
from turnout.simulator.accounts import Account, issue_tokens
from turnout.simulator.catalogue import MODELS
from turnout.simulator.checks import World
from turnout.simulator.request import Dialect, Request

KEY = b"k" * 32
NOW = 1_800_000_000.0
ACCOUNT = Account()
API_KEY = "sk-test-key-0001"
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def function(name: str = "run_command", **properties: str) -> dict[str, Any]:
    """A function tool whose properties are all required strings."""
    wanted = {key: {"type": kind} for key, kind in (properties or {"command": "string"}).items()}
    parameters = {
        "type": "object",
        "properties": wanted,
        "required": list(wanted),
        "additionalProperties": False,
    }
    return {"type": "function", "name": name, "description": name, "strict": False, "parameters": parameters}


def user(text: str = "hello") -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def call(call_id: str = "call_1", name: str = "run_command", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(call_id: str = "call_1", text: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def body(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A good body for the Codex backend with these items (default: one user message); None removes a field."""
    fields: dict[str, Any] = {
        "model": "gpt-5.5",
        "instructions": "You are a helpful agent.",
        "input": list(items) or [user()],
        "tools": [function()],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "conversation-1",
        "text": {"verbosity": "low"},
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def headers(dialect: Dialect = "codex", **changes: str | None) -> dict[str, str]:
    """The headers of a good request, names with - written as _; None removes one."""
    if dialect == "openai":
        fields: dict[str, str | None] = {"authorization": f"Bearer {API_KEY}", "content-type": "application/json"}
    else:
        token = issue_tokens(ACCOUNT, KEY, now=NOW).access_token
        fields = {
            "authorization": f"Bearer {token}",
            "chatgpt-account-id": ACCOUNT.account_id,
            "version": "0.169.0",
            "content-type": "application/json",
        }
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in fields.items() if value is not None}


def world(**changes: Any) -> World:
    """What the checks know, without a server."""
    fields: dict[str, Any] = {
        "key": KEY,
        "accounts": {ACCOUNT.account_id: ACCOUNT},
        "api_key": API_KEY,
        "require_lite": frozenset(),
        "now": NOW,
        "recall": {}.get,
        **changes,
    }
    return World(**fields)


def accepted(fields: dict[str, Any], dialect: Dialect = "codex") -> Request:
    """The request record for a body, as if the checks had passed."""
    model = next(model for model in MODELS if model.slug == fields["model"])
    return Request(
        dialect=dialect,
        model=model,
        body=fields,
        headers={},
        account="acc",
        plan="pro",
        lite=False,
        items=fields["input"],
    )


@dataclass
class Answer:
    """What came back: status, headers, body bytes, and whether the connection was cut."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    chunks: list[bytes] = field(default_factory=list)
    cut: bool = False

    @property
    def events(self) -> list[dict[str, Any]]:
        blocks = self.raw.replace(b"\r\n", b"\n").split(b"\n\n")
        data = [line[6:] for block in blocks for line in block.split(b"\n") if line.startswith(b"data: ")]
        return [msgspec.json.decode(one) for one in data]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def items(self) -> list[dict[str, Any]]:
        return [event["item"] for event in self.events if event["type"] == "response.output_item.done"]

    @property
    def added(self) -> list[dict[str, Any]]:
        return [event["item"] for event in self.events if event["type"] == "response.output_item.added"]

    @property
    def text(self) -> str:
        return "".join(event["delta"] for event in self.events if event["type"] == "response.output_text.delta")

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.raw)

    @property
    def usage(self) -> dict[str, Any]:
        found: dict[str, Any] = self.events[-1]["response"]["usage"]
        return found


def send(
    sim: Simulator,
    fields: Any,
    *,
    path: str = "/backend-api/codex/responses",
    method: str = "POST",
    timeout: float = 10.0,
    raw: bytes | None = None,
    **extra: str,
) -> Answer:
    """Send a body and read the answer to its end, or to where it was cut; extra headers with - written as _."""
    base = (
        {"authorization": f"Bearer {sim.api_key}", "content-type": "application/json"}
        if path.startswith("/v1")
        else sim.headers()
    )
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=timeout)
    answer = Answer()
    try:
        sent = msgspec.json.encode(fields) if raw is None else raw
        connection.request(method, path, sent, {**base, **{k.replace("_", "-"): v for k, v in extra.items()}})
        response = connection.getresponse()
        answer.status = response.status
        answer.headers = {name.lower(): value for name, value in response.getheaders()}
        while chunk := response.read1(65_536):
            answer.chunks.append(chunk)
    except (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionResetError, TimeoutError):
        answer.cut = True
    finally:
        connection.close()
    answer.raw = b"".join(answer.chunks)
    return answer


def replay(answer: Answer) -> list[dict[str, Any]]:
    """The answer's items as a client sends them back: without the ids, which the service refuses."""
    return [{name: value for name, value in item.items() if name not in ("id", "status")} for item in answer.items]
