"""The command line. `main` is the `turnout` command; a command's module is imported only when that command runs."""

from __future__ import annotations

import sys

from turnout import __version__


def main() -> None:
    """The `turnout` command. Ends the process with 0 (done), 1 (failed), 2 (wrong usage) or 130 (interrupted)."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):  # answered before anything slow is imported
        print(f"turnout {__version__}")  # noqa: T201
        return
    if arguments == ["statusline"]:  # likewise: Claude Code runs it all the time
        from turnout.quota import line

        line.show()
        return
    import io
    import os
    import signal

    from turnout import interrupts
    from turnout.cli.root import run

    if sys.stdout is None:  # pythonw on Windows, which runs the service: there is no console to print to
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a pipe of Windows may have no arrows
    # A polite end from outside is like Ctrl-C: files and programs of our own are cleaned up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    interrupts.repeat_lost_ones()
    sys.exit(run(arguments))
