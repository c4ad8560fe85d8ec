"""All checks: which there are, and running them side by side, since most of them wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from turnout.doctor import clients, gateway, leftovers, logins, machine, models, way
from turnout.doctor.finding import Check, Result, problem
from turnout.paths import NoHomeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from turnout.doctor.finding import Finding, Surroundings

CHECKS: tuple[Check, ...] = (
    Check("environment", "Turnout", machine.python),
    Check("configuration", "Configuration", machine.configuration),
    Check("files", "Own files", machine.own_files),
    Check("claude", "Claude Code", clients.claude_code),
    Check("codex", "Codex CLI", clients.codex),
    Check("accounts", "Accounts", logins.accounts),
    Check("refreshers", "Renewal", logins.other_refreshers),
    Check("variables", "Variables", logins.environment_keys),
    Check("gateway", "Gateway", gateway.gateway),
    Check("ports", "Sign-in ports", gateway.sign_in_ports),
    Check("settings", "Claude's settings", leftovers.claude_settings),
    Check("shell", "Shell", leftovers.shell),
    Check("codex-settings", "Codex's settings", leftovers.codex_settings),
    Check("proxies", "Proxies", way.proxies),
    Check("certificates", "Certificates", way.certificates),
    Check("catalogue", "Models", models.catalogue),
    Check("upstream", "Upstream", way.round_trip, asks=True),
)
AT_ONCE = 8


def examine(seen: Surroundings, checks: Sequence[Check] = CHECKS) -> Iterator[Result]:
    """The checks' results in their order, each as soon as it and those before it are done."""
    wanted = [check for check in checks if not (check.asks and seen.offline)]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="doctor") as pool:
        for check, done in [(check, pool.submit(_run, check, seen)) for check in wanted]:
            if findings := done.result():
                yield Result(name=check.name, title=check.title, findings=findings)


def _run(check: Check, seen: Surroundings) -> tuple[Finding, ...]:
    """One check's findings. One that fails says so, and the others go on."""
    try:
        return tuple(check.run(seen))
    except NoHomeError:
        return ()  # the check of Turnout's own files says so, once for all
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return (problem(f"This could not be checked: {error.strerror or error}{where}.", "See to that first."),)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this machine, the report must come
        said = f"This could not be checked ({type(error).__name__}: {error or 'no reason given'})."
        return (problem(said, "A defect of Turnout's own: please report it."),)
