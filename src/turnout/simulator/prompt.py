"""Reads a user's prompt the way the rule engine needs it: which tools it asks for, in which order, with what. Pure.

It understands plain sentences with the values in backticks or quotes: "read `a.py` and run `pytest`, then edit
`a.py`: replace `x` with `y`". Steps joined by "then" wait for each other; what stands together runs together.
"""

import re
from itertools import takewhile, zip_longest

import msgspec

from turnout.simulator.jsontypes import JsonObject

TOOL_NAMES: dict[str, tuple[str, ...]] = {
    "run": ("Bash", "run_command", "shell", "exec_command", "bash"),
    "read": ("Read", "read_file", "view"),
    "write": ("Write", "write_file", "create_file"),
    "edit": ("Edit", "edit_file", "str_replace"),
    "search": ("WebSearch", "web_search"),
    "fetch": ("WebFetch", "fetch"),
    "agent": ("Agent", "Task"),
}
"""The tools that serve each kind of wish, best known name first."""

_VERBS = {
    "run": "run execute",
    "read": "read open view",
    "write": "write create save",
    "edit": "edit replace change modify",
    "search": "search google",
    "fetch": "fetch download",
    "agent": "delegate spawn subagent agent",
    "call": "call use",
}
_KIND_OF = {verb: kind for kind, verbs in _VERBS.items() for verb in verbs.split()}
_VERB = re.compile(rf"\b({'|'.join(_KIND_OF)})\b", re.IGNORECASE)
_VALUE = re.compile(r"`([^`]+)`|\"([^\"]+)\"|(?<!\w)'([^'\s][^']*)'(?!\w)")
_PATH = re.compile(r"(?<![\w`\"'])((?:[A-Za-z]:)?[\w.~/\\-]*[\w-]\.\w{1,8}|[~.]?/[\w./-]*\w)(?![\w`\"'])")
_THEN = re.compile(
    r"(?:[,.;]\s*)?\b(?:and then|then|after that|afterwards|finally)\b"
    r"|;\s+|\n\s*(?:[-*]|\d+[.)])\s"
    rf"|[.!]\s+(?=(?:{'|'.join(_KIND_OF)})\b)",
    re.IGNORECASE,
)
_QUERY = re.compile(r"^\W*(?:the web\W*)?(?:for\b\W*)?(?:the query\b\W*)?", re.IGNORECASE)
_TOOL_WORD = re.compile(r"\b[A-Za-z][\w-]{3,}\b")
_SHORTENED = 24
"""Characters that a shortened tool name must share with the one in the prompt."""


class Wish(msgspec.Struct, frozen=True):
    """One call that the prompt asks for."""

    tool: str
    """The name of the offered tool."""
    known: JsonObject
    """What the prompt says about the arguments, under every name a tool may use for it."""
    key: str
    """The value by which a call of this wish is recognised in the history."""


def steps(text: str, offered: list[str]) -> list[list[Wish]]:
    """The wishes of a prompt for tools that are offered: steps in order, each a list of parallel calls."""
    found = [_wishes(part, offered) for part in _split(text)]
    return [step for step in found if step]


def _split(text: str) -> list[str]:
    """The prompt cut at its joining words, but never inside quotes."""
    quoted = [match.span() for match in _VALUE.finditer(text)]
    parts: list[str] = []
    start = 0
    for match in _THEN.finditer(text):
        if not any(left < match.start() < right for left, right in quoted):
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _wishes(text: str, offered: list[str]) -> list[Wish]:
    quoted = [match.span() for match in _VALUE.finditer(text)]
    verbs = [match for match in _VERB.finditer(text) if not any(left < match.start() < right for left, right in quoted)]
    found: list[Wish] = _named(text, offered)
    named = {wish.tool for wish in found}
    for match, after in zip_longest(verbs, verbs[1:]):
        kind = _KIND_OF[match.group().lower()]
        tool = next((name for name in TOOL_NAMES.get(kind, ()) if name in offered), None)
        if tool is None or tool in named:
            continue
        clause = text[match.end() : after.start() if after else len(text)]
        if kind == "edit" and after and _KIND_OF[after.group().lower()] == "edit":
            clause = text[match.end() :]
        if kind == "edit" and any(wish.tool == tool for wish in found):
            continue
        found += _for_kind(kind, tool, clause, text)
    return found


def _named(text: str, offered: list[str]) -> list[Wish]:
    """Calls of tools that the prompt names itself, with a JSON object as arguments if it gives one."""
    found: list[Wish] = []
    for match in _TOOL_WORD.finditer(text):
        word = match.group()
        if "_" not in word:
            continue
        tool = word if word in offered else _shortened(word, offered)
        if tool and all(wish.tool != tool for wish in found):
            found.append(Wish(tool, _json_after(text, match.end()), ""))
    return found


def _shortened(word: str, offered: list[str]) -> str | None:
    """A gateway may have shortened a long name: the offered one that shares the longest beginning with it."""
    if len(word) <= 64 or not offered:
        return None
    best = max(offered, key=lambda name: _shared_beginning(name, word))
    return best if _shared_beginning(best, word) >= _SHORTENED else None


def _shared_beginning(left: str, right: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _json_after(text: str, start: int) -> JsonObject:
    brace = text.find("{", start)
    for end in range(len(text), brace, -1) if brace >= 0 else ():
        if text[end - 1] == "}":
            try:
                return msgspec.json.decode(text[brace:end], type=JsonObject)
            except msgspec.MsgspecError:
                continue
    return {}


def _for_kind(kind: str, tool: str, clause: str, text: str) -> list[Wish]:
    values = [next(filter(None, match.groups())) for match in _VALUE.finditer(clause)]
    unquoted = _VALUE.sub(lambda match: " " * len(match.group()), clause)
    bare = [match.group(1) for match in _PATH.finditer(unquoted)]
    match kind:
        case "run":
            return [Wish(tool, {"command": value, "cmd": value, "description": "As asked"}, value) for value in values]
        case "read":
            return [Wish(tool, _path(path), path) for path in _in_order(clause, [*_paths(values), *bare])]
        case "write":
            paths = bare or _paths(values)
            content = next((value for value in values if value not in paths), "written by the simulator\n")
            return [Wish(tool, {**_path(paths[0]), "content": content}, paths[0])] if paths else []
        case "edit":
            return _edit(tool, clause, text, values, bare)
        case "search" if tool == "web_search" and not values:
            # What a client asks a model for that it has given nothing but a search: the query stands bare.
            query = _QUERY.sub("", clause).strip(" .")
            return [Wish(tool, {"query": query}, query)] if query else []
        case "search" | "fetch":
            return [Wish(tool, {"query": value, "url": value, "prompt": text}, value) for value in values[:1]]
        case "agent":
            task = values[0] if values else clause.strip(" .:") or text
            return [
                Wish(tool, {"prompt": task, "description": "Delegated task", "subagent_type": "general-purpose"}, "")
            ]
        case _:
            return []


def _edit(tool: str, clause: str, text: str, values: list[str], bare: list[str]) -> list[Wish]:
    """Edit FILE: replace `old` with `new`, in either order of file and texts."""
    paths = bare or _paths(values) or [match.group(1) for match in _PATH.finditer(text)]
    changes = [value for value in values if value not in paths[:1]]
    if not paths or len(changes) < 2:
        return []
    old, new = changes[0], changes[1]
    known = {**_path(paths[0]), "old_string": old, "new_string": new, "old_str": old, "new_str": new}
    return [Wish(tool, known, paths[0])]


def _path(path: str) -> JsonObject:
    return {"file_path": path, "path": path}


def _paths(values: list[str]) -> list[str]:
    """The quoted values that look like a path."""
    return [value for value in values if " " not in value and ("/" in value or re.search(r"[\w-]\.\w{1,8}$", value))]


def _in_order(clause: str, values: list[str]) -> list[str]:
    return sorted(dict.fromkeys(values), key=clause.find)
