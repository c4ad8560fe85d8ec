"""What is measured: nginx, the reference gateway, Turnout, and the stub itself without anything between.

Says how each is started in front of the stub; knows nothing of the measurements.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import process

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
TOKEN = "bench-token"
UPSTREAM_PATH = "/backend-api/codex/responses"

MALLOC = {
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
    "MALLOC_TOP_PAD_": str(16 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
}
"""glibc keeps freed memory. Without it nginx gives each 250 KB buffer back to the kernel and takes it again, which more
than doubles its CPU: the bench compares with an nginx at its best."""

NGINX_CONFIG = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; client_max_body_size 64m;
  client_body_buffer_size 4m; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream stub {{ server 127.0.0.1:{stub}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://stub; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering on; proxy_read_timeout 600s;
      proxy_buffer_size 64k; proxy_buffers 4 64k; proxy_busy_buffers_size 64k;
    }}
  }}
}}
"""
"""A pass-through that streams answers and, as any gateway that translates must, reads the whole request first.
Answers are read 64 KB at a time: with nginx's 4 KB a burst would cost it twice as much."""


class Running(msgspec.Struct, kw_only=True):
    """A target that listens. `process` is None for the stub itself, `listening_s` the seconds its start took."""

    name: str
    port: int
    process: process.Process | None
    listening_s: float

    def stop(self) -> None:
        if self.process:
            self.process.stop()


class Target(msgspec.Struct, frozen=True):
    """Something to measure. `missing` says in words what it lacks on this machine, or None."""

    name: str
    what: str
    start: Callable[[Path, int], Running]
    missing: Callable[[], str | None] = lambda: None


def environment(home: Path) -> dict[str, str]:
    """What a child gets: a scratch HOME, no proxies, no settings of the caller's shell."""
    return {"HOME": str(home), "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}


def _listening(name: str, command: list[str], folder: Path, port: int, env: dict[str, str]) -> Running:
    child = process.Process(command, core=process.GATEWAY_CORE, log=folder / "output.log", env=env)
    try:
        return Running(name=name, port=port, process=child, listening_s=child.wait_listening(port))
    except process.StartError:
        child.stop()
        raise


def _start_direct(folder: Path, stub: int) -> Running:
    return Running(name="direct", port=stub, process=None, listening_s=0.0)


def _nginx() -> str | None:
    return shutil.which(
        "nginx", path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    )


def _start_nginx(folder: Path, stub: int) -> Running:
    port = process.free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(folder=folder, stub=stub, port=port))
    command = [_nginx() or "nginx", "-e", "stderr", "-c", str(config)]
    return _listening("nginx", command, folder, port, environment(folder) | MALLOC)


def _start_reference(folder: Path, stub: int) -> Running:
    port = process.free_port()
    command = [sys.executable, str(HERE / "reference.py"), str(port), f"http://127.0.0.1:{stub}{UPSTREAM_PATH}"]
    return _listening("reference", command, folder, port, environment(folder))


def turnout_command() -> Path:
    """The `turnout` beside the running interpreter."""
    return Path(sys.executable).with_name("turnout")


def _start_turnout(folder: Path, stub: int, name: str = "turnout", source: Path | None = None) -> Running:
    port = process.free_port()
    codex_home = folder / "codex"
    codex_home.mkdir(exist_ok=True)
    (codex_home / "auth.json").write_text(json.dumps(_credential(), indent=2))
    env = environment(folder) | {
        "TURNOUT_TOKEN": TOKEN,
        "CODEX_HOME": str(codex_home),
        "CODEX_API_ENDPOINT": f"http://127.0.0.1:{stub}{UPSTREAM_PATH}",
        "TURNOUT_MODELS_OVERFLOW": "0",  # the 2 MB body is longer than any window, and would not be sent
    }
    if source is not None:
        env["PYTHONPATH"] = str(source)
    command = [str(turnout_command()), "serve", "--port", str(port), "--upstream", "codex"]
    return _listening(name, command, folder, port, env)


def before(source: Path) -> Target:
    """Another Turnout, to compare this one with: the package in `source`, run by the same interpreter."""
    return Target(
        "before",
        f"turnout serve, of {source}",
        lambda folder, stub: _start_turnout(folder, stub, "before", source),
        lambda: None if (source / "turnout" / "__init__.py").exists() else f"there is no turnout package in {source}",
    )


def _credential() -> dict[str, object]:
    """An auth.json as Codex CLI writes it (codex-backend.md 1.1), with tokens that nobody issued, good until 2100."""
    claims = {"chatgpt_account_id": "bench-account", "chatgpt_plan_type": "pro", "chatgpt_user_id": "bench-user"}
    payload = {"exp": 4102444800, "email": "bench@example.com", "https://api.openai.com/auth": claims}
    token = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none", "typ": "JWT"}, payload, {"signed": "by nobody"})
    )
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": {
            "id_token": token,
            "access_token": token,
            "refresh_token": "bench-refresh-token",
            "account_id": "bench-account",
        },
        "last_refresh": "2026-11-20T00:00:00.000000000Z",
    }


TARGETS = (
    Target("direct", "the stub, nothing between", _start_direct),
    Target(
        "nginx",
        "pass-through",
        _start_nginx,
        lambda: None if _nginx() else "nginx is not installed (Debian: apt install nginx-light)",
    ),
    Target("reference", "raw ASGI + aiohttp, no translation", _start_reference),
    Target(
        "turnout",
        "turnout serve",
        _start_turnout,
        lambda: None if turnout_command().exists() else f"there is no {turnout_command().name} beside {sys.executable}",
    ),
)
