"""Settings: where each value comes from, what wins, and what a refusal says."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout import settings
from turnout.config import SECRETS, Config, Slot
from turnout.settings import SettingsError
from turnout.variables import OTHER_VARIABLES, VARIABLES


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture(autouse=True)
def _no_user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration of the person who runs the tests must not count."""
    monkeypatch.setattr("turnout.paths.config_dir", lambda environ: tmp_path / "nobody")


def test_with_no_source_the_defaults_count() -> None:
    assert settings.load({}, {}) == Config()


def test_each_source_outranks_the_one_before(file: Path) -> None:
    file.write_text("[server]\nport = 1\nhost = '127.0.0.2'\n[timing]\nhold = 2\n")
    loaded = settings.resolve({"TURNOUT_PORT": "3", "TURNOUT_HOST": "127.0.0.3"}, {"server.port": 4}, file)
    assert (loaded.config.server.port, loaded.config.server.host, loaded.config.timing.hold) == (4, "127.0.0.3", 2.0)
    assert loaded.origins["server.port"] == "a flag"
    assert loaded.origins["server.host"] == "the variable TURNOUT_HOST"
    assert loaded.origins["timing.hold"] == f"the file {file}"
    assert loaded.origins["timing.keepalive"] == "default"


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert settings.load({"TURNOUT_PORT": "3"}, {"server.port": None}).server.port == 3


def test_the_users_own_file_is_read_if_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (tmp_path / "config.toml").write_text("upstream = 'openai'")
    assert settings.load({"TURNOUT_HOME": str(tmp_path)}, {}).upstream == "openai"


def test_every_field_of_the_configuration_has_a_variable() -> None:
    assert [variable.path for variable in VARIABLES] == list(settings.leaves())
    assert all(any(name.startswith("TURNOUT_") for name in variable.names) for variable in VARIABLES)


def test_no_variable_means_two_things() -> None:
    """But for the one of a peer's that is meant for two slots."""
    names = [name for variable in VARIABLES for name in variable.names] + list(OTHER_VARIABLES)
    names.remove("CODEX_BIG_MODEL")
    assert len(names) == len(set(names))


def test_the_fields_hidden_in_a_repr_are_exactly_the_secret_ones() -> None:
    secret = {(leaf.section.__name__, leaf.name) for leaf in settings.leaves().values() if leaf.secret}
    assert secret == {(section, name) for section, names in SECRETS.items() for name in names}


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("TURNOUT_UPSTREAM", "openai", "upstream", "openai"),
        ("PROXY_PORT", "4001", "server.port", 4001),
        ("TURNOUT_TOKEN", " abc\n", "server.token", "abc"),
        ("TURNOUT_NO_TOKEN", "1", "server.require_token", False),
        ("TURNOUT_NO_TOKEN", "off", "server.require_token", True),
        ("TURNOUT_ALLOWED_HOSTS", "box.local, gate:4000,", "server.allowed_hosts", ("box.local", "gate:4000")),
        ("TURNOUT_HOLD_SECONDS", "0.5", "timing.hold", 0.5),
        ("TURNOUT_OPUS_MODEL", "gpt-5.5", "slots.opus.model", "gpt-5.5"),
        ("TURNOUT_HAIKU_EFFORT", "low", "slots.haiku.effort", "low"),
        (
            "TURNOUT_FRAMING",
            "gpt-6-astra=lite, gpt-5.5=plain",
            "codex.framing",
            {"gpt-6-astra": "lite", "gpt-5.5": "plain"},
        ),
        ("CODEX_API_ENDPOINT", "http://127.0.0.1:9/r", "codex.endpoint", "http://127.0.0.1:9/r"),
        ("CHATGPT_API_URL", "http://127.0.0.1:9/r", "codex.endpoint", "http://127.0.0.1:9/r"),
        ("CODEX_HOME", "/c", "codex.home", "/c"),
        ("OPENAI_CODEX_PATH", "/o", "codex.home", "/o"),
        ("OPENAI_API_KEY", "sk-1", "openai.api_key", "sk-1"),
        ("OPENAI_API_BASE_URL", "https://x/v1", "openai.base_url", "https://x/v1"),
    ],
)
def test_variables_that_people_know(name: str, text: str, path: str, value: object) -> None:
    found: object = settings.load({name: text}, {})
    for part in path.split("."):
        found = getattr(found, part)
    assert found == value


def test_the_first_of_several_names_counts() -> None:
    assert settings.load({"CODEX_HOME": "/c", "OPENAI_CODEX_PATH": "/o"}, {}).codex.home == "/o"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert settings.load({"TURNOUT_PORT": "", "PROXY_PORT": "7"}, {}).server.port == 7


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (
            {"TURNOUT_PORT": "70000"},
            "The variable TURNOUT_PORT has '70000', but it must be a whole number from 0 to 65535.",
        ),
        ({"PROXY_PORT": "four"}, "The variable PROXY_PORT has 'four', but it must be a whole number from 0 to 65535."),
        ({"TURNOUT_NO_TOKEN": "maybe"}, "The variable TURNOUT_NO_TOKEN has 'maybe', but it must be true or false."),
        ({"TURNOUT_HOLD_SECONDS": "nan"}, "must be a number above 0, at most 86400"),
        ({"TURNOUT_HOLD_SECONDS": "0"}, "must be a number above 0, at most 86400"),
        ({"TURNOUT_UPSTREAM": "azure"}, "must be one of codex, openai."),
        ({"TURNOUT_OPUS_EFFORT": "huge"}, "one of none, minimal, low, medium, high, xhigh, max, ultra, or empty."),
        ({"TURNOUT_FRAMING": "gpt-5.5"}, "one of auto, plain, lite"),
        ({"CODEX_API_ENDPOINT": "chatgpt.com"}, "must be an http:// or https:// address."),
        ({"TURNOUT_CLIENT_VERSION": "v1"}, "a version of three numbers"),
    ],
)
def test_a_refusal_names_the_variable_the_value_and_what_is_allowed(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(environ, {})
    assert told in str(caught.value)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load({"TURNOUT_TOKEN": "my secret words"}, {})
    assert "secret words" not in str(caught.value)
    assert "TURNOUT_TOKEN" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[server]\nprot = 1", "does not know the setting server.prot in the file {file}. Did you mean server.port?"),
        ("port = 1", "Did you mean server.port?"),
        ("[sever]\nport = 1", "does not know the section [sever] in the file {file}. Did you mean server?"),
        ("server = 3", "server is a section: its settings stand under [server]."),
        ("[server]\nport = '3'", "The file {file} has '3' for server.port, but it must be a whole number"),
        ("[server]\nport = 3.5", "has 3.5 for server.port"),
        ("[slots.opus]\neffort = 'huge'", "'huge' for slots.opus.effort"),
        ("[server", "The configuration file {file} is not valid TOML:"),
        ("\udcff", "is not valid TOML"),
    ],
)
def test_a_refusal_names_the_key_of_the_file(file: Path, content: str, told: str) -> None:
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as caught:
        settings.load({}, {}, file)
    assert told.format(file=file) in str(caught.value)


def test_a_file_named_by_the_user_must_exist(file: Path) -> None:
    with pytest.raises(SettingsError, match="There is no configuration file"):
        settings.load({}, {}, file)


def test_a_file_with_a_byte_order_mark_reads(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf[slots.opus]\nmodel = 'gpt-5.5'\n")
    assert settings.load({}, {}, file).slots.opus == Slot(model="gpt-5.5")


def test_a_misspelt_variable_is_told_and_does_not_stop_anything() -> None:
    loaded = settings.resolve({"TURNOUT_PROT": "1", "TURNOUT_HOME": "/h", "PROT": "1"}, {})
    assert loaded.warnings == (
        "The variable TURNOUT_PROT is not one that Turnout knows, so it has no effect. Did you mean TURNOUT_PORT?",
    )


def test_an_unknown_flag_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(SettingsError, match=r"does not know the setting server\.prt \(a flag\)"):
        settings.load({}, {"server.prt": 1})


def test_a_configuration_shown_gives_no_secret_away() -> None:
    config = settings.load({"TURNOUT_TOKEN": "tok-12345", "OPENAI_API_KEY": "sk-12345"}, {})
    assert "12345" not in repr(config)
    assert "token=(set)" in repr(config)


def test_what_is_said_for_every_slot_outranks_what_weaker_sources_say_of_one(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[slots.opus]\nmodel = 'from-file'\neffort = 'low'\n")
    loaded = settings.resolve({"CODEX_MODEL": "gpt-5.5"}, {}, tmp_path / "config.toml")
    assert (loaded.config.model, loaded.config.slots.opus.model) == ("gpt-5.5", "")
    assert loaded.origins["slots.opus.model"] == "default"
    assert loaded.config.slots.opus.effort == "low"


def test_what_a_source_says_of_one_slot_stands_beside_what_it_says_of_all(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("model = 'all'\n[slots.opus]\nmodel = 'mine'\n")
    file = tmp_path / "config.toml"
    loaded = settings.load({}, {}, file)
    assert (loaded.model, loaded.slots.opus.model) == ("all", "mine")
    variables = {"CODEX_MODEL": "gpt-5.5", "CODEX_SMALL_MODEL": "small"}
    config = settings.load(variables, {}, file)
    assert (config.model, config.slots.opus.model, config.slots.haiku.model) == ("gpt-5.5", "", "small")
    assert settings.load(variables, {"model": "flag"}, file).slots.haiku.model == ""


def test_a_peers_variables_for_big_and_small_models_count() -> None:
    peers = {"CODEX_BIG_MODEL": "big", "CODEX_SMALL_MODEL": "small", "CODEX_REASONING": "low"}
    config = settings.load(peers, {})
    assert [slot.model for slot in (config.slots.opus, config.slots.sonnet, config.slots.haiku)] == [
        "big",
        "big",
        "small",
    ]
    assert config.effort == "low"
    assert settings.load({**peers, "CODEX_THINKING_MODEL": "deep"}, {}).slots.opus.model == "deep"
