"""A client of the gateway that sees every byte: whole requests, and connections of which a test writes each line."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from turnout.gateway.server import RunningGateway

MODEL = "claude-opus-5-5"


class Address(Protocol):
    """What a client must know of a gateway."""

    @property
    def base_url(self) -> str: ...
    @property
    def token(self) -> str: ...


def message(text: str = "Say something.", **fields: Any) -> dict[str, Any]:
    """A small Messages request."""
    return {"model": MODEL, "max_tokens": 1000, "messages": [{"role": "user", "content": text}], **fields}


class Answer(msgspec.Struct):
    """A complete answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[str, str]:
        """Type and message of an Anthropic error."""
        content = self.json
        assert content["type"] == "error", content
        return content["error"]["type"], content["error"]["message"]

    @property
    def openai_error(self) -> dict[str, Any]:
        """The error of an answer in OpenAI's shape."""
        found: dict[str, Any] = self.json["error"]
        assert found.keys() >= {"message", "type", "param", "code"}
        return found

    @property
    def events(self) -> list[tuple[str, Any]]:
        """The events of a stream: name and data."""
        return list(events(self.body))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    @property
    def text(self) -> str:
        """The text that a stream or a message holds."""
        if self.headers["content-type"].startswith("text/event-stream"):
            deltas = [data["delta"] for name, data in self.events if name == "content_block_delta"]
            return "".join(delta.get("text", "") for delta in deltas)
        return "".join(block.get("text", "") for block in self.json["content"])


def events(data: bytes) -> Iterator[tuple[str, Any]]:
    """The complete events in a stream's bytes."""
    for block in data.split(b"\n\n")[:-1]:
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n"))
        yield fields[b"event"].decode(), json.loads(fields[b"data"])


def credentials(gateway: Address) -> dict[str, str]:
    return {"authorization": f"Bearer {gateway.token}"}


def send(
    gateway: Address,
    body: object = None,
    *,
    method: str = "POST",
    path: str = "/v1/messages?beta=true",
    headers: Mapping[str, str] | None = None,
    timeout: float = 20,
) -> Answer:
    """Sends one request on a connection of its own; a ``body`` that is not bytes goes as JSON. With the token."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection(urlsplit(gateway.base_url).netloc, timeout=timeout)
    try:
        connection.request(method, path, data, {**credentials(gateway), **(headers or {})})
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


def wait_for(condition: Callable[[], object], seconds: float = 5) -> None:
    """Waits until ``condition`` is true; fails if it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.002)


def record(gateway: RunningGateway, answer: Answer) -> Any:
    """The gateway's record of an answer. It is written just after the answer has gone out."""
    request_id = answer.headers["request-id"]
    wait_for(lambda: request_id in [kept.request_id for kept in gateway.gateway.last])
    return next(kept for kept in gateway.gateway.last if kept.request_id == request_id)


class Wire:
    """One connection, byte by byte."""

    def __init__(self, gateway: Address, timeout: float = 20) -> None:
        address = urlsplit(gateway.base_url)
        assert address.hostname is not None
        assert address.port is not None
        self.socket = socket.create_connection((address.hostname, address.port), timeout)
        self.gateway = gateway
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def post(self, body: object, **headers: str) -> None:
        """Sends a whole Messages request."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.head({"content-length": str(len(data)), **headers})
        self.write(data)

    def head(self, headers: Mapping[str, str], line: str = "POST /v1/messages HTTP/1.1") -> None:
        """Sends a request's head, with Host and token."""
        fields = {"host": urlsplit(self.gateway.base_url).netloc, **credentials(self.gateway), **headers}
        lines = [line, *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.write("\r\n".join(lines).encode())

    def read_until(self, mark: bytes, timeout: float = 10) -> bytes:
        """Everything received so far, once ``mark`` is in it."""
        deadline = time.monotonic() + timeout
        while mark not in self.received:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            data = self.socket.recv(65536)
            assert data, f"the connection was closed before {mark!r}; received: {self.received[-2000:]!r}"
            self.received += data
        return self.received

    def read_to_end(self, timeout: float = 10) -> bytes:
        """Everything until the gateway closes the connection."""
        self.socket.settimeout(timeout)
        while data := self.socket.recv(65536):
            self.received += data
        return self.received

    def answer(self, timeout: float = 10) -> Answer:
        """One complete answer that has a Content-Length."""
        head, _, rest = self.read_until(b"\r\n\r\n", timeout).partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        length = int(headers["content-length"])
        self.socket.settimeout(timeout)
        while len(rest) < length:
            data = self.socket.recv(65536)
            assert data, f"the connection was closed after {len(rest)} of {length} bytes"
            rest += data
        self.received = rest[length:]
        return Answer(int(lines[0].split(" ")[1]), headers, rest[:length])

    def is_closed(self, timeout: float = 2) -> bool:
        """Whether the gateway closes the connection within that time, having sent nothing more."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
