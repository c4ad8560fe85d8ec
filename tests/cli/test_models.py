"""`turnout models`, as a user runs it."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import read_until, turnout
from tests.cli.command import running as running_command
from tests.discovery.lister import Lister
from tests.gateway.client import wait_for
from turnout.models import bundled
from turnout.simulator import Settings, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(seed=1) as simulator:
        yield simulator


@pytest.fixture
def sim(running: Simulator) -> Simulator:
    running.reset()
    running.state.settings = Settings()
    return running


@pytest.fixture
def variables(sim: Simulator, tmp_path: Path) -> dict[str, str]:
    """The environment of someone signed in to Codex."""
    sim.write_auth_json(tmp_path / "codex" / "auth.json")
    return {
        "TURNOUT_CHATGPT_BASE_URL": sim.chatgpt_url,
        "TURNOUT_AUTH_ISSUER": sim.url,
        "TURNOUT_OPENAI_BASE_URL": sim.openai_url,
    }


def questions(sim: Simulator) -> int:
    return len([call for call in sim.calls if call.path.endswith("/models")])


def test_it_shows_the_models_the_names_and_why_and_asks_nobody(
    tmp_path: Path, variables: dict[str, str], sim: Simulator
) -> None:
    done = turnout(tmp_path, "models", variables=variables)
    assert done.returncode == 0, done.stderr
    assert re.search(r"gpt-6\.1-terra +500k \(max 872k\) +low–max \(low\) +priority", done.stdout)
    assert re.search(r"gpt-5\.5 +272k +low–xhigh \(medium\) +priority +succeeded by gpt-6-sol", done.stdout)
    assert re.search(r"haiku +gpt-6-luna · medium · codex +the lightest", done.stdout)
    assert "codex-auto-review" not in done.stdout
    assert "3 more are not offered to users; --all shows them." in done.stdout
    assert f"true on {bundled.DATED}" in done.stdout
    assert "turnout models --refresh" in done.stdout
    assert questions(sim) == 0


def test_it_asks_when_it_is_told_to_and_keeps_the_answer(
    tmp_path: Path, variables: dict[str, str], sim: Simulator
) -> None:
    sim.settings.absent = {"gpt-6.1-sol"}
    done = turnout(tmp_path, "models", "--refresh", variables=variables)
    assert done.returncode == 0, done.stderr
    assert "From the ChatGPT backend, asked as Codex 0.169.0, less than a minute ago." in done.stdout
    assert "gpt-6.1-sol" not in done.stdout
    assert re.search(r"opus +gpt-6-astra · xhigh", done.stdout)
    later = turnout(tmp_path, "models", variables=variables)
    assert "gpt-6.1-sol" not in later.stdout
    assert "less than a minute ago. `turnout models --refresh` asks again." in later.stdout
    assert questions(sim) == 1


@pytest.mark.parametrize("fault", ["500", "html", "html-200", "truncated-200"])
def test_an_answer_that_does_not_help_is_told_and_changes_nothing(
    tmp_path: Path, variables: dict[str, str], sim: Simulator, fault: str
) -> None:
    turnout(tmp_path, "models", "--refresh", variables=variables)
    sim.settings.absent = {"gpt-6.1-sol"}
    sim.account_fault(fault, times=3, path="/models")
    done = turnout(tmp_path, "models", "--refresh", variables=variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("turnout: ")
    assert "<" not in done.stderr
    assert "gpt-6.1-sol" in turnout(tmp_path, "models", variables=variables).stdout


@pytest.fixture
def box() -> Iterator[Lister]:
    with Lister(*({"id": f"vendor/m{number}", "context_length": 65_536} for number in range(20)), "last") as lister:
        yield lister


class TestOtherUpstreams:
    @pytest.fixture(autouse=True)
    def configured(self, tmp_path: Path, box: Lister) -> None:
        folder = tmp_path / "turnout"
        folder.mkdir()
        (folder / "config.toml").write_text(
            f"""[custom.box]\nbase_url = "{box.url}"\n[custom.dead]\nbase_url = "http://127.0.0.1:9/v1"\n"""
        )

    def test_their_models_are_shown_by_the_names_that_they_are_asked_for_by(
        self, tmp_path: Path, variables: dict[str, str], box: Lister
    ) -> None:
        before = turnout(tmp_path, "models", variables=variables)
        assert "box has not been asked for its models yet: turnout models --refresh" in before.stdout
        assert box.asked == []
        done = turnout(tmp_path, "models", "--refresh", variables={**variables, "COLUMNS": "200"})
        assert done.returncode == 0, done.stderr
        assert re.search(r"box/vendor/m0 +65\.54k +not known", done.stdout)
        assert "box/vendor/m12" not in done.stdout
        assert "9 more of box: turnout models box/ shows them." in done.stdout
        assert "box lists 21 models, told less than a minute ago." in done.stdout
        assert "dead has told no models yet: any name goes through to it." in done.stdout
        assert "It could not be asked the last time: " in done.stdout
        later = turnout(tmp_path, "models", "box/", variables={**variables, "COLUMNS": "200"})
        assert re.search(r"box/last +not told", later.stdout)
        assert "box/vendor/m12" in later.stdout
        assert "gpt-6-sol" not in later.stdout.split("Claude's name")[0]
        assert len(box.asked) == 1

    def test_for_scripts(self, tmp_path: Path, variables: dict[str, str]) -> None:
        turnout(tmp_path, "models", "--refresh", variables=variables)
        told = json.loads(turnout(tmp_path, "models", "box/last", "--json", variables=variables).stdout)
        (model,) = told["models"]
        assert (model["slug"], model["upstream"], model["window_known"]) == ("box/last", "box", False)
        assert {each["upstream"]: (each["state"], each["models"], bool(each["problem"])) for each in told["lists"]} == {
            "box": ("listed", 21, False),
            "dead": ("unasked", 0, True),
        }

    def test_one_in_use_has_its_own_models_and_nobody_elses(
        self, tmp_path: Path, variables: dict[str, str], sim: Simulator
    ) -> None:
        done = turnout(
            tmp_path,
            "models",
            "--upstream",
            "box",
            "--refresh",
            "--json",
            variables={**variables, "CODEX_MODEL": "last"},
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert {model["upstream"] for model in told["models"]} == {"box"}
        assert {line["upstream"] for line in told["slots"]} == {"box"}
        assert questions(sim) == 0
        shown = turnout(
            tmp_path, "models", "--upstream", "box", variables={"CODEX_MODEL": "vendor/m1", "COLUMNS": "200"}
        ).stdout
        assert re.search(r"box/vendor/m1 +65\.54k +not known +opus sonnet haiku", shown)
        assert "came with Turnout" not in shown


def test_without_a_login_it_says_how_to_get_one(tmp_path: Path) -> None:
    done = turnout(tmp_path, "models", "--refresh")
    assert done.returncode == 1
    assert "turnout login" in done.stderr
    assert turnout(tmp_path, "models").returncode == 0


def test_json(tmp_path: Path, variables: dict[str, str]) -> None:
    turnout(tmp_path, "models", "--refresh", variables=variables)
    done = turnout(tmp_path, "models", "--json", variables=variables)
    found = json.loads(done.stdout)
    assert (found["source"], found["upstream"], found["client_version"]) == ("cache", "codex", "0.169.0")
    assert 0 <= time.time() - found["fetched_at"] < 60
    assert found["models"][0]["slug"] == "gpt-6.1-sol"
    assert set(found["models"][0]["plans"]) >= {"free", "plus"}
    assert all(model["listed"] for model in found["models"])
    assert [line["slot"] for line in found["slots"]][:3] == ["opus", "sonnet", "haiku"]
    everything = json.loads(turnout(tmp_path, "models", "--all", "--json", variables=variables).stdout)
    assert "codex-auto-review" in {model["slug"] for model in everything["models"]}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("luna",), ["gpt-6-luna", "gpt-5.6-luna"]),
        (("SOL", "5.6"), ["gpt-5.6-sol"]),
        (("review",), ["codex-auto-review"]),
    ],
)
def test_words_leave_the_models_that_have_them(tmp_path: Path, words: tuple[str, ...], found: list[str]) -> None:
    done = turnout(tmp_path, "models", *words, "--json")
    assert [model["slug"] for model in json.loads(done.stdout)["models"]] == found


def test_words_that_no_model_has(tmp_path: Path) -> None:
    done = turnout(tmp_path, "models", "gpt-6-lunar")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Near it: gpt-6-luna" in done.stderr


def test_an_apis_models(tmp_path: Path, variables: dict[str, str], sim: Simulator) -> None:
    variables = {**variables, "OPENAI_API_KEY": sim.api_key}
    done = turnout(tmp_path, "models", "--refresh", "--all", "--upstream", "openai", variables=variables)
    assert "From the OpenAI API, less than a minute ago." in done.stdout
    assert re.search(r"gpt-4\.1 +272k +not known +not offered", done.stdout)
    assert re.search(r"opus +gpt-6\.1-sol · xhigh · openai", done.stdout)


def test_what_the_user_has_set_is_shown_so(tmp_path: Path) -> None:
    done = turnout(tmp_path, "models", variables={"TURNOUT_HAIKU_MODEL": "gpt-5.5"})
    assert re.search(r"haiku +gpt-5\.5 · medium · codex +set in the configuration", done.stdout)


def test_a_newer_codex_cli_shows_which_version_there_is(tmp_path: Path) -> None:
    from turnout.simulator import catalogue

    (tmp_path / "codex").mkdir()
    cache = {
        "fetched_at": "2026-11-20T10:00:00Z",
        "client_version": "0.180.0",
        "models": catalogue.codex_listing((0, 180, 0)),
    }
    (tmp_path / "codex" / "models_cache.json").write_text(json.dumps(cache))
    done = turnout(tmp_path, "models")
    assert "turnout config set codex.client_version 0.180.0" in done.stdout


def test_picking_needs_someone_to_answer(tmp_path: Path) -> None:
    done = turnout(tmp_path, "models", "pick", "haiku")
    assert done.returncode == 1
    assert "turnout config set slots.haiku.model NAME" in done.stderr
    assert turnout(tmp_path, "models", "pick", "hiaku").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of Unix's kind")
class TestPicking:
    """The questions, in a real terminal."""

    def file(self, home: Path) -> Path:
        return home / "turnout" / "config.toml"

    def test_one_slot(self, tmp_path: Path) -> None:
        from tests.cli.terminal import Command

        with Command(tmp_path, "models", "pick", "haiku", variables={}) as user:
            user.wait_for("haiku stands for gpt-6-luna now: the lightest")
            user.wait_for("Model for haiku")
            user.submit("9")
            user.wait_for("Effort for haiku where a request names none (low, medium, high, xhigh; -")
            user.submit("max")
            user.wait_for("'max' is none of them.")
            user.submit("low")
            user.wait_for("Write this?")
            assert not self.file(tmp_path).exists()
            shown = user.text
            assert '+model = "gpt-5.5"' in shown
            assert '+effort = "low"' in shown
            user.press("\r")
            user.wait_for("A gateway that runs takes it over by itself.")
            assert user.ended() == 0
        done = turnout(tmp_path, "models")
        assert re.search(r"haiku +gpt-5\.5 · low · codex +set in the configuration", done.stdout)

    def test_several_of_them_with_a_mistake_and_back_again(self, tmp_path: Path) -> None:
        from tests.cli.terminal import Command

        self.file(tmp_path).parent.mkdir()
        self.file(tmp_path).write_text('# mine\n[slots.opus]\nmodel = "gpt-6-astra" # for now\n[server]\nport = 4100\n')
        with Command(tmp_path, "models", "pick", variables={}) as user:
            user.wait_for("Number or name; Enter ends")
            user.submit("opos")
            user.wait_for("There is no name 'opos'.")
            user.submit("1")
            user.wait_for("Model for opus")
            user.submit("-")
            user.wait_for("Effort for opus")
            user.press("\r", until="1  opus         gpt-6.1-sol")
            user.submit("sonnet")
            user.wait_for("Model for sonnet")
            user.submit("llama-3")
            user.wait_for("There is no model 'llama-3' here.")
            user.submit("gpt-6-sol@low")
            user.wait_for("Effort for sonnet")
            user.press("\r", until="2  sonnet       gpt-6-sol · low")
            user.press("\r", until="Write this?")
            user.submit("y")
            assert user.ended() == 0
        text = self.file(tmp_path).read_text()
        assert text.startswith("# mine\n")
        assert "gpt-6-astra" not in text
        assert 'model = "gpt-6-sol@low"' in text
        assert "port = 4100" in text

    def test_nothing_is_written_without_a_yes(self, tmp_path: Path) -> None:
        from tests.cli.terminal import Command

        with Command(tmp_path, "models", "pick", "opus", variables={}) as user:
            user.wait_for("Model for opus")
            user.submit("gpt-5.5")
            user.wait_for("Effort for opus")
            user.press("\r", until="Write this?")
            user.submit("n")
            assert user.ended() == 1
        assert not self.file(tmp_path).exists()

    def test_who_changes_nothing_is_asked_nothing_more(self, tmp_path: Path) -> None:
        from tests.cli.terminal import Command

        with Command(tmp_path, "models", "pick", "opus", variables={}) as user:
            user.wait_for("Model for opus")
            user.press("\r", until="Effort for opus")
            user.press("\r", until="Nothing changes.")
            assert user.ended() == 0
        assert not self.file(tmp_path).exists()

    def test_what_counts_before_the_file_is_told(self, tmp_path: Path) -> None:
        from tests.cli.terminal import Command

        with Command(tmp_path, "models", "pick", "opus", variables={"TURNOUT_OPUS_MODEL": "gpt-6-sol"}) as user:
            user.wait_for("Model for opus")
            user.submit("gpt-5.5")
            user.wait_for("Effort for opus")
            user.press("\r", until="Write this?")
            user.submit("y")
            user.wait_for("TURNOUT_OPUS_MODEL counts before the file")


def test_a_gateway_that_runs_takes_the_news_over(tmp_path: Path, variables: dict[str, str], sim: Simulator) -> None:
    with running_command(tmp_path, "serve", "--port", "0", variables=variables) as process:
        read_until(process, "listens on")
        wait_for(lambda: questions(sim) == 1, 20)
        sim.settings.absent = {"gpt-6.1-sol"}
        assert turnout(tmp_path, "models", "--refresh", variables=variables).returncode == 0
        assert questions(sim) == 3, "the gateway's first, the command's, and the gateway's second"
