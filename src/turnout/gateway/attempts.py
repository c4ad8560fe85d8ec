"""What is sent upstream for one request, and whether it is sent again after a failure. Pure: sends nothing itself."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import RETRIED_ONCE, Failure, FailureKind
from turnout.protocol.fidelity import Note, approximated, dropped, mapped, refuse_what_drops
from turnout.translate.profiled import applied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from turnout.gateway.dialect import Dialect
    from turnout.translate.target import Framing, Target
    from turnout.translate.translation import AnswerStream, Translation

PAUSE = 0.25
"""Seconds before a failed request is sent once more: enough for a restarting server, not for anyone to notice."""

OVERLOAD_PAUSE = 0.5
"""Seconds before an overloaded upstream is asked once more, at least."""
LONGEST_PAUSE = 5.0
"""Seconds that an overloaded upstream may ask to be waited for; longer waits are left to the client."""
JITTER = 0.5
"""Seconds by which such waits differ, so that all who were turned away together do not come back together."""

UNAUTHORIZED = 401

_NO_SEARCH = re.compile(
    r"(?=.*\bweb[ _]search)(?=.*\b(not (supported|available|enabled|allowed)|unsupported|invalid value: 'web_search))",
    re.IGNORECASE | re.DOTALL,
)
"""How servers say that they have no web search; what else is wrong with the tool is for the client to hear."""
OTHER: dict[Framing, Framing] = {"plain": "lite", "lite": "plain"}


class Attempts:
    """The attempts at one request. Each reason for another one counts once (claude-code-wire.md 6): the client
    repeats requests itself, so that ours would multiply with its own."""

    def __init__(
        self,
        dialect: Dialect,
        target: Target,
        *,
        framing_is_free: bool,
        strict: Sequence[Note] | None = None,
        on_settled: Callable[[Target], None],
        draw: Callable[[], float] = random.random,
    ) -> None:
        """``dialect`` is the request. ``framing_is_free``: the framing may be changed if upstream wants the other one.

        ``strict``: the request is refused if any part of it would be left out; these are the notes on it so far.

        ``on_settled`` is told the target that upstream accepted. ``draw`` gives numbers from 0 to 1.
        """
        self.target = target
        self.count = 0
        self.notes: list[Note] = []
        """What was changed from one attempt to the next."""
        self._draw = draw
        self._dialect: Dialect | None = dialect
        self._strict = strict
        self._framing_is_free = framing_is_free and target.capabilities.lite_framing
        self._on_settled = on_settled
        self._searched_upstream = False
        """The last attempt had upstream's own web search in it, and so was in plain framing."""
        self._spent: set[str] = set()
        self._renewal_is_new = False

    def translate(self) -> Translation:
        """The request for the next attempt.

        Raises `TurnoutError` (`BAD_REQUEST`) if it cannot be translated, or only with a loss that is not wanted.
        """
        translation = applied(self._held().translate(self.target), self.target)
        if self._strict is not None:
            refuse_what_drops((*self._strict, *translation.notes))
        self._searched_upstream = translation.search is not None and translation.search.hosted
        self.count += 1
        return translation

    def machine(self, translation: Translation, now: float) -> AnswerStream:
        """What reads the answer to the last translation. ``now`` is in Unix seconds."""
        return self._held().machine(translation, self.target, now)

    def _held(self) -> Dialect:
        if self._dialect is None:
            raise RuntimeError("the request has been let go of")
        return self._dialect

    def wants_renewal(self, failure: Failure) -> bool:
        """Whether a renewed credential may help after ``failure`` (codex-backend.md 1.4): once, before any output."""
        refused = failure.kind is FailureKind.SIGN_IN and failure.status == UNAUTHORIZED
        return refused and self._dialect is not None and "credential" not in self._spent

    @property
    def held(self) -> bool:
        """The request could be sent again: nothing of an answer has been written."""
        return self._dialect is not None

    @property
    def strict(self) -> bool:
        """The request is refused rather than sent with something left out."""
        return self._strict is not None

    def move(self, target: Target, note: Note, *, elsewhere: bool = False) -> None:
        """The request is sent to another account, with ``target``; ``note`` says why.

        ``elsewhere``: to another model or upstream, where each reason for another attempt counts anew.
        """
        if elsewhere:
            self._spent.clear()
            self._renewal_is_new = False
        self.target = target
        self.notes.append(note)
        self._spent.discard("credential")
        self._framing_is_free = self._framing_is_free and target.capabilities.lite_framing

    def renewed(self) -> None:
        """The refused credential has been renewed."""
        self._renewal_is_new = True

    def again(self, failure: Failure, room: float) -> float | None:
        """Seconds to wait before the next attempt after ``failure``; None if there is no further one.

        ``room`` is the seconds until the client has to be told something.
        """
        if self._dialect is None:
            return None
        if self._renewal_is_new:
            self._renewal_is_new = False
            return self._once("credential", 0, mapped("", "sent once more with the login renewed"))
        if failure.kind is FailureKind.OVERLOADED:
            pause = overload_pause(failure.retry_after, room, self._draw())
            if pause is None:
                return None
            note = mapped("", f"sent once more after {pause:.1f} s, over a new connection: upstream was overloaded")
            return self._once("failure", pause, note)
        if failure.kind in RETRIED_ONCE:
            return self._once("failure", PAUSE, mapped("", f"sent once more after: {failure.kind}"))
        if failure.kind is FailureKind.REFUSED_REASONING and self.target.replay_reasoning and self._strict is None:
            self.target = msgspec.structs.replace(self.target, replay_reasoning=False)
            return self._once(
                "reasoning", 0, dropped("messages", "earlier reasoning was left out: upstream could not read it")
            )
        if failure.kind is FailureKind.REJECTED and self.target.tool_search and "tool_search" in failure.message:
            self.target = msgspec.structs.replace(self.target, tool_search=False)
            note = approximated("tools", "loaded tools were sent behind the others: upstream has no tool_search here")
            return self._once("tool_search", 0, note)
        if self._searched_upstream and failure.kind is FailureKind.REJECTED and _NO_SEARCH.match(failure.message):
            self.target = msgspec.structs.replace(self.target, hosted_search=False)
            return self._once("search", 0, mapped("tools", "upstream has refused the web search"))
        if self._searched_upstream and failure.kind is FailureKind.REFUSED_FRAMING:
            # Lite framing has no web search (codex-backend.md 2.3): the gateway has to make the searches.
            framing = "lite" if self._framing_is_free else self.target.framing
            self.target = msgspec.structs.replace(self.target, framing=framing, hosted_search=False)
            return self._once("search", 0, mapped("tools", "upstream takes this model only without its own web search"))
        if failure.kind is FailureKind.REFUSED_FRAMING and self._framing_is_free and "framing" not in self._spent:
            self.target = msgspec.structs.replace(self.target, framing=OTHER[self.target.framing])
            return self._once("framing", 0, mapped("", f"sent in {self.target.framing} framing, as upstream wants it"))
        return None

    def settle(self) -> None:
        """Upstream has accepted the request."""
        self.let_go()
        self._on_settled(self.target)

    def let_go(self) -> None:
        """The request will not be sent again and need not be kept."""
        self._dialect = None

    def _once(self, reason: str, pause: float, note: Note) -> float | None:
        if reason in self._spent:
            return None
        self._spent.add(reason)
        self.notes.append(note)
        return pause


def overload_pause(retry_after: float | None, room: float, drawn: float) -> float | None:
    """Seconds to wait before an overloaded upstream is asked once more; None if it should not be.

    ``retry_after`` is the seconds that it asked for, ``drawn`` is from 0 to 1. ``room`` is the seconds until the client
    has to be told something: the second answer needs its part of them, or no failure could be an HTTP error any more.
    """
    wanted = max(retry_after or 0.0, OVERLOAD_PAUSE)
    return wanted + drawn * JITTER if wanted <= min(room / 2, LONGEST_PAUSE) else None
