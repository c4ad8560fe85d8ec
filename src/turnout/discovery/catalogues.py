"""The catalogue to go by: live if it can be had, else what was kept, else what came with this release."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from turnout.config import Config
from turnout.discovery import asking, shelf
from turnout.discovery.asking import ANSWER_SECONDS
from turnout.discovery.lists import Lists
from turnout.discovery.shelf import Kept, Shelf
from turnout.models.catalogue import Catalogue, version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.discovery.asking import Identity
    from turnout.models.catalogue import Source
    from turnout.upstream.base import Upstream


class Catalogues:
    """Finds the models of the upstream that a configuration names."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        seconds: float = ANSWER_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``environ`` says where this user's files are; ``seconds`` is what an answer may take. ``now``: Unix time."""
        self._environ = environ
        self._shelf = Shelf(environ)
        self._seconds = seconds
        self._now = now
        self.lists = Lists(environ, seconds=seconds, now=now)
        """Those of the upstreams beside it."""

    def known(self, config: Config) -> Catalogue:
        """The best that can be known without asking anyone, with the lists of other upstreams beside it."""
        kept = self._best(config) if config.upstream in asking.NAMES else None
        catalogue = Catalogue.bundled() if kept is None else _catalogue(kept, "cache")
        catalogue = catalogue.for_client(config.codex.client_version) if config.upstream == "codex" else catalogue
        return catalogue.with_beside(self.lists.known(config))

    def rest(self, config: Config, account: str) -> float:
        """Seconds for which what is kept is young enough, so that nobody has to be asked; 0 if it is not.

        ``account`` is the tag of the account that would be asked as.
        """
        kept = self._shelf.read(config.upstream)
        if kept is None or kept.identity != _identity(config, account):
            return 0.0
        age = self._now() - kept.fetched_at
        return max(0.0, config.models.refresh - age) if age >= 0 else 0.0

    async def ask(self, config: Config, upstream: Upstream) -> Catalogue:
        """What the configuration's upstream says now, which is kept. For those of the user's own there are `lists`.

        Raises `TurnoutError` as `turnout.discovery.asking.ask`.
        """
        name = config.upstream
        kept = self._shelf.read(name)
        told = await asking.ask(
            config,
            name,
            upstream,
            self._environ,
            seconds=self._seconds,
            etag_of=lambda identity: kept.etag if kept is not None and kept.identity == identity else "",
            known=self.facts(config).get,
        )
        models = kept.models if told.models is None and kept is not None else told.models or ()
        fresh = Kept(identity=told.identity, fetched_at=self._now(), etag=told.etag, models=models)
        self._shelf.write(name, fresh)
        return _catalogue(fresh, "live" if name == "codex" else "api")

    def _best(self, config: Config) -> Kept | None:
        """Of what is kept for the configuration's upstream the newest that holds for its address."""
        kept = self._shelf.read(config.upstream)
        if kept is not None and kept.identity.url != asking.address(config, config.upstream):
            kept = None
        other = self._of_the_codex_cli(config) if config.upstream == "codex" else None
        return max(filter(None, (kept, other)), key=lambda each: each.fetched_at, default=None)

    def _of_the_codex_cli(self, config: Config) -> Kept | None:
        """What the Codex CLI keeps, if it is of the same server, and nothing is missing in it that we may see."""
        if asking.address(config, "codex") != asking.address(Config(), "codex"):
            return None
        found = shelf.codex_cli(config)
        if found is None or version(found.identity.client_version) < version(config.codex.client_version):
            return None
        return found

    def facts(self, config: Config) -> Catalogue:
        """Where the facts come from of models that an API only names: whatever is known of OpenAI's models."""
        kept = self._shelf.read("codex") or shelf.codex_cli(config)
        return Catalogue.bundled() if kept is None else _catalogue(kept, "cache")


def _identity(config: Config, account: str) -> Identity:
    version = config.codex.client_version if config.upstream == "codex" else ""
    return asking.Identity(asking.address(config, config.upstream), account, version)


def _catalogue(kept: Kept, source: Source) -> Catalogue:
    return Catalogue(kept.models, source=source, fetched_at=kept.fetched_at, etag=kept.etag)
