"""The way to the upstream: proxies, certificates, and one cheap question to it, whose answer tells the time too."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING

from turnout.calls import Calls
from turnout.doctor import probing, trial
from turnout.doctor.finding import ok, problem, warning
from turnout.protocol.errors import TurnoutError
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turnout.config import Config
    from turnout.doctor.finding import Finding, Surroundings

PROXY_SECONDS = 5.0
SKEW_WARNING, SKEW_PROBLEM = 30.0, 300.0
"""Seconds that this machine's clock may differ from the upstream's. Logins are renewed 300 s before they end."""
CERTIFICATES = ("SSL_CERT_FILE", "CODEX_CA_CERTIFICATE", "NODE_EXTRA_CA_CERTS")


def proxies(seen: Surroundings) -> Iterable[Finding]:
    """The proxy on the way to the upstream, if there is one."""
    from turnout import network

    for url in dict.fromkeys(_addresses(seen.config)):
        try:
            target = network.address("the upstream", url)
            proxy, _ = network.proxy_for(target)
        except SettingsError as error:
            yield problem(
                str(error), "Correct HTTPS_PROXY (or the system's proxy settings), or the upstream's address."
            )
            continue
        if proxy is None:
            yield ok(f"{target.host} is reached directly.")
            continue
        named = f"{proxy.scheme}://{proxy.host}:{proxy.port}"
        if not seen.offline and not probing.listens(proxy.host or "", proxy.port or 80, PROXY_SECONDS):
            yield problem(f"The proxy {named} for {target.host} cannot be reached.", "Correct or unset HTTPS_PROXY.")
        else:
            yield ok(f"{target.host} is reached through the proxy {named}.")


def _addresses(config: Config) -> Iterator[str]:
    if config.upstream in config.custom:
        yield config.custom[config.upstream].base_url
    elif config.upstream == "openai":
        yield config.openai.base_url
    else:
        yield config.codex.responses_url
        yield config.accounts.issuer


def certificates(seen: Surroundings) -> Iterable[Finding]:
    """Files of further certificates, for Turnout and for the clients, which Node.js runs."""
    named = [(name, seen.environ[name]) for name in CERTIFICATES if seen.environ.get(name)]
    for name, path in named:
        try:
            ssl.create_default_context().load_verify_locations(cafile=path)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            yield problem(f"The certificates of {name}, {path}, cannot be used: {reason}.", f"Correct or unset {name}.")
        else:
            yield ok(f"{name} adds the certificates in {Path(path)}.")
    given = {name for name, _ in named}
    if given & {"SSL_CERT_FILE", "CODEX_CA_CERTIFICATE"} and "NODE_EXTRA_CA_CERTS" not in given:
        yield warning(
            "Further certificates are set for Turnout, and none for Claude Code's own requests (WebFetch, MCP).",
            "Set NODE_EXTRA_CA_CERTS to the same file.",
        )
    if seen.environ.get("NODE_TLS_REJECT_UNAUTHORIZED") == "0":
        yield warning(
            "NODE_TLS_REJECT_UNAUTHORIZED=0: Claude Code believes any server that calls itself by the right name.",
            "Unset it, and name your network's certificates in NODE_EXTRA_CA_CERTS.",
        )
    if not named:
        yield ok("The system's certificates are used.")


def round_trip(seen: Surroundings) -> Iterable[Finding]:
    """One question to the upstream with the account in use, which costs nothing of the plan."""
    if seen.config.upstream in seen.config.custom:
        yield from _reached(seen)
        return
    done = asyncio.run(trial.run(seen.config, seen.environ, seen.config.upstream, now=seen.now))
    if done.failure is not None and done.stage == trial.CREDENTIAL:
        yield warning(f"{done.name} was not asked, since there is nothing to sign in with (see Accounts).")
    elif done.failure is not None:
        yield problem(f"{done.stage}: {done.failure.message}", done.failure.next_step or "Try again in a while.")
    else:
        yield ok(
            f"{done.name} takes the {done.credential}, lists {done.models} models, in {done.seconds * 1000:.0f} ms."
        )
    if done.skew is not None:
        yield clock(done.skew, done.name)


def _reached(seen: Surroundings) -> Iterator[Finding]:
    """A server of one's own: whether anything answers. It is shown no key, so that a refusal is an answer too."""
    name = seen.config.upstream
    url = f"{seen.config.custom[name].base_url.rstrip('/')}/models"
    calls, asked_at = Calls(seen.environ, connect=seen.config.timing.connect), seen.now()
    began = time.perf_counter()
    try:
        answer = asyncio.run(calls.call(name, "GET", url))
    except TurnoutError as error:
        yield warning(error.failure.message, error.failure.next_step or "Check its address, proxy and certificates.")
        return
    seconds = time.perf_counter() - began
    yield ok(f"{name} answers at {url} (HTTP {answer.status}, asked without a key).")
    if (apart := trial.skew(answer.headers.get("date"), asked_at, seconds)) is not None:
        yield clock(apart, name)


def clock(skew: float, whose: str) -> Finding:
    """What a clock's difference of ``skew`` seconds means; positive: this machine is behind."""
    apart = f"This machine's clock is {abs(skew):.0f} seconds {'behind' if skew > 0 else 'ahead of'} {whose}'s"
    fix = "Set the clock, or let the system set it by the network (NTP)."
    if abs(skew) >= SKEW_PROBLEM:
        return problem(f"{apart}: logins would end before they are renewed.", fix)
    if abs(skew) >= SKEW_WARNING:
        return warning(f"{apart}.", fix)
    return ok("The clock is right.")
