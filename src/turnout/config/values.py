"""What the values of settings may be: their types, with ranges and patterns, and the words that describe them."""

from typing import Annotated, Literal

from msgspec import Meta

BUILT_IN = ("codex", "openai")
"""Upstreams that are always there; others are those of the table ``custom``."""
_NAME = "codex, openai, or the name of an upstream in the table custom"
UpstreamName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$", description=_NAME)]
FramingChoice = Literal["auto", "plain", "lite"]
StorageName = Literal["file", "keyring"]
Switch = Literal["auto", "on", "off"]
PolicyName = Literal["default", "failover"]
EffortChoice = Literal["", "none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"]
TierChoice = Literal["", "default", "priority", "fast", "flex"]
UpstreamChoice = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_-]*)?$", description=f"{_NAME}; or empty")]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000, description="a number from 0 to 1000000")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s/]\S*$", description="an http:// or https:// address")]
UrlOrEmpty = Annotated[str, Meta(pattern=r"^(https?://[^\s/]\S*)?$", description="an http:// or https:// address")]
Version = Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$", description="a version of three numbers, such as 0.169.0")]
ZeroOrSeconds = Annotated[float, Meta(ge=0, le=86_400, description="a number from 0 to 86400")]
Count = Annotated[int, Meta(ge=0, le=100_000_000)]
KeyReference = Annotated[
    str,
    Meta(
        pattern=r"^((env|file|keyring|command):\S.*)?$",
        description="env:NAME, file:PATH, keyring:SERVICE/USER or command:COMMAND, never the key itself",
        extra={"private": True},
    ),
]
ProxyAddress = Annotated[
    str,
    Meta(
        pattern=r"^(none|https?://[^\s/]\S*)?$",
        description="an http:// or https:// address, or none",
        extra={"private": True},
    ),
]
HeaderValue = Annotated[
    str, Meta(pattern=r"^[ -~]*$(?!\n)", description="text without line breaks, or env:NAME", extra={"private": True})
]
SecretText = Annotated[
    str, Meta(pattern=r"^[!-~]*$", description="text without spaces (a secret, never shown)", extra={"secret": True})
]
