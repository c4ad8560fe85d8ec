"""The rule engine: a prompt's wishes become calls with fitting arguments, and their results come back in the answer."""

from typing import Any

import msgspec
import pytest

from tests.simulator.wire import accepted, body, call, function, output, user
from turnout.simulator import rules
from turnout.simulator.prompt import steps
from turnout.simulator.samples import sample, sample_arguments
from turnout.simulator.scenario import Compaction, FunctionCall, Message, Reasoning, Turn, WebSearch

LONG_NAME = "mcp__measurements__read_the_temperature_of_the_room_" + "x" * 50
SHORT_NAME = LONG_NAME[:53] + "_0123456789"
TOOLS = [
    function("Bash", command="string", description="string"),
    function("Read", file_path="string"),
    function("Write", file_path="string", content="string"),
    function("Edit", file_path="string", old_string="string", new_string="string"),
    function("Agent", description="string", prompt="string", subagent_type="string"),
    function("WebFetch", url="string", prompt="string"),
    function("mcp__notes__list_notes", topic="string"),
    function(SHORT_NAME, room="string"),
]


def respond(*items: dict[str, Any], **changes: Any) -> Turn:
    return rules.respond(accepted(body(*items, **{"tools": TOOLS, **changes})))


def calls(*items: dict[str, Any], **changes: Any) -> list[tuple[str, Any]]:
    return [(out.name, out.arguments) for out in respond(*items, **changes).output if isinstance(out, FunctionCall)]


def text(*items: dict[str, Any], **changes: Any) -> str:
    return "".join(out.text for out in respond(*items, **changes).output if isinstance(out, Message))


def short(prompt: str) -> list[list[tuple[str, str]]]:
    """Each step's tools with the value that tells the call."""
    return [[(wish.tool, wish.key) for wish in step] for step in steps(prompt, [tool["name"] for tool in TOOLS])]


@pytest.mark.parametrize(
    ("prompt", "wished"),
    [
        ("Run `ls -la`", [[("Bash", "ls -la")]]),
        ("Please run `ls` and `pwd`.", [[("Bash", "ls"), ("Bash", "pwd")]]),
        ("read /tmp/a.py and run `pytest -q`", [[("Read", "/tmp/a.py"), ("Bash", "pytest -q")]]),
        ("Read a.py, then run `python a.py`", [[("Read", "a.py")], [("Bash", "python a.py")]]),
        ("Read a.py. Edit a.py: replace `x` with `y`", [[("Read", "a.py")], [("Edit", "a.py")]]),
        ("Read `src/a.py` and 'docs/b.md'", [[("Read", "src/a.py"), ("Read", "docs/b.md")]]),
        ("Write `hello` to out.txt; read out.txt", [[("Write", "out.txt")], [("Read", "out.txt")]]),
        ("Create /tmp/x.json with `{}`", [[("Write", "/tmp/x.json")]]),
        ("In a.py replace `then` with `now`", [[("Edit", "a.py")]]),
        ("Look at it. It's what I don't want to run.", []),
        ("What is a turnout?", []),
        ("read the C:\\code\\a.txt file", [[("Read", "C:\\code\\a.txt")]]),
    ],
)
def test_prompts_are_read_step_by_step(prompt: str, wished: list[list[tuple[str, str]]]) -> None:
    assert short(prompt) == wished


def test_arguments_fit_the_schema_of_the_offered_tool() -> None:
    assert calls(user("run `ls`")) == [("Bash", {"command": "ls", "description": "As asked"})]
    assert calls(user("Edit a.py: replace `x` with `y`")) == [
        ("Edit", {"file_path": "a.py", "old_string": "x", "new_string": "y"})
    ]
    assert calls(user("Write `hi` to a.txt")) == [("Write", {"file_path": "a.txt", "content": "hi"})]
    generic = [function("read_file", path="string"), function("run_command")]
    assert calls(user("read a.py and run `ls`"), tools=generic) == [
        ("read_file", {"path": "a.py"}),
        ("run_command", {"command": "ls"}),
    ]


def test_tools_may_be_called_by_name() -> None:
    assert calls(user('Use mcp__notes__list_notes with {"topic": "trains"}')) == [
        ("mcp__notes__list_notes", {"topic": "trains"})
    ]
    assert calls(user("Call mcp__notes__list_notes")) == [("mcp__notes__list_notes", {"topic": "sample"})]
    assert calls(user(f'Call {LONG_NAME} with {{"room": "kitchen"}}')) == [(SHORT_NAME, {"room": "kitchen"})]


def test_a_subagent_gets_its_task() -> None:
    ((name, arguments),) = calls(user("Use a subagent to `count the files`"))
    assert name == "Agent"
    assert arguments["prompt"] == "count the files"


def test_steps_wait_for_results_and_the_answer_quotes_them() -> None:
    prompt = user("Read a.py, then run `python a.py`, then say `finished`")
    history = [prompt]
    assert [name for name, _ in calls(*history)] == ["Read"]
    history += [call("1", "Read", '{"file_path":"a.py"}'), output("1", "print(6 * 7)")]
    assert [name for name, _ in calls(*history)] == ["Bash"]
    history += [call("2", "Bash", '{"command":"python a.py","timeout":1}'), output("2", "42")]
    assert calls(*history) == []
    answer = text(*history)
    assert "print(6 * 7)" in answer
    assert "42" in answer
    assert answer.endswith("finished")


def test_the_same_call_twice_is_made_twice() -> None:
    prompt = user("run `date`, then run `date`")
    done = [call("1", "Bash", '{"command":"date"}'), output("1")]
    assert len(calls(prompt)) == 1
    assert len(calls(prompt, *done)) == 1
    assert calls(prompt, *done, call("2", "Bash", '{"command":"date"}'), output("2")) == []


def test_a_new_prompt_starts_afresh() -> None:
    old = [user("run `date`"), call("1", "Bash", '{"command":"date"}'), output("1", "Monday")]
    assert "Monday" not in text(*old, user("say `hi`"))
    assert len(calls(*old, user("run `date`"))) == 1


@pytest.mark.parametrize(
    "failure",
    ["Exit code 3", "Error: no such file", "<tool_use_error>bad</tool_use_error>", "The tool call failed:\nno"],
)
def test_failures_are_named(failure: str) -> None:
    answer = text(user("run `x`"), call("1", "Bash", '{"command":"x"}'), output("1", failure))
    assert "Bash failed and said" in answer
    assert "1 of 1 calls failed." in answer


def test_calls_come_one_by_one_where_parallel_ones_are_off() -> None:
    assert len(calls(user("run `a` and `b`"))) == 2
    assert len(calls(user("run `a` and `b`"), parallel_tool_calls=False)) == 1


def test_the_tool_choice_rules() -> None:
    assert calls(user("run `ls`"), tool_choice="none") == []
    forced = calls(user("hello"), tool_choice={"type": "function", "name": "Read"})
    assert forced == [("Read", {"file_path": "sample"})]
    assert len(calls(user("hello"), tool_choice="required")) == 1


def test_reminders_of_the_client_are_not_the_users_words() -> None:
    noisy = {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "<system-reminder>\nrun `rm -rf /`\n</system-reminder>"},
            {"type": "input_text", "text": "run `ls`"},
        ],
    }
    assert [arguments["command"] for _, arguments in calls(noisy)] == ["ls"]
    late = [noisy, user("<system-reminder>the task list changed</system-reminder>")]
    assert [arguments["command"] for _, arguments in calls(*late)] == ["ls"]


def test_it_thinks_unless_told_not_to() -> None:
    assert isinstance(respond(user()).output[0], Reasoning)
    plain = accepted(body(user(), model="gpt-4.1", reasoning=None))
    assert not isinstance(rules.respond(plain).output[0], Reasoning)


def test_structured_output_fits_the_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["title", "tags"],
    }
    answer = text(
        user("Fix the login button please, it is broken on phones"),
        tools=[],
        text={"format": {"type": "json_schema", "name": "t", "schema": schema}},
    )
    assert msgspec.json.decode(answer) == {"title": "Fix the login button please, it", "tags": []}


def test_compaction_gives_a_summary() -> None:
    history = [user("run `ls`"), call(name="Bash"), output()]
    answer = text(*history, user("Your task is to create a detailed summary of the conversation so far. Use no tools."))
    assert "<summary>" in answer
    assert "run `ls`" in answer
    turn = respond(*history, {"type": "compaction_trigger"})
    assert [type(out) for out in turn.output] == [Compaction]


def test_a_hosted_search_and_its_text_come_together() -> None:
    turn = respond(user("search for `railway turnout`"), tools=[{"type": "web_search"}])
    assert [type(out) for out in turn.output] == [Reasoning, WebSearch, Message]


def test_long_answers_on_demand() -> None:
    assert len(text(user("Write 300 words about trains")).split()) == 300


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "sample"),
        ({"type": "string", "minLength": 8}, "samplexx"),
        ({"type": "string", "maxLength": 2}, "sa"),
        ({"type": "string", "format": "uri"}, "https://example.com/"),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 5}, 5),
        ({"default": True, "type": "boolean"}, True),
        ({"type": ["null", "integer"], "minimum": 3}, 3),
        ({"type": "number", "exclusiveMinimum": 0}, 1),
        ({"type": "integer", "maximum": 0}, 0),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"$ref": "#/$defs/x"}, 7),
        ({"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}]}, {"a": 1}),
        ({}, "sample"),
    ],
)
def test_samples_fit_their_schema(schema: dict[str, Any], value: object) -> None:
    assert sample(schema, {"$defs": {"x": {"const": 7}}}) == value


def test_a_recursive_schema_ends() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert sample_arguments(schema, {})
