"""What `turnout upstreams probe` has found of an upstream of one's own, kept on disk beside the lists of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from turnout import log, paths
from turnout.accounts import atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from turnout.config import CustomUpstream


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    base_url: str
    wire: str
    """What is found of another address or another wire says nothing."""
    model: str
    """The model that was asked."""
    at: float
    """Unix seconds."""
    takes: dict[str, bool] = {}
    """Names as in `turnout.config.TakesSettings`, and those of facts that are only shown (``streaming``)."""
    words: dict[str, str] = {}
    """What the server said where it did not take something."""
    limit: str = ""
    """The field that limits an answer's length."""


@runtime_checkable
class FollowsProbe(Protocol):
    """An upstream that is made of what a probe has found."""

    def watched(self) -> tuple[Path, ...]:
        """The file that a probe writes; nowhere for who has no home."""
        ...

    def outdated(self) -> bool:
        """Whether another probe has found something else since it was made."""
        ...


def path(name: str, environ: Mapping[str, str]) -> Path:
    """Where it is kept. Raises `turnout.paths.NoHomeError`."""
    return paths.cache_dir(environ) / f"probe-{name}.json"


def read(name: str, settings: CustomUpstream, environ: Mapping[str, str]) -> Probed | None:
    """What was found of this upstream as it is configured now; None if nothing was."""
    try:
        found = msgspec.json.decode(path(name, environ).read_bytes(), type=Probed)
    except (FileNotFoundError, paths.NoHomeError):
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        log.get().warning("probe_not_read", upstream=name, reason=str(error))
        return None
    return found if (found.base_url, found.wire) == (settings.base_url, settings.wire) else None


def write(name: str, found: Probed, environ: Mapping[str, str]) -> None:
    """Keeps it. Raises `OSError`."""
    atomic.write(path(name, environ), msgspec.json.encode(found))
