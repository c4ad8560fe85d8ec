"""Faults of the small calls (tokens, devices, quota, lists of models), by name. Pure.

Answers instead of the work:
  html (Cloudflare's 403 page), 429[:retry-after seconds], 500, hang, drop-before (the connection closes), reused,
  expired, invalidated, html-200, empty-200
Changes to the answer, the work being done (for a renewal: the old refresh token is used up):
  drop (the connection closes before the answer), slow[:seconds], truncated-200, access-only (nothing but an access
  token), other-account (tokens of the last known account)
"""

import msgspec

from turnout.simulator.rejection import Rejection, api_error

PAGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head>"
    b"<body><h1>Checking your browser</h1><p>Ray ID: a1b2c3d4e5f60718</p></body></html>"
)
AFTERWARDS = ("drop", "slow", "truncated-200", "access-only", "other-account")
INSTEAD = ("html", "429", "500", "hang", "drop-before", "reused", "expired", "invalidated", "html-200", "empty-200")


class AccountFault(msgspec.Struct, frozen=True):
    """One fault, as `parse` reads it from its name."""

    kind: str
    argument: str = ""

    @property
    def seconds(self) -> float:
        return float(self.argument or 1)

    @property
    def rejection(self) -> Rejection | None:
        """The answer to give instead of doing the work, if this fault is one."""
        match self.kind:
            case "html":
                return Rejection(status=403, body=PAGE, content_type="text/html; charset=UTF-8")
            case "html-200":
                return Rejection(status=200, body=PAGE, content_type="text/html; charset=UTF-8")
            case "empty-200":
                return Rejection(status=200, body=b"{}")
            case "429":
                headers = {"retry-after": f"{self.seconds:g}"}
                return api_error("Too many requests.", code="rate_limit_exceeded", status=429, headers=headers)
            case "500":
                return api_error("The server had an error.", kind="server_error", status=500)
            case "reused" | "expired" | "invalidated":
                return api_error("Please try signing in again.", code=f"refresh_token_{self.kind}", status=401)
        return None


def parse(name: str) -> AccountFault:
    """The fault of that name. Raises ValueError that lists the known ones."""
    kind, _, argument = name.partition(":")
    if kind not in (*AFTERWARDS, *INSTEAD):
        raise ValueError(
            f"There is no fault called {name!r} for accounts. Known: {', '.join((*INSTEAD, *AFTERWARDS))}."
        )
    if argument:
        float(argument)
    return AccountFault(kind, argument)
