"""Variables and short commands in each shell's language; where the shell is on this machine, it reads them itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.launch import shells

AWKWARD = {
    "PLAIN": "http://127.0.0.1:4000",
    "SPACE": "two words",
    "QUOTES": """a'b"c""",
    "SIGNS": "50%$HOME`x`\\n!#;&|",
}


@pytest.mark.parametrize(
    ("environ", "platform", "shell"),
    [
        ({"SHELL": "/bin/zsh"}, "linux", "zsh"),
        ({"SHELL": "/usr/local/bin/fish"}, "darwin", "fish"),
        ({"SHELL": "/bin/dash"}, "linux", "bash"),
        ({}, "linux", "bash"),
        ({}, "darwin", "zsh"),
        ({}, "win32", "cmd"),
        ({"PSModulePath": r"C:\Users\ada\Documents\PowerShell\Modules;C:\Windows"}, "win32", "powershell"),
        ({"PSModulePath": r"C:\Windows\system32\WindowsPowerShell\v1.0\Modules"}, "win32", "cmd"),
        ({"SHELL": r"C:\Program Files\Git\usr\bin\bash.exe"}, "win32", "bash"),
    ],
)
def test_the_shell_is_guessed(environ: dict[str, str], platform: str, shell: str) -> None:
    assert shells.guess(environ, platform) == shell


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("bash", "export A='it'\"'\"'s $x'"),
        ("zsh", "export A='it'\"'\"'s $x'"),
        ("fish", r"set -gx A 'it\'s $x'"),
        ("powershell", "$env:A = 'it''s $x'"),
        ("cmd", 'set "A=it\'s $x"'),
        ("dotenv", 'A="it\'s \\$x"'),
    ],
)
def test_each_shell_has_its_own_quotes(form: shells.Form, line: str) -> None:
    assert shells.exports(form, {"A": "it's $x"}) == line + "\n"


def test_json_is_json() -> None:
    assert json.loads(shells.exports("json", AWKWARD)) == AWKWARD
    assert json.loads(shells.removals("json", ["A"])) == ["A"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no such shells")
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_the_shell_itself_reads_what_was_meant(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        assert shell not in ("sh", "bash")
        return
    form: shells.Form = "fish" if shell == "fish" else "bash"
    script = shells.exports(form, AWKWARD) + "env -0\n"
    done = subprocess.run([program, "-c", script], capture_output=True, text=True, check=True)
    there = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    assert {name: there[name] for name in AWKWARD} == AWKWARD
    without = subprocess.run(
        [program, "-c", shells.exports(form, AWKWARD) + shells.removals(form, [*AWKWARD]) + "env -0\n"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not any(entry.startswith(("PLAIN=", "SPACE=")) for entry in without.stdout.split("\0"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no such shell")
@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=30))
def test_no_text_means_anything_to_the_shell_but_itself(values: list[str]) -> None:
    variables = {f"V{number}": value for number, value in enumerate(values)}
    script = shells.exports("bash", variables) + "env -0\n"
    done = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, check=True)
    there = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if "=" in entry)
    assert {name: there[name] for name in variables} == variables


def test_typographic_quotes_end_nothing_in_powershell() -> None:
    assert shells.exports("powershell", {"A": "it’s"}) == "$env:A = 'it’’s'\n"


@pytest.mark.skipif(sys.platform == "win32", reason="has no such shell")
def test_ccy_starts_the_gateway_and_hands_every_word_on() -> None:
    script = (
        'turnout() { printf "[%s]" "$@"; echo; }\n'
        + shells.aliases("bash", ["turnout"])
        + 'ccy -p "two words"\ncpstop --drain\n'
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[up][--quiet]\n[claude][-p][two words]\n[down][--drain]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="has no such shell")
def test_ccy_does_not_start_a_client_on_a_gateway_that_failed() -> None:
    script = 'turnout() { echo "$1"; return 1; }\n' + shells.aliases("bash", ["turnout"]) + "ccy"
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout == "up\n"


@pytest.mark.parametrize("shell", shells.SHELLS)
def test_a_program_in_a_folder_with_a_space_is_run(shell: shells.Shell) -> None:
    said = shells.aliases(shell, ["C:/My Programs/turnout"])
    assert "'C:/My Programs/turnout'" in said or '"C:/My Programs/turnout"' in said
