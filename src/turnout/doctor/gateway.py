"""The gateway: whether one runs and answers, and whether its port is free for it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from turnout import __version__
from turnout.doctor import probing
from turnout.doctor.finding import ok, problem, warning
from turnout.gateway.binding import base_url
from turnout.launch import running

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.doctor.finding import Finding, Surroundings

ANSWER_SECONDS = 3.0
SIGN_IN_PORTS = (1455, 1457)
"""The only ports at which OpenAI's sign-in page ends (codex-backend.md 1.3)."""


def gateway(seen: Surroundings) -> Iterable[Finding]:
    """The running gateway, and what stands in the way of the next one."""
    left = running.state_file(seen.environ).exists()
    info = running.find_running(seen.environ)
    if info is None:
        if left:
            yield ok("A gateway that was killed had left its state file behind; it is gone now.")
        yield from _port(seen)
        return
    health = _health(info.url)
    if health is None:
        yield problem(
            f"The gateway (process {info.pid}) does not answer at {info.url}.", "turnout restart; then `turnout logs`"
        )
    elif info.version != __version__:
        yield warning(f"The gateway at {info.url} is still version {info.version}.", "turnout restart")
    else:
        yield ok(f"The gateway runs at {info.url} (process {info.pid}).")


def _port(seen: Surroundings) -> Iterable[Finding]:
    server = seen.config.server
    if not server.port:
        yield ok("No gateway runs; the next one takes a free port.")
        return
    host = "127.0.0.1" if server.host in ("", "0.0.0.0", "::") else server.host
    if not probing.listens(host, server.port):
        yield ok(f"No gateway runs; port {server.port} is free for it.")
        return
    who = "a Turnout in the foreground" if _health(base_url(server.host, server.port)) else "another program"
    yield warning(
        f"Port {server.port} is taken by {who}, so that `turnout up` and `turnout serve` cannot listen there.",
        "Stop that, or choose another port: TURNOUT_PORT (or server.port). `turnout claude` needs none.",
    )


def sign_in_ports(seen: Surroundings) -> Iterable[Finding]:
    """Whether the browser can come back after a sign-in."""
    if taken := [port for port in SIGN_IN_PORTS if probing.listens("127.0.0.1", port)]:
        level = problem if len(taken) == len(SIGN_IN_PORTS) else warning
        yield level(
            f"Port {' and port '.join(map(str, taken))}, where the browser ends after signing in, is taken.",
            "Close the other program's sign-in, or use: turnout login --device",
        )
    else:
        yield ok(f"Ports {' and '.join(map(str, SIGN_IN_PORTS))} are free for signing in with the browser.")


def _health(url: str) -> Any:
    """What the gateway says of itself; None if nobody answers as one."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
    try:
        with opener.open(f"{url}/health", timeout=ANSWER_SECONDS) as answer:
            said = json.loads(answer.read(65_536))
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return said if isinstance(said, dict) and said.get("status") == "ok" and "version" in said else None
