"""Changing a file's text: comments and order survive, secrets stay out of what is shown."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from turnout.settings import SettingsError, editing, files, leaves

TOML = """\
# mine
upstream = "codex"  # where to

[server]  # the listening side
# a port that is free here
port = 4100  # not 4000

[slots]
opus.model = "gpt-6-astra"
haiku = { model = "gpt-6-luna" }  # small
"""
YAML = """\
# mine
upstream: codex  # where to
server:  # the listening side
    # a port that is free here
    port: 4100  # not 4000
slots:
    opus: {model: gpt-6-astra}
"""
TOML_PATH, YAML_PATH = Path("config.toml"), Path("config.yaml")


def test_a_value_is_changed_in_its_place() -> None:
    changed = editing.with_values(TOML, TOML_PATH, {"server.port": 4200, "slots.haiku.effort": "low"})
    expected = TOML.replace("4100", "4200")
    assert changed == expected.replace('"gpt-6-luna" }', '"gpt-6-luna", effort = "low"}')
    assert editing.with_values(YAML, YAML_PATH, {"server.port": 4200}) == YAML.replace("4100", "4200")


@pytest.mark.parametrize(("text", "path"), [(TOML, TOML_PATH), (YAML, YAML_PATH), ("", TOML_PATH), ("", YAML_PATH)])
def test_new_settings_and_sections_are_added(text: str, path: Path) -> None:
    wanted = {"strict": True, "timing.hold": 2.5, "slots.sonnet.effort": "high", "server.allowed_hosts": ("a", "b")}
    changed = editing.with_values(text, path, wanted)
    found = files.read_text(changed, path).entries
    assert {key: found[key] for key in wanted} == {**wanted, "server.allowed_hosts": ["a", "b"]}
    assert all(comment in changed for comment in ("# mine", "# not 4000", "# a port that is free") if comment in text)


def test_an_entry_of_a_table_is_a_setting_too() -> None:
    changed = editing.with_values(TOML, TOML_PATH, {"codex.framing.gpt-5.5": "lite"})
    assert tomllib.loads(changed)["codex"]["framing"] == {"gpt-5.5": "lite"}
    assert editing.without(changed, TOML_PATH, "codex.framing.gpt-5.5") == TOML


@pytest.mark.parametrize(("text", "path"), [(TOML, TOML_PATH), (YAML, YAML_PATH)])
def test_what_is_taken_out_leaves_no_empty_section(text: str, path: Path) -> None:
    changed = editing.without(text, path, "server.port")
    assert "server" not in files.parse(changed, path)
    assert editing.without(text, path, "timing.hold") == text


def test_comments_of_a_yaml_file_without_settings_stay() -> None:
    assert editing.with_values("# mine\n", YAML_PATH, {"strict": True}) == "# mine\nstrict: true\n"


@pytest.mark.parametrize(
    ("key", "told"),
    [("server.prt", "Did you mean server.port?"), ("slots.opus", "is a section. Its settings: slots.opus.model")],
)
def test_only_settings_can_be_changed(key: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        editing.with_values(TOML, TOML_PATH, {key: 1})
    assert told in str(refused.value)


@pytest.mark.parametrize("path", [TOML_PATH, YAML_PATH])
@pytest.mark.parametrize("secret", ["s3cret", 's"3cret', "s#3cret=1", "s\\3cret"])
def test_a_difference_shows_no_secret(path: Path, secret: str) -> None:
    before = editing.with_values("", path, {"server.token": secret, "server.port": 1})
    changes = {"server.token": secret + "x", "openai.api_key": secret, "server.port": 2}
    after = editing.with_values(before, path, changes)
    lines = "\n".join([*editing.difference("", before, path), *editing.difference(before, after, path)])
    assert "3cret" not in lines
    assert "(hidden)" in lines
    assert "port" in lines


@pytest.mark.parametrize("line", ['server = { token = "s3cret" }', 'server.token = "s3cret"', '"token"="s3cret"'])
def test_nor_one_that_stands_elsewhere_in_a_line(line: str) -> None:
    assert not any("s3cret" in each for each in editing.difference("", line, TOML_PATH))
    assert not any("s3cret" in each for each in editing.difference(line, f"{line}\n#", TOML_PATH))


def test_nor_a_password_in_an_address() -> None:
    after = editing.with_values("", TOML_PATH, {"openai.base_url": "https://me:s3cret@example.org/v1"})
    lines = "\n".join(editing.difference("", after, TOML_PATH))
    assert "https://me:(hidden)@example.org/v1" in lines


@pytest.mark.parametrize("text", ["[slots.opus]\nmodel = 'a'\n[server]\nport = 1\n[slots.haiku]\nmodel = 'b'\n"])
def test_sections_may_stand_in_any_order(text: str) -> None:
    changed = editing.with_values(text, TOML_PATH, {"slots.haiku.effort": "low", "slots.opus.effort": "high"})
    assert tomllib.loads(changed)["slots"] == {
        "opus": {"model": "a", "effort": "high"},
        "haiku": {"model": "b", "effort": "low"},
    }


def test_a_new_file_leads_editors_to_the_schema() -> None:
    assert editing.new_file(TOML_PATH, "./s.json").startswith("#:schema ./s.json\n")
    assert editing.new_file(YAML_PATH, "./s.json").startswith("# yaml-language-server: $schema=./s.json\n")
    for path in (TOML_PATH, YAML_PATH):
        assert files.read_text(editing.new_file(path, "./s.json"), path).entries == {}


TEXTS = [key for key, leaf in leaves().items() if leaf.type is str]


@given(
    st.sampled_from([TOML_PATH, YAML_PATH]),
    st.sampled_from([TOML, YAML, ""]),
    st.dictionaries(st.sampled_from(TEXTS), st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))),
)
@example(YAML_PATH, TOML, {"slots.opus.model": ":0"})
def test_what_is_written_is_what_is_read(path: Path, start: str, values: dict[str, str]) -> None:
    start = {TOML_PATH: TOML, YAML_PATH: YAML}[path] if start else ""
    found = files.read_text(editing.with_values(start, path, values), path).entries
    assert {key: found[key] for key in values} == values
