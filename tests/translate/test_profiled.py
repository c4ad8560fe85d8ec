"""A profile applied to a request that is already translated: what is odd stays whole, and the body can go on."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.translate.asking import CODEX
from turnout.protocol.fidelity import ignored
from turnout.translate.body import Beginning, joined, whole_body
from turnout.translate.profile import USUAL, Profile, Wanted, resolved
from turnout.translate.profiled import applied
from turnout.translate.translation import Translation

BACKENDS = "You are an agent."
USER = {"type": "message", "role": "user", "content": "Hello."}
MERGED, DEFAULT = Profile(prompt_mode="merge_custom"), Profile(prompt_mode="codex_default")


def translated(items: list[Any], **fields: Any) -> Translation:
    """A translation as the doors make them."""
    made = [(name, json.dumps(value).encode()) for name, value in {"model": "m", **fields}.items()]
    head = joined(made)
    body = whole_body(head, [json.dumps(item).encode() for item in items])
    return Translation(body, {}, (), (), "plain", None, {}, None, Beginning.of(made, head))


def apply(profile: Profile, items: list[Any], **fields: Any) -> tuple[dict[str, Any], Translation]:
    target = msgspec.structs.replace(CODEX, profile=profile, instructions=BACKENDS, surroundings="<here>")
    made = applied(translated(items, **fields), target)
    return json.loads(made.body), made


def developer(content: object) -> dict[str, Any]:
    return {"type": "message", "role": "developer", "content": content}


def test_what_changes_nothing_gives_the_very_translation() -> None:
    before = translated([USER])
    assert applied(before, CODEX) is before


def test_notes_of_options_without_effect_leave_the_body_alone() -> None:
    note = ignored("x", "y")
    _, made = apply(Profile(notes=(note,)), [USER])
    assert made.notes == (note,)
    assert made.body == translated([USER]).body


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "input_text", "text": "See:"}, {"type": "input_image", "image_url": "data:,"}],
        [7],
        None,
        {"a": 1},
    ],
)
def test_a_prompt_that_is_more_than_text_is_not_merged(content: object) -> None:
    sent, _ = apply(MERGED, [developer("First."), developer(content), USER], instructions="Own.")
    assert sent["instructions"] == f"{BACKENDS}\n\nOwn.\n\nFirst."
    assert sent["input"] == [developer(content), USER]


def test_a_request_is_never_merged_away() -> None:
    sent, _ = apply(MERGED, [developer("One."), developer("Two.")])
    assert (sent["instructions"], sent["input"]) == (f"{BACKENDS}\n\nOne.", [developer("Two.")])


def test_later_instructions_stay_in_their_place() -> None:
    sent, _ = apply(MERGED, [developer("One."), USER, developer("Later.")])
    assert sent["input"] == [USER, developer("Later.")]


def test_own_instructions_become_the_first_message() -> None:
    sent, _ = apply(DEFAULT, [USER], instructions="Own.")
    assert sent["instructions"] == BACKENDS
    assert sent["input"] == [developer([{"type": "input_text", "text": "Own."}]), USER]


def test_functions_in_namespaces_are_changed_and_told_of_too() -> None:
    inner = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True, "new": [1]}
    space = {"type": "namespace", "name": "sums", "description": "", "tools": [inner]}
    profile = Profile(tool_schema_mode="codex_default", tool_text_format="summary")
    sent, made = apply(profile, [USER], tools=[space, {"type": "web_search", "name": 5}])
    assert sent["tools"][0] == {**space, "tools": [{**inner, "strict": False}]}
    assert sent["tools"][1] == {"type": "web_search", "name": 5}
    assert sent["input"][0]["content"][0]["text"] == "You can call these tools:\n- add\n- web_search"
    assert next(note.place for note in made.notes) == "tools[0].tools[0]"


def test_a_long_description_is_cut_in_a_summary() -> None:
    tool = {"type": "custom", "name": "long", "description": "word\n" * 100}
    sent, _ = apply(Profile(tool_text_format="summary"), [USER], tools=[tool])
    (_, line) = sent["input"][0]["content"][0]["text"].split("\n")
    assert line.startswith("- long: word word")
    assert len(line) < 220


def test_without_tools_there_is_nothing_to_tell() -> None:
    sent, _ = apply(Profile(tool_text_format="codex_xml"), [USER])
    assert sent["input"] == [USER]


def test_the_machine_is_told_of_behind_the_prompt() -> None:
    sent, _ = apply(Profile(include_environment_context=True), [developer("One."), USER])
    assert sent["input"][1] == {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "<here>"}],
    }


def test_items_of_other_kinds_keep_their_bytes() -> None:
    odd = [{"type": "tool_search_output", "tools": 5, "role": None}, {"type": "new", "content": {"a": 1}}]
    sent, _ = apply(Profile(prompt_mode="merge_custom", include_environment_context=True), [*odd, USER])
    assert sent["input"][1:] == [*odd, USER]


def test_an_answer_of_several_requests_goes_on_with_the_same_beginning() -> None:
    _, made = apply(DEFAULT, [USER], tool_choice="required")
    later = json.loads(made.beginning.extended(made.body, [b'{"type":"new"}']))
    assert (later["instructions"], later["tool_choice"]) == (BACKENDS, "auto")
    assert later["input"] == [USER, {"type": "new"}]


def test_what_a_request_leaves_open_is_the_upstreams() -> None:
    made = resolved(MERGED, Wanted(tool_text_format="summary"), brings_prompt=False)
    assert (made.prompt_mode, made.tool_text_format) == ("merge_custom", "summary")
    assert resolved(USUAL, Wanted(), brings_prompt=True) is USUAL
