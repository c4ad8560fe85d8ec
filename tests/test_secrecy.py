"""Nothing secret in anything that was written while the tests ran: files, logs, messages, what commands have printed.

Runs last (`tests/conftest.py`), and looks through the folders and the output of all tests before it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import OUTPUT

TOKEN = re.compile(
    rb"""eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}   # a token that the simulator has signed
       | \brt_[0-9a-f]{64}\b                         # its refresh tokens
       | \bac_[\w-]{43}\b                            # its authorization codes
    """,
    re.VERBOSE,
)
KEEPS_CREDENTIALS = re.compile(
    r"""(^|/)(
        \.?auth\.json(\.turnout-\w+)?           # Codex, opencode, and a successor on its way
      | accounts/\.?[\w.+@-]+\.json[\w.-]*      # Turnout's own
      | session\.json | codex\.json | old\.json | codex-[^/]*\.json
      | [^/]+\.entry                            # the tests' keyring
      | \.codex/.*                              # whatever the Codex CLI itself writes
    )$""",
    re.VERBOSE,
)
"""Files that are there to hold credentials."""


def test_what_is_looked_for_is_what_the_simulator_gives_out() -> None:
    from turnout.simulator import Simulator

    with Simulator() as sim:
        tokens = sim.tokens()
        code = sim.issuer.authorize(sim.account, "http://localhost:1455/auth/callback", "x", now=0)
    for secret in (tokens.access_token, tokens.id_token, tokens.refresh_token, code):
        assert TOKEN.search(f"token={secret}&".encode())


def test_no_file_holds_a_token_but_those_for_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.getbasetemp()
    files = [path for path in base.rglob("*") if path.is_file() and not path.is_symlink()]
    names = {str(path.relative_to(base)): path for path in files}
    found = [
        name for name, path in names.items() if not KEEPS_CREDENTIALS.search(name) and TOKEN.search(path.read_bytes())
    ]
    assert found == []


def test_no_output_holds_a_token() -> None:
    assert [name for name, text in OUTPUT if TOKEN.search(text.encode("utf-8", "replace"))] == []


@pytest.mark.parametrize(
    ("name", "keeps"),
    [
        ("t0/codex/auth.json", True),
        ("t0/turnout/accounts/ada.json", True),
        ("t0/turnout/accounts/.ada.json.turnout-0123456789abcdef", True),
        ("t0/turnout/accounts.json", False),
        ("t0/turnout.log", False),
        ("t0/state/requests/1.json", False),
    ],
)
def test_only_credential_files_may(name: str, keeps: bool) -> None:
    assert bool(KEEPS_CREDENTIALS.search(name)) == keeps
    assert Path(name).name
