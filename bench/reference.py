"""A gateway that translates nothing: raw ASGI on uvicorn, an aiohttp client, bytes passed on as they come.

What Turnout's own stack costs before Turnout does anything. Frozen: it is there for comparison, not to be improved.

`python bench/reference.py PORT UPSTREAM_URL`
"""

from __future__ import annotations

import sys
from typing import Any

import aiohttp
import uvicorn


class Reference:
    """The ASGI application."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        parts = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        body = b"".join(parts)
        headers = {"content-type": "application/json", "accept": "text/event-stream"}
        async with self.session.post(self.upstream, data=body, headers=headers) as answer:
            content_type = answer.headers.get("content-type", "").encode()
            del body, parts, message  # 500 open streams would hold 500 bodies
            await send(
                {"type": "http.response.start", "status": answer.status, "headers": [(b"content-type", content_type)]}
            )
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def live(self, receive: Any, send: Any) -> None:
        await receive()
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as self.session:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    uvicorn.run(
        Reference(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        lifespan="on",
    )
