"""The gateway as a service of the user's: it starts with the login, and again when it fails.

Says what is to be done (`planned`), and does it. Each manager's own files and commands are in a module of its own.
"""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from turnout import paths
from turnout.config import SECRETS
from turnout.launch.background import TURNOUT
from turnout.launch.services import launchd, systemd, task_scheduler
from turnout.launch.services.plan import Plan, Spec
from turnout.variables import OTHER_VARIABLES, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MANAGERS = {"linux": "systemd", "darwin": "launchd", "win32": "task-scheduler"}
NETWORK = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CODEX_CA_CERTIFICATE",
)
"""Variables that say how the network is reached, in either case of letters."""
SPARE_SECONDS = 10.0
"""What the manager waits beyond the time for open answers, before it ends the gateway by force."""


class ServiceError(Exception):
    """A service manager did not do what it was asked."""


def planned(
    arguments: Sequence[str], drain: float, environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> Plan:
    """What makes the gateway a service of this user. ``arguments`` are of `turnout serve`; ``drain`` is in seconds.

    Raises `ServiceError` where there is no service manager that Turnout knows.
    """
    manager = MANAGERS.get("linux" if platform.startswith("linux") else platform)
    if manager is None:
        raise ServiceError(f"Turnout does not know the service manager of this system ({platform}).")
    log = paths.log_file(environ)
    serve = [*TURNOUT, "serve", "--supervisor", manager]
    if manager == "task-scheduler":
        serve += ["--log-file", str(log)]
    spec = Spec(
        command=(*serve, *arguments),
        variables=carried(environ),
        folder=paths.state_dir(environ),
        log=log,
        stop_seconds=drain + SPARE_SECONDS,
        user=str(os.getuid()) if platform == "darwin" and sys.platform != "win32" else getpass.getuser(),
    )
    home = Path.home()
    match manager:
        case "systemd":
            return systemd.plan(spec, home, environ)
        case "launchd":
            return launchd.plan(spec, home)
        case _:
            return task_scheduler.plan(spec, spec.folder)


def carried(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a service needs of those that are set here: Turnout's own and the network's, no secret."""
    names = [name for variable in VARIABLES for name in variable.names if not _secret(variable.path)]
    wanted = {*names, *OTHER_VARIABLES, *NETWORK, *(name.lower() for name in NETWORK)}
    # A proxy's address may hold a password.
    return {name: environ[name] for name in sorted(wanted) if environ.get(name) and "@" not in environ[name]}


def left_out(environ: Mapping[str, str]) -> list[str]:
    """The secrets that are set here and that a service does not get: its file may be read by others."""
    return [name for variable in VARIABLES if _secret(variable.path) for name in variable.names if environ.get(name)]


def install(plan: Plan) -> None:
    """Writes the file and starts the service. Raises `ServiceError` and OSError."""
    _need(plan)
    plan.file.parent.mkdir(parents=True, exist_ok=True)
    if plan.file.exists() and plan.manager == "launchd":
        _run(plan.uninstall, may_fail=True)  # what is loaded cannot be loaded again
    plan.file.write_bytes(plan.content)
    _run(plan.install)


def uninstall(plan: Plan) -> bool:
    """Ends the service and removes its file. False if there was none. Raises `ServiceError` and OSError."""
    if not plan.file.exists():
        return False
    _need(plan)
    _run(plan.uninstall, may_fail=True)
    plan.file.unlink()
    _run(plan.forget)
    return True


def running(plan: Plan) -> bool:
    """Whether the service manager says that it runs."""
    if shutil.which(plan.tool) is None:
        return False
    return subprocess.run(plan.query, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def restart(plan: Plan) -> None:
    """Has the service manager start it anew. Raises `ServiceError`."""
    _need(plan)
    _run(plan.restart)


def _secret(path: str) -> bool:
    name = path.rpartition(".")[2]
    return any(name in names for names in SECRETS.values())


def _need(plan: Plan) -> None:
    if shutil.which(plan.tool) is None:
        raise ServiceError(f"There is no {plan.tool} here, so no {plan.manager} service. `turnout up` needs none.")


def _run(commands: Iterable[Sequence[str]], *, may_fail: bool = False) -> None:
    for command in commands:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode != 0 and not may_fail:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise ServiceError(f"`{' '.join(command)}` failed: {said[-1] if said else f'exit code {done.returncode}'}")
