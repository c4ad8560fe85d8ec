"""How an upstream is addressed beyond what the client has written: a profile, by llm-interactive-proxy's names. Pure.

An upstream has one by its settings, and a request may want otherwise (``codex_capabilities``). What a profile does to a
request is `turnout.translate.profiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from turnout.protocol.fidelity import Note, ignored, mapped
from turnout.protocol.reading import is_null, refuse

if TYPE_CHECKING:
    from turnout.translate.schema import ToolSchemaMode

FIELD = "codex_capabilities"
"""The field of a request's body that wants another profile."""

ProtocolName = Literal["openai-chat", "openai-responses"]
PromptMode = Literal["custom_only", "codex_default", "merge_custom"]
SchemaMode = Literal["custom_only", "codex_default", "strict", "faithful"]
TextFormat = Literal["none", "summary", "codex_xml"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request wants of its profile; what it leaves open is the upstream's."""

    protocol: ProtocolName | UnsetType = UNSET
    codex_passthrough: bool | UnsetType = UNSET
    prompt_mode: PromptMode | UnsetType = UNSET
    tool_schema_mode: SchemaMode | UnsetType = UNSET
    tool_text_format: TextFormat | UnsetType = UNSET
    bypass_tool_call_reactor: bool | UnsetType = UNSET
    include_environment_context: bool | UnsetType = UNSET


NOTHING = Wanted()


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile. The defaults change nothing: the client's own prompt and tools, and nothing about this machine."""

    codex_passthrough: bool = False
    """A Responses client's own prompt stays where the client has put it, whatever `prompt_mode` says."""
    prompt_mode: PromptMode = "custom_only"
    tool_schema_mode: SchemaMode = "custom_only"
    tool_text_format: TextFormat = "none"
    include_environment_context: bool = False
    notes: tuple[Note, ...] = ()
    """What is to be said of options that have no effect."""

    @property
    def rewrites(self) -> bool:
        """Whether anything of a translated request may have to be changed."""
        return (
            self.prompt_mode != "custom_only"
            or self.tool_schema_mode in ("codex_default", "strict")
            or self.tool_text_format != "none"
            or self.include_environment_context
        )

    def schema_mode(self, usual: ToolSchemaMode) -> ToolSchemaMode:
        """The form of tools' schemas; ``usual`` is that of the configuration."""
        if self.tool_schema_mode == "custom_only":
            return usual
        return "strict" if self.tool_schema_mode == "strict" else "faithful"


USUAL = Profile()


def read(plain: Raw, inside: Raw) -> Wanted:
    """What a request wants: its field ``codex_capabilities``, else the one inside a field ``extra_body``.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the option that is not known, or cannot have its value.
    """
    for raw, path in ((plain, FIELD), (inside, f"extra_body.{FIELD}")):
        if not is_null(raw):
            try:
                return msgspec.json.decode(raw, type=Wanted)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                refuse(error, path)
    return NOTHING


def resolved(defaults: Profile, wanted: Wanted, *, brings_prompt: bool) -> Profile:
    """The profile of one request. ``defaults`` is its upstream's.

    ``brings_prompt``: a Responses client asks, with instructions of its own.
    """
    if wanted == NOTHING and defaults == USUAL:
        return USUAL
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not UNSET}
    notes = list(defaults.notes)
    if given.pop("protocol", None) is not None:
        notes.append(_without_effect("protocol", "a client is answered in the protocol of the door that it uses"))
    if (bypasses := given.pop("bypass_tool_call_reactor", None)) is not None:
        notes.append(reactor(bypasses))
    made = msgspec.structs.replace(defaults, **given)
    if made.codex_passthrough and brings_prompt and made.prompt_mode != "custom_only":
        notes.append(mapped(f"{FIELD}.prompt_mode", "the client's own prompt was left as it is: codex_passthrough"))
        made = msgspec.structs.replace(made, prompt_mode="custom_only")
    return msgspec.structs.replace(made, notes=tuple(notes))


def reactor(bypasses: object) -> Note:
    """What is to be said of ``bypass_tool_call_reactor``."""
    asked = "" if bypasses else ", also with false"
    return _without_effect(
        "bypass_tool_call_reactor", f"tool calls always go to the client{asked}: nothing reacts here"
    )


def _without_effect(name: str, reason: str) -> Note:
    return ignored(f"{FIELD}.{name}", reason)
