"""Request bodies that are too large, too slow, compressed, or broken off; and heads that are no better."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard

from tests.gateway.client import Wire, message, send

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway

LIMIT = 100_000


@pytest.fixture
def small(start: Start) -> RunningGateway:
    """A gateway that takes little, and waits for little."""
    return start(server={"body_limit": LIMIT, "body_timeout": 0.5, "header_timeout": 0.5})


class TestTooLarge:
    def test_the_default_limit_is_named(self, gateway: RunningGateway) -> None:
        with Wire(gateway) as client:
            client.head({"content-length": str(64 * 1024 * 1024 + 1)})
            answer = client.answer()
            assert client.is_closed(timeout=5)

        assert (answer.status, answer.error[0]) == (413, "request_too_large")
        assert "64 MiB (67,108,864 bytes)" in answer.error[1]
        assert answer.headers["connection"] == "close"
        assert answer.headers["request-id"]

    def test_a_client_that_sends_it_all_the_same_still_reads_the_answer(self, small: RunningGateway) -> None:
        answer = send(small, message("x" * 3_000_000))

        assert answer.status == 413

    def test_a_chunked_body_is_counted(self, small: RunningGateway) -> None:
        with Wire(small) as client:
            client.head({"transfer-encoding": "chunked"})
            piece = b"x" * 10_000
            for _ in range(120):  # 1.2 MB, more than is gathered before the first look
                client.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            answer = client.answer()

        assert answer.status == 413
        assert "100,000 bytes" in answer.error[1]

    def test_the_limit_itself_is_taken(self, small: RunningGateway) -> None:
        body = json.dumps(message("x")).encode()
        body = body[:-1] + b" " * (LIMIT - len(body)) + body[-1:]
        assert len(body) == LIMIT

        assert send(small, body).status == 200

    def test_headers(self, gateway: RunningGateway) -> None:
        with Wire(gateway) as client:
            client.write(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-long: ")
            for _ in range(8):
                client.write(b"y" * 10_000)
                time.sleep(0.01)
            assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
            assert b"request-id: req_" in client.received


class TestTooSlow:
    def test_a_body(self, small: RunningGateway) -> None:
        with Wire(small) as client:
            client.head({"content-length": "5000"})
            client.write(b'{"model":')
            began = time.monotonic()
            answer = client.answer()

        assert answer.status == 408
        assert "0.5 seconds" in answer.error[1]
        assert 0.3 < time.monotonic() - began < 1.5
        assert answer.headers["connection"] == "close"

    def test_a_body_that_dribbles(self, small: RunningGateway) -> None:
        with Wire(small) as client:
            client.head({"content-length": "5000"})
            began = time.monotonic()
            client.socket.settimeout(0.05)
            while time.monotonic() - began < 3:
                client.write(b" ")
                try:
                    client.received += client.socket.recv(65536)
                    break
                except TimeoutError:
                    continue
            assert client.answer().status == 408

    @pytest.mark.parametrize("first", [b"POST /v1/mess", b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n"])
    def test_a_head(self, small: RunningGateway, first: bytes) -> None:
        with Wire(small) as client:
            began = time.monotonic()
            client.write(first)
            answer = client.answer()
            assert client.is_closed()

        assert answer.status == 408
        assert 0.3 < time.monotonic() - began < 1.5
        assert answer.headers["request-id"].startswith("req_")

    def test_a_second_head_on_the_same_connection(self, small: RunningGateway) -> None:
        with Wire(small) as client:
            client.post(message())
            assert client.answer().status == 200
            client.write(b"POST /v1/mess")
            assert client.answer().status == 408

    def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(self, small: RunningGateway) -> None:
        with Wire(small) as client:
            assert client.is_closed(timeout=2)

    def test_but_an_idle_connection_between_two_requests_is_kept(self, small: RunningGateway) -> None:
        with Wire(small) as client:
            for _ in range(2):
                client.post(message())
                assert client.answer().status == 200
                time.sleep(0.8)


class TestCompressed:
    BODY = json.dumps(message("Compressed")).encode()

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            ("gzip", gzip.compress(BODY)),
            ("zstd", zstandard.compress(BODY)),
            ("identity", BODY),
            ("GZIP", gzip.compress(BODY)),
        ],
    )
    def test_is_read(self, gateway: RunningGateway, encoding: str, body: bytes) -> None:
        assert send(gateway, body, headers={"content-encoding": encoding}).status == 200

    @pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, zstd", "x"])
    def test_otherwise_is_a_clear_415(self, gateway: RunningGateway, encoding: str) -> None:
        answer = send(gateway, zlib.compress(self.BODY), headers={"content-encoding": encoding})

        assert answer.status == 415
        assert encoding in answer.error[1]
        assert "gzip or zstd" in answer.error[1]

    @pytest.mark.parametrize(
        ("encoding", "bomb"),
        [("gzip", gzip.compress(bytes(50_000_000))), ("zstd", zstandard.compress(bytes(50_000_000)))],
    )
    def test_a_bomb_is_not_unpacked(self, small: RunningGateway, encoding: str, bomb: bytes) -> None:
        assert len(bomb) < LIMIT

        answer = send(small, bomb, headers={"content-encoding": encoding})

        assert answer.status == 413
        assert "decompressed" in answer.error[1]

    @pytest.mark.parametrize("encoding", ["gzip", "zstd"])
    @pytest.mark.parametrize("body", [b"not compressed at all", b""])
    def test_damaged(self, gateway: RunningGateway, encoding: str, body: bytes) -> None:
        answer = send(gateway, body, headers={"content-encoding": encoding})

        assert answer.status == 400
        assert answer.error[0] == "invalid_request_error"

    def test_cut_short(self, gateway: RunningGateway) -> None:
        answer = send(gateway, gzip.compress(self.BODY)[:-12], headers={"content-encoding": "gzip"})

        assert answer.status == 400
        assert "ends too early" in answer.error[1]


class TestHttp:
    def test_expect_100_continue(self, gateway: RunningGateway) -> None:
        body = json.dumps(message()).encode()
        with Wire(gateway) as client:
            client.head({"content-length": str(len(body)), "expect": "100-continue"})
            assert client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.received = b""
            client.write(body)
            assert client.answer().status == 200

    def test_a_refused_body_is_not_asked_for(self, gateway: RunningGateway) -> None:
        with Wire(gateway) as client:
            client.head({"content-length": "1000", "expect": "100-continue", "authorization": "Bearer wrong"})
            assert client.answer().status == 401

    def test_a_chunked_body(self, gateway: RunningGateway) -> None:
        body = json.dumps(message()).encode()
        with Wire(gateway) as client:
            client.head({"transfer-encoding": "chunked"})
            for index in range(0, len(body), 7):
                piece = body[index : index + 7]
                client.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            client.write(b"0\r\n\r\n")
            assert client.answer().status == 200

    def test_two_requests_in_one_go_are_answered_one_after_the_other(self, gateway: RunningGateway) -> None:
        with Wire(gateway) as client:
            client.post(message())
            client.post(message())
            assert [client.answer().status, client.answer().status] == [200, 200]

    def test_what_is_no_http(self, gateway: RunningGateway) -> None:
        with Wire(gateway) as client:
            client.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello, is this TLS?\r\n\r\n")
            answer = client.answer()

        assert (answer.status, answer.error[0]) == (400, "invalid_request_error")
        assert answer.headers["request-id"].startswith("req_")
