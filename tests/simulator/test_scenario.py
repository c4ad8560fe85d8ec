"""Scenario files: read strictly, and matched to requests by what the requests say."""

from pathlib import Path

import msgspec
import pytest

from tests.simulator.wire import accepted, body, call, output, user
from turnout.simulator import FunctionCall, Message, Scenario, Turn, When, load_scenario
from turnout.simulator.scenario import bundled_scenarios


def test_the_bundled_ones_load() -> None:
    assert bundled_scenarios() == ["coding", "everything", "parallel", "stubborn"]
    for name in bundled_scenarios():
        scenario = load_scenario(name)
        assert scenario.name == name
        assert scenario.description
        assert scenario.turns


def test_files_may_be_toml_or_json(tmp_path: Path) -> None:
    toml = tmp_path / "a.toml"
    toml.write_text('[[turns]]\n[[turns.output]]\ntype = "message"\ntext = "hi"\n', encoding="utf-8")
    json = tmp_path / "a.json"
    json.write_bytes(msgspec.json.encode(load_scenario(toml)))
    assert load_scenario(toml) == load_scenario(str(json)) == Scenario(turns=[Turn(output=[Message(text="hi")])])


def test_a_mistake_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[[turns]]\n[[turns.output]]\ntype = "message"\ntxt = "hi"\n', encoding="utf-8")
    with pytest.raises(msgspec.ValidationError, match=r"turns\[0\]\.output\[0\]"):
        load_scenario(path)
    with pytest.raises(FileNotFoundError, match="Known: coding"):
        load_scenario("no-such-thing")


def test_turns_follow_the_conversation_not_a_counter() -> None:
    scenario = Scenario(turns=[Turn(output=[FunctionCall(name="f")]), Turn(output=[Message(text="end")])])
    start = accepted(body(user()))
    later = accepted(body(user(), call("1"), call("2"), output("1"), output("2")))
    assert [scenario.find(start, number) for number in (1, 2)] == [(0, scenario.turns[0])] * 2
    assert scenario.find(later, 3) == (1, scenario.turns[1])
    over = accepted(body(user(), call("1"), output("1"), call("2"), output("2")))
    assert scenario.find(over, 4) is None


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        (When(last_user_text="HELLO"), True),
        (When(last_user_text="goodbye"), False),
        (When(instructions="helpful"), True),
        (When(model="5.5"), True),
        (When(model="astra"), False),
        (When(tools=["run_command"]), True),
        (When(tools=["Bash"]), False),
        (When(tools_absent=["Bash"]), True),
        (When(tools_absent=["run_command"]), False),
        (When(subagent=False), True),
        (When(subagent=True), False),
        (When(request=1), True),
        (When(request=2), False),
        (When(round=0), True),
        (When(round=1), False),
    ],
)
def test_rules_pick_requests(when: When, matches: bool) -> None:
    assert when.matches(accepted(body(user("hello"))), 1) is matches


def test_requests_for_titles_are_left_to_the_rules() -> None:
    title = accepted(body(tools=[], text={"format": {"type": "json_schema", "name": "t", "schema": {}}}))
    assert Scenario(turns=[Turn()]).find(title, 1) is None
    assert When(structured=True).matches(title, 1)
    assert not When().matches(title, 1)
