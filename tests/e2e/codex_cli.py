"""The real Codex CLI, signed in with ChatGPT at the simulator: one turn, or its app-server in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any, Self

import trustme

from tests.clients import codex

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.simulator import Simulator


class Certificates:
    """An authority of the test's own: the CLI talks to its backend over https only (codex-backend.md 2.7)."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.server = folder / "server.pem"
        """Certificate and key for a service on 127.0.0.1."""
        self.authority = folder / "authority.pem"
        """What clients have to trust."""
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(self.server)
        authority.cert_pem.write_to_path(self.authority)


class CodexHome:
    """A folder in which the CLI is set up for the simulator, but not signed in there."""

    def __init__(self, folder: Path, simulator: Simulator, certificates: Certificates) -> None:
        self.folder = folder / ".codex"
        self.folder.mkdir(parents=True)
        self.auth = self.folder / "auth.json"
        settings = f'chatgpt_base_url = "{simulator.url}/backend-api/"\nmodel = "gpt-5.5"\n'
        (self.folder / "config.toml").write_text(settings)
        self._simulator = simulator
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CODEX_HOME": str(self.folder),
            "CODEX_CA_CERTIFICATE": str(certificates.authority),
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE": f"{simulator.url}/oauth/token",
            "CODEX_REVOKE_TOKEN_URL_OVERRIDE": f"{simulator.url}/oauth/revoke",
        }

    @property
    def refresh_token(self) -> str:
        found: str = json.loads(self.auth.read_bytes())["tokens"]["refresh_token"]
        return found

    def sign_in(self) -> None:
        """By device code, whose user agrees at once."""
        self._simulator.settings.device_polls = 0
        self._simulator.settings.device_interval = 1  # it takes whole seconds only
        done = self._command("login", "--device-auth", "--experimental_issuer", self._simulator.url)
        assert done.returncode == 0, done.stderr

    def sign_out(self) -> None:
        done = self._command("logout")
        assert done.returncode == 0, done.stderr

    def run(self, prompt: str) -> subprocess.CompletedProcess[str]:
        """One turn without a terminal."""
        address = f'openai_base_url="{self._simulator.codex_url}"'
        return self._command("exec", "--skip-git-repo-check", "-c", address, prompt)

    def _command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [codex(), *arguments],
            env=self.environment,
            cwd=self.folder.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )


class AppServer:
    """`codex app-server`, spoken to in JSON-RPC (codex-app-server.md): the CLI's account keeping without a turn."""

    def __init__(self, home: CodexHome) -> None:
        self._process = subprocess.Popen(
            [codex(), "app-server"],
            env=home.environment,
            cwd=home.folder.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._number = 0
        self._call("initialize", {"clientInfo": {"name": "tests", "version": "1"}})
        self._send({"method": "initialized"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    def signed_in_as(self, *, renewing: bool = False) -> str | None:
        """The email of the account, the login renewed first if asked for; None if the CLI counts as signed out."""
        account = self._call("account/read", {"refreshToken": renewing})["result"]["account"]
        return account["email"] if account else None

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        assert self._process.stdout
        for line in self._process.stdout:
            message: dict[str, Any] = json.loads(line)
            if message.get("id") == self._number:
                return message
        raise RuntimeError("codex app-server has ended")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()
