"""The way from files, variables and flags to a checked configuration, and the way back into a file.

`leaves` knows the single settings and what each may be, `files` reads what a user has written, `sources` puts all of it
in order. Knows nothing of what the settings mean: `turnout.config` says that.
"""

from turnout.settings.leaves import Leaf, SettingsError, check, describe, leaves
from turnout.settings.sources import Fitted, Given, Loaded, Source, Sources, load, resolve

__all__ = [
    "Fitted",
    "Given",
    "Leaf",
    "Loaded",
    "SettingsError",
    "Source",
    "Sources",
    "check",
    "describe",
    "leaves",
    "load",
    "resolve",
]
