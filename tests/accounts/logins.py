"""Tokens, credential files and services for the tests of accounts."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from turnout.accounts.credential import Secret
from turnout.accounts.store import Accounts
from turnout.accounts.tokens import Tokens
from turnout.config import AccountsSettings, CodexSettings, Config, StorageName
from turnout.simulator import Account, Simulator

AUTH = "https://api.openai.com/auth"


def jwt(**content: object) -> str:
    def part(record: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(record).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(content)}.c2ln"


def tokens(account_id: str = "acc-1", email: str = "ada@example.com", plan: str = "plus", **times: float) -> Tokens:
    """The tokens of a login that nobody has issued. ``exp`` and ``iat`` are Unix seconds."""
    auth = {"chatgpt_account_id": account_id, "chatgpt_plan_type": plan}
    claims = {name: int(value) for name, value in {"exp": time.time() + 3600, **times}.items()}
    return Tokens(
        access_token=Secret(jwt(**claims, **{AUTH: auth})),
        refresh_token=Secret(f"rt_{account_id}_{email}_{claims['exp']}"),
        id_token=Secret(jwt(email=email, **{AUTH: auth})),
        account_id=account_id,
    )


def auth_json(login: Tokens, **changes: object) -> dict[str, Any]:
    """An ``auth.json`` as Codex CLI 0.169.0 writes it (codex-backend.md 1.1)."""
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": {
            "id_token": str(login.id_token),
            "access_token": str(login.access_token),
            "refresh_token": str(login.refresh_token),
            "account_id": login.account_id,
        },
        "last_refresh": "2026-11-20T00:00:00.000000000Z",
        **changes,
    }


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def config(
    home: Path,
    issuer: str = "http://127.0.0.1:9",
    *,
    use: str = "",
    storage: StorageName = "file",
    codex: Path | None = None,
) -> Config:
    """A configuration whose accounts lie in ``home / "turnout"`` and whose Codex CLI lives in ``home / "codex"``."""
    return Config(
        codex=CodexSettings(base_url=f"{issuer}/backend-api", home=str(codex or home / "codex")),
        accounts=AccountsSettings(folder=str(home / "turnout"), issuer=issuer, use=use, storage=storage),
    )


def accounts(home: Path, sim: Simulator | None = None, **settings: Any) -> Accounts:
    return Accounts.open(config(home, sim.url, **settings) if sim else config(home, **settings), {})


def login_of(sim: Simulator, account: Account | None = None, lifetime: float | None = None) -> Tokens:
    """A login that the simulator has issued; its access token ends after ``lifetime`` seconds."""
    usual = sim.settings.token_lifetime
    if lifetime is not None:
        sim.settings.token_lifetime = lifetime
    issued = sim.tokens(account)
    sim.settings.token_lifetime = usual
    return Tokens(
        access_token=Secret(issued.access_token),
        refresh_token=Secret(issued.refresh_token),
        id_token=Secret(issued.id_token),
        account_id=(account or sim.account).account_id,
    )


def codex_login(home: Path, sim: Simulator, lifetime: float | None = None, account: Account | None = None) -> Path:
    """A login of the Codex CLI in ``home / "codex"``."""
    usual = sim.settings.token_lifetime
    if lifetime is not None:
        sim.settings.token_lifetime = lifetime
    folder = home / "codex"
    folder.mkdir(exist_ok=True)
    path = sim.write_auth_json(folder, account)
    sim.settings.token_lifetime = usual
    return path


def refresh_token_in(path: Path) -> str:
    found: str = json.loads(path.read_bytes())["tokens"]["refresh_token"]
    return found


def reused(sim: Simulator) -> list[str]:
    """Refresh tokens that were used a second time."""
    return [use.token for use in sim.issuer.uses if use.outcome == "reused"]


async def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
