"""`turnout upstreams`: what is on and why, switching it, and a test that says exactly what fails."""

from __future__ import annotations

import http.server
import json
import os
import threading
from contextlib import contextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import turnout
from tests.cli.service import ADA
from turnout.cli import readiness
from turnout.cli.root import run
from turnout.config import Config
from turnout.doctor import trial
from turnout.settings import resolve
from turnout.upstream import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.inside import Shell


@contextmanager
def answering(status: int, body: bytes, kind: str = "application/json", date: str = "") -> Iterator[str]:
    """A server that answers everything in one way."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def states(shell: Shell) -> dict[str, dict[str, object]]:
    return {each["name"]: each for each in shell.json("upstreams", "--json")["upstreams"]}


# What is on


def test_with_nothing_there_both_are_off(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("turnout.doctor.clients._codex_places", lambda _: [])
    there = states(shell)
    assert [each["enabled"] for each in there.values()] == [False, False]
    assert "Neither the Codex CLI nor a login" in str(there["codex"]["why"])


def test_codex_is_on_as_soon_as_there_is_a_login(shell: Shell) -> None:
    shell.sign_in(ADA)
    there = states(shell)
    assert there["codex"]["enabled"]
    assert there["codex"]["credential"] == "the login of ada"
    assert "on, default" in shell.run("upstreams")


def test_codex_is_on_as_soon_as_the_codex_cli_is_there(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shell.home / "bin"
    folder.mkdir()
    (folder / "codex").write_text("#!/bin/sh\n")
    (folder / "codex").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    assert "The Codex CLI" in str(states(shell)["codex"]["why"])


def test_openai_is_on_as_soon_as_there_is_a_key(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert states(shell)["openai"]["enabled"]
    assert "sk-1" not in shell.run("upstreams")


# Switching


def test_what_is_switched_off_stays_off_whatever_is_found(shell: Shell) -> None:
    shell.sign_in(ADA)
    assert "Requests go to openai now" in shell.run("upstreams", "disable", "codex")
    there = states(shell)
    assert not there["codex"]["enabled"]
    assert there["openai"]["usual"]
    assert "All others are off" in shell.run("upstreams", "disable", "openai", code=1)
    shell.run("upstreams", "enable", "codex")
    assert states(shell)["codex"]["enabled"]


def test_what_is_off_is_not_there_for_a_request_that_names_it(shell: Shell) -> None:
    shell.run("upstreams", "disable", "openai")
    config = resolve(shell.environ, {}).config
    assert list(build(config, shell.environ)) == ["codex"]
    assert list(build(Config(), shell.environ)) == ["codex", "openai"]
    asked = resolve(shell.environ, {"upstream": "openai"}).config
    assert list(build(asked, shell.environ)) == ["codex", "openai"]  # the flag is the user's later word


def test_with_codex_off_by_a_variable_the_key_is_used(shell: Shell) -> None:
    assert readiness.fitted(resolve({**shell.environ, "TURNOUT_UPSTREAM_CODEX": "off"}, {})).upstream == "openai"


def test_the_default_and_its_model(shell: Shell) -> None:
    shell.run("upstreams", "disable", "openai")
    assert "It was off and is on." in shell.run("upstreams", "use", "openai", "--model", "gpt-6-sol")
    config = resolve(shell.environ, {}).config
    assert (config.upstream, config.model, config.upstreams.openai) == ("openai", "gpt-6-sol", "on")
    shell.run("upstreams", "use", "codex", "--model", "auto")
    assert resolve(shell.environ, {}).config.model == ""


def test_a_server_of_ones_own(shell: Shell) -> None:
    shell.run("config", "set", "custom.groq.base_url", "https://api.groq.example/openai/v1")
    there = states(shell)
    assert there["groq"]["enabled"]
    assert "https://api.groq.example" in str(there["groq"]["why"])
    shell.run("upstreams", "use", "groq")
    assert "Requests go to codex now" in shell.run("upstreams", "disable", "groq")
    assert not resolve(shell.environ, {}).config.custom["groq"].enabled
    assert "It was off and is on" in shell.run("upstreams", "use", "groq")
    assert resolve(shell.environ, {}).config.upstream == "groq"
    assert "There are: codex, openai, groq" in shell.run("upstreams", "enable", "grok", code=2)


def test_a_variable_that_says_otherwise_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_UPSTREAM", "codex")
    assert "the variable TURNOUT_UPSTREAM says otherwise" in shell.run("upstreams", "use", "openai")


def test_comments_in_the_file_stay(shell: Shell) -> None:
    file = shell.home / "turnout" / "config.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("# mine\nstrict = true  # always\n")
    shell.run("upstreams", "enable", "openai")
    assert file.read_text().startswith("# mine\nstrict = true  # always\n")


# Trying out


def test_a_good_login_and_a_good_key(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.sign_in(ADA)
    monkeypatch.setenv("OPENAI_API_KEY", shell.sim.api_key)
    said = shell.run("upstreams", "test")
    assert "codex: The ChatGPT backend takes the login of ada" in said
    assert "openai: The OpenAI API takes the API key from" in said
    both = shell.json("upstreams", "test", "--json")["trials"]
    assert all(each["passed"] and each["models"] > 3 for each in both)
    assert shell.sim.api_key not in said


def test_a_key_that_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-key")
    said = shell.run("upstreams", "test", "openai", code=1)
    assert "openai: Sign-in. The OpenAI API refuses the API key from" in said
    assert "(HTTP 401)" in said
    assert "platform.openai.com" in said
    assert "sk-wrong-key" not in said


def test_no_key_and_no_login(shell: Shell) -> None:
    assert "openai: Credential. There is no OpenAI API key." in shell.run("upstreams", "test", "openai", code=1)
    assert "codex: Credential. There is no Codex login" in shell.run("upstreams", "test", "codex", code=1)


MODELS = "/backend-api/codex/models"


def test_a_login_that_was_refused_is_renewed_and_tried_once_more(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sim.account_fault("expired", path=MODELS)
    assert "takes the login of ada" in shell.run("upstreams", "test", "codex")


def test_a_login_that_is_refused_for_good(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sim.account_fault("expired", times=9, path=MODELS)
    said = shell.run("upstreams", "test", "codex", code=1)
    assert "codex: Sign-in. The ChatGPT backend refuses the login of ada (HTTP 401)" in said
    assert "turnout login" in said


def test_a_login_that_cannot_be_renewed(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sim.account_fault("expired", times=9, path=MODELS)
    shell.sim.account_fault("invalidated", times=9)
    said = shell.run("upstreams", "test", "codex", code=1)
    assert "codex: Sign-in." in said
    assert "turnout login" in said


def test_nobody_at_the_address(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("TURNOUT_OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    said = shell.run("upstreams", "test", "openai", code=1)
    assert "openai: Connection. No connection to 127.0.0.1 could be made" in said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, b"{}", "application/json"), "There is nothing at"),
        ((200, b"<html>Welcome</html>", "text/html"), "not with a list of models but a web page"),
        ((200, b"{}", "application/json"), "not with a list of models"),
        ((503, b'{"error":{"message":"Busy."}}', "application/json"), "Busy."),
        ((403, b"<html>", "text/html"), "HTTP 403 with a web page"),
        ((429, b'{"error":{"message":"Slow down."}}', "application/json"), "Slow down."),
    ],
)
def test_an_answer_that_is_none(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, bytes, str], words: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    with answering(*answer) as url:
        monkeypatch.setenv("TURNOUT_OPENAI_BASE_URL", f"{url}/v1")
        said = shell.run("upstreams", "test", "openai", code=1)
    assert "openai: Answer." in said
    assert words in said


def test_a_good_key_that_may_not_list_models(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    body = b'{"error":{"message":"You have insufficient permissions. Missing scopes: api.model.read."}}'
    with answering(403, body) as url:
        monkeypatch.setenv("TURNOUT_OPENAI_BASE_URL", f"{url}/v1")
        assert "may not list models" in shell.run("upstreams", "test", "openai")


# The clock, which the answer tells


@pytest.mark.parametrize(
    ("theirs", "asked_at", "seconds", "skew"),
    [
        (1000, 1000.7, 0.2, 0.0),  # within the cut-off second
        (1000, 1000.0, 2.0, 0.0),
        (1060, 1000.0, 1.0, 59.0),
        (1000, 1060.5, 1.0, -59.5),
    ],
)
def test_how_far_the_clocks_are_apart(theirs: int, asked_at: float, seconds: float, skew: float) -> None:
    assert trial.skew(formatdate(theirs, usegmt=True), asked_at, seconds) == pytest.approx(skew)


def test_a_date_that_is_none_says_nothing() -> None:
    assert trial.skew("soon", 0.0, 0.0) is None
    assert trial.skew(None, 0.0, 0.0) is None


# All of it in `turnout doctor`


@pytest.fixture
def client(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Claude Code that says its version."""
    folder = shell.home / "bin"
    folder.mkdir()
    (folder / "claude").write_text("#!/bin/sh\necho 2.1.328\n")
    (folder / "claude").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.usefixtures("client")
def test_the_doctor_asks_the_upstream_and_the_time(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.sign_in(ADA)
    report = shell.json("doctor", "--json")
    checks = {each["name"]: each["findings"] for each in report["checks"]}
    assert [each["level"] for each in checks["upstream"]] == ["ok", "ok"]
    assert "takes the login of ada" in checks["upstream"][0]["what"]
    assert "clock is right" in checks["upstream"][1]["what"]


@pytest.mark.usefixtures("client")
def test_the_doctor_sees_a_clock_that_is_off(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("TURNOUT_UPSTREAM", "openai")
    with answering(200, b'{"data":[]}', date=formatdate(0, usegmt=True)) as url:
        monkeypatch.setenv("TURNOUT_OPENAI_BASE_URL", f"{url}/v1")
        said = shell.run("doctor", code=1)
    assert "ahead of The OpenAI API's: logins would end before they are renewed" in said


def test_the_doctor_mends_what_is_safe_and_says_so(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.sign_in(ADA)
    monkeypatch.setattr("turnout.doctor.clients.locate.claude", lambda *_: None)
    login = shell.home / "turnout" / "accounts" / "ada.json"
    login.chmod(0o644)
    assert "turnout doctor --fix` mends 1" in shell.run("doctor", "--offline", code=1)
    assert login.stat().st_mode & 0o777 == 0o644
    assert "can be read by you alone now" in shell.run("doctor", "--offline", "--fix", code=1)
    assert login.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("client")
def test_the_doctor_asks_a_server_of_ones_own_without_a_key(shell: Shell) -> None:
    def upstream() -> str:
        report = json.loads(_printed(shell, "doctor", "--json"))
        return "".join(
            each["what"] for check in report["checks"] if check["name"] == "upstream" for each in check["findings"]
        )

    with answering(401, b"{}") as url:
        shell.run("config", "set", "custom.mine.base_url", f"{url}/v1")
        shell.run("upstreams", "use", "mine")
        assert "mine answers at" in upstream()
        assert "HTTP 401" in upstream()
    assert "No connection to 127.0.0.1 could be made" in upstream()


def _printed(shell: Shell, *arguments: str) -> str:
    """What a command prints, whatever it ends with."""
    return turnout(shell.home, *arguments, variables={**shell.environ, "PATH": os.environ["PATH"]}).stdout


@pytest.mark.usefixtures("client")
def test_the_doctor_changes_nothing_by_itself(shell: Shell) -> None:
    shell.sign_in(ADA)

    def everything() -> dict[str, bytes]:
        return {str(each): each.read_bytes() for each in shell.home.rglob("*") if each.is_file()}

    before = everything()
    run(["doctor", "--offline"])
    assert everything() == before
