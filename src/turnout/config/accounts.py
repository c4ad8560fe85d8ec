"""Settings of accounts: which one is used, where logins are kept, and where one signs in."""

from __future__ import annotations

from typing import Literal

from turnout.config.section import Section
from turnout.config.values import Dollars, PolicyName, StorageName, Url, UrlOrEmpty


class AccountsSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signing in, and where logins are kept."""

    use: str = ""
    """Nickname of the account to use; empty: the default one (`turnout accounts use`)."""
    folder: str = ""
    """Folder for Turnout's own logins and the list of accounts; empty: the system's usual place for a user's data."""
    policy: PolicyName = "default"
    """What happens when an account's usage limit is reached: `default` says so to the client; `failover` goes on with
    your next account. Only for accounts of your own, and within OpenAI's terms: see the page on quota."""
    spill_to: Literal["", "openai"] = ""
    """`openai` goes on with your API key, which costs money, when no plan can be used; empty: it does not."""
    spill_limit: Dollars = 10.0
    """US dollars that going on with the API key may cost in a calendar month (UTC), by OpenAI's list prices."""
    storage: StorageName = "file"
    """Where Turnout keeps its own logins: files that only you can read, or the system's keyring."""
    issuer: Url = "https://auth.openai.com"
    """Address of OpenAI's sign-in service."""
    refresh_url: UrlOrEmpty = ""
    """Address that renews a login; empty: ``/oauth/token`` under ``issuer``."""
    revoke_url: UrlOrEmpty = ""
    """Address that ends a login; empty: ``/oauth/revoke`` under ``issuer``."""
    client_id: str = "app_EMoamEEZ73f0CkXaXp7hrann"
    """Client id to sign in with: the public one of the Codex CLI (codex-backend.md 1.3)."""
