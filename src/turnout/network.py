"""What surrounds a connection to an upstream: its address, the proxy on the way, the certificates to trust.

All connections are made through here, those of model requests (`turnout.upstream.http`) and of small calls
(`turnout.calls`): a proxy or a certificate that counts only for some of them helps nobody.
Reads the environment, for that is where machines say such things; opens no connection.
"""

from __future__ import annotations

import platform
import ssl
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from multidict import CIMultiDict
from yarl import URL

from turnout import __version__
from turnout.addresses import is_loopback
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def address(name: str, url: str) -> URL:
    """The configured address of the upstream ``name``. Raises `SettingsError` if it is none."""
    try:
        parsed = URL(url)
    except ValueError as error:
        raise SettingsError(f"The address of {name}, {url}, is not an address: {error}.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise SettingsError(f"The address of {name}, {url}, must begin with https:// (or http://) and name a host.")
    return parsed


def proxy_for(url: URL, chosen: str = "") -> tuple[URL | None, CIMultiDict[str] | None]:
    """The proxy for ``url`` as the environment (or the system) names one, and the headers it wants.

    ``chosen`` is one for this upstream alone, in place of theirs; ``none`` is to go without one. Looked up once, not
    in a thread for each request as aiohttp's ``trust_env`` does. This machine itself is never asked for through a proxy
    of the environment: none could reach it. Raises `SettingsError` for a proxy that cannot be used.
    """
    host = url.host or ""
    if chosen == "none":
        return None, None
    named_proxy = chosen
    if not chosen:
        if is_loopback(host):
            return None, None
        named = urllib.request.getproxies()
        named_proxy = named.get(url.scheme) or named.get("all") or ""
        if not named_proxy or urllib.request.proxy_bypass(f"{host}:{url.port}") or urllib.request.proxy_bypass(host):
            return None, None
    proxy = URL(named_proxy if "://" in named_proxy else f"http://{named_proxy}")
    if proxy.scheme not in ("http", "https") or not proxy.host:
        raise SettingsError(
            f"The proxy for {host} is a {proxy.scheme}:// one; Turnout can use http:// and https:// ones."
        )
    if proxy.user is None:
        return proxy, None
    from aiohttp import encode_basic_auth, hdrs  # 100 ms, which only those pay who need it

    headers: CIMultiDict[str] = CIMultiDict()
    headers[hdrs.PROXY_AUTHORIZATION] = encode_basic_auth(proxy.user, proxy.password or "")
    return proxy.with_user(None), headers


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What is special about the way to one upstream. Empty texts for what is as everywhere."""

    proxy: str = ""
    """As in `proxy_for`."""
    ca: str = ""
    """File with further certificates to trust."""
    certificate: str = ""
    """File with the certificate to show."""
    certificate_key: str = ""
    """File with its private key; empty: it is in the same file."""
    verify: bool = True
    """Whether the server's certificate is checked."""


USUAL_WAY = Way()


def context_for(environ: Mapping[str, str], way: Way = USUAL_WAY) -> ssl.SSLContext:
    """`trusted`, with what is special about the way. Raises `SettingsError` for files that cannot be used."""
    context = trusted(environ)
    try:
        if way.ca:
            file = way.ca
            context.load_verify_locations(cafile=Path(way.ca).expanduser())
        if way.certificate:
            file = way.certificate
            key = Path(way.certificate_key).expanduser() if way.certificate_key else None
            context.load_cert_chain(Path(way.certificate).expanduser(), key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"The certificates in {file} cannot be used: {reason(error)}.") from None
    if not way.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def trusted(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Certificates to trust: the system's (or those of ``SSL_CERT_FILE``) and those of ``CODEX_CA_CERTIFICATE``."""
    context = ssl.create_default_context()
    for variable in ("SSL_CERT_FILE", "CODEX_CA_CERTIFICATE"):
        path = environ.get(variable)
        if path:
            try:
                context.load_verify_locations(cafile=path)
            except (OSError, ssl.SSLError) as error:
                raise SettingsError(
                    f"The certificates of {variable}, {path}, cannot be used: {reason(error)}."
                ) from None
    return context


def unreachable(url: URL, proxy: URL | None, error: BaseException) -> TurnoutError:
    """The failure for a connection to ``url`` that could not be made."""
    where = url.host if proxy is None else f"{url.host} through the proxy {proxy.host}"
    certificate_error = getattr(error, "certificate_error", None)  # aiohttp's errors of this kind have it
    if certificate_error is not None:
        return fail(
            FailureKind.UNREACHABLE,
            f"The certificate of {where} is not trusted: {reason(certificate_error)}.",
            "If your network puts its own certificates in between, name their file in SSL_CERT_FILE.",
        )
    return fail(
        FailureKind.UNREACHABLE,
        f"No connection to {where} could be made: {reason(error)}.",
        "Check the network, the proxy settings and the upstream's address.",
    )


def reason(error: BaseException) -> str:
    """An error in a few words: the system's own where there are some, never an address with its password."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    inner = getattr(error, "os_error", None) or error
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return type(inner).__name__


def user_agent() -> str:
    """Who Turnout is, in the form that the backend reads: ``turnout/0.1.0 (Linux 6.1; x86_64)``."""
    return f"turnout/{__version__} ({platform.system()} {platform.release()}; {platform.machine()})"
