"""`kill -9` at every step of a renewal: no login is lost, and no refresh token is used twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from tests.accounts.logins import accounts, codex_login, config, eventually, login_of, refresh_token_in, reused
from turnout.accounts import refresh
from turnout.accounts.account import SourceKind
from turnout.accounts.renewal import Job
from turnout.accounts.renewer import Order
from turnout.config import Config
from turnout.protocol.errors import TurnoutError
from turnout.simulator import Simulator

KILLED = Path(__file__).with_name("killed_renewer.py")
STEPS = ["open", "write", "fsync", "lseek", "write", "ftruncate", "fsync", "close", "replace", "open", "fsync", "close"]
"""The steps of the writing, in order; OpenAI is asked between the fourth and the fifth."""
ASKED = 4


def killed_at(step: str, folder: Path) -> tuple[str, ...]:
    return str(KILLED), step, str(folder / "steps")


def left_there(folder: Path) -> list[str]:
    """Files beside the login and the locks."""
    return [
        file.name for file in folder.iterdir() if file.suffix != ".lock" and file.name not in ("auth.json", "ada.json")
    ]


async def test_the_steps_are_these(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codex_login(tmp_path, sim, lifetime=-1)
    monkeypatch.setattr(refresh, "COMMAND", killed_at("99", tmp_path))
    await (ours := accounts(tmp_path, sim)).credential()
    assert (tmp_path / "steps").read_text().split() == STEPS
    await ours.close()


@pytest.mark.parametrize("step", ["1", str(ASKED)])
async def test_the_renewing_process_before_it_has_asked(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Nothing has happened: the next attempt does it."""
    path = codex_login(tmp_path, sim, lifetime=-1)
    ours = accounts(tmp_path, sim)
    with monkeypatch.context() as killing, pytest.raises(TurnoutError, match="ended before its time"):
        killing.setattr(refresh, "COMMAND", killed_at(step, tmp_path))
        await ours.credential()
    assert sim.issuer.uses == []
    await ours.refresh("ada")
    assert sim.issuer.serves(refresh_token_in(path))
    assert left_there(path.parent) == []
    await ours.close()


@pytest.mark.parametrize("step", [*(str(number + 1) for number in range(ASKED, len(STEPS))), f"half:{ASKED + 1}"])
async def test_the_renewing_process_after_it_has_asked(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whoever asked for the renewal has the answer too. It finishes the work, or has another one finish it later."""
    path = codex_login(tmp_path, sim, lifetime=-1)
    ours = accounts(tmp_path, sim)
    with monkeypatch.context() as killing:
        killing.setattr(refresh, "COMMAND", killed_at(step, tmp_path))
        assert (await ours.credential()).token
    assert len(sim.issuer.uses) == 1
    await ours.refresh("ada", "proactive_expiry")
    assert sim.issuer.serves(refresh_token_in(path))
    assert len(sim.issuer.uses) == 1
    assert left_there(path.parent) == []
    await ours.close()


@pytest.mark.parametrize("step", [n for n in range(1, len(STEPS) + 1) if n != ASKED + 1])
async def test_everything_at_once(sim: Simulator, tmp_path: Path, step: int) -> None:
    """A power cut, a container that is killed: whoever comes next finds what was made ready, and finishes the work."""
    account = accounts(tmp_path, sim).add_owned(login_of(sim, lifetime=-1))
    die(sim, tmp_path, account.path, str(step))
    ours = accounts(tmp_path, sim)
    assert (await ours.credential()).token
    await ours.refresh("ada")
    assert reused(sim) == []
    assert left_there(Path(account.path).parent) == []
    await ours.close()


@pytest.mark.parametrize("step", [str(ASKED + 1), f"half:{ASKED + 1}"])
async def test_everything_at_once_before_the_answer_has_touched_the_disk(
    sim: Simulator, tmp_path: Path, step: str
) -> None:
    """The one moment in which nobody can help: it is told, not stumbled over."""
    account = accounts(tmp_path, sim).add_owned(login_of(sim, lifetime=-1))
    die(sim, tmp_path, account.path, step)
    ours = accounts(tmp_path, sim)
    with pytest.raises(TurnoutError, match="Sign in again with: turnout login"):
        await ours.credential()
    await ours.close()


async def test_a_login_that_was_left_lying_is_found_before_it_is_missed(sim: Simulator, tmp_path: Path) -> None:
    """The successor is put in place at the next look, not only once the old access token has ended."""
    account = accounts(tmp_path, sim).add_owned(login_of(sim, lifetime=200))
    die(sim, tmp_path, account.path, "9")
    before = refresh_token_in(Path(account.path))
    ours = accounts(tmp_path, sim)
    await ours.credential()
    await eventually(lambda: refresh_token_in(Path(account.path)) != before)
    assert len(sim.issuer.uses) == 1
    await ours.close()


def die(sim: Simulator, home: Path, path: str, step: str) -> None:
    """A renewal that nobody listens to, killed at a step."""
    settings = config(home, sim.url)
    job = Job(source=SourceKind.TURNOUT, path=path, folder=settings.accounts.folder)
    order = Order(job, Config(accounts=settings.accounts))
    done = subprocess.run(
        [sys.executable, *killed_at(step, home)],
        input=msgspec.json.encode(order),
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
    assert done.returncode == -9


ASKS = """
import asyncio, sys
from pathlib import Path
from turnout.accounts.store import Accounts
from turnout.config import AccountsSettings, Config

folder, issuer = sys.argv[1:]
config = Config(accounts=AccountsSettings(folder=folder, issuer=issuer))
asyncio.run(Accounts.open(config, {}).credential())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_whoever_asked_while_openai_is_thinking(sim: Simulator, tmp_path: Path, number: signal.Signals) -> None:
    """The renewal goes on without them, also when the signal goes to all their processes."""
    account = accounts(tmp_path, sim).add_owned(old := login_of(sim, lifetime=-1))
    sim.account_fault("slow:1")
    command = [sys.executable, "-c", ASKS, str(tmp_path / "turnout"), sim.url]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as asking:
        await eventually(lambda: sim.issuer.uses)
        children = psutil.Process(asking.pid).children()
        for each in (psutil.Process(asking.pid), *(children if number != signal.SIGKILL else ())):
            each.send_signal(number)
        asking.wait(10)
    await eventually(lambda: refresh_token_in(Path(account.path)) != old.refresh_token)
    assert sim.issuer.serves(refresh_token_in(Path(account.path)))
    assert [use.outcome for use in sim.issuer.uses] == ["renewed"]
