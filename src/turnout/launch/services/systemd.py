"""A user unit for systemd. Pure. Sources: systemd.service(5), systemd.exec(5), systemd.syntax(7)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from turnout.launch.services.plan import DESCRIPTION, NAME, RESTART_SECONDS, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.launch.services.plan import Spec

UNIT = f"{NAME}.service"


def plan(spec: Spec, home: Path, environ: Mapping[str, str]) -> Plan:
    """The unit in the user's own folder, started now and with each login."""
    folder = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    control = ("systemctl", "--user")
    return Plan(
        manager="systemd",
        tool="systemctl",
        file=folder / "systemd" / "user" / UNIT,
        content=unit(spec).encode(),
        install=((*control, "daemon-reload"), (*control, "enable", UNIT), (*control, "restart", UNIT)),
        uninstall=((*control, "disable", "--now", UNIT),),
        forget=((*control, "daemon-reload"),),
        query=(*control, "is-active", "--quiet", UNIT),
        restart=((*control, "restart", UNIT),),
        hint="Its log: journalctl --user -u turnout. To have it run while nobody is logged in: loginctl enable-linger.",
    )


def unit(spec: Spec) -> str:
    """The unit file."""
    variables = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in spec.variables.items())
    command = " ".join(_quoted(word).replace("$", "$$") for word in spec.command)
    return f"""\
[Unit]
Description={DESCRIPTION}

[Service]
Type=exec
ExecStart={command}
WorkingDirectory={_escaped_path(spec.folder)}
{variables}Restart=on-failure
RestartSec={RESTART_SECONDS}
TimeoutStopSec={spec.stop_seconds:g}
UMask=0077

[Install]
WantedBy=default.target
"""


def _quoted(word: str) -> str:
    """One word, whatever is in it: quotes and backslashes for the reader, percent signs for the specifiers."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{escaped}"'


def _escaped_path(path: Path) -> str:
    return str(path).replace("%", "%%")  # a whole line is one path: no quotes
