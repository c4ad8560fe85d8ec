"""`turnout login`: the real command against a simulated sign-in service, in a pipe and in a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.accounts.login.ports import held
from tests.cli import browser
from tests.cli.command import environment, read_until, running, turnout
from tests.cli.service import ADA, BOB, variables
from tests.cli.terminal import Command
from turnout.simulator import Simulator
from turnout.simulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CTRL_C = "\x03"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    settings = Settings(device_polls=0, device_interval=1.0)
    with Simulator(accounts=(ADA, BOB), settings=settings) as running:
        yield running


@pytest.fixture
def callback_ports() -> Iterator[None]:
    with held():
        yield


def login(
    home: Path, sim: Simulator, *arguments: str, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    return turnout(home, "login", *arguments, variables={**variables(sim), **environ}, stdin=stdin)


def accounts(home: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(turnout(home, "accounts", "--json").stdout)["accounts"]
    return found


def terminal(home: Path, sim: Simulator, *arguments: str, **environ: str) -> Command:
    return Command(home, *arguments, variables={**variables(sim), **environ})


def shows_no_secret(*texts: str) -> None:
    for text in texts:
        assert "rt_" not in text, "a refresh token"
        assert "eyJ" not in text, "an access or id token"
        assert "ac_" not in text, "an authorization code"
        assert "Traceback" not in text


# By device, which is the default where there is no display


def test_a_device_code_is_the_way_where_no_browser_can_be_seen(tmp_path: Path, sim: Simulator) -> None:
    done = login(tmp_path, sim)
    assert done.returncode == 0, done.stderr
    assert f"{sim.url}/codex/device" in done.stdout
    assert "Enter this code there" in done.stdout
    assert "Signed in as ada@example.com (pro)" in done.stdout
    assert "turnout claude" in done.stdout
    shows_no_secret(done.stdout, done.stderr)
    kept = tmp_path / "turnout" / "accounts" / "ada.json"
    assert str(kept) in done.stdout
    if os.name == "posix":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_in_a_terminal_the_time_that_is_left_is_shown(tmp_path: Path, sim: Simulator) -> None:
    sim.settings.device_polls = None
    with terminal(tmp_path, sim, "login", "--device") as screen:
        shown = screen.wait_for("Waiting for the code to be entered … 14:")
        code = shown.split("Enter this code there:")[1].split()[0]
        assert sim.approve_device(code)
        shown = screen.wait_for("Next")
    assert "✓ Signed in as ada@example.com (pro)" in shown
    assert "Waiting" not in shown, "the line is cleared"


def test_a_code_is_not_offered(tmp_path: Path, sim: Simulator) -> None:
    sim.settings.device_login = False
    done = login(tmp_path, sim, "--device")
    assert done.returncode == 1
    assert "not enabled" in done.stderr
    assert "turnout login --headless" in done.stderr


def test_where_codes_are_not_enabled_it_goes_on_with_the_way_that_is_left(tmp_path: Path, sim: Simulator) -> None:
    sim.settings.device_login = False
    with held(), terminal(tmp_path, sim, "login") as screen:
        shown = screen.wait_for("Address:")
        assert "not enabled for this service. So it goes on without." in " ".join(shown.split())
        with urllib.request.urlopen(address_on(shown, sim.url), timeout=10) as page:
            assert page.status == 200
        screen.wait_for("✓ Signed in as ada@example.com")


# In the browser


@pytest.mark.usefixtures("callback_ports")
def test_where_no_port_is_free_it_goes_on_with_a_code(tmp_path: Path, sim: Simulator) -> None:
    with contextlib.ExitStack() as others:
        for port in (1455, 1457):
            neighbour = others.enter_context(socket.socket())
            neighbour.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            neighbour.bind(("127.0.0.1", port))
            neighbour.listen()
        done = login(tmp_path, sim, BROWSER="/bin/true")
        assert done.returncode == 0, done.stderr
        told = " ".join(done.stdout.split())
        assert "The ports 1455 and 1457, to which OpenAI's page sends the browser, are taken by other programs." in told
        assert "Enter this code there" in told


@pytest.mark.usefixtures("callback_ports")
def test_the_browser_is_the_way_where_there_is_one(tmp_path: Path, sim: Simulator) -> None:
    page = tmp_path / "page.html"
    done = login(tmp_path, sim, BROWSER=browser.command(page))
    assert done.returncode == 0, done.stderr
    assert "Signed in as ada@example.com" in done.stdout
    assert f"{sim.url}/oauth/authorize?" in done.stdout, "for those whose browser does not open"
    assert "may be closed" in page.read_text()
    shows_no_secret(done.stdout, done.stderr, page.read_text())
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 1455)) != 0


@pytest.mark.usefixtures("callback_ports")
def test_the_address_is_one_line_however_narrow_the_terminal(tmp_path: Path, sim: Simulator) -> None:
    done = login(tmp_path, sim, BROWSER=browser.command(tmp_path / "page.html"), COLUMNS="60")
    address = next(line for line in done.stdout.splitlines() if "/oauth/authorize?" in line)
    assert address.endswith("originator=turnout")


@pytest.mark.usefixtures("callback_ports")
def test_the_user_declines(tmp_path: Path, sim: Simulator) -> None:
    sim.settings.authorize = "deny"
    done = login(tmp_path, sim, BROWSER=browser.command(tmp_path / "page.html"))
    assert done.returncode == 1
    assert "turnout: The sign-in was declined on OpenAI's page: The user did not agree." in done.stderr
    assert accounts(tmp_path) == []


@pytest.mark.usefixtures("callback_ports")
@pytest.mark.parametrize("way", ["--browser", "--headless", "--device"])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, sim: Simulator, way: str) -> None:
    sim.settings.device_polls = None
    with terminal(tmp_path, sim, "login", way, BROWSER="/bin/true") as screen:
        screen.wait_for("Address:" if way == "--headless" else "Waiting")
        screen.press(CTRL_C)
        shown = screen.wait_for("Stopped. Nothing was kept.")
        assert "Traceback" not in shown
        assert screen.ended() == 130
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 1455)) != 0
    assert accounts(tmp_path) == []


# With a browser elsewhere


def came_back(url: str) -> str:
    """Where OpenAI's page sends the browser."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as redirected:
        urllib.request.build_opener(Stay).open(url, timeout=10)
    address: str = redirected.value.headers["Location"]
    return address


def address_on(screen: str, url: str) -> str:
    """The page's address, which fills several lines of the screen."""
    return "".join(screen[screen.index(f"{url}/oauth/authorize") :].partition("\n\n")[0].split())


@pytest.mark.usefixtures("callback_ports")
def test_the_address_is_pasted(tmp_path: Path, sim: Simulator) -> None:
    with terminal(tmp_path, sim, "login", "--headless", SSH_CONNECTION="10.0.0.7 5123 10.0.0.1 2222") as screen:
        shown = screen.wait_for("Address:")
        assert "ssh -L 1455:localhost:1455 -p 2222 " in shown
        assert "@10.0.0.1" in shown
        screen.press("what?\r", until="That is neither")
        screen.press(f"{came_back(address_on(shown, sim.url))}\r")
        screen.wait_for("✓ Signed in as ada@example.com")
        assert screen.ended() == 0


@pytest.mark.usefixtures("callback_ports")
def test_through_the_tunnel_the_browser_comes_back_by_itself(tmp_path: Path, sim: Simulator) -> None:
    with terminal(tmp_path, sim, "login", "--headless") as screen:
        url = address_on(screen.wait_for("Address:"), sim.url)
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"ada@example.com" in page.read()
        screen.wait_for("✓ Signed in as ada@example.com")
        assert screen.ended() == 0


@pytest.mark.usefixtures("callback_ports")
def test_without_anyone_to_paste_it_waits_for_the_browser_alone(tmp_path: Path, sim: Simulator) -> None:
    """Standard input that has ended is no reason to give up while the port is open."""
    with running(tmp_path, "login", "--headless", variables=variables(sim)) as process:
        url = next(line for line in read_until(process, "ssh -L").splitlines() if "/oauth/authorize" in line)
        with urllib.request.urlopen(url, timeout=10) as page:
            assert page.status == 200
        told, _ = process.communicate(timeout=20)
    assert "Signed in as ada@example.com" in told
    assert process.returncode == 0


# With an API key


def test_a_key_comes_in_a_pipe_and_is_tried_out(tmp_path: Path, sim: Simulator) -> None:
    done = login(tmp_path, sim, "--api-key", stdin=f"{sim.api_key}\n")
    assert done.returncode == 0, done.stderr
    assert "OpenAI takes the key" in done.stdout
    assert sim.api_key not in done.stdout + done.stderr
    assert sim.calls[-1].path == "/v1/models"
    assert [(account["name"], account["kind"]) for account in accounts(tmp_path)] == [("api-key", "api_key")]


def test_a_key_is_typed_unseen(tmp_path: Path, sim: Simulator) -> None:
    with terminal(tmp_path, sim, "login", "--api-key") as screen:
        screen.wait_for("OpenAI API key (not shown):")
        screen.press(f"{sim.api_key}\r")
        shown = screen.wait_for("OpenAI takes the key")
        assert sim.api_key not in shown


@pytest.mark.parametrize(
    ("key", "told"), [("sk-wrong-key", "refuses this API key"), ("", "No API key was given"), ("a b", "no API key")]
)
def test_a_key_that_is_not_good_is_not_kept(tmp_path: Path, sim: Simulator, key: str, told: str) -> None:
    done = login(tmp_path, sim, "--api-key", stdin=f"{key}\n")
    assert done.returncode == 1
    assert told in done.stderr
    assert "Nothing was kept" in done.stderr
    assert "sk-wrong-key" not in done.stdout + done.stderr
    assert accounts(tmp_path) == []


def test_a_key_on_the_command_line_is_refused_and_not_repeated(tmp_path: Path, sim: Simulator) -> None:
    done = login(tmp_path, sim, "--api-key", "sk-on-the-command-line")
    assert done.returncode == 2
    assert "other programs can see it" in done.stderr
    assert "sk-on-the-command-line" not in done.stdout + done.stderr


def test_two_ways_at_once_are_one_too_many(tmp_path: Path, sim: Simulator) -> None:
    done = login(tmp_path, sim, "--api-key", "--device")
    assert (done.returncode, "choose one" in done.stderr) == (2, True)


def test_a_nickname_that_cannot_be_is_refused_before_anything_else(tmp_path: Path, sim: Simulator) -> None:
    done = login(tmp_path, sim, "--nickname", "../ada")
    assert done.returncode == 1
    assert "cannot be a nickname" in done.stderr
    assert sim.calls == []


# When it cannot be kept


@pytest.mark.skipif(sys.platform != "linux", reason="/proc cannot be written, whoever one is")
def test_a_place_that_cannot_be_written_is_told_before_the_sign_in(tmp_path: Path, sim: Simulator) -> None:
    done = login(tmp_path, sim, TURNOUT_ACCOUNTS_DIR="/proc/turnout")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert sim.calls == []


def test_a_keyring_that_is_not_there_is_told_before_the_sign_in(tmp_path: Path, sim: Simulator) -> None:
    none = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "TURNOUT_ACCOUNT_STORAGE": "keyring"}
    done = login(tmp_path, sim, **none)
    assert done.returncode == 1
    assert "The system's keyring cannot be used" in done.stderr
    assert "TURNOUT_ACCOUNT_STORAGE=file" in done.stderr
    assert sim.calls == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows everyone's home folder")
def test_no_home_is_told_before_the_sign_in(tmp_path: Path, sim: Simulator) -> None:
    """A service's user may have none: HOME is not set, and the system's list does not know the user."""
    script = (
        "import pwd, sys; "
        "pwd.getpwuid = lambda number: (_ for _ in ()).throw(KeyError(number)); "
        "from turnout.cli.root import run; sys.exit(run(['login']))"
    )
    environ = {name: value for name, value in environment(tmp_path, variables(sim)).items() if name != "HOME"}
    for name in ("TURNOUT_HOME", "CODEX_HOME"):
        del environ[name]
    done = subprocess.run([sys.executable, "-c", script], env=environ, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "knows no home folder for you" in done.stderr
    assert "TURNOUT_HOME" in done.stderr
    assert sim.calls == []
    assert list(tmp_path.iterdir()) == [], "nor is a folder called ~ made"


def test_a_login_that_cannot_be_kept_is_ended_again(tmp_path: Path, sim: Simulator) -> None:
    (tmp_path / "turnout").mkdir()
    (tmp_path / "turnout" / "accounts").write_text("a file in the folder's place")
    done = login(tmp_path, sim)
    assert done.returncode == 1
    assert len(sim.issuer.revoked) == 1
    assert "Signed in" not in done.stdout
    shows_no_secret(done.stdout, done.stderr)
