"""An upstream of the user's own: any server that speaks the Responses API, or has only Chat Completions.

What is special about a server is configuration (`turnout.config.CustomUpstream`): nothing here knows a vendor.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING

import msgspec
from multidict import CIMultiDict

from turnout.accounts import key_reference
from turnout.network import Way, address, user_agent
from turnout.paths import NoHomeError
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.protocol.fidelity import refuse_what_drops
from turnout.translate import responses_to_chat_request
from turnout.translate.chat_stream_to_responses import ResponsesFromChat
from turnout.upstream import custom_capabilities
from turnout.upstream import probed as probes
from turnout.upstream.chat import ChatStream
from turnout.upstream.custom_addresses import MODEL, url
from turnout.upstream.http import Transport
from turnout.upstream.turns import Turns, TurnStream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from yarl import URL

    from turnout.accounts.credential import Credential
    from turnout.config import CustomUpstream as Settings
    from turnout.config import Timing
    from turnout.upstream.base import Call, UpstreamStream
    from turnout.upstream.probed import Probed


class CustomUpstream:
    """Sends requests to one server."""

    def __init__(
        self, name: str, settings: Settings, timing: Timing, environ: Mapping[str, str], probed: Probed | None = None
    ) -> None:
        """``probed`` is what is known of it. Raises `SettingsError` for an address, a proxy or a file that cannot be
        used."""
        self.name = name
        self._settings = settings
        self._environ = environ
        self._probed = probed
        self._chat = (
            custom_capabilities.chat(settings.takes, probed, output=settings.output)
            if settings.wire == "chat"
            else None
        )
        self.capabilities = (
            self._chat.as_responses() if self._chat else custom_capabilities.responses(settings.takes, probed)
        )
        self._shown = f"The upstream {name}"
        self._transport = Transport(
            self._shown,
            url(settings),
            connect=settings.connect or timing.connect,
            environ=environ,
            way=way(settings),
            takes_json=self._chat is not None,
        )
        self._headers = CIMultiDict(
            {"User-Agent": user_agent(), "Accept": "text/event-stream", "Content-Type": "application/json"}
        )
        self._turns = Turns(self._shown, settings.concurrency, settings.queue)
        self._key: Credential | None = None

    def watched(self) -> tuple[Path, ...]:
        """See `turnout.upstream.probed.FollowsProbe`."""
        try:
            return (probes.path(self.name, self._environ),)
        except NoHomeError:
            return ()

    def outdated(self) -> bool:
        """See `turnout.upstream.probed.FollowsProbe`."""
        return probes.read(self.name, self._settings, self._environ) != self._probed

    async def credential(self, account: str | None = None) -> Credential:
        """Its key; upstreams of one's own have no accounts. Read once, and again when it is refused."""
        if self._key is None:
            self._key = await asyncio.to_thread(key_reference.read, self._settings.key, self.name, self._environ)
        return self._key

    async def renew(self, refused: Credential) -> Credential | None:
        """The key as it is now, if it is another one: commands print keys that end."""
        if self._key is not None and self._key.token == refused.token:
            self._key = None
        current = await self.credential()
        return current if current.token != refused.token else None

    async def open(self, call: Call, credential: Credential) -> UpstreamStream:
        body, machine = call.body, None
        if self._chat is not None:
            made = responses_to_chat_request.translate(call.body, self._chat)
            call.notes = made.notes
            if call.strict:
                refuse_what_drops(made.notes)
            body = made.body
            machine = ResponsesFromChat(
                mark=secrets.token_hex(8), model=call.model, now=time.time(), called=made.called
            )
        end_turn = await self._turns.take()
        try:
            stream: UpstreamStream = await self._transport.post(
                self._with_key(credential), body, fresh=call.fresh, url=self._url(call.model)
            )
        except TurnoutError as error:
            end_turn()
            raise self._explained(error) from None
        except BaseException:
            end_turn()
            raise
        return TurnStream(
            stream if machine is None else ChatStream(stream, machine), end_turn, self._shown, self._settings.idle
        )

    async def close(self) -> None:
        await self._transport.close()

    def _with_key(self, credential: Credential) -> CIMultiDict[str]:
        made = self._headers.copy()
        made.update(headers(self.name, self._settings, self._environ))
        made.update(key_header(self._settings, credential))
        return made

    def _url(self, model: str) -> URL | None:
        return address(self._shown, url(self._settings, model)) if MODEL in self._settings.path else None

    def _explained(self, error: TurnoutError) -> TurnoutError:
        if error.failure.kind is not FailureKind.SIGN_IN:
            return error
        where = key_reference.shown(self._settings.key)
        step = (
            f"Check the key of the upstream {self.name} ({where})."
            if where
            else f"It wants a key: say where it is in custom.{self.name}.key."
        )
        error.failure = msgspec.structs.replace(error.failure, next_step=step)
        return error


def way(settings: Settings) -> Way:
    """What is special about the way there."""
    tls = settings.tls
    return Way(
        proxy=settings.proxy,
        ca=tls.ca,
        certificate=tls.certificate,
        certificate_key=tls.certificate_key,
        verify=tls.verify,
    )


def headers(name: str, settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The upstream's own headers. Raises `TurnoutError` (`SIGN_IN`) for a variable that is not set."""
    made = {}
    for header, value in settings.headers.items():
        if value.startswith("env:"):
            variable = value.removeprefix("env:").strip()
            if variable not in environ:
                raise fail(
                    FailureKind.SIGN_IN,
                    f"The upstream {name} wants the header {header}, which is {value}, and that variable is not set.",
                    f"Set {variable}, then start Turnout again.",
                )
            made[header] = environ[variable].strip()
        else:
            made[header] = value
    return made


def key_header(settings: Settings, credential: Credential) -> dict[str, str]:
    """The header with the key; none where the server wants no key."""
    if not credential.token:
        return {}
    if settings.key_header:
        return {settings.key_header: str(credential.token)}
    return {"Authorization": f"Bearer {credential.token}"}
