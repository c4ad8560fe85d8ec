"""Where a request's body parts from the one before it in the same conversation. Pure.

An upstream's prompt cache holds beginnings: a request that begins as the one before did is cheap and quick, and one
changed byte makes all that follows it new. The translator writes ``input`` last and lets it only grow, so the usual
case is one comparison of bytes; the place is looked for only when they differ.

What is said of a place is its structure: names of fields, tools and item types, and offsets. Never a word of a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROMPT_FIELDS = ("model", "tools", "instructions", "text")
"""Fields that stand before ``input`` in what the model reads, in that order; a model has a cache of its own."""

MAX_DEPTH = 24

Change = Literal["changed", "added", "removed", "moved"]
"""What became of the piece: it reads otherwise, is new there, is not there any more, stands elsewhere."""

_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_items = msgspec.json.Decoder(list[Raw]).decode
_NOTHING = Raw(b"")


class Parting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first place at which two bodies differ."""

    place: str
    """The piece: ``tools[3] (Bash)``, ``input[12] (user message)``, ``reasoning``."""
    change: Change = "changed"
    path: str = ""
    """Where in the piece: ``.parameters.properties.path.description``."""
    offset: int = 0
    """Byte of the piece, as it is written in JSON, at which the two differ."""
    size: int = 0
    """Bytes of the piece as it is now."""
    detail: str = ""
    """What differs there: ``the text differs at byte 120 of 800``."""
    in_prompt: bool = True
    """It is something that the model reads; else a setting, such as ``tool_choice``."""
    shared: float = 0.0
    """Part of the prompt's bytes that stand before it, 0 to 1."""
    others: tuple[str, ...] = ()
    """Further fields of the body that differ."""


class Body:
    """A body's fields, taken apart when they are first asked for."""

    __slots__ = ("_fields", "_items", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._fields: dict[str, Raw] | None = None
        self._items: list[Raw] | None = None

    @property
    def fields(self) -> Mapping[str, Raw]:
        if self._fields is None:
            self._fields = _decode_fields(self.data)
        return self._fields

    @property
    def items(self) -> Sequence[Raw]:
        """The items of ``input``."""
        if self._items is None:
            self._items = _as_list(self.fields.get("input"))
        return self._items


class _Label(msgspec.Struct):
    type: str = "message"
    role: str = ""
    name: str = ""


_decode_label = msgspec.json.Decoder(_Label).decode


def continues(before: bytes, after: bytes) -> bool:
    """Whether ``after`` is ``before`` with nothing but further items behind its own. Both end with ``input``."""
    end = len(before) - 2
    return (
        before.endswith(b"]}")
        and len(after) > end
        and after.startswith(memoryview(before)[:end])  # of a view: nothing is copied
        and after[end] in b",]"
    )


def kinship(before: Body, after: Body) -> int:
    """How much two requests look like one conversation: 0 is not at all, 1 is by what the user said first.

    Clients send other requests under a conversation's name: for a title, a search, a safety check. Those have another
    system prompt and other tools.
    """
    tools = before.fields.get("tools")
    same_tools = tools is not None and tools == after.fields.get("tools")
    same_start = bool(before.items and after.items) and before.items[0] == after.items[0]
    said = _first_of_user(before.items)
    same_words = said is not None and said == _first_of_user(after.items)
    return 4 * same_tools + 2 * same_start + same_words


def parting(before: Body, after: Body) -> Parting | None:
    """The first place, in the order in which the model reads, at which ``after`` parts from ``before``.

    None if it only goes on after it, or ends earlier: what there is of it begins as before.
    """
    old, new = before.fields, after.fields
    names = [*PROMPT_FIELDS, *(name for name in dict.fromkeys((*new, *old)) if name not in (*PROMPT_FIELDS, "input"))]
    differing = [name for name in names if old.get(name, _NOTHING) != new.get(name, _NOTHING)]
    of_input = _in_input(before, after)
    in_prompt = [name for name in differing if name in PROMPT_FIELDS]
    if in_prompt:
        first = _in_field(in_prompt[0], old, new)
        rest = [name for name in differing if name != in_prompt[0]] + (["input"] if of_input else [])
    elif of_input is not None:
        first, rest = of_input, differing
    elif differing:
        first, rest = _in_field(differing[0], old, new), differing[1:]
    else:
        return None
    return msgspec.structs.replace(first, others=tuple(rest))


def first_difference(left: bytes, right: bytes) -> int:
    """Offset of the first byte that differs; the shorter one's length if it is a beginning of the other."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _in_field(name: str, old: Mapping[str, Raw], new: Mapping[str, Raw]) -> Parting:
    before, after = old.get(name, _NOTHING), new.get(name, _NOTHING)
    total = _prompt_size(new)
    if name == "tools":
        return _in_tools(_as_list(before), _as_list(after), total)
    if name not in PROMPT_FIELDS:
        return _piece(name, before, after, in_prompt=False, shared=1.0)
    ahead = PROMPT_FIELDS[1 : PROMPT_FIELDS.index(name)]  # nothing of it for another model: that reads all anew
    return _piece(name, before, after, shared=sum(len(new.get(field, _NOTHING)) for field in ahead) / total)


def _in_tools(before: Sequence[Raw], after: Sequence[Raw], total: int, ahead: int = 0) -> Parting:
    """The first tool that differs. ``ahead`` is how many bytes of the prompt stand before the tools."""
    index = _first_unequal(before, after)
    shared = (ahead + sum(map(len, after[:index]))) / total
    names = [[_tool_name(tool) for tool in tools] for tools in (before, after)]
    was, now = (names[side][index] if index < len(names[side]) else None for side in (0, 1))
    if was == now and was is not None:
        return _piece(f"tools[{index}] ({now})", before[index], after[index], shared=shared)
    if now is not None and now not in names[0]:
        change: Change = "added"
    elif was is not None and was not in names[1]:
        change = "removed"
    else:
        change = "moved"
    shown = was if change == "removed" else now if now is not None else was
    size = 0 if change == "removed" or index >= len(after) else len(after[index])
    return Parting(place=f"tools[{index}] ({shown})", change=change, size=size, shared=shared)


def _in_input(before: Body, after: Body) -> Parting | None:
    """The first item that differs; None if one ``input`` is a beginning of the other."""
    old, new = before.items, after.items
    index = _first_unequal(old, new)
    if index >= min(len(old), len(new)):
        return None
    total = _prompt_size(after.fields)
    ahead = total - len(after.fields.get("input", _NOTHING)) + sum(map(len, new[:index]))
    label, was = _label(new[index]), _label(old[index])
    if label.type == was.type == "additional_tools":
        return _in_tools(_lite_tools(old[index]), _lite_tools(new[index]), total, ahead)
    place = f"input[{index}] ({_name(label)})"
    if (label.type, label.role) != (was.type, was.role):
        return Parting(place=place, detail=f"it was a {_name(was)}", size=len(new[index]), shared=ahead / total)
    return _piece(place, old[index], new[index], shared=ahead / total)


def _piece(place: str, before: Raw, after: Raw, *, in_prompt: bool = True, shared: float = 0.0) -> Parting:
    if not before or not after:
        change: Change = "removed" if before else "added"
        return Parting(place=place, change=change, size=len(after), in_prompt=in_prompt, shared=shared)
    path, detail = _descend(before, after, MAX_DEPTH)
    return Parting(
        place=place,
        path=path,
        offset=first_difference(bytes(before), bytes(after)),
        size=len(after),
        detail=detail,
        in_prompt=in_prompt,
        shared=shared,
    )


def _descend(before: Raw, after: Raw, depth: int) -> tuple[str, str]:
    """The path to what differs between two JSON values, and what differs there, without its content."""
    start = bytes(memoryview(before)[:1]), bytes(memoryview(after)[:1])
    if start == (b'"', b'"'):
        return "", _of_texts(bytes(before)[1:-1], bytes(after)[1:-1])
    if depth and start == (b"{", b"{"):
        old, new = _decode_fields(before), _decode_fields(after)
        if list(old) == list(new):
            name = next((name for name in new if old[name] != new[name]), None)
            if name is None:
                return "", "it is written otherwise"
            path, detail = _descend(old[name], new[name], depth - 1)
            return f".{name}{path}", detail
        return "", _of_names(list(old), list(new))
    if depth and start == (b"[", b"["):
        left, right = _decode_items(before), _decode_items(after)
        index = _first_unequal(left, right)
        if index < min(len(left), len(right)):
            path, detail = _descend(left[index], right[index], depth - 1)
            return f"[{index}]{path}", detail
        return "", f"it has {len(right)} elements and had {len(left)}"
    return "", "the value differs" if start[0] == start[1] else "the value is of another type"


def _of_texts(before: bytes, after: bytes) -> str:
    at = first_difference(before, after)
    if at == len(before):
        return f"the text goes on after its {at:,} bytes"
    if at == len(after):
        return f"the text ends after {at:,} of {len(before):,} bytes"
    return f"the text differs at byte {at:,} of {len(after):,}"


def _of_names(before: list[str], after: list[str]) -> str:
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    if added:
        return f"the field {added[0]} is new"
    return f"the field {removed[0]} is gone" if removed else "the fields stand in another order"


def _first_unequal(before: Sequence[Raw], after: Sequence[Raw]) -> int:
    for index, (old, new) in enumerate(zip(before, after, strict=False)):
        if old != new:
            return index
    return min(len(before), len(after))


def _as_list(value: Raw | None) -> list[Raw]:
    return _decode_items(value) if value is not None and bytes(memoryview(value)[:1]) == b"[" else []


class _LiteTools(msgspec.Struct):
    tools: list[Raw] = []


def _lite_tools(item: Raw) -> list[Raw]:
    """The tools of lite framing, which are an item of the input (codex-backend.md 2.3)."""
    namespaces = msgspec.json.decode(item, type=_LiteTools).tools
    return [tool for namespace in namespaces for tool in msgspec.json.decode(namespace, type=_LiteTools).tools]


def _label(piece: Raw) -> _Label:
    try:
        return _decode_label(piece)
    except msgspec.DecodeError:
        return _Label(type="item")


def _tool_name(tool: Raw) -> str:
    label = _label(tool)
    return label.name or label.type  # tools that the upstream runs itself have no name


def _name(label: _Label) -> str:
    if label.type == "message":
        return f"{label.role} message"
    return f"{label.type} {label.name}" if label.name else label.type


def _first_of_user(items: Sequence[Raw]) -> Raw | None:
    return next((item for item in items if _label(item).role == "user"), None)


def _prompt_size(fields: Mapping[str, Raw]) -> int:
    """Bytes of what the model reads; at least 1."""
    return max(1, sum(len(fields.get(name, _NOTHING)) for name in ("tools", "instructions", "text", "input")))
