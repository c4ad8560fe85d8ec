"""What other users of the machine can see of a renewal: processes, their arguments and their environment."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from tests.accounts.logins import accounts, codex_login, eventually, login_of
from turnout.accounts import refresh
from turnout.protocol.errors import TurnoutError
from turnout.simulator import Simulator


def renewing() -> list[psutil.Process]:
    return [
        child for child in psutil.Process().children(recursive=True) if any("renewer" in p for p in child.cmdline())
    ]


async def test_a_renewal_shows_no_secret(sim: Simulator, tmp_path: Path) -> None:
    login = login_of(sim, lifetime=-1)
    ours = accounts(tmp_path, sim)
    ours.add_owned(login)
    sim.account_fault("slow:1")
    asking = asyncio.create_task(ours.credential())
    await eventually(lambda: sim.issuer.uses)
    (process,) = renewing()
    shown = f"{process.cmdline()} {process.environ()}"
    assert process.cmdline()[-1] == "turnout.accounts.renewer"
    assert os.getsid(process.pid) == process.pid, "it belongs to no terminal"
    newer = (await asking).token
    for secret in (login.access_token, login.refresh_token, login.id_token, newer):
        assert secret not in shown
        assert secret[-20:] not in shown
    await ours.close()


async def test_a_defect_shows_none_either(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The process that renews breaks down with the tokens in its hands: the log has the traceback, not the tokens."""
    defect = tmp_path / "renewer_with_a_defect.py"
    defect.write_text(
        "import turnout.accounts.documents as documents, turnout.accounts.renewer as renewer\n"
        "def renewed(content, tokens, now):\n"
        "    raise ZeroDivisionError(repr(tokens))\n"
        "documents.renewed = renewed\n"
        "renewer.main()\n"
    )
    path = codex_login(tmp_path, sim, lifetime=-1)
    ours = accounts(tmp_path, sim)
    with monkeypatch.context() as breaking:
        breaking.setattr(refresh, "COMMAND", (str(defect),))
        found = await ours.credential()
    assert found.token, "what the process had told us before serves"
    logged = "".join(capfd.readouterr())
    assert "ZeroDivisionError" in logged
    assert sim.issuer.uses[0].token not in logged
    assert found.token not in logged
    assert path.read_text().count(found.token) == 0, "it could not be written"
    await ours.refresh("ada", "proactive_expiry")
    assert path.read_text().count(found.token) == 1, "it can be now"
    await ours.close()


async def test_the_files_of_a_project_are_not_run(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("msgspec", "aiohttp", "turnout", "signal"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('a file of the project was run')\n")
    ours = accounts(tmp_path, sim)
    ours.add_owned(login_of(sim, lifetime=-1))
    monkeypatch.chdir(tmp_path)
    assert (await ours.credential()).token
    await ours.close()


async def test_no_message_of_any_failure_shows_one(sim: Simulator, tmp_path: Path) -> None:
    for fault in ("html", "429", "500", "html-200", "empty-200", "drop-before", "invalidated"):
        home = tmp_path / fault
        login = login_of(sim, lifetime=-1)
        ours = accounts(home, sim)
        ours.add_owned(login)
        sim.account_fault(fault)
        with pytest.raises(TurnoutError) as raised:
            await ours.credential()
        told = f"{raised.value} {raised.value.failure} {ours.list()}"
        assert not any(secret in told for secret in (login.access_token, login.refresh_token, login.id_token))
        await ours.close()
