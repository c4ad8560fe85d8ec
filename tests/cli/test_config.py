"""`turnout config`: shows what is in force and why, changes the file with care, says what is wrong with it."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from pathlib import Path

import jsonschema
import pytest

from tests.cli.command import read_until, running, turnout
from tests.gateway.client import wait_for

FILE = """\
#:schema ./turnout.schema.json
version = 2

[slots.opus]  # the big one
effort = "high"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "turnout"
    folder.mkdir()
    file = folder / "config.toml"
    file.write_text(FILE)
    return file


def test_show_says_where_each_value_came_from(tmp_path: Path, file: Path) -> None:
    variables = {"TURNOUT_PORT": "4111", "TURNOUT_TOKEN": "s3cret"}
    shown = json.loads(turnout(tmp_path, "config", "show", "--json", variables=variables).stdout)
    assert shown["slots.opus.effort"] == {"value": "high", "origin": f"the file {file}"}
    assert shown["server.port"] == {"value": 4111, "origin": "the variable TURNOUT_PORT"}
    assert shown["server.token"] == {"value": "(set, not shown)", "origin": "the variable TURNOUT_TOKEN"}
    assert shown["server.host"] == {"value": "127.0.0.1", "origin": "default"}
    table = turnout(tmp_path, "config", "show", "--origin", "--changed", variables=variables).stdout
    assert [line.split()[0] for line in table.splitlines()] == [
        "server.port",
        "server.token",
        "slots.opus.effort",
        "codex.home",
    ]
    assert "s3cret" not in table
    assert "the variable TURNOUT_PORT" in table


def test_show_and_get_of_a_part(tmp_path: Path, file: Path) -> None:
    assert list(json.loads(turnout(tmp_path, "config", "show", "timing", "--json").stdout)) == [
        "timing.hold",
        "timing.keepalive",
        "timing.upstream_idle",
        "timing.connect",
    ]
    assert turnout(tmp_path, "config", "get", "slots.opus.effort", "--origin").stdout == f"high\tthe file {file}\n"
    unknown = turnout(tmp_path, "config", "get", "slots.opus.efort")
    assert unknown.returncode == 2
    assert "Did you mean slots.opus.effort?" in unknown.stderr


def test_set_and_unset_change_one_line_and_show_it(tmp_path: Path, file: Path) -> None:
    done = turnout(tmp_path, "config", "set", "slots.opus.effort", "xhigh")
    assert '-effort = "high"\n+effort = "xhigh"\n' in done.stdout
    assert file.read_text() == FILE.replace('"high"', '"xhigh"')
    assert "already" in turnout(tmp_path, "config", "set", "slots.opus.effort", "xhigh").stdout
    turnout(tmp_path, "config", "set", "server.port", "4100")
    turnout(tmp_path, "config", "unset", "server.port")
    assert file.read_text() == FILE.replace('"high"', '"xhigh"')


def test_a_dry_run_writes_nothing(tmp_path: Path, file: Path) -> None:
    assert "+port = 4100" in turnout(tmp_path, "config", "set", "server.port", "4100", "--dry-run").stdout
    assert file.read_text() == FILE


def test_a_secret_is_read_from_standard_input_and_not_shown(tmp_path: Path, file: Path) -> None:
    done = turnout(tmp_path, "config", "set", "server.token", "-", stdin="s3cret\n")
    assert "s3cret" not in done.stdout + done.stderr
    assert 'token = "s3cret"' in file.read_text()


def test_set_says_what_counts_before_the_file(tmp_path: Path, file: Path) -> None:
    done = turnout(tmp_path, "config", "set", "server.port", "4100", variables={"TURNOUT_PORT": "4111"})
    assert "the variable TURNOUT_PORT counts before the file" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("set", "server.port", "many"), "must be a whole number from 0 to 65535"),
        (("set", "server.prt", "1"), "Did you mean server.port?"),
        (("set", "codex.framing.gpt-5.5", "thick"), "one of auto, plain, lite"),
        (("unset", "server"), "server is a section"),
    ],
)
def test_what_cannot_be_set_is_told_and_nothing_is_written(
    tmp_path: Path, file: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = turnout(tmp_path, "config", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert file.read_text() == FILE


def test_a_link_stays_one_and_the_files_mode_too(tmp_path: Path, file: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    file.rename(kept)
    kept.chmod(0o644)
    file.symlink_to(kept)
    turnout(tmp_path, "config", "set", "server.port", "4100")
    assert file.is_symlink()
    assert "port = 4100" in kept.read_text()
    if sys.platform != "win32":
        assert kept.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("yaml", [False, True])
def test_init_writes_a_file_with_its_schema_beside_it(tmp_path: Path, yaml: bool) -> None:
    done = turnout(tmp_path, "config", "init", *(["--yaml"] if yaml else []))
    file = tmp_path / "turnout" / ("config.yaml" if yaml else "config.toml")
    assert f"{file} is written" in done.stdout
    assert "schema" in file.read_text().splitlines()[0]
    json.loads((file.parent / "turnout.schema.json").read_text())
    assert turnout(tmp_path, "config", "path").stdout.strip() == str(file)
    assert "There is a configuration file already" in turnout(tmp_path, "config", "init").stderr
    turnout(tmp_path, "config", "set", "slots.opus.effort", "low")
    assert turnout(tmp_path, "config", "get", "slots.opus.effort").stdout == "low\n"


def test_check_says_what_is_wrong_and_where(tmp_path: Path, file: Path) -> None:
    assert turnout(tmp_path, "config", "check").returncode == 0
    file.write_text("[server]\nprt = 1\n")
    done = turnout(tmp_path, "config", "check")
    assert done.returncode == 1
    assert f"Turnout does not know the setting server.prt in the file {file}. Did you mean server.port?" in done.stdout
    said = json.loads(turnout(tmp_path, "config", "check", "--json").stdout)
    assert said["ok"] is False
    assert "server.prt" in said["problem"]
    good = tmp_path / "good.yaml"
    good.write_text("strict: true\n")
    assert f"{good} is right." in turnout(tmp_path, "config", "check", str(good)).stdout


def test_an_edited_file_is_checked_before_it_counts(tmp_path: Path, file: Path) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text("import sys\nfile = open(sys.argv[1], 'a')\nfile.write(open('added.txt').read())\n")
    variables = {"VISUAL": f'"{sys.executable}" "{editor}"'}
    (tmp_path / "added.txt").write_text("[server]\nport = 'x'\n")
    refused = turnout(tmp_path, "config", "edit", variables=variables)
    assert refused.returncode == 1
    assert "must be a whole number" in refused.stderr
    assert file.read_text() == FILE
    (tmp_path / "added.txt").write_text("[server]\nport = 4100\n")
    assert "+port = 4100" in turnout(tmp_path, "config", "edit", variables=variables).stdout
    assert file.read_text() == FILE + "[server]\nport = 4100\n"


def test_a_broken_file_can_be_edited(tmp_path: Path, file: Path) -> None:
    file.write_text("[server]\nprt = 4100\n")
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import sys, pathlib\nfile = pathlib.Path(sys.argv[1])\n"
        "file.write_text(file.read_text().replace('prt', 'port'))\n"
    )
    done = turnout(tmp_path, "config", "edit", variables={"VISUAL": f'"{sys.executable}" "{editor}"'})
    assert "Did you mean server.port?" in done.stderr
    assert file.read_text() == "[server]\nport = 4100\n"


def test_the_schema_beside_the_file_is_kept_new(tmp_path: Path, file: Path) -> None:
    beside = file.with_name("turnout.schema.json")
    turnout(tmp_path, "config", "set", "server.port", "1")
    assert not beside.exists()
    beside.write_text("{}")
    turnout(tmp_path, "config", "set", "server.port", "2")
    assert "properties" in json.loads(beside.read_text())


def test_the_schema_takes_what_turnout_takes(tmp_path: Path) -> None:
    schema = json.loads(turnout(tmp_path, "config", "schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    good = {
        "version": 2,
        "upstream": "openai",
        "slots": {"opus": {"effort": "high"}},
        "codex": {"framing": {"m": "lite"}},
    }
    assert not list(validator.iter_errors(good))
    for bad in ({"server": {"port": 70_000}}, {"server": {"prt": 1}}, {"colour": 1}, {"upstream": "Azure"}):
        assert list(validator.iter_errors(bad)), bad
    assert schema["$defs"]["Server"]["properties"]["port"]["description"] == "Port to listen on; 0 takes a free one."


def test_a_gateway_that_runs_takes_over_what_is_set(tmp_path: Path, file: Path) -> None:
    variables = {"TURNOUT_TOKEN": "t", "TURNOUT_KEEPALIVE_SECONDS": "7"}

    def told(url: str, key: str) -> dict[str, object]:
        request = urllib.request.Request(f"{url}/turnout/config", headers={"authorization": "Bearer t"})
        with urllib.request.urlopen(request) as answer:
            found: dict[str, object] = json.load(answer)["settings"][key]
            return found

    with running(tmp_path, "serve", "--port", "0", "--separate", variables=variables) as process:
        url = re.search(r"http://[\w.:]+", read_until(process, "listens on"))
        assert url
        assert told(url[0], "slots.opus.effort") == {"value": "high", "origin": f"the file {file}"}
        turnout(tmp_path, "config", "set", "slots.opus.effort", "low")
        turnout(tmp_path, "config", "set", "timing.keepalive", "8")
        wait_for(lambda: told(url[0], "slots.opus.effort")["value"] == "low")
        assert told(url[0], "timing.keepalive") == {
            "value": 7.0,
            "origin": "the variable TURNOUT_KEEPALIVE_SECONDS",
        }
