"""What each of Claude's names stands for, as lines to print."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.config import Config


def mapping_lines(config: Config) -> list[str]:
    """One line a name."""
    from turnout.discovery.catalogues import Catalogues
    from turnout.routing.mapping import mapping

    return [str(line) for line in mapping(config, Catalogues(os.environ).known(config))]
