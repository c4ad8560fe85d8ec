"""A child has the terminal: its exit code, its signals and Ctrl-C are its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pexpect
import pytest

from turnout.launch import child

PYTHON = sys.executable

PARENT = (
    "import os, sys; from turnout.launch import child; "
    "sys.exit(child.run([sys.executable, '-c', sys.argv[1]], os.environ))"
)
"""A process that runs a child as `turnout claude` does."""

LISTENER = """
import signal, sys, time
def caught(number, frame):
    print('caught', signal.Signals(number).name, flush=True)
    if number != signal.SIGINT:
        sys.exit(7)
for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):
    signal.signal(getattr(signal, name), caught)
print('ready', flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_the_childs(code: int) -> None:
    assert child.run([PYTHON, "-c", f"raise SystemExit({code})"], os.environ) == code


def test_a_child_that_a_signal_ended_counts_as_in_a_shell() -> None:
    end = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert child.run([PYTHON, "-c", end], os.environ) == 128 + signal.SIGKILL


def test_the_environment_is_the_one_given() -> None:
    check = "import os; raise SystemExit(0 if os.environ.get('MARK') == 'x' and 'HOME' not in os.environ else 1)"
    assert child.run([PYTHON, "-c", check], {"MARK": "x", "PATH": os.environ["PATH"]}) == 0


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        child.run(["/no/such/program"], os.environ)


def test_handlers_are_put_back() -> None:
    before = {number: signal.getsignal(number) for number in (*child.FORWARDED, *child.FROM_TERMINAL)}
    child.run([PYTHON, "-c", ""], os.environ)
    assert {number: signal.getsignal(number) for number in before} == before


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_to_the_parent_reach_the_child(name: str) -> None:
    with subprocess.Popen([PYTHON, "-c", PARENT, LISTENER], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        parent.send_signal(getattr(signal, name))
        assert parent.stdout.readline() == f"caught {name}\n"
        assert parent.wait(10) == 7


def test_ctrl_c_is_the_childs_alone() -> None:
    terminal = pexpect.spawn(PYTHON, ["-c", PARENT, LISTENER], encoding="utf-8", timeout=10)
    terminal.expect("ready")
    terminal.sendintr()
    terminal.expect("caught SIGINT")
    terminal.sendintr()
    terminal.expect("caught SIGINT")
    terminal.kill(signal.SIGTERM)
    terminal.expect("caught SIGTERM")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 7
