"""Claude Code's settings files: which there are, what to put into one, and how to take it out again.

A file is written only by `apply` and `undo`. The copy that `apply` makes lies beside the file; what was written, and
where, is remembered in Turnout's own folder, so that `undo` can tell whether anything was changed since.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from turnout import paths
from turnout.accounts import atomic
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Scope = Literal["user", "project", "local", "managed"]
BACKUP_SUFFIX = ".before-turnout"
JOURNAL = "client-settings.json"
BOM = b"\xef\xbb\xbf"
SECRETS = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY")
"""Values that are not shown."""


class SettingsFile(msgspec.Struct, frozen=True, kw_only=True):
    """One settings file of Claude Code; it need not exist."""

    scope: Scope
    path: Path


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What Turnout has put into one file."""

    path: str
    backup: str
    """Where the file lies as it was before; empty: there was none."""
    digest: str
    """SHA-256 of what Turnout wrote, in hex: whether the file was changed since. Empty: it was, between two times."""
    variables: dict[str, str]
    """SHA-256 of each value that Turnout wrote, by the variable's name."""
    made_section: bool
    """The section ``env`` was not there before."""


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """All files that Turnout has written into and not restored."""

    version: int = 1
    files: tuple[Written, ...] = ()


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """What `undo` did with one file."""

    path: Path
    how: Literal["restored", "removed", "taken_out", "gone"]
    """``restored``: as it was before, byte for byte. ``removed``: there was no file before. ``taken_out``: it was
    changed since, so only Turnout's values left it. ``gone``: somebody has deleted it."""
    kept: tuple[str, ...] = ()
    """Variables that stay, since somebody has given them another value."""


def files(environ: Mapping[str, str], platform: str, folder: Path | None) -> Iterator[SettingsFile]:
    """The settings files that count in ``folder`` (None: in none), the strongest first (claude-code-wire.md 8)."""
    yield SettingsFile(scope="managed", path=_managed(environ, platform))
    if folder is not None:
        yield SettingsFile(scope="local", path=folder / ".claude" / "settings.local.json")
        yield SettingsFile(scope="project", path=folder / ".claude" / "settings.json")
    yield SettingsFile(scope="user", path=config_folder(environ, platform) / "settings.json")


def config_folder(environ: Mapping[str, str], platform: str) -> Path:
    """Claude Code's own folder of this user. Raises `NoHomeError`."""
    if named := environ.get("CLAUDE_CONFIG_DIR"):
        return Path(named).expanduser()
    home = environ.get("USERPROFILE" if platform == "win32" else "HOME")
    try:
        return (Path(home) if home else Path.home()) / ".claude"
    except RuntimeError:
        raise paths.NoHomeError from None


def _managed(environ: Mapping[str, str], platform: str) -> Path:
    """Where an administrator puts settings that nobody can change."""
    match platform:
        case "darwin":
            folder = Path("/Library/Application Support/ClaudeCode")
        case "win32":
            folder = Path(environ.get("PROGRAMFILES") or r"C:\Program Files") / "ClaudeCode"
        case _:
            folder = Path("/etc/claude-code")
    return folder / "managed-settings.json"


def read(file: Path) -> dict[str, Any]:
    """What a settings file holds; empty if it is not there. Raises `TurnoutError` (`BAD_REQUEST`) if it is none."""
    content = content_of(file)
    return decode(content, file) if content is not None else {}


def variables_in(held: Mapping[str, Any]) -> dict[str, str]:
    """The variables that settings give to Claude Code. They win over the shell's (claude-code-wire.md 8)."""
    env = held.get("env")
    return {name: str(value) for name, value in env.items()} if isinstance(env, dict) else {}


def merged(before: bytes | None, variables: Mapping[str, str], file: Path) -> bytes:
    """The file's content with the variables in its section ``env``; everything else as it is, in its order.

    Raises `TurnoutError` (`BAD_REQUEST`) if ``before`` is no settings file.
    """
    held = decode(before, file) if before is not None else {}
    env = held.get("env", {})
    if not isinstance(env, dict):
        raise _refused(file, "its `env` is not an object")
    return encode({**held, "env": {**env, **variables}}, before)


def difference(before: bytes | None, after: bytes, file: Path, known: frozenset[str] = frozenset()) -> str:
    """What changes, as lines with + and -. The values of `SECRETS` and the texts in ``known`` are hidden."""
    lines = difflib.unified_diff(
        _lines(before), _lines(after), fromfile=str(file) if before is not None else "(no file)", tofile=str(file), n=2
    )
    shown = "\n".join(line.rstrip("\n") for line in lines)
    hidden = {*known, *(_secrets(before)), *(_secrets(after))} - {""}
    for text in sorted(hidden, key=len, reverse=True):
        shown = shown.replace(text, "(hidden)")
    return shown


def apply(file: Path, variables: Mapping[str, str], environ: Mapping[str, str]) -> Written:
    """Writes the variables into the file, after a copy of it has been made. Raises `TurnoutError` and OSError.

    Applied again, the first copy stays: it is what `undo` has to bring back.
    """
    target = file.resolve() if file.is_symlink() else file  # a link must stay one
    before = content_of(target)
    after = merged(before, variables, file)
    journal = _journal(environ)
    known = next((each for each in journal.files if each.path == str(target)), None)
    backup = _free(target.with_name(target.name + BACKUP_SUFFIX))
    if known is None:
        if before is not None:
            write_like(backup, before, target)
        copy = str(backup) if before is not None else ""
        section_made = "env" not in (decode(before, file) if before is not None else {})
        digests: dict[str, str] = {}
    else:
        copy, section_made, digests = known.backup, known.made_section, known.variables
    # What somebody has changed between two times is not in the copy: bringing that back would lose it.
    ours = known is None or (before is not None and _digest(before) == known.digest)
    written = Written(
        path=str(target),
        backup=copy,
        digest=_digest(after) if ours else "",
        variables={**digests, **{name: _digest(value.encode()) for name, value in variables.items()}},
        made_section=section_made,
    )
    # Remembered first: a crash between the two leaves a file that `undo` finds unchanged by comparing it.
    _keep(environ, (*(each for each in journal.files if each.path != str(target)), written))
    write_like(target, after, target)
    return written


def applied(environ: Mapping[str, str]) -> tuple[Written, ...]:
    """The files that Turnout has written into and not restored."""
    return _journal(environ).files


def undo(written: Written, environ: Mapping[str, str]) -> Undone:
    """Brings one file back: byte for byte if nobody has changed it since, else it takes out what Turnout put in.

    Raises `TurnoutError` (`BAD_REQUEST`) for a file that is no settings file any more, and OSError.
    """
    file, backup = Path(written.path), Path(written.backup) if written.backup else None
    now = content_of(file)
    before = content_of(backup) if backup is not None else None
    lost = backup is not None and before is None
    if now is None:
        done = Undone(path=file, how="gone")
    elif now == before:
        done = Undone(path=file, how="restored")
    elif lost or _digest(now) != written.digest:
        after, kept = _without(now, before, written, file)
        write_like(file, after, file)
        done = Undone(path=file, how="taken_out", kept=kept)
    elif before is None:
        file.unlink()
        done = Undone(path=file, how="removed")
    else:
        write_like(file, before, file)
        done = Undone(path=file, how="restored")
    _keep(environ, tuple(each for each in _journal(environ).files if each.path != written.path))
    if backup is not None:
        backup.unlink(missing_ok=True)
    return done


def _without(now: bytes, before: bytes | None, written: Written, file: Path) -> tuple[bytes, tuple[str, ...]]:
    """The content without Turnout's values, and the variables that hold somebody else's by now."""
    held = decode(now, file)
    env = dict(held.get("env") or {})
    earlier = variables_in(decode(before, file)) if before is not None else {}
    kept = []
    for name, digest in written.variables.items():
        if name not in env:
            continue
        if _digest(str(env[name]).encode()) != digest:
            kept.append(name)
        elif name in earlier:
            env[name] = earlier[name]
        else:
            del env[name]
    if env or not written.made_section:
        held["env"] = env
    else:
        held.pop("env", None)
    return encode(held, now), tuple(kept)


def _free(wanted: Path) -> Path:
    """That name, or one beside it: nobody's earlier copy is written over."""
    numbered = (wanted.with_name(f"{wanted.name}-{number}") for number in range(2, 10_000))
    return wanted if not wanted.exists() else next(each for each in numbered if not each.exists())


def content_of(file: Path) -> bytes | None:
    """What the file holds; None if there is none. Raises OSError."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def decode(content: bytes, file: Path) -> dict[str, Any]:
    """The settings in a file's content. Raises `TurnoutError` (`BAD_REQUEST`) if it holds none."""
    try:
        held = json.loads(content.decode("utf-8-sig") or "{}")
    except (ValueError, UnicodeDecodeError) as error:
        raise _refused(file, str(error)) from None
    if not isinstance(held, dict):
        raise _refused(file, "it is not an object")
    return held


def _refused(file: Path, why: str) -> Exception:
    return fail(
        FailureKind.BAD_REQUEST,
        f"{file} is no settings file of Claude Code: {why}.",
        "Mend it first; it was not touched.",
    )


def encode(held: Mapping[str, Any], like: bytes | None) -> bytes:
    """The settings as Claude Code itself writes them: indented by two, or as the file was."""
    indent: int | str = 2
    ending = "\n"
    if like is not None:
        text = like.decode("utf-8-sig")
        first = next((line for line in text.splitlines()[1:] if line.strip()), "  ")
        blank = first[: len(first) - len(first.lstrip())]
        indent = blank or 2
        ending = "\n" if text.endswith("\n") else ""
    text = json.dumps(held, indent=indent, ensure_ascii=False) + ending
    if like is not None and b"\r\n" in like:
        text = text.replace("\n", "\r\n")
    return (BOM if like is not None and like.startswith(BOM) else b"") + text.encode()


def _lines(content: bytes | None) -> list[str]:
    return content.decode("utf-8-sig", "replace").splitlines() if content is not None else []


def _secrets(content: bytes | None) -> Iterator[str]:
    if content is None:
        return
    try:
        env = variables_in(json.loads(content.decode("utf-8-sig")))
    except (ValueError, AttributeError):
        return
    yield from (value for name, value in env.items() if name in SECRETS or name.endswith(("_KEY", "_TOKEN", "_SECRET")))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_like(file: Path, content: bytes, like: Path) -> None:
    """Writes a file in one step, with the permissions of another one if that is there."""
    mode = like.stat().st_mode & 0o777 if like.exists() else None
    atomic.write(file, content)
    if mode is not None:
        file.chmod(mode)


def _journal(environ: Mapping[str, str]) -> Journal:
    file = paths.state_dir(environ) / JOURNAL
    try:
        return msgspec.json.decode(file.read_bytes(), type=Journal)
    except FileNotFoundError:
        return Journal()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise fail(
            FailureKind.INTERNAL,
            f"{file}, in which Turnout remembers what it wrote, cannot be read.",
            f"The files as they were lie beside the files themselves, with the ending {BACKUP_SUFFIX}.",
        ) from None


def _keep(environ: Mapping[str, str], entries: tuple[Written, ...]) -> None:
    file = paths.state_dir(environ) / JOURNAL
    if entries:
        atomic.write(file, msgspec.json.format(msgspec.json.encode(Journal(files=entries)), indent=2) + b"\n")
    else:
        file.unlink(missing_ok=True)
