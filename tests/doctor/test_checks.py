"""Each check of `turnout doctor`: what it makes of what it finds."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.accounts.logins import jwt
from turnout import __version__, paths
from turnout.config import Config, CustomUpstream
from turnout.discovery.asking import Identity
from turnout.discovery.shelf import Kept, Shelf
from turnout.doctor import clients, examination, gateway, leftovers, logins, machine, models, probing, repairs, way
from turnout.doctor.finding import Check, Level, Repair, ok
from turnout.launch import client_settings
from turnout.launch.running import Registration, RunningGatewayInfo, state_file
from turnout.models.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from turnout.doctor.finding import Finding, Surroundings

    Seen = Callable[..., Surroundings]

posix = pytest.mark.skipif(sys.platform == "win32", reason="programs are scripts here, and modes are POSIX's")


def told(findings: Iterable[Finding]) -> str:
    return "\n".join(f"{each.level.value}: {each.what} {each.fix}".strip() for each in findings)


def worst(findings: Iterable[Finding]) -> Level:
    levels = {each.level for each in findings}
    return next(level for level in (Level.PROBLEM, Level.WARNING, Level.OK) if level in levels)


@contextmanager
def listening() -> Iterator[int]:
    """A program of someone else on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def dead_port() -> int:
    with listening() as port:
        return port


def program(folder: Path, name: str, prints: str, code: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{prints}'\nexit {code}\n")
    file.chmod(0o755)
    return file


# Turnout itself


def test_this_installation(seen: Seen) -> None:
    assert __version__ in told(machine.python(seen()))


def test_a_broken_configuration_is_a_problem(seen: Seen) -> None:
    found = list(machine.configuration(seen({"TURNOUT_PORT": "x"})))
    assert worst(found) is Level.PROBLEM
    assert "TURNOUT_PORT" in told(found)


def test_a_misspelt_variable_is_a_warning(seen: Seen) -> None:
    assert "Did you mean TURNOUT_PORT?" in told(machine.configuration(seen({"TURNOUT_PROT": "1"})))


@posix
def test_a_secret_that_others_may_read_is_mended(seen: Seen) -> None:
    around = seen()
    login = around.home / "turnout" / "accounts" / "ada.json"
    login.parent.mkdir(parents=True)
    login.write_text("{}")
    login.chmod(0o644)
    (found,) = [each for each in machine.own_files(around) if each.level is Level.PROBLEM]
    assert "mode 644" in found.what
    assert found.repair == Repair(action="private", path=str(login))
    repairs.carry_out(found.repair)
    assert login.stat().st_mode & 0o777 == 0o600
    assert worst(machine.own_files(around)) is Level.OK


@posix
def test_a_configuration_with_a_key_is_secret_and_one_without_is_not(seen: Seen) -> None:
    around = seen()
    file = around.home / "turnout" / "config.toml"
    file.parent.mkdir()
    file.write_text("strict = true\n")
    file.chmod(0o644)
    assert worst(machine.own_files(around)) is Level.OK
    file.write_text('[openai]\napi_key = "sk-x"\n')
    assert worst(machine.own_files(around)) is Level.PROBLEM


def test_what_a_killed_process_left_half_written_is_deleted(seen: Seen) -> None:
    around = seen()
    folder = around.home / "turnout"
    folder.mkdir()
    for name, age in ((".accounts.json.1.new", 7200), (".accounts.json.2.new", 1)):
        (folder / name).write_text("{")
        os.utime(folder / name, (time.time() - age, time.time() - age))
    (found,) = [each for each in machine.own_files(around) if each.repair]
    assert found.repair is not None
    repairs.carry_out(found.repair)
    assert [each.name for each in folder.iterdir()] == [".accounts.json.2.new"]


def test_a_folder_that_cannot_be_written(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "access", lambda *_: False)  # root may write everywhere
    assert "cannot be written" in told(machine.own_files(seen()))


# The clients


def test_no_claude_code(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients.locate, "claude", lambda *_: None)
    found = list(clients.claude_code(seen()))
    assert found[0].level is Level.PROBLEM
    assert "npm install -g @anthropic-ai/claude-code" in found[0].fix
    assert "Node.js is not there either" in found[1].what


@posix
@pytest.mark.parametrize(
    ("prints", "code", "level", "words"),
    [
        ("2.1.328 (Claude Code)", 0, Level.OK, "Claude Code 2.1.328 at"),
        ("9.0.0 (Claude Code)", 0, Level.OK, "9.0.0"),
        ("1.0.80 (Claude Code)", 0, Level.WARNING, "older than 2.1.197"),
        ("nonsense", 0, Level.PROBLEM, "does not say its version"),
        ("2.1.328", 1, Level.PROBLEM, "does not say its version"),
    ],
)
def test_the_version_of_claude_code(seen: Seen, prints: str, code: int, level: Level, words: str) -> None:
    around = seen({"PATH": f"{os.environ['PATH']}"})
    folder = around.home / "bin"
    program(folder, "claude", prints, code)
    around = seen({"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"})
    found = list(clients.claude_code(around))
    assert found[0].level is level
    assert words in found[0].what


@posix
def test_two_claude_codes_and_one_that_is_not_on_path(seen: Seen) -> None:
    around = seen()
    first = program(around.home / "a", "claude", "2.1.328")
    second = program(around.home / "b", "claude", "2.1.197")
    path = f"{first.parent}{os.pathsep}{second.parent}{os.pathsep}/bin"
    assert f"{first} is used, not {second}" in told(clients.claude_code(seen({"PATH": path})))
    program(around.home / ".local" / "bin", "claude", "2.1.328")
    assert "is not on PATH" in told(clients.claude_code(seen({"PATH": "/bin"})))


@posix
def test_turnouts_own_copy_of_claude_code(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients.locate, "claude", lambda *_: None)
    around = seen({"PATH": "/bin"})
    own = around.home / "turnout" / "cache" / "clients" / f"claude-code-{clients.install.VERSION}"
    program(own / "node_modules" / "@anthropic-ai" / "claude-code-linux-x64", "claude", "2.1.328")
    found = list(clients.claude_code(around))
    assert worst(found) is Level.OK
    assert "Turnout's own copy" in told(found)


@posix
def test_asking_for_a_version_changes_nothing_of_the_users(seen: Seen) -> None:
    around = seen()
    file = program(around.home / "bin", "claude", "")
    file.write_text('#!/bin/sh\ntouch "$CLAUDE_CONFIG_DIR/x" "$CODEX_HOME/x" && echo 2.1.328\n')
    before = sorted(around.home.rglob("*"))
    assert probing.version_of([str(file)], {**around.environ, "PATH": "/bin:/usr/bin"}) == "2.1.328"
    assert sorted(around.home.rglob("*")) == before


def test_windows_shims_are_found(seen: Seen) -> None:
    around = seen({"APPDATA": "", "PATH": ""}, platform="win32")
    roaming = around.home / "AppData" / "Roaming"
    (roaming / "npm").mkdir(parents=True)
    (roaming / "npm" / "codex.cmd").write_text("")
    around = seen({"APPDATA": str(roaming), "PATH": ""}, platform="win32")
    assert clients.find_codex(around) == roaming / "npm" / "codex.cmd"


@posix
def test_the_codex_cli(seen: Seen) -> None:
    around = seen({"PATH": "/nowhere"})
    assert "not needed" in told(clients.codex(around)) or clients.find_codex(around) is not None
    program(around.home / "bin", "codex", "codex-cli 0.999.0")
    assert "announces itself as 0.169.0" in told(
        clients.codex(seen({"PATH": f"{around.home / 'bin'}{os.pathsep}/bin"}))
    )


# Accounts


def codex_login(around: Surroundings, **changes: str) -> Path:
    """The Codex CLI's file with a login that is good for an hour."""
    claims = {"https://api.openai.com/auth": {"chatgpt_account_id": "a-1", "chatgpt_plan_type": "pro"}}
    access = jwt(exp=int(time.time()) + 3600, **claims)
    tokens = {"id_token": access, "access_token": access, "refresh_token": "rt_1", "account_id": "a-1", **changes}
    file = around.home / "codex" / "auth.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"tokens": tokens, "last_refresh": "2026-01-01T00:00:00Z"}))
    return file


def test_no_account(seen: Seen) -> None:
    assert told(logins.accounts(seen())) == "problem: There is no account yet, and no API key. turnout login"
    assert worst(logins.accounts(seen({"OPENAI_API_KEY": "sk-1"}))) is Level.OK


def test_an_upstream_of_ones_own_needs_no_account(seen: Seen) -> None:
    def config(key: str) -> Config:
        return Config(upstream="box", custom={"box": CustomUpstream(base_url="http://127.0.0.1:9/v1", key=key)})

    cases: tuple[tuple[str, dict[str, str]], ...] = (("", {}), ("env:BOX_KEY", {"BOX_KEY": "k"}))
    for key, environ in cases:
        [finding] = logins.accounts(seen(environ, config=config(key)))
        assert (finding.level, "your own upstream box" in finding.what) == (Level.OK, True)
    [finding] = logins.accounts(seen(config=config("env:BOX_KEY")))
    assert (finding.level, finding.fix) == (Level.PROBLEM, "Set BOX_KEY, then start Turnout again.")
    [finding] = models.catalogue(seen(config=config("")))
    assert finding.level is Level.OK


def test_an_account_that_serves_and_one_that_does_not(seen: Seen) -> None:
    around = seen()
    file = codex_login(around)
    assert "the default" in told(logins.accounts(around))
    file.write_text("{")
    (found,) = logins.accounts(around)
    assert found.level is Level.PROBLEM
    assert found.fix == "turnout login"


def test_an_account_that_is_for_another_upstream(seen: Seen) -> None:
    around = seen()
    codex_login(around)
    found = list(
        logins.accounts(msgspec.structs.replace(around, config=Config(upstream="openai", codex=around.config.codex)))
    )
    assert worst(found) is Level.PROBLEM
    assert "Requests go to openai, for which there is nothing" in told(found)


def test_a_login_that_lies_in_two_places(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    around = seen()
    login = json.loads(codex_login(around).read_text())["tokens"]
    monkeypatch.setenv("HOME", str(around.home))
    data = around.home / "data" / "opencode"
    data.mkdir(parents=True)
    copy = {
        "type": "oauth",
        "access": login["access_token"],
        "refresh": login["refresh_token"],
        "expires": (time.time() + 3600) * 1000,
        "accountId": "a-1",
    }
    (data / "auth.json").write_text(json.dumps({"openai": copy}))
    around = seen({"XDG_DATA_HOME": str(around.home / "data")})
    found = [each for each in logins.other_refreshers(around) if each.level is Level.WARNING]
    assert len(found) == 1
    assert "makes the others worthless" in found[0].what


def test_a_folder_that_a_variable_names_and_that_is_not_there(seen: Seen) -> None:
    assert "not there" in told(logins.environment_keys(seen({"CODEX_HOME": "/no/where"})))


# The gateway


def test_no_gateway_and_a_free_port(seen: Seen) -> None:
    config = Config(server=msgspec.structs.replace(Config().server, port=dead_port()))
    assert worst(gateway.gateway(seen(config=config))) is Level.OK


def test_a_port_that_another_program_has(seen: Seen) -> None:
    with listening() as port:
        config = Config(server=msgspec.structs.replace(Config().server, port=port))
        assert "taken by another program" in told(gateway.gateway(seen(config=config)))


def test_a_gateway_that_does_not_answer(seen: Seen) -> None:
    around = seen()
    with Registration(around.environ) as registration:
        registration.announce(
            RunningGatewayInfo(pid=1, url=f"http://127.0.0.1:{dead_port()}", version=__version__, started=0.0)
        )
        found = list(gateway.gateway(around))
    assert worst(found) is Level.PROBLEM
    assert "turnout restart" in told(found)


def test_what_a_killed_gateway_left_is_gone_after_the_look(seen: Seen) -> None:
    around = seen()
    file = state_file(around.environ)
    file.parent.mkdir(parents=True)
    file.write_bytes(
        msgspec.json.encode(RunningGatewayInfo(pid=1, url="http://127.0.0.1:1", version=__version__, started=0.0))
    )
    assert "had left its state file behind" in told(gateway.gateway(around))
    assert not file.exists()


# What sends Claude Code elsewhere


def settings(around: Surroundings, held: object, where: str = ".claude/settings.json") -> Path:
    file = around.home / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(held))
    return file


def test_a_settings_file_that_points_at_a_dead_port(seen: Seen) -> None:
    around = seen()
    settings(around, {"env": {"ANTHROPIC_BASE_URL": f"http://localhost:{dead_port()}"}})
    (found,) = leftovers.claude_settings(around)
    assert found.level is Level.PROBLEM
    assert "nothing listens" in found.what
    assert "settings.json" in found.fix


def test_one_of_turnouts_own_is_taken_back_by_its_command(seen: Seen) -> None:
    around = seen()
    url = f"http://127.0.0.1:{dead_port()}"
    file = around.home / ".claude" / "settings.json"
    client_settings.apply(file, {"ANTHROPIC_BASE_URL": url}, around.environ)
    (found,) = leftovers.claude_settings(around)
    assert found.fix == "turnout settings --undo Or: turnout up"


@pytest.mark.parametrize("where", [".claude/settings.json", "project/.claude/settings.local.json"])
def test_other_ways_to_win_over_turnout(seen: Seen, where: str) -> None:
    around = seen()
    with listening() as port:
        held = {
            "env": {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}", "CLAUDE_CODE_USE_BEDROCK": "1"},
            "apiKeyHelper": "pass",
        }
        settings(around, held, where)
        found = list(leftovers.claude_settings(around))
    assert [each.level for each in found] == [Level.WARNING] * 3
    assert "not Turnout's gateway" in told(found)
    assert "CLAUDE_CODE_USE_BEDROCK" in told(found)
    assert "apiKeyHelper" in told(found)


def test_an_administrators_file_is_not_to_be_answered(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    around = seen()
    with listening() as port:
        held = {"env": {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}", "CLAUDE_CODE_USE_VERTEX": "1"}}
        file = settings(around, held, "managed.json")
        monkeypatch.setattr(client_settings, "_managed", lambda *_: file)
        found = list(leftovers.claude_settings(around))
    assert [each.level for each in found] == [Level.PROBLEM, Level.WARNING]
    assert "Ask your administrator" in told(found)


def test_a_settings_file_that_is_none(seen: Seen) -> None:
    around = seen()
    settings(around, []).write_text("{,}")
    assert worst(leftovers.claude_settings(around)) is Level.PROBLEM


def test_settings_for_the_running_gateway_are_right(seen: Seen) -> None:
    around = seen()
    url = "http://127.0.0.1:4567"
    settings(around, {"env": {"ANTHROPIC_BASE_URL": url}})
    with Registration(around.environ) as registration:
        registration.announce(RunningGatewayInfo(pid=1, url=url, version=__version__, started=0.0))
        assert worst(leftovers.claude_settings(around)) is Level.OK


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (".zshrc", 'export ANTHROPIC_BASE_URL="http://localhost:{port}"'),
        (".profile", "ANTHROPIC_BASE_URL=http://127.0.0.1:{port}; export ANTHROPIC_BASE_URL"),
        (".config/fish/config.fish", "set -gx ANTHROPIC_BASE_URL http://127.0.0.1:{port}"),
        (".config/powershell/Microsoft.PowerShell_profile.ps1", "$env:ANTHROPIC_BASE_URL = 'http://localhost:{port}'"),
    ],
)
def test_a_line_in_a_start_file(seen: Seen, file: str, line: str) -> None:
    around = seen()
    path = around.home / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# mine\nalias ll=ls\n{line.format(port=dead_port())}\n")
    (found,) = leftovers.shell(around)
    assert found.level is Level.PROBLEM
    assert "line 3" in found.what


def test_a_line_that_is_commented_out_is_none(seen: Seen) -> None:
    around = seen()
    (around.home / ".bashrc").write_text("# export ANTHROPIC_BASE_URL=http://127.0.0.1:1\n")
    assert worst(leftovers.shell(around)) is Level.OK


def test_this_shells_own_variable(seen: Seen) -> None:
    found = list(leftovers.shell(seen({"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{dead_port()}"})))
    assert worst(found) is Level.PROBLEM
    assert "unset ANTHROPIC_BASE_URL" in told(found)
    assert worst(leftovers.shell(seen({"ANTHROPIC_BASE_URL": "https://else.where"}))) is Level.OK


def test_the_codex_clis_settings(seen: Seen) -> None:
    around = seen()
    folder = around.home / "codex"
    folder.mkdir()
    url = f"http://127.0.0.1:{dead_port()}/v1"
    (folder / "config.toml").write_text(f'model_provider = "x"\n[model_providers.x]\nbase_url = "{url}"\n')
    assert worst(leftovers.codex_settings(around)) is Level.PROBLEM


# The way to the upstream


def test_a_certificate_file_that_is_none(seen: Seen, tmp_path: Path) -> None:
    assert "No such file" in told(way.certificates(seen({"SSL_CERT_FILE": "/no/where.pem"})))
    (tmp_path / "x.pem").write_text("x")
    assert worst(way.certificates(seen({"NODE_EXTRA_CA_CERTS": str(tmp_path / "x.pem")}))) is Level.PROBLEM


def test_a_client_that_believes_any_server(seen: Seen) -> None:
    assert "any server" in told(way.certificates(seen({"NODE_TLS_REJECT_UNAUTHORIZED": "0"})))


def test_a_proxy_that_cannot_be_reached(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{dead_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    found = list(way.proxies(seen(offline=False)))
    assert worst(found) is Level.PROBLEM
    assert "secret" not in told(found)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    assert "socks5" in told(way.proxies(seen()))


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (0.0, Level.OK, "right"),
        (20.0, Level.OK, "right"),
        (45.0, Level.WARNING, "45 seconds behind"),
        (-45.0, Level.WARNING, "45 seconds ahead of"),
        (4000.0, Level.PROBLEM, "logins would end"),
    ],
)
def test_the_clock(seconds: float, level: Level, words: str) -> None:
    found = way.clock(seconds, "OpenAI")
    assert found.level is level
    assert words in found.what


def test_the_catalogues_age(seen: Seen) -> None:
    assert "came with this release" in told(models.catalogue(seen()))


def test_the_lists_of_upstreams_of_ones_own(seen: Seen) -> None:
    url = "http://127.0.0.1:9/v1"
    own = {name: CustomUpstream(base_url=url) for name in ("fresh", "old", "none", "failing", "new")}
    around = seen(
        config=Config(custom={**own, "off": CustomUpstream(base_url=url, list_models=False)}), now=lambda: 1e9
    )
    facts = Catalogue.bundled().all()[:2]
    shelf = Shelf(around.environ)

    def keep(name: str, age: float, **more: Any) -> None:
        shelf.write(
            name, Kept(identity=Identity(f"{url}/models", "", ""), fetched_at=1e9 - age, **{"models": facts, **more})
        )

    keep("fresh", 7200)
    keep("old", 86_400 * 30)
    keep("none", 0, models=(), absent=True)
    keep("failing", 7200, problem="It is broken. Mend it.", failed_at=1e9)
    _, *found = models.catalogue(around)
    assert [(finding.level, finding.what) for finding in found] == [
        (Level.OK, "The upstream fresh lists 2 models: told 2 hours ago."),
        (Level.WARNING, "The upstream old lists 2 models: told 30 days ago."),
        (Level.OK, "The upstream none has no list of models: any name of a model goes through to it."),
        (
            Level.WARNING,
            "The upstream failing lists 2 models: told 2 hours ago. It could not be asked the last time: It is "
            "broken. Mend it.",
        ),
        (Level.OK, "The upstream new has not told its models yet: any name of a model goes through to it."),
        (
            Level.OK,
            "The upstream off is not asked for its models (custom.off.list_models): any name of a model goes through "
            "to it.",
        ),
    ]


# All of them


def test_a_check_that_fails_says_so_and_the_others_go_on(seen: Seen) -> None:
    def breaks(_: Surroundings) -> list[Finding]:
        raise PermissionError(13, "Permission denied")

    checks = (Check("a", "A", breaks), Check("b", "B", lambda _: [ok("Fine.")]))
    first, second = examination.examine(seen(), checks)
    assert first.level is Level.PROBLEM
    assert "Permission denied" in first.findings[0].what
    assert second.level is Level.OK


def test_offline_asks_nobody(seen: Seen) -> None:
    assert "upstream" not in [result.name for result in examination.examine(seen())]


def test_checks_wait_side_by_side(seen: Seen) -> None:
    def slow(_: Surroundings) -> list[Finding]:
        time.sleep(0.3)
        return [ok("Fine.")]

    began = time.perf_counter()
    assert len(list(examination.examine(seen(), [Check(str(n), "X", slow) for n in range(6)]))) == 6
    assert time.perf_counter() - began < 1.2


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_check_comes_to_an_end_on_every_system(seen: Seen, platform: str) -> None:
    for result in examination.examine(seen(platform=platform, folder=None)):
        assert "could not be checked" not in told(result.findings)


def test_a_user_without_a_home_gets_a_report_too(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*_: object) -> Path:
        raise paths.NoHomeError

    monkeypatch.setattr(paths, "_usual", homeless)
    around = seen()
    bare = {name: value for name, value in around.environ.items() if "HOME" not in name and name != "USERPROFILE"}
    results = list(examination.examine(msgspec.structs.replace(around, environ=bare)))
    assert len(results) >= 8
    told_of = told(finding for result in results for finding in result.findings)
    assert "set HOME" in told_of
    assert "Traceback" not in told_of


def test_names_are_stable_and_told_once() -> None:
    names = [check.name for check in examination.CHECKS]
    assert len(set(names)) == len(names) == 17
