"""What is said of models that cannot be had."""

from __future__ import annotations

import msgspec
import pytest

from tests.routing.asking import Request
from turnout.config import Config, Slot, Slots
from turnout.models.catalogue import Catalogue
from turnout.protocol.errors import Failure, FailureKind
from turnout.routing.route import Route
from turnout.routing.router import route
from turnout.routing.unknown import explained, is_refusal, nearest, nothing_called

CATALOGUE = Catalogue.bundled()
NEWER = (
    "The 'gpt-6.1-sol' model requires a newer version of Codex. Please upgrade to the latest app or CLI and try again."
)
PLAN = "The 'gpt-6.1-sol' model is not supported when using Codex with a ChatGPT account."


def failing(message: str) -> Failure:
    return Failure(kind=FailureKind.MODEL_UNAVAILABLE, message=message)


def words(
    message: str, chosen: Route, *, plan: str = "plus", version: str = "0.169.0", learned: bool = True
) -> tuple[str, str]:
    catalogue = CATALOGUE.without(chosen.model, plan) if learned else CATALOGUE
    found = explained(failing(message), chosen, plan=plan, client_version=version, catalogue=catalogue)
    return found.message, found.next_step


DEFAULT = route(Request(), Config(), CATALOGUE)
CHOSEN = route(Request(), Config(slots=Slots(opus=Slot(model="gpt-6.1-sol"))), CATALOGUE)
BY_NAME = route(Request(model="gpt-6.1-slo"), Config(), CATALOGUE)
PAID_BY_KEY = route(Request(), Config(upstream="openai"), CATALOGUE)


def test_a_version_that_is_too_old() -> None:
    message, step = words(NEWER, DEFAULT, version="0.130.0")
    assert "announces the Codex version 0.130.0, and this model wants 0.153.0 or newer" in message
    assert "codex.client_version" in step
    assert "the plan" not in message
    assert "0.130.0" in words(PLAN, DEFAULT, version="0.130.0")[0]  # this answer is given then as well


def test_a_plan_that_has_it_not() -> None:
    message, step = words(PLAN, DEFAULT)
    assert "The account has the plan plus" in message
    assert "Requests from now on go to gpt-6-astra" in step
    assert "a plan that is not known here" in words(PLAN, DEFAULT, plan="")[0]


def test_a_model_that_somebody_has_chosen_is_for_them_to_change() -> None:
    assert words(PLAN, CHOSEN)[1].startswith("Choose gpt-6-astra")


def test_what_is_not_learned_is_not_promised() -> None:
    assert words("Model not found gpt-6.1-sol", DEFAULT, learned=False)[1].startswith("Choose gpt-6-astra")


def test_a_name_that_is_none() -> None:
    assert "Names like it: gpt-6.1-sol" in words(PLAN, BY_NAME)[1]


def test_an_api_has_neither_plans_nor_versions() -> None:
    message, step = words("The requested model 'gpt-6.1-sol' does not exist.", PAID_BY_KEY, plan="api", version="0.1.0")
    assert message == "The requested model 'gpt-6.1-sol' does not exist."
    assert "gpt-6-astra" in step


def test_with_nothing_else_to_be_had() -> None:
    alone = Catalogue([facts for facts in CATALOGUE.all() if facts.slug == "gpt-6.1-sol"])
    found = explained(failing(PLAN), DEFAULT, plan="plus", client_version="0.169.0", catalogue=alone)
    assert found.next_step == "`turnout models` lists the models."


@pytest.mark.parametrize(
    ("message", "code", "refusal"),
    [
        (PLAN, "", True),
        (NEWER, "", True),
        ("The model `gpt-9` does not exist or you do not have access to it.", "", True),
        ("", "model_not_found", True),
        ("Model not found gpt-5.5", "", False),
        ("Not Found", "", False),
    ],
)
def test_what_is_a_refusal_of_the_model(message: str, code: str, refusal: bool) -> None:
    assert is_refusal(msgspec.structs.replace(failing(message), code=code)) is refusal


def test_nearest_names() -> None:
    names = ["gpt-5.5", "gpt-6-sol", "sonnet", "Quick"]
    assert nearest("gpt-5.55", names)[0] == "gpt-5.5"
    assert nearest("QUICK", names) == ["Quick"]
    assert nearest("llama", names) == []


def test_a_name_that_is_very_long_is_not_repeated_whole() -> None:
    failure = nothing_called("x" * 500, [], [])
    assert len(failure.text) < 400
    assert "There is none." in failure.next_step
