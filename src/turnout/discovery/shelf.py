"""What upstreams have said of their models, on disk: Turnout's own file for each upstream, and the Codex CLI's.

The own files are written in one step, so that several gateways may share them; the CLI's is only read.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from turnout import __version__, log, paths
from turnout.accounts import atomic, codex_home
from turnout.discovery.asking import Identity
from turnout.models import reading
from turnout.models.catalogue import Catalogue, ModelFacts
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from turnout.config import Config, UpstreamName

CODEX_CLI_FILE = "models_cache.json"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream's models, and when and to whom they were told; and what came of the last question."""

    turnout: str = __version__
    """The version that has read them: another one may know more to read."""
    identity: Identity
    fetched_at: float
    """Unix time at which they were told, or confirmed; 0 if they never were."""
    etag: str = ""
    models: tuple[ModelFacts, ...]
    absent: bool = False
    """The server has said that it has no list."""
    problem: str = ""
    """Why the last question has failed; empty if it has not. What was told before it stays."""
    failed_at: float = 0.0
    """Unix time of that failure."""


class _CliFile(msgspec.Struct):
    """What `models_cache.json` says of itself (codex-backend.md 5.2)."""

    fetched_at: datetime
    client_version: str
    etag: str | None = None


class Shelf:
    """This user's files."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def path(self, upstream: UpstreamName) -> Path:
        """The file for an upstream. Raises `turnout.paths.NoHomeError`."""
        return paths.cache_dir(self._environ) / f"models-{upstream}.json"

    def read(self, upstream: UpstreamName) -> Kept | None:
        """The models that are kept; None if there are none that serve."""
        kept = self.look(upstream)
        return kept if kept is not None and kept.models else None

    def look(self, upstream: UpstreamName) -> Kept | None:
        """Whatever is kept, also that there are no models; None if nothing is, or another version has kept it."""
        try:
            kept = msgspec.json.decode(self.path(upstream).read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.get().warning("models_not_read", upstream=upstream, reason=str(error))
            return None
        return kept if kept.turnout == __version__ else None

    def write(self, upstream: UpstreamName, kept: Kept) -> None:
        """Keeps it. Trouble is told in the log: it can be asked for again."""
        try:
            atomic.write(self.path(upstream), msgspec.json.encode(kept))
        except OSError as error:
            log.get().warning("models_not_written", upstream=upstream, reason=str(error))


def codex_cli(config: Config) -> Kept | None:
    """What the Codex CLI keeps of the catalogue, beside its login; None if there is nothing that serves."""
    try:
        content = (codex_home.locate(config.codex.home).parent / CODEX_CLI_FILE).read_bytes()
        said = msgspec.json.decode(content, type=_CliFile)
        models = reading.codex(content).models
    except (OSError, TurnoutError):
        return None  # no CLI, or no home: there is nothing to be read
    except (msgspec.DecodeError, UnicodeDecodeError, reading.UnknownForm) as error:
        log.get().info("models_of_the_codex_cli_not_read", reason=str(error))
        return None
    return Kept(
        identity=Identity("", "", said.client_version),
        fetched_at=said.fetched_at.timestamp(),
        etag=said.etag or "",
        models=tuple(_with_client(facts, said.client_version) for facts in models),
    )


def _with_client(facts: ModelFacts, client_version: str) -> ModelFacts:
    """The facts with the oldest client that may use the model, which the CLI does not keep: one that this release does
    not know may be for that CLI only."""
    if facts.minimal_client_version:
        return facts
    known = Catalogue.bundled().get(facts.slug)
    return msgspec.structs.replace(
        facts, minimal_client_version=known.minimal_client_version if known else client_version
    )
