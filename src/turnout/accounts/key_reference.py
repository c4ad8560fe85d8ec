"""The key of an upstream of one's own, read from where the configuration says it is. It never says the key itself."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from turnout.accounts import keyring_entries
from turnout.accounts.credential import Credential, Secret
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND_SECONDS = 30.0
"""How long a command may take that prints a key: it may ask a person to unlock something."""
LONGEST = 64 * 1024
"""Bytes that a key may have; access tokens of companies' gateways are long."""


def read(reference: str, upstream: str, environ: Mapping[str, str]) -> Credential:
    """The key that ``reference`` (`turnout.config.CustomUpstream.key`) leads to. May take its time: not for the event
    loop.

    ``upstream`` is its name, for messages. Raises `TurnoutError` (`SIGN_IN`) that says what to do.
    """
    if not reference:
        return Credential(token=Secret(""), upstream=upstream, source="no key")
    scheme, _, where = reference.partition(":")
    where = where.strip()
    try:
        key = READERS[scheme](where, environ).strip()
    except _Missing as missing:
        raise fail(
            FailureKind.SIGN_IN,
            f"The key of the upstream {upstream} is not there: {missing}.",
            _step(reference, upstream),
        ) from None
    if not key:
        raise fail(
            FailureKind.SIGN_IN,
            f"The key of the upstream {upstream} is empty ({shown(reference)}).",
            _step(reference, upstream),
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise fail(
            FailureKind.SIGN_IN,
            f"The key of the upstream {upstream} ({shown(reference)}) holds a character that no key has (a space, a "
            "line break or a letter with an accent).",
            _step(reference, upstream),
        )
    return Credential(token=Secret(key), upstream=upstream, source=shown(reference))


def shown(reference: str) -> str:
    """The reference as messages name it: a command line may hold more than one should read."""
    return "a command" if reference.startswith("command:") else reference


class _Missing(Exception):
    """Why there is no key, in words."""


def _from_variable(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise _Missing(f"the variable {name} is not set")
    return environ[name]


def _from_file(path: str, environ: Mapping[str, str]) -> str:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(LONGEST).decode()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise _Missing(f"the file {path} cannot be read ({why})") from None


def _from_keyring(place: str, environ: Mapping[str, str]) -> str:
    service, _, user = place.rpartition("/")
    if not service:
        raise _Missing(f"keyring:{place} names no entry; it is keyring:SERVICE/USER")
    found = keyring_entries.read(service, user)
    if found is None:
        raise _Missing(f"the keyring has no entry {service} for {user}")
    return found.decode()


def _from_command(command: str, environ: Mapping[str, str]) -> str:
    """Without a shell: what is meant is a program and its arguments."""
    try:
        words: list[str] | str = command if os.name == "nt" else shlex.split(command)
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
            env=dict(environ),
        )
    except ValueError as error:
        raise _Missing(f"the command cannot be read ({error})") from None
    except OSError as error:
        raise _Missing(f"the command cannot be run ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise _Missing(f"the command has printed nothing for {COMMAND_SECONDS:g} seconds") from None
    if done.returncode:
        raise _Missing(f"the command has ended with the code {done.returncode}")
    return done.stdout[:LONGEST].decode("utf-8", "replace")


READERS = {"env": _from_variable, "file": _from_file, "keyring": _from_keyring, "command": _from_command}


def _step(reference: str, upstream: str) -> str:
    scheme, _, where = reference.partition(":")
    if scheme == "env":
        return f"Set {where.strip()}, then start Turnout again."
    return f"See custom.{upstream}.key in the configuration."
