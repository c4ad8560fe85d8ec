"""A simulated service, a signed-in user with folders of their own, and their upstreams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from turnout.accounts.store import Accounts
from turnout.config import AccountsSettings, CodexSettings, Config, ModelsSettings, OpenAISettings, UpstreamName
from turnout.discovery.catalogues import Catalogues
from turnout.simulator import Simulator
from turnout.upstream import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from turnout.models.catalogue import Catalogue
    from turnout.simulator import RecordedRequest


class User:
    """Someone with a home of their own. Time is `now`, and stands still."""

    def __init__(self, sim: Simulator, home: Path) -> None:
        self.sim = sim
        self.home = home
        self.codex = home / "codex"
        self.now = 1_000_000.0
        self.environ = {"TURNOUT_HOME": str(home / "turnout")}
        sim.write_auth_json(self.codex / "auth.json")

    def config(
        self, upstream: UpstreamName = "codex", *, refresh: float = 3600.0, client_version: str = "0.169.0"
    ) -> Config:
        return Config(
            upstream=upstream,
            codex=CodexSettings(base_url=self.sim.chatgpt_url, home=str(self.codex), client_version=client_version),
            openai=OpenAISettings(base_url=self.sim.openai_url, api_key=self.sim.api_key),
            accounts=AccountsSettings(issuer=self.sim.url),
            models=ModelsSettings(refresh=refresh),
        )

    def catalogues(self, seconds: float = 10.0) -> Catalogues:
        return Catalogues(self.environ, seconds=seconds, now=lambda: self.now)

    async def ask(self, config: Config | None = None, *, seconds: float = 10.0) -> Catalogue:
        """Has the upstream of the configuration asked, in a process that has just started."""
        config = config or self.config()
        accounts = Accounts(config, self.environ)
        upstreams = build(config, accounts=accounts, environ=self.environ)
        try:
            return await self.catalogues(seconds).ask(config, upstreams[config.upstream])
        finally:
            for upstream in upstreams.values():
                await upstream.close()
            await accounts.close()

    @property
    def asked(self) -> list[RecordedRequest]:
        """The questions for models that have arrived."""
        return [call for call in self.sim.calls if call.path.endswith("/models")]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def user(sim: Simulator, tmp_path: Path) -> User:
    return User(sim, tmp_path)
