"""Runs a command inside the test, which is quicker than a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.cli.service import variables
from tests.conftest import OUTPUT
from turnout.accounts.credential import Secret
from turnout.accounts.store import Accounts
from turnout.accounts.tokens import Tokens
from turnout.cli.root import run
from turnout.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from turnout.simulator import Account, Simulator


class Shell:
    """A user's shell with a home of its own, and accounts to begin with."""

    def __init__(
        self, home: Path, sim: Simulator, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]
    ) -> None:
        self.home = home
        self.sim = sim
        self._captured = captured
        self.environ = {
            **variables(sim),
            "HOME": str(home),
            "TURNOUT_HOME": str(home / "turnout"),
            "CODEX_HOME": str(home / "codex"),
            "XDG_DATA_HOME": str(home / "data"),
            "COLUMNS": "140",
        }
        for name, value in self.environ.items():
            patch.setenv(name, value)
        patch.chdir(home)

    @property
    def accounts(self) -> Accounts:
        return Accounts.open(load(self.environ, {}), self.environ)

    def sign_in(self, account: Account, nickname: str = "") -> Tokens:
        """Keeps a new login of this account; gives its tokens."""
        made = self.sim.tokens(account)
        tokens = Tokens(
            access_token=Secret(made.access_token),
            refresh_token=Secret(made.refresh_token),
            id_token=Secret(made.id_token),
            account_id=account.account_id,
        )
        self.accounts.add_owned(tokens, nickname)
        return tokens

    def run(self, *arguments: str, code: int = 0) -> str:
        """What the command printed, to wherever; it must end with this exit code."""
        self._captured.readouterr()
        ended = run(arguments)
        captured = self._captured.readouterr()
        shown = captured.out + captured.err
        OUTPUT.append((f"turnout {' '.join(arguments)}", shown))
        assert ended == code, shown
        return shown

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments))
