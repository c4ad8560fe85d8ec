"""Changes the configuration of a running gateway: when a file changes, and when it is told to.

A change is checked as a whole before anything of it takes effect; one that is wrong leaves all as it was.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import msgspec

from turnout import log
from turnout.config import BUILT_IN, Url, UrlOrEmpty
from turnout.gateway import config_file
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.settings import SettingsError, editing, leaves
from turnout.settings.leaves import flatten
from turnout.settings.sources import REQUEST, value_at
from turnout.upstream.probed import FollowsProbe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from turnout.accounts.store import Accounts
    from turnout.config import Config
    from turnout.gateway.live import Live
    from turnout.settings import Loaded, Source
    from turnout.upstream.base import Upstream

    Build = Callable[[Config], Mapping[str, Upstream]]

LOOK_SECONDS = 1.0
"""Between two looks at the files: each takes some microseconds."""
SETTLE_SECONDS = 0.2
"""How long a changed file must stay as it is before it is read: editors write in several steps."""

NEEDS_RESTART = frozenset(
    {
        "server.host",
        "server.port",
        "server.token",
        "server.require_token",
        "server.header_timeout",
        "server.drain",
        "codex.home",
        "accounts.folder",
        "accounts.storage",
        "accounts.issuer",
        "accounts.refresh_url",
        "accounts.revoke_url",
        "accounts.client_id",
        "records.keep",
        "records.limit",
    }
)
"""Settings that count from the next start on."""

NOT_OF_UPSTREAMS = (
    *("model", "effort", "tier", "strict"),
    *("server", "slots", "models", "routing", "tools", "search", "records", "responses"),
)
"""Settings and sections that have nothing to do with how upstreams are reached."""

GUARDED = frozenset(
    {
        *(key for key, leaf in leaves().items() if leaf.secret or leaf.type in (Url, UrlOrEmpty)),
        "server.require_token",
        "server.allowed_hosts",
        "codex.home",
        "accounts.folder",
        "accounts.storage",
        "accounts.client_id",
        "custom",
        "accounts.spill_to",
        "accounts.spill_limit",
    }
)
"""Settings that a request cannot change: where logins and prompts go, who may come in, what may cost money. Whoever has
the gateway's token, as the tools of every client have, is not thereby the one who decides on those."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of a change."""

    changed: tuple[str, ...] = ()
    """Dotted paths of settings whose value is another one now."""
    restart: tuple[str, ...] = ()
    """Those that have changed since the start and count from the next one on."""
    written: Path | None = None
    """The file that it was written to."""


class Ready(msgspec.Struct, frozen=True):
    """What can be put in force."""

    loaded: Loaded
    config: Config
    """That of ``loaded``, with what needs a restart as it is."""
    upstreams: Mapping[str, Upstream]


class Steering:
    """Steers one gateway. All methods belong to its event loop."""

    def __init__(
        self,
        live: Live,
        source: Source,
        *,
        build: Build,
        accounts: Accounts | None = None,
        look: float = LOOK_SECONDS,
    ) -> None:
        """``build`` makes the upstreams of a configuration. ``accounts`` are told of a new configuration.

        ``look`` is in seconds, as `LOOK_SECONDS`. Raises what ``source`` raises.
        """
        self._live = live
        self._source = source
        self._build = build
        self._accounts = accounts
        self._look_seconds = look
        self._told: dict[str, object] = {}
        """What requests have changed: dotted paths and values."""
        self._seen = self._look()
        self.loaded = source.resolve({})
        """What was taken last, with where each value came from."""
        self._began_with = self.loaded.config
        self.problem = ""
        """Why the last change of a file was not taken; empty if it was."""
        self._turn = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    @property
    def restart(self) -> tuple[str, ...]:
        """Settings that have changed since the start and wait for the next one."""
        return tuple(
            key for key in leaves() if key in NEEDS_RESTART and _differ(key, self._began_with, self.loaded.config)
        )

    @property
    def file(self) -> Path | None:
        """The file that a change can be written to."""
        return self._source.written()

    def start(self) -> None:
        """Begins to watch the files, if there are any that could change."""
        if self._source.watched():
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Ends watching."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    async def tell(self, wanted: Mapping[str, Any], *, persist: bool = False) -> Outcome:
        """Changes what ``wanted`` says, in tables or with dotted paths; null takes back what was told before.

        ``persist`` writes it into the user's file as well. Raises `TurnoutError` (`BAD_REQUEST`); nothing has changed
        then, neither here nor in the file.
        """
        async with self._turn:
            try:
                outcome = await self._tell(dict(flatten(wanted, REQUEST)), persist=persist)
            except SettingsError as error:
                raise fail(FailureKind.BAD_REQUEST, str(error)) from None
            except OSError as error:
                where = error.filename or self.file
                raise fail(FailureKind.BAD_REQUEST, f"{where} cannot be written: {error.strerror}.") from None
        _log(outcome, REQUEST)
        return outcome

    async def reload(self) -> Outcome:
        """Takes over what the files say now. Raises `SettingsError` or `TurnoutError`; all stays as it was then."""
        async with self._turn:
            return self._take(await self._ready(self._told))

    async def _tell(self, entries: Mapping[str, object], *, persist: bool) -> Outcome:
        for key in entries:
            if key in GUARDED:
                raise SettingsError(
                    f"{key} cannot be changed by a request: it decides where logins and prompts go, who may come in, "
                    "or what may cost money. Change it in the configuration file."
                )
        told = {key: value for key, value in {**self._told, **entries}.items() if value is not None}
        ready = await self._ready(told)
        if not persist:
            outcome = self._take(ready)
            self._told = told
            return outcome
        edit = await asyncio.to_thread(self._prepare, entries)
        await asyncio.to_thread(config_file.write, edit)
        rest = {key: value for key, value in self._told.items() if key not in entries}
        written = await self._ready(rest)
        if any(key in told and _differ(key, ready.config, written.config) for key in entries):
            outcome = self._take(ready)  # a variable or a flag counts before the file: told, it counts anyway
            self._told = told
        else:
            outcome = self._take(written)
            self._told = rest
        return msgspec.structs.replace(outcome, written=edit.path)

    def _prepare(self, entries: Mapping[str, object]) -> config_file.Edit:
        path = self.file
        if path is None:
            raise SettingsError("This gateway has no configuration file that a change could be written to.")

        def change(text: str, path: Path) -> str:
            text = editing.with_values(text, path, {key: value for key, value in entries.items() if value is not None})
            for key in (key for key, value in entries.items() if value is None):
                text = editing.without(text, path, key)
            return text

        return config_file.prepare(path, change)

    async def _ready(self, told: Mapping[str, object]) -> Ready:
        """All that is needed to put in force what the source says with ``told`` on top. Changes nothing.

        Raises `SettingsError` or `TurnoutError`.
        """
        loaded = await asyncio.to_thread(self._source.resolve, told)
        now, config = self._live.snapshot, loaded.config
        for key in NEEDS_RESTART:
            config = with_value(config, key, value_at(now.config, key))
        if self._accounts is not None and config.accounts.use and _differ("accounts.use", now.config, config):
            self._accounts.get(config.accounts.use)
        upstreams = now.upstreams
        outdated = {name for name, each in now.upstreams.items() if isinstance(each, FollowsProbe) and each.outdated()}
        if outdated or _may_change_upstreams(now.config, config):
            made = await asyncio.to_thread(self._build, config)  # reading certificates takes its time
            kept = {name for name in made if name in now.upstreams and not _changes(name, now.config, config)}
            kept -= outdated
            upstreams = {name: now.upstreams[name] if name in kept else each for name, each in made.items()}
        return Ready(loaded, config, upstreams)

    def _take(self, ready: Ready) -> Outcome:
        """Puts it in force, in one step."""
        now, config = self._live.config, ready.config
        changed = tuple(key for key in leaves() if _differ(key, now, config))
        if changed or ready.upstreams != self._live.snapshot.upstreams:
            if self._accounts is not None:
                self._accounts.use_config(config)
            self._live.use_config(config, ready.upstreams)
        self.loaded = ready.loaded
        return Outcome(changed, self.restart)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            found = self._look()
            if found == self._seen:
                continue
            while True:
                await asyncio.sleep(SETTLE_SECONDS)
                before, found = found, self._look()
                if found == before:
                    break
            self._seen = found
            await self._reload_and_tell()

    async def _reload_and_tell(self) -> None:
        try:
            outcome = await self.reload()
        except (SettingsError, TurnoutError) as error:
            self.problem = error.failure.text if isinstance(error, TurnoutError) else str(error)
            log.get().warning("config_not_taken", reason=self.problem, next_step="turnout config check")
        except Exception:  # noqa: BLE001 (told in the log; the gateway goes on with what it has)
            log.get().exception("defect")
        else:
            if self.problem:
                log.get().info("config_right_again")
            self.problem = ""
            _log(outcome, "a file")

    def _look(self) -> tuple[tuple[str, int, int, int] | None, ...]:
        """What tells a changed file from an unchanged one: those of settings, and of probes."""
        probes = (each.watched() for each in self._live.snapshot.upstreams.values() if isinstance(each, FollowsProbe))
        return tuple(_mark(path) for path in (*self._source.watched(), *(path for some in probes for path in some)))


def with_value(config: Config, key: str, value: object) -> Config:
    """The configuration with one setting changed. ``value`` is of the setting's type."""
    *above, name = key.split(".")
    sections: list[Any] = [config]
    for section in above:
        sections.append(getattr(sections[-1], section))
    for each, field in zip(reversed(sections), (name, *reversed(above)), strict=True):
        value = msgspec.structs.replace(each, **{field: value})
    return cast("Config", value)


def _mark(path: Path) -> tuple[str, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino


def _differ(key: str, one: Config, other: Config) -> bool:
    return value_at(one, key) != value_at(other, key)


def _may_change_upstreams(before: Config, after: Config) -> bool:
    """Whether anything else has changed than what no upstream is made of."""
    same = {name: getattr(before, name) for name in NOT_OF_UPSTREAMS}
    return msgspec.structs.replace(after, **same) != before


def _changes(upstream: str, before: Config, after: Config) -> bool:
    """Whether an upstream has to be made anew: its own section has changed, or the time that all of them read."""
    own = (
        getattr(config, upstream, config) if upstream in BUILT_IN else config.custom.get(upstream)
        for config in (before, after)
    )
    return next(own) != next(own) or before.timing.connect != after.timing.connect


def _log(outcome: Outcome, place: str) -> None:
    if outcome.changed or outcome.restart or outcome.written:
        facts = {"settings": " ".join(outcome.changed), "restart": " ".join(outcome.restart)}
        log.get().info("config_changed", by=place, **{name: value for name, value in facts.items() if value})
