"""What of a Responses request counts, and what is remembered of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.models import tokens
from turnout.models.tokens import ITEM_TOKENS, REPLY_TOKENS, TOOL_TOKENS, Count, Counter, survey
from turnout.models.vocabulary import Vocabulary, o200k
from turnout.protocol.errors import TurnoutError

WORDS = "The train leaves the station at noon."


def count(**request: Any) -> Count:
    return Counter(o200k()).count(survey(json.dumps(request).encode()))


def said(text: str) -> int:
    return o200k().counts([text])[0]


def message(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)}


def text(words: str) -> dict[str, Any]:
    return {"type": "input_text", "text": words}


def test_a_text_counts_the_same_as_a_string_and_as_an_item() -> None:
    as_string, as_item = count(input=WORDS), count(input=[message(text(WORDS))])
    assert as_string == as_item == count(input=[{"role": "user", "content": WORDS}])
    assert (as_item.texts, as_item.framing) == (said(WORDS), ITEM_TOKENS + REPLY_TOKENS)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"type": "function_call", "call_id": "c", "name": "Bash", "arguments": '{"a":"b"}'}, ["Bash", '{"a":"b"}']),
        ({"type": "function_call_output", "call_id": "c", "output": WORDS}, [WORDS]),
        ({"type": "function_call_output", "call_id": "c", "output": [text(WORDS)]}, [WORDS]),
        ({"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": WORDS}, ["patch", WORDS]),
        ({"type": "custom_tool_call_output", "call_id": "c", "output": WORDS}, [WORDS]),
        ({"type": "tool_search_call", "call_id": "c", "arguments": {"query": "x"}}, ['{"query": "x"}']),
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": WORDS}]}, [WORDS]),
        ({"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": WORDS}]}, [WORDS]),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_what_the_model_reads_of_an_item(item: dict[str, Any], words: list[str]) -> None:
    counted = count(input=[{**item, "id": "item_1", "status": "completed"}])
    assert counted.texts == sum(map(said, words))
    assert counted.framing == ITEM_TOKENS + REPLY_TOKENS


def test_tools_count_by_name_description_and_schema() -> None:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    tool = {"type": "function", "name": "Read", "description": WORDS, "parameters": schema, "strict": False}
    plain = count(input="", tools=[tool])
    assert plain.tools == said("Read") + said(WORDS) + said(json.dumps(schema))
    lite = {"type": "namespace", "name": "functions", "description": "", "tools": [tool]}
    assert count(input=[{"type": "additional_tools", "tools": [lite]}]).tools == plain.tools
    assert plain.framing == ITEM_TOKENS + REPLY_TOKENS + TOOL_TOKENS
    assert count(input="", tools=[{"type": "web_search"}]).tools > 0


def test_instructions_and_the_answers_schema_count() -> None:
    assert count(input="", instructions=WORDS).texts == said(WORDS)
    schema = {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}
    assert count(input="", text={"format": schema}).tools == said(json.dumps(schema))


def test_media_and_reasoning_are_estimated_and_not_certain() -> None:
    picture = {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}
    paper = {"type": "input_file", "filename": "a.pdf", "file_url": "https://example.com/a.pdf"}
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "g" * 4000}
    counted = count(input=[message(text(WORDS), picture, paper), thought])
    assert counted.media == tokens.image_tokens("", "auto") + tokens.file_tokens("")
    assert counted.reasoning == (3000 - tokens.REASONING_OVERHEAD) // tokens.BYTES_A_TOKEN
    assert counted.least == said(WORDS) + said("a.pdf")
    assert counted.least < counted.total


def test_an_inline_image_costs_nothing_for_its_bytes() -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{'QUJD' * 100_000}", "detail": "low"}
    assert count(input=[message(picture)]).total < 1000


@pytest.mark.parametrize(
    "item",
    [
        {"type": "brand_new", "payload": {"words": WORDS}},
        {"type": "message", "role": "user", "content": 7},
        {"type": "function_call_output", "output": {"words": WORDS}},
        "just a string",
        None,
    ],
)
def test_an_item_of_unknown_form_counts_as_its_json_and_spoils_no_other(item: object) -> None:
    counted = count(input=[message(text(WORDS)), item])
    assert counted.texts >= said(WORDS) + 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"input": ' + b"[" * 5000])
def test_what_is_no_request_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(TurnoutError) as refused:
        survey(body)
    assert refused.value.failure.kind == "bad_request"


def test_half_a_surrogate_pair_is_no_reason_to_refuse() -> None:
    assert Counter(o200k()).count(survey(rb'{"input":"cut \ud83d off"}')).texts > 0


class Watched(Vocabulary):
    """A vocabulary that tells what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def counts(self, texts: Any) -> list[int]:
        self.asked += texts
        return super().counts(texts)


def test_only_what_is_new_is_counted() -> None:
    vocabulary = Watched()
    counter = Counter(vocabulary)
    first = [message(text(f"turn {number}")) for number in range(20)]
    counter.count(survey(json.dumps({"input": first}).encode()))
    vocabulary.asked.clear()
    counter.count(survey(json.dumps({"input": [*first, message(text("one more"))]}).encode()))
    assert vocabulary.asked == ["one more"]


def test_no_more_is_remembered_than_allowed() -> None:
    vocabulary = Watched()
    counter = Counter(vocabulary, limit=10)
    found = survey(json.dumps({"input": [message(text(f"turn {number}")) for number in range(30)]}).encode())
    once = counter.count(found)
    assert counter.count(found) == once == Counter(o200k()).count(found)
    assert len(counter.missing(found)) >= 20


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "name", "output", "tools", "role", "arguments", "summary"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["input", "instructions", "tools", "text", "model"]), PARTS))
def test_any_json_object_can_be_counted(request: dict[str, Any]) -> None:
    counted = count(**request)
    assert 0 <= counted.least <= counted.total
