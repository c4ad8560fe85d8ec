"""Options of `claude -p` that change how the client works with the model: a wanted form of answer, a second model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.script import call, say, use
from turnout.simulator import Turn, When

if TYPE_CHECKING:
    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack

SCHEMA = {
    "type": "object",
    "properties": {
        "planets": {"type": "integer"},
        "names": {"type": "array", "items": {"type": "string"}},
        "moons": {"type": ["integer", "null"]},
    },
    "required": ["planets", "names"],
    "additionalProperties": False,
}
WANTED = {"planets": 2, "names": ["Mars", "Venus"]}


@pytest.mark.capability("Structured output (--json-schema)")
def test_an_answer_in_the_wanted_form(claude: ClaudeCode, stack: Stack) -> None:
    """The client wants the form as the arguments of a tool, and asks until it gets them right."""
    stack.play(
        say("Two planets."), use(call("StructuredOutput", planets="two")), use(call("StructuredOutput", **WANTED))
    )
    result = claude.run("Which planets?", "--output-format", "json", "--json-schema", json.dumps(SCHEMA))
    assert result.succeeded().json["structured_output"] == WANTED
    asked, reminded, corrected = stack.requests
    assert upstream.tool_named(asked, "StructuredOutput")["parameters"] == SCHEMA
    assert "StructuredOutput" in upstream.texts(reminded, "user")[-1]
    [complaint] = upstream.tool_outputs(corrected)
    assert "/planets: must be integer" in complaint
    upstream.assert_prefix_grows(stack.requests)


@pytest.mark.capability("Fallback model (--fallback-model)")
@pytest.mark.parametrize("fault", ["500", "404-model", "503"])
def test_a_second_model_answers_where_the_first_cannot(claude: ClaudeCode, stack: Stack, fault: str) -> None:
    stack.play(
        Turn(when=When(model="gpt-5.6-sol"), fault=fault, fault_times=100),
        say("From the second.", when=When(model="gpt-5.5")),
    )
    models = ("--model", "gpt-5.6-sol", "--fallback-model", "gpt-5.5")
    result = claude.run("Hello", *models, "--output-format", "json").succeeded().json
    assert result["result"] == "From the second."
    assert list(result["modelUsage"]) == ["gpt-5.5"]
    *refused, answered = stack.requests
    assert {upstream.body(request)["model"] for request in refused} == {"gpt-5.6-sol"}
    assert upstream.body(answered)["model"] == "gpt-5.5"
