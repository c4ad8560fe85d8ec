"""A server that lists models in whatever way a test wants."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


class Lister:
    """Answers ``GET …/models`` with what is set here, and keeps what was asked."""

    def __init__(self, *models: object, port: int = 0) -> None:
        self.answer: object = {
            "object": "list",
            "data": [{"id": each} if isinstance(each, str) else each for each in models],
        }
        """Bytes are sent as they are."""
        self.status = 200
        self.etag = ""
        self.key = ""
        """What the Authorization header must hold, if anything."""
        self.seconds = 0.0
        """How long an answer takes."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Target and headers (names in lower case) of each question."""
        lister = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                lister.asked.append((self.path, headers))
                time.sleep(lister.seconds)
                status, body = lister._answer(headers)
                self.send_response(status)
                if lister.etag:
                    self.send_header("ETag", lister.etag)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who asked may not have waited
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def _answer(self, headers: dict[str, str]) -> tuple[int, bytes]:
        if self.key and headers.get("authorization") != f"Bearer {self.key}":
            return 401, b'{"error": {"message": "Who are you?"}}'
        if self.etag and headers.get("if-none-match") == self.etag:
            return 304, b""
        return self.status, self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()

    def __enter__(self) -> Lister:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
