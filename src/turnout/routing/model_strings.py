"""Reads a model string: a name, and what people write around it to say effort, tier and upstream. Pure.

What a name stands for is not known here: `turnout.routing.router` is told, and says which names lead somewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from turnout.models.effort import known as is_effort
from turnout.protocol.fidelity import Note, ignored

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CONTEXT_SUFFIX = re.compile(r"\[[^\]]*\]$")
"""``[1m]``: the client's mark for a long window, no part of the name (claude-code-wire.md 1)."""

OWN_PREFIXES = ("turnout:", "claudex:")
"""Before ``<model>[:<effort>]``, as people type it behind ``/model``."""

UPSTREAMS = {"codex": "codex", "openai-codex": "codex", "openai_codex": "codex", "openai": "openai"}
"""What an upstream is called before a ``/``, and in ``x-turnout-upstream``: its own names, and those of peers."""

PREFIXED = ("openai-codex:", "openai_codex:")
"""The same before a ``:`` (llm-interactive-proxy)."""

PARAMETERS = {
    "reasoning_effort": "effort",
    "reasoning": "effort",
    "effort": "effort",
    "service_tier": "tier",
    "tier": "tier",
    "speed": "tier",
}
"""Parameters behind a ``?`` and the part of a wish that they are."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a model string says. Empty texts for what it leaves open."""

    name: str
    """The model's name, or a slot's, or an alias."""
    effort: str = ""
    """As it was written: it may be none."""
    tier: str = ""
    upstream: str = ""
    chain: tuple[str, ...] = ()
    """The whole chain that the string is, or stands for (`turnout.routing.chains`); empty if it is none."""
    notes: tuple[Note, ...] = ()


def is_claudes(name: str) -> bool:
    """Whether it is one of Claude's names, of whatever age."""
    return name.lower().startswith("claude")


def read(text: str, leads: Callable[[str], bool], upstreams: Collection[str] = ()) -> Wish:
    """What the string says. ``leads`` tells whether this very name is known: then nothing is split off it.

    ``upstreams`` are names of upstreams beside those that are always there.
    """
    whole = bare(text)
    if leads(whole):
        return Wish(name=whole)
    rest, mark, query = whole.partition("?")
    wish = _without_suffix(_without_prefix(bare(rest), leads, upstreams), leads)
    return _with_parameters(wish, query) if mark else wish


def bare(text: str) -> str:
    """The string without what clients put around it."""
    return CONTEXT_SUFFIX.sub("", text.strip()).removeprefix("anthropic/").strip()


def _without_prefix(text: str, leads: Callable[[str], bool], upstreams: Collection[str]) -> Wish:
    lowered = text.lower()
    upstream, behind_colon = "", False
    for prefix in (*OWN_PREFIXES, *PREFIXED):
        if lowered.startswith(prefix):
            text, behind_colon = text[len(prefix) :].strip(), True
            upstream = UPSTREAMS.get(prefix.removesuffix(":"), "")
            break
    head, slash, rest = text.partition("/")
    place = UPSTREAMS.get(head.lower(), head.lower() if head.lower() in upstreams else "")
    if slash and rest and place and not leads(text):
        upstream, text = place, rest.strip()
    effort = ""
    if behind_colon and not leads(text):
        text, _, effort = text.partition(":")
    return Wish(name=text.strip(), effort=effort.strip(), upstream=upstream)


def _without_suffix(wish: Wish, leads: Callable[[str], bool]) -> Wish:
    """``@high`` says an effort behind any name; ``-high`` only where it is no part of a name."""
    if leads(wish.name):
        return wish
    stem, mark, effort = wish.name.rpartition("@")
    if mark and stem and is_effort(effort.lower()):
        return msgspec.structs.replace(wish, name=stem.strip(), effort=wish.effort or effort.lower())
    stem, mark, effort = wish.name.rpartition("-")
    if mark and is_effort(effort.lower()) and (leads(stem) or is_claudes(stem)):
        return msgspec.structs.replace(wish, name=stem, effort=wish.effort or effort.lower())
    return wish


def _with_parameters(wish: Wish, query: str) -> Wish:
    said: dict[str, str] = {}
    notes = list(wish.notes)
    for name, value in parse_qsl(query, keep_blank_values=True):
        part = PARAMETERS.get(name.strip().lower())
        if part is None:
            notes.append(ignored("model", f"the parameter {name[:50]} of the model's name is not known"))
        else:
            said[part] = value.strip()
    return msgspec.structs.replace(wish, notes=tuple(notes), **said)
