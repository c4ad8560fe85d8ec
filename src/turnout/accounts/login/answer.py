"""What OpenAI's page sends back with the user: a code, or why there is none. Also as the user pastes it. Pure."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from turnout.accounts.credential import Secret
from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

AGAIN = "Run `turnout login` again."
BARE_CODE = re.compile(r"[A-Za-z0-9_.~+/=-]{16,2048}")
"""What an authorization code looks like when it is pasted by itself."""
CALLBACK_FIELDS = frozenset({"code", "state", "error"})
WORDS = 200
"""Characters of the service's own words that are shown."""


class NotOurs(ValueError):
    """What came back is no answer to this attempt. The text says why, in full sentences; waiting may go on."""


def code(query: Mapping[str, str], state: str) -> Secret:
    """The authorization code in the query of the callback.

    Raises `NotOurs` for another attempt's answer or none at all, `TurnoutError` (`SIGN_IN`) if the user or the service
    has said no.
    """
    # Compared first: whoever does not know the state cannot end the attempt with an error either.
    if not hmac.compare_digest(query.get("state", "").encode(), state.encode()):
        raise NotOurs("State mismatch: this answer belongs to another attempt to sign in.")
    if error := query.get("error"):
        raise refused(error, query.get("error_description", ""))
    if not query.get("code"):
        raise NotOurs("The answer holds no code.")
    return Secret(query["code"])


def pasted(text: str, state: str) -> Secret:
    """The authorization code in what the user has pasted: the address of the page, its query, or the bare code.

    Raises as `code` does; what is wrong with the text is said in the `NotOurs`.
    """
    # A terminal that breaks a long line puts spaces or line breaks into what is copied from it.
    joined = "".join(text.split()).strip("'\"<>")
    fields = _fields(joined)
    if "code" in fields or "error" in fields:
        if "state" not in fields:
            raise NotOurs("The address has been cut off: its end is missing. Copy all of it.")
        return code(fields, state)
    if "/oauth/authorize" in joined:
        raise NotOurs("That is the address of OpenAI's page. Open it, sign in, and paste the address you end up at.")
    bare, mark, its_state = joined.partition("#")
    if not BARE_CODE.fullmatch(bare):
        raise NotOurs("That is neither the address you ended up at nor a code.")
    if mark and its_state != state:
        raise NotOurs("State mismatch: this code belongs to another attempt to sign in.")
    return Secret(bare)


def refused(error: str, description: str = "") -> TurnoutError:
    """The failure for an error that OpenAI's page sends back (RFC 6749, 4.1.2.1)."""
    words = plain(description)
    if error == "access_denied" and "missing_codex_entitlement" in description.lower():
        return fail(
            FailureKind.SIGN_IN,
            "Codex is not enabled for this ChatGPT workspace.",
            "Ask the workspace's administrator for it, or sign in with another account.",
        )
    if error == "access_denied":
        said = f": {words}" if words else ""
        return fail(FailureKind.SIGN_IN, f"The sign-in was declined on OpenAI's page{said.rstrip('.')}.", AGAIN)
    said = words or plain(error)
    return fail(FailureKind.SIGN_IN, f"OpenAI's page could not sign you in: {said.rstrip('.')}.", AGAIN)


def plain(text: str) -> str:
    """Someone else's words, fit for a terminal: one line, nothing but printable characters, not endless."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:WORDS]


def _fields(text: str) -> dict[str, str]:
    """The fields of an address's query, or of a query by itself; empty if there are none."""
    try:
        query = urlsplit(text).query if "?" in text else text
    except ValueError:
        return {}
    parsed = parse_qs(query.partition("#")[0], keep_blank_values=True)
    return {name: values[0] for name, values in parsed.items() if name in CALLBACK_FIELDS | {"error_description"}}
