"""A stand-in for a SearXNG server on loopback: it answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES: list[dict[str, Any]] = [
    {"url": "https://rail.example/points", "title": "Points\n and  crossings", "content": "How a turnout  works."},
    {"url": "https://wiki.example/turnout", "title": "", "content": None, "publishedDate": "2026-10-30T00:00:00"},
]


class FakeSearXNG:
    """A server for the length of a ``with`` block. It has ``/search``, below ``prefix``."""

    def __init__(self, prefix: str = "") -> None:
        self.queries: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.results: list[Any] = list(PAGES)
        self.status = 200
        self.body: bytes | None = None
        """What is answered in place of the results."""
        self.delay = 0.0
        """Seconds before it answers."""
        self.under_way = self.most_at_once = 0
        """Requests that it holds now, and the most that it ever held."""
        self.drops = False
        """It breaks connections off instead of answering."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                wanted = {name: values[0] for name, values in parse_qs(address.query).items()}
                fake.headers.append(dict(self.headers))
                fake.queries.append(wanted.get("q", ""))
                fake.under_way += 1
                fake.most_at_once = max(fake.most_at_once, fake.under_way)
                time.sleep(fake.delay)
                fake.under_way -= 1
                if fake.drops:
                    return
                proper = address.path == f"{prefix}/search" and wanted.get("format") == "json"
                body = fake.body
                if body is None:
                    body = json.dumps({"query": wanted.get("q"), "results": fake.results}).encode()
                self.send_response(fake.status if proper else 404)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{prefix}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
