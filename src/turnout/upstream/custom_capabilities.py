"""What an upstream of one's own takes: what the user says, else what the probe found, else the usual. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from turnout.protocol.capabilities import Capabilities
from turnout.protocol.chat_capabilities import ChatCapabilities

if TYPE_CHECKING:
    from turnout.config import TakesSettings
    from turnout.upstream.probed import Probed


class Takes:
    """Answers single questions."""

    def __init__(self, settings: TakesSettings, probed: Probed | None) -> None:
        self._settings = settings
        self._found = probed.takes if probed is not None else {}
        self._limit = probed.limit if probed is not None else ""

    def __call__(self, name: str, usual: bool) -> bool:
        """``name`` is a field of `TakesSettings`; ``usual`` counts where nothing is said or found."""
        said: Literal["auto", "on", "off"] = getattr(self._settings, name)
        return self._found.get(name, usual) if said == "auto" else said == "on"

    def limit(self, usual: str) -> str:
        """The field that limits an answer's length; empty if there is none."""
        said = self._settings.limit
        return "" if said == "off" else (self._limit or usual) if said == "auto" else said


def chat(settings: TakesSettings, probed: Probed | None, *, output: int = 0) -> ChatCapabilities:
    """Of a server that has only Chat Completions. ``output`` is the longest answer in tokens, 0 if it is not known."""
    takes = Takes(settings, probed)
    limits: dict[str, Literal["", "max_tokens", "max_completion_tokens"]] = {
        "max_tokens": "max_tokens",
        "max_completion_tokens": "max_completion_tokens",
    }
    return ChatCapabilities(
        fields=frozenset({"temperature", "top_p"} if takes("sampling", usual=True) else ()),
        developer_role=takes("developer", usual=False),
        system_anywhere=takes("system_anywhere", usual=False),
        images=takes("images", usual=True),
        files=takes("files", usual=False),
        tools=takes("tools", usual=True),
        tool_choices=frozenset({"auto", "none", "required", "named"})
        if takes("tool_choice", usual=True)
        else frozenset({"auto", "none"}),
        parallel_tool_calls=takes("parallel", usual=False),
        strict=takes("strict", usual=False),
        response_formats=frozenset({"json_object"} | ({"json_schema"} if takes("json_schema", usual=True) else set())),
        reasoning_effort=takes("effort", usual=False),
        replayed_reasoning="turn" if takes("reasoning", usual=True) else "none",
        max_tokens_field=limits.get(takes.limit("max_tokens"), ""),
        longest_answer=output,
        stream_usage=takes("usage", usual=True),
    )


def responses(settings: TakesSettings, probed: Probed | None) -> Capabilities:
    """Of a server that speaks the Responses API."""
    takes = Takes(settings, probed)
    fields = set(Capabilities().fields) - {"service_tier"}
    for name, field, usual in (
        ("parallel", "parallel_tool_calls", True),
        ("include", "include", True),
        ("effort", "reasoning", True),
    ):
        if not takes(name, usual=usual):
            fields.discard(field)
    if not takes("tools", usual=True):
        fields -= {"tools", "tool_choice", "parallel_tool_calls"}
    if takes("sampling", usual=False):
        fields |= {"temperature", "top_p"}
    if takes.limit("max_output_tokens"):
        fields.add("max_output_tokens")
    said = {"metadata", "temperature", "top_p", "top_logprobs", "truncation", "user"}
    if settings.sampling == "off":
        said -= {"temperature", "top_p"}
    return Capabilities(
        fields=frozenset(fields),
        client_fields=frozenset(said),
        encrypted_reasoning=takes("reasoning", usual=True) and takes("include", usual=True),
        images=takes("images", usual=True),
        files=takes("files", usual=True),
        hosted_search=takes("hosted_search", usual=False),
        tiers=frozenset(),
    )
