"""Host names and IP addresses as they stand in settings, URLs and Host headers. Pure: resolves nothing."""

from __future__ import annotations

import ipaddress

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


def bare_host(value: str) -> str:
    """A Host value (or a configured name) without port, brackets and final dot, in lower case."""
    value = value.strip().lower()
    name, colon, port = value.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        value = name
    if value.startswith("[") and value.endswith("]"):
        return value[1:-1]
    return value.removesuffix(".")


def plain_address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address, an IPv4 one in IPv6 clothes as IPv4; None if it is none."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Whether a listening address can be reached from this machine only."""
    address = plain_address(host)
    return host.lower() in LOOPBACK_NAMES or (address is not None and address.is_loopback)
