"""How much later Claude Code's first request comes with `turnout claude` than with `claude` alone, in turn.

`python -m bench.startup [ROUNDS]` runs `claude -p` against an upstream that only notes when it was asked: by itself, on
a private gateway of `turnout claude`, and on one that runs (`turnout up`). Times are from the start of the process to
the first request upstream, in milliseconds. Needs the pinned Claude Code (tests/clients.py), and no network.
"""

from __future__ import annotations

import http.server
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.clients import CLAUDE_CODE_VERSIONS, claude_code

from turnout.simulator import Simulator

ROUNDS = 10
SETTLE_SECONDS = 0.3
"""Between two runs, for what the last one leaves to the system."""


class Noting(http.server.BaseHTTPRequestHandler):
    """Notes the first request's moment and answers with an error that ends the turn."""

    def do_POST(self) -> None:
        self.server.asked.append(time.perf_counter())  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b'{"type":"error","error":{"type":"invalid_request_error","message":"That is all."}}'
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def first_request(command: list[str], environ: dict[str, str], folder: Path, asked: list[float]) -> float:
    """Milliseconds from the start of the command to the first request."""
    asked.clear()
    began = time.perf_counter()
    subprocess.run(command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    time.sleep(SETTLE_SECONDS)
    return 1000 * (asked[0] - began)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    server.asked = []  # type: ignore[attr-defined]
    asked: list[float] = server.asked  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with Simulator() as simulator, tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        simulator.write_auth_json(home / "codex")
        programs = home / "bin"
        programs.mkdir()
        (programs / "claude").symlink_to(claude_code(CLAUDE_CODE_VERSIONS[-1]))
        base = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        plain = {**base, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": "t"}
        ours = {
            **base,
            "TURNOUT_HOME": str(home / "turnout"),
            "CODEX_HOME": str(home / "codex"),
            "CODEX_API_ENDPOINT": f"{url}/responses",
            "TURNOUT_AUTH_ISSUER": simulator.url,
            "TURNOUT_CHATGPT_BASE_URL": simulator.chatgpt_url,
        }
        turnout = [sys.executable, "-m", "turnout"]
        joined = {**ours, "TURNOUT_HOME": str(home / "running")}
        subprocess.run([*turnout, "up", "--quiet", "--port", "0"], env=joined, cwd=home, check=True)
        ways = {
            "claude": (["claude", "-p", "hi"], plain),
            "turnout claude": ([*turnout, "claude", "-p", "hi"], ours),
            "turnout claude, joined": ([*turnout, "claude", "-p", "hi"], joined),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        try:
            for _ in range(rounds + 1):
                for name, (command, environ) in ways.items():
                    times[name].append(first_request(command, environ, home, asked))
        finally:
            subprocess.run([*turnout, "down", "--now", "--quiet"], env=joined, cwd=home, check=True)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}  # the first one fills caches
    print(json.dumps({name: round(value) for name, value in medians.items()}))
    for name in list(ways)[1:]:
        print(f"{name}: {medians[name] - medians['claude']:+.0f} ms to the first request (median of {rounds})")


if __name__ == "__main__":
    main()
