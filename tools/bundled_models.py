"""Writes src/turnout/models/bundled.py, the facts that serve where no catalogue can be had, from a catalogue's answer.

    python tools/bundled_models.py answer.json --date 2026-11-20 --of "Codex CLI 0.169.0"

The answer is what `GET …/codex/models?client_version=…` has said. (The Codex CLI's `models_cache.json` is none: it
lacks which client a model is for.) Without a file it is the simulator's, which has what codex-backend.md 5.1 lists: the
same facts as those in the repository.
Descriptions and instructions are left out: they are OpenAI's own words. So is which plans have a model: that changes at
any time, and a release that is wrong about it would refuse people what they have paid for.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from turnout.models import reading
from turnout.models.catalogue import ModelFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MODULE = Path(__file__).parent.parent / "src" / "turnout" / "models" / "bundled.py"
WIDTH = 120
LEFT_OUT = ("description", "instructions", "plans")

HEAD = '''\
"""The models that {of} lists: facts only, true on `DATED`. Written by tools/bundled_models.py.

They serve until a live catalogue is there, and when none can be fetched.
"""

from __future__ import annotations

from turnout.models.catalogue import ModelFacts

DATED = "{date}"
"""The day on which the table below was true."""

MODELS = (
'''

TAIL = '''\
)
"""Every model of the catalogue, in its own order."""
'''


def simulated() -> bytes:
    """The answer of the simulator's backend to a client that may see every model."""
    from turnout.simulator import catalogue

    return msgspec.json.encode({"models": catalogue.codex_listing((999, 0, 0))})


def module(answer: bytes, date: str, of: str) -> str:
    """The module's text for a catalogue's answer. Raises `turnout.models.reading.UnknownForm`."""
    found = reading.codex(answer)
    if found.unreadable:
        raise reading.UnknownForm(f"entries that cannot be read: {', '.join(found.unreadable)}")
    if lacking := [facts.slug for facts in found.models if not facts.minimal_client_version]:
        raise reading.UnknownForm(f"it does not say which clients may use {', '.join(lacking)}")
    models = sorted(found.models, key=lambda facts: (not facts.listed, facts.priority, facts.slug))
    return HEAD.format(of=of, date=date) + "".join(_entry(facts) for facts in models) + TAIL


def _entry(facts: ModelFacts) -> str:
    lines = "".join(f"        {name}={value},\n" for name, value in _fields(facts))
    return f"    ModelFacts(\n{lines}    ),\n"


def _fields(facts: ModelFacts) -> Iterator[tuple[str, str]]:
    """What differs from a field's default, as Python."""
    for field in msgspec.structs.fields(ModelFacts):
        value = getattr(facts, field.name)
        if field.name not in LEFT_OUT and (field.required or value != field.default):
            yield field.name, _literal(field.name, value)


def _literal(name: str, value: object) -> str:
    """A value as the formatter would write it."""
    if isinstance(value, tuple):
        return _sequence(name, [_literal("", each) for each in value])
    if isinstance(value, str):
        return repr(value) if '"' in value and "'" not in value else msgspec.json.encode(value).decode()
    return f"{value:_}" if isinstance(value, int) and not isinstance(value, bool) else repr(value)


def _sequence(name: str, values: Sequence[str]) -> str:
    """On one line if it has room there, else one value a line."""
    short = f"({', '.join(values)}{',' if len(values) == 1 else ''})"
    if len(f"        {name}={short},") <= WIDTH:
        return short
    return "(\n" + "".join(f"            {value},\n" for value in values) + "        )"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("answer", type=Path, nargs="?", help="the catalogue's answer; left out: the simulator's")
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="the day of the answer")
    parser.add_argument("--of", default="Codex CLI 0.169.0", help="whose catalogue it is")
    wanted = parser.parse_args()
    try:
        answer = simulated() if wanted.answer is None else wanted.answer.read_bytes()
        MODULE.write_text(module(answer, wanted.date, wanted.of), "utf-8")
    except (OSError, reading.UnknownForm) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
