"""A user with a browser: follows OpenAI's page to where it leads, as a browser does, and reads what is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qs, urlsplit

import aiohttp


@dataclass
class Shown:
    """What the browser ends up showing."""

    status: int
    url: str
    page: str
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """The page without its markup."""
        body = self.page.partition("<body>")[2] or self.page
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


async def browse(url: str, *, method: str = "GET", **headers: str) -> Shown:
    """Opens an address and follows where it leads. Header names are written with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        session.request(method, url, headers=named) as response,
    ):
        return Shown(response.status, str(response.url), await response.text(), dict(response.headers))


async def comes_back_to(url: str) -> str:
    """The address to which OpenAI's page sends the browser, which is not gone to."""
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as response:
        assert response.status == 302, await response.text()
        return response.headers["Location"]


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
