"""A defect of our own: the client learns that there is one and its id, the log everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.client import message, record, send
from tests.gateway.conftest import config
from tests.gateway.upstreams import BEGIN_TEXT, delta
from turnout.accounts.credential import Credential, Secret
from turnout.gateway.server import RunningGateway
from turnout.protocol.capabilities import Capabilities

if TYPE_CHECKING:
    import io
    from collections.abc import Mapping
    from pathlib import Path

    from turnout.upstream.base import Call


class BrokenStream:
    """Gives a little, then breaks in a way that no stream may."""

    headers: Mapping[str, str] = {}
    ended = False

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def read(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        secret = "swordfish"
        raise ZeroDivisionError(f"nobody expects {len(secret)}")

    def close(self) -> None: ...


class BrokenUpstream:
    """An upstream with a defect, at one of three places."""

    name = "codex"
    capabilities = Capabilities()

    def __init__(self, place: str) -> None:
        self.place = place

    async def credential(self, account: str | None = None) -> Credential:
        if self.place == "credential":
            raise KeyError("tokens")
        return Credential(token=Secret("token"), source="the test")

    async def renew(self, refused: Credential) -> None: ...

    async def open(self, call: Call, credential: Credential) -> BrokenStream:
        if self.place == "open":
            raise ZeroDivisionError
        return BrokenStream([BEGIN_TEXT + delta("Hello")] if self.place == "mid-stream" else [])

    async def close(self) -> None: ...


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("place", ["credential", "open", "read", "mid-stream"])
def test_is_a_500_with_an_id_and_a_traceback_in_the_log_only(
    home: Path, log_lines: io.StringIO, place: str, stream: bool
) -> None:
    before = log_lines.tell()
    with RunningGateway(config("http://unused/responses", home), upstreams={"codex": BrokenUpstream(place)}) as gateway:
        answer = send(gateway, message(stream=stream))
        found = record(gateway, answer)

    logged = log_lines.getvalue()[before:]
    if place == "mid-stream" and stream:
        assert answer.status == 200
        assert answer.text == "Hello"
        assert answer.names[-1] == "error"
    else:
        assert (answer.status, answer.error[0]) == (500, "api_error")
        assert answer.headers["x-should-retry"] == "false"
    for word in (b"Traceback", b"ZeroDivision", b"KeyError", b".py"):
        assert word not in answer.body
    assert "Traceback" in logged
    assert "swordfish" not in logged  # no local variables
    assert logged.count(answer.headers["request-id"]) == 2
    assert found.failure == "internal"
