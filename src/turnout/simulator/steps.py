"""The steps of an answer: what the server is to do next, in order. Plain values; no clock and no socket."""

from typing import Literal

import msgspec

from turnout.simulator.jsontypes import JsonObject


class Emit(msgspec.Struct, frozen=True):
    """Send one event. It has no sequence number yet: the sender counts."""

    event: JsonObject


class Pause(msgspec.Struct, frozen=True):
    """Wait. A long wait is filled with keepalive events, unless it is `silent`."""

    seconds: float
    silent: bool = False


class Stall(msgspec.Struct, frozen=True):
    """Keep the connection open and send nothing until the client goes away."""


class End(msgspec.Struct, frozen=True):
    """Stop before the answer is complete.

    "eof" ends the HTTP body properly, "close" cuts the connection inside the chunked body, "reset" does so with a
    TCP reset.
    """

    how: Literal["eof", "close", "reset"]


Step = Emit | Pause | Stall | End
"""One step of an answer."""
