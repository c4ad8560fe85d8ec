"""A launch agent for macOS. Pure. Source: launchd.plist(5), launchctl(1)."""

from __future__ import annotations

import plistlib
from typing import TYPE_CHECKING

from turnout.launch.services.plan import RESTART_SECONDS, Plan

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.launch.services.plan import Spec

LABEL = "dev.turnout.gateway"


def plan(spec: Spec, home: Path) -> Plan:
    """The agent in the user's own folder, started now and with each login."""
    file = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    domain, service = f"gui/{spec.user}", f"gui/{spec.user}/{LABEL}"
    return Plan(
        manager="launchd",
        tool="launchctl",
        file=file,
        content=agent(spec),
        install=(("launchctl", "bootstrap", domain, str(file)),),
        uninstall=(("launchctl", "bootout", service),),
        forget=(),
        query=("launchctl", "print", service),
        restart=(("launchctl", "kickstart", "-k", service),),
        hint="Its log: turnout logs.",
    )


def agent(spec: Spec) -> bytes:
    """The property list."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(spec.command),
            "EnvironmentVariables": spec.variables,
            "WorkingDirectory": str(spec.folder),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": RESTART_SECONDS,
            "ExitTimeOut": round(spec.stop_seconds),
            "ProcessType": "Interactive",  # "Background" would have its answers wait for whatever else the system does
            "StandardOutPath": str(spec.log),
            "StandardErrorPath": str(spec.log),
            "Umask": 0o077,
        },
        sort_keys=False,
    )
