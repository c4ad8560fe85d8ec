"""The tokens of one ChatGPT login, as the token endpoint gives them and a credential file keeps them. Pure."""

from __future__ import annotations

import msgspec

from turnout.accounts.credential import Secret


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a login is worth. Its ``repr`` shows no token."""

    access_token: Secret
    """JSON Web Token that goes with every request."""
    refresh_token: Secret = Secret("")
    """Good for one renewal only (codex-backend.md 1.4); empty if there is none."""
    id_token: Secret = Secret("")
    """JSON Web Token that says who it is for."""
    account_id: str = ""
    """ChatGPT account (workspace) id that the login was made for."""
