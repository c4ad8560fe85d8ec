"""`turnout statusline`: one line, at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.command import environment, turnout
from tests.quota.conftest import quota
from turnout.quota.board import FILE, Board

SECONDS = 0.060


def known(home: Path) -> None:
    board = Board(home / "turnout" / "state" / FILE)
    board.saw(quota(seen_at=time.time()))
    board.save()


def test_it_prints_one_line_from_the_last_known_figures(tmp_path: Path) -> None:
    known(tmp_path)
    done = turnout(tmp_path, "statusline", variables={"NO_COLOR": "1"}, stdin='{"model": {"id": "x"}}')
    assert done.returncode == 0
    assert done.stdout.startswith("ada · 5h 12%")
    assert done.stdout.count("\n") == 1


def test_it_prints_one_when_nothing_is_known(tmp_path: Path) -> None:
    done = turnout(tmp_path, "statusline", variables={"NO_COLOR": "1"})
    assert (done.returncode, done.stdout) == (0, "quota not known yet\n")


def test_it_is_that_of_the_account_in_use(tmp_path: Path) -> None:
    known(tmp_path)
    done = turnout(tmp_path, "statusline", variables={"NO_COLOR": "1", "TURNOUT_ACCOUNT": "bob"})
    assert done.stdout == "quota not known yet\n"


def test_it_takes_less_than_sixty_milliseconds(tmp_path: Path) -> None:
    """The best of many runs: what it needs itself, whatever else this machine is doing."""
    known(tmp_path)
    script = Path(sys.executable).parent / "turnout"
    command = [str(script)] if script.exists() else [sys.executable, "-m", "turnout"]
    best = min(_seconds([*command, "statusline"], tmp_path) for _ in range(40))
    assert best < SECONDS


def test_it_imports_nothing_slow() -> None:
    code = (
        "import sys; sys.argv = ['turnout', 'statusline']; from turnout.cli import main; main(); "
        "slow = {'asyncio', 'click', 'msgspec', 'pathlib', 'platformdirs', 'rich', 'aiohttp'}; "
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def _seconds(command: list[str], home: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=environment(home), stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def test_it_can_be_put_into_the_settings_and_taken_out_again(tmp_path: Path) -> None:
    file = tmp_path / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_text('{"model": "opus"}\n')
    asked = turnout(tmp_path, "statusline", "--install")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert file.read_text() == '{"model": "opus"}\n'
    done = turnout(tmp_path, "statusline", "--install", "--yes")
    assert done.returncode == 0, done.stderr
    assert '+  "statusLine"' in done.stdout
    shown = json.loads(file.read_text())
    assert shown["model"] == "opus"
    told = subprocess.run(
        shown["statusLine"]["command"], shell=True, env=environment(tmp_path), capture_output=True, text=True
    )
    assert "quota not known yet" in told.stdout, told.stderr
    assert "has it already" in turnout(tmp_path, "statusline", "--install", "--yes").stdout
    assert "as it was before" in turnout(tmp_path, "statusline", "--uninstall").stdout
    assert file.read_text() == '{"model": "opus"}\n'
    assert "no status line of Turnout's" in turnout(tmp_path, "statusline", "--uninstall").stdout
    assert turnout(tmp_path, "statusline", "--install", "--uninstall").returncode == 2
