"""Figures and accounts for the tests of the quota."""

from __future__ import annotations

from typing import Any

from turnout.accounts.credential import Credential, Secret
from turnout.quota.windows import Quota, Window

NOW = 1_800_000_000.0
ADA = Credential(token=Secret("token"), account_id="account-ada", source="a file", account="ada", plan="pro")


def quota(**fields: Any) -> Quota:
    """What is known of Ada's account: 12.5 % of five hours, 3 % of the week."""
    windows = (Window(12.5, 300, int(NOW) + 9_000), Window(3.0, 10_080, int(NOW) + 300_000))
    return Quota(**{"account": "ada", "tag": ADA.tag, "plan": "pro", "windows": windows, "seen_at": NOW, **fields})
