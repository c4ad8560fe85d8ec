"""The lists of models beside the catalogue of the upstream in use: those of the user's own upstreams, and the OpenAI
API's where there is a key for it. Each is asked for, kept and told of by itself."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal

import msgspec

from turnout.accounts import api_key
from turnout.discovery import asking
from turnout.discovery.asking import ANSWER_SECONDS, Identity
from turnout.discovery.shelf import Kept, Shelf
from turnout.models.catalogue import Catalogue
from turnout.protocol.errors import Failure, FailureKind, TurnoutError
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.config import Config
    from turnout.discovery.asking import Told
    from turnout.upstream.base import Upstream

State = Literal["listed", "none", "unasked", "off"]
"""``listed``: it has told its models. ``none``: it has no list. ``unasked``: it has told nothing yet. ``off``: it is
not to be asked."""


class ListReport(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with one upstream's list."""

    upstream: str
    state: State
    models: int
    """How many it has."""
    fetched_at: float | None
    """Unix time at which they were told or confirmed; None if they never were."""
    age_seconds: int | None
    problem: str
    """Why it could not be asked the last time, and what helps; empty if it could."""


class Lists:
    """Asks and keeps; what is known stays where a question fails."""

    def __init__(
        self, environ: Mapping[str, str], *, seconds: float = ANSWER_SECONDS, now: Callable[[], float] = time.time
    ) -> None:
        """As `turnout.discovery.catalogues.Catalogues`."""
        self._environ = environ
        self._shelf = Shelf(environ)
        self._seconds = seconds
        self._now = now

    def wanted(self, config: Config) -> tuple[str, ...]:
        """The upstreams that are asked: the user's own that are on, and the OpenAI API beside another one if there is a
        key for it."""
        own = _own(config)
        return (*own, "openai") if self._openai_is_beside(config) else own

    def known(self, config: Config) -> dict[str, Catalogue]:
        """What is known of them without asking anyone."""
        kept = {name: self._kept(config, name) for name in _own(config)}
        openai = self._kept(config, "openai")
        if openai is not None and self._openai_is_beside(
            config
        ):  # else the accounts are not looked at: this is start-up
            kept["openai"] = openai
        return {name: _catalogue(each) for name, each in kept.items() if each is not None and each.fetched_at}

    def report(self, config: Config) -> tuple[ListReport, ...]:
        """How it stands with each, in the configuration's order; those of the user's own that are not asked as well."""
        off = [name for name, each in config.custom.items() if each.enabled and not each.list_models]
        wanted = self.wanted(config)
        own = [name for name in config.custom if name in wanted or name in off]
        rest = [name for name in wanted if name not in config.custom]
        return tuple(self._reported(config, name, off=name in off) for name in (*own, *rest))

    def rest(self, config: Config, name: str) -> float:
        """Seconds for which what is kept is young enough; 0 if it is not. What has failed is never young."""
        kept = self._kept(config, name)
        if kept is None or kept.problem or not kept.fetched_at:
            return 0.0
        age = self._now() - kept.fetched_at
        return max(0.0, config.models.refresh - age) if age >= 0 else 0.0

    async def ask(self, config: Config, name: str, upstream: Upstream, *, facts: Catalogue) -> Catalogue:
        """What the upstream lists now, which is kept, as is a failure.

        ``facts`` is what is known of OpenAI's models. Raises `TurnoutError` as `turnout.discovery.asking.ask`.
        """
        kept = self._kept(config, name)
        try:
            told = await asking.ask(
                config,
                name,
                upstream,
                self._environ,
                seconds=self._seconds,
                etag_of=lambda identity: kept.etag if kept is not None and kept.identity == identity else "",
                known=facts.get,
            )
        except (TurnoutError, SettingsError) as error:
            failure = failure_of(error)
            await asyncio.to_thread(self._shelf.write, name, self._failed(config, name, kept, failure))
            raise TurnoutError(failure) from None
        fresh = self._fresh(kept, told)
        await asyncio.to_thread(self._shelf.write, name, fresh)
        return _catalogue(fresh, live=True)

    def _openai_is_beside(self, config: Config) -> bool:
        if config.upstream == "openai" or config.upstreams.openai == "off":
            return False
        if api_key.given(config.openai, self._environ):
            return True
        from turnout.accounts.store import Accounts  # needless at most starts

        try:
            return Accounts(config, self._environ).has("api_key")
        except TurnoutError:
            return False  # a broken list of accounts: whoever wants one of them says so

    def _kept(self, config: Config, name: str) -> Kept | None:
        kept = self._shelf.look(name)
        return kept if kept is not None and kept.identity.url == asking.address(config, name) else None

    def _fresh(self, kept: Kept | None, told: Told) -> Kept:
        models = kept.models if told.models is None and kept is not None else told.models or ()
        return Kept(identity=told.identity, fetched_at=self._now(), etag=told.etag, models=models, absent=told.absent)

    def _failed(self, config: Config, name: str, kept: Kept | None, failure: Failure) -> Kept:
        if kept is None:
            kept = Kept(identity=Identity(asking.address(config, name), "", ""), fetched_at=0.0, models=())
        return msgspec.structs.replace(kept, problem=failure.text, failed_at=self._now())

    def _reported(self, config: Config, name: str, *, off: bool) -> ListReport:
        kept = None if off else self._kept(config, name)
        at = kept.fetched_at if kept is not None and kept.fetched_at else None
        state: State = "unasked"
        if off:
            state = "off"
        elif kept is not None and at is not None:
            state = "none" if kept.absent else "listed"
        return ListReport(
            upstream=name,
            state=state,
            models=len(kept.models) if kept is not None else 0,
            fetched_at=at,
            age_seconds=None if at is None else max(0, int(self._now() - at)),
            problem=kept.problem if kept is not None else "",
        )


def _own(config: Config) -> tuple[str, ...]:
    return tuple(name for name, settings in config.custom.items() if settings.enabled and settings.list_models)


def failure_of(error: TurnoutError | SettingsError) -> Failure:
    """Why somebody could not be asked. A wrong proxy or file of certificates counts as no way there."""
    return (
        error.failure if isinstance(error, TurnoutError) else Failure(kind=FailureKind.UNREACHABLE, message=str(error))
    )


def _catalogue(kept: Kept, *, live: bool = False) -> Catalogue:
    at = kept.fetched_at or None
    return Catalogue(kept.models, source="api" if live else "cache", fetched_at=at, etag=kept.etag)
