"""Claude Code's settings files: what is put in, what comes out again, and what is never lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.launch import client_settings
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from pathlib import Path

VARIABLES = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:4000", "ANTHROPIC_AUTH_TOKEN": "tn-secret"}
FILES = {
    "usual": b'{\n  "model": "opus",\n  "env": {\n    "A": "1"\n  },\n  "hooks": {}\n}\n',
    "no env, no last line break": b'{\n  "model": "opus"\n}',
    "four spaces": b'{\n    "env": {\n        "ANTHROPIC_BASE_URL": "https://else.where"\n    }\n}\n',
    "on one line": b'{"permissions": {"allow": ["Bash(ls:*)", "Read"]}}',
    "Windows": b'\xef\xbb\xbf{\r\n  "theme": "dark"\r\n}\r\n',
    "other letters": '{\n  "spinner": "wärmt auf …"\n}\n'.encode(),
    "empty": b"",
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"TURNOUT_HOME": str(tmp_path / "turnout"), "HOME": str(tmp_path)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / ".claude"
    folder.mkdir()
    return folder / "settings.json"


def undo_all(environ: dict[str, str]) -> list[client_settings.Undone]:
    return [client_settings.undo(each, environ) for each in client_settings.applied(environ)]


@pytest.mark.parametrize("before", FILES.values(), ids=FILES)
def test_what_was_put_in_is_there_beside_everything_else(file: Path, environ: dict[str, str], before: bytes) -> None:
    file.write_bytes(before)
    client_settings.apply(file, VARIABLES, environ)
    now, was = client_settings.read(file), json.loads(before.decode("utf-8-sig") or "{}")
    assert client_settings.variables_in(now).items() >= VARIABLES.items()
    assert {name: value for name, value in now.items() if name != "env"} == {
        name: value for name, value in was.items() if name != "env"
    }
    assert [name for name in now if name in was] == list(was)


@pytest.mark.parametrize("before", FILES.values(), ids=FILES)
def test_undo_brings_every_byte_back_and_leaves_nothing_behind(
    file: Path, environ: dict[str, str], before: bytes
) -> None:
    file.write_bytes(before)
    file.chmod(0o640)
    client_settings.apply(file, VARIABLES, environ)
    client_settings.apply(file, {**VARIABLES, "ANTHROPIC_AUTH_TOKEN": "tn-another"}, environ)  # and once more
    (done,) = undo_all(environ)
    assert done.how == "restored"
    assert file.read_bytes() == before
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in file.parent.iterdir()] == ["settings.json"]
    assert client_settings.applied(environ) == ()
    assert not (file.parent.parent / "turnout" / "state" / client_settings.JOURNAL).exists()


def test_a_file_that_was_not_there_is_not_there_again(file: Path, environ: dict[str, str]) -> None:
    client_settings.apply(file, VARIABLES, environ)
    assert file.stat().st_mode & 0o077 == 0  # it holds a token
    assert undo_all(environ)[0].how == "removed"
    assert not file.exists()


def test_what_the_user_changed_since_stays(file: Path, environ: dict[str, str]) -> None:
    file.write_bytes(b'{"env": {"ANTHROPIC_BASE_URL": "https://else.where"}, "model": "opus"}')
    client_settings.apply(file, VARIABLES, environ)
    held = client_settings.read(file)
    held["theme"] = "dark"
    held["env"]["MINE"] = "1"
    file.write_text(json.dumps(held))
    (done,) = undo_all(environ)
    assert done.how == "taken_out"
    assert client_settings.read(file) == {
        "env": {"ANTHROPIC_BASE_URL": "https://else.where", "MINE": "1"},
        "model": "opus",
        "theme": "dark",
    }


def test_a_value_that_the_user_has_set_since_stays_and_is_told(file: Path, environ: dict[str, str]) -> None:
    client_settings.apply(file, VARIABLES, environ)
    held = client_settings.read(file)
    held["env"]["ANTHROPIC_BASE_URL"] = "https://else.where"
    file.write_text(json.dumps(held))
    (done,) = undo_all(environ)
    assert done.kept == ("ANTHROPIC_BASE_URL",)
    assert client_settings.read(file) == {"env": {"ANTHROPIC_BASE_URL": "https://else.where"}}


def test_a_section_that_turnout_made_goes_with_its_last_value(file: Path, environ: dict[str, str]) -> None:
    file.write_text('{"model": "opus"}')
    client_settings.apply(file, VARIABLES, environ)
    file.write_text(json.dumps({**client_settings.read(file), "theme": "dark"}))
    undo_all(environ)
    assert client_settings.read(file) == {"model": "opus", "theme": "dark"}


def test_an_edit_between_two_times_is_not_lost(file: Path, environ: dict[str, str]) -> None:
    file.write_text('{"model": "opus"}')
    client_settings.apply(file, VARIABLES, environ)
    file.write_text(json.dumps({**client_settings.read(file), "theme": "dark"}))
    client_settings.apply(file, {**VARIABLES, "ANTHROPIC_AUTH_TOKEN": "tn-another"}, environ)
    assert undo_all(environ)[0].how == "taken_out"
    assert client_settings.read(file) == {"model": "opus", "theme": "dark"}


def test_a_deleted_file_stays_deleted(file: Path, environ: dict[str, str]) -> None:
    file.write_text("{}")
    client_settings.apply(file, VARIABLES, environ)
    file.unlink()
    assert undo_all(environ)[0].how == "gone"
    assert not any(file.parent.iterdir())


def test_without_its_copy_the_values_are_taken_out_all_the_same(file: Path, environ: dict[str, str]) -> None:
    file.write_text('{"model": "opus"}')
    written = client_settings.apply(file, VARIABLES, environ)
    type(file)(written.backup).unlink()
    assert undo_all(environ)[0].how == "taken_out"
    assert client_settings.read(file) == {"model": "opus"}


def test_nobodys_earlier_copy_is_written_over(file: Path, environ: dict[str, str], tmp_path: Path) -> None:
    file.write_text('{"model": "opus"}')
    other = {"TURNOUT_HOME": str(tmp_path / "another")}
    client_settings.apply(file, {"A": "1"}, other)
    client_settings.apply(file, VARIABLES, environ)
    undo_all(environ)
    undo_all(other)
    assert file.read_text() == '{"model": "opus"}'
    assert [each.name for each in file.parent.iterdir()] == ["settings.json"]


def test_a_link_stays_a_link(tmp_path: Path, file: Path, environ: dict[str, str]) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    file.symlink_to(real)
    client_settings.apply(file, VARIABLES, environ)
    assert file.is_symlink()
    assert client_settings.variables_in(client_settings.read(real)) == VARIABLES
    undo_all(environ)
    assert file.is_symlink()
    assert real.read_text() == "{}"


def test_a_crash_after_the_note_and_before_the_file_harms_nothing(
    file: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('{"model": "opus"}')
    real = client_settings.write_like

    def full(path: Path, content: bytes, like: Path) -> None:
        if path == file:
            raise OSError(28, "No space left on device")
        real(path, content, like)

    monkeypatch.setattr(client_settings, "write_like", full)
    with pytest.raises(OSError, match="No space"):
        client_settings.apply(file, VARIABLES, environ)
    monkeypatch.undo()
    assert undo_all(environ)[0].how == "restored"
    assert file.read_text() == '{"model": "opus"}'
    assert [each.name for each in file.parent.iterdir()] == ["settings.json"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    held=st.dictionaries(st.sampled_from(["model", "hooks", "permissions", "x"]), JSON, max_size=4),
    env=st.none() | st.dictionaries(st.sampled_from([*VARIABLES, "A", "B"]), st.text(max_size=5), max_size=4),
    indent=st.sampled_from([None, 2, 4, "\t"]),
    ending=st.sampled_from(["", "\n", "\n\n"]),
    added=st.dictionaries(st.sampled_from(["theme", "y"]), JSON, max_size=2),
)
def test_whatever_stands_in_a_file_comes_back_and_whatever_came_in_since_stays(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    held: dict[str, object],
    env: dict[str, str] | None,
    indent: int | str | None,
    ending: str,
    added: dict[str, object],
) -> None:
    home = tmp_path_factory.mktemp("home")
    file, environ = home / "settings.json", {"TURNOUT_HOME": str(home / "turnout")}
    whole = held if env is None else {**held, "env": env}
    before = (json.dumps(whole, indent=indent) + ending).encode()
    file.write_bytes(before)
    client_settings.apply(file, VARIABLES, environ)
    if added:
        file.write_text(json.dumps({**client_settings.read(file), **added}))
    undo_all(environ)
    if added:
        assert client_settings.read(file) == {**whole, **added}
    else:
        assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"env": []}', b"// no\n{}", b"\xff"])
def test_what_is_no_settings_file_is_not_touched(file: Path, environ: dict[str, str], content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(TurnoutError, match="is no settings file of Claude Code"):
        client_settings.apply(file, VARIABLES, environ)
    assert file.read_bytes() == content
    assert client_settings.applied(environ) == ()


def test_the_shown_change_hides_tokens(file: Path) -> None:
    before = b'{"env": {"ANTHROPIC_API_KEY": "sk-of-the-user"}}'
    shown = client_settings.difference(before, client_settings.merged(before, VARIABLES, file), file)
    assert '+    "ANTHROPIC_BASE_URL": "http://127.0.0.1:4000"' in shown
    assert "secret" not in shown
    assert "sk-of" not in shown


def test_where_the_files_lie(tmp_path: Path) -> None:
    def places(environ: dict[str, str], platform: str) -> list[str]:
        return [str(each.path).replace("\\", "/") for each in client_settings.files(environ, platform, tmp_path / "p")]

    assert places({"HOME": "/h/ada"}, "linux") == [
        "/etc/claude-code/managed-settings.json",
        f"{tmp_path}/p/.claude/settings.local.json",
        f"{tmp_path}/p/.claude/settings.json",
        "/h/ada/.claude/settings.json",
    ]
    assert places({"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c"}, "darwin")[::3] == [
        "/Library/Application Support/ClaudeCode/managed-settings.json",
        "/c/settings.json",
    ]
    assert places({"USERPROFILE": "C:/Users/ada"}, "win32")[::3] == [
        "C:/Program Files/ClaudeCode/managed-settings.json",
        "C:/Users/ada/.claude/settings.json",
    ]
