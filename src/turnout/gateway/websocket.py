"""uvicorn's WebSocket protocol with an orderly end: answers that have begun get their time when the gateway stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from turnout.gateway.responses_socket import DRAINING

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    from uvicorn.server import ServerState


def socket_protocol(config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any]) -> asyncio.Protocol:
    """The protocol for one connection. Its library is loaded for the first one: most gateways never have one."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    class SocketProtocol(WebSocketsSansIOProtocol):
        def shutdown(self) -> None:
            if self.handshake_complete and not self.close_sent:
                cast("asyncio.Queue[Any]", self.queue).put_nowait({"type": DRAINING})
            else:
                super().shutdown()

    return SocketProtocol(config=config, server_state=server_state, app_state=app_state)
