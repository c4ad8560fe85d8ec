"""Any answer, in any wire style, is a legal stream from which the same items can be gathered."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.test_stream import assert_legal
from tests.simulator.wire import Answer, accepted, body
from turnout.simulator import (
    CustomToolCall,
    FunctionCall,
    Message,
    Pacing,
    Reasoning,
    Turn,
    WebSearch,
    WireStyle,
)
from turnout.simulator.ids import Ids
from turnout.simulator.items import Context, words
from turnout.simulator.steps import Emit
from turnout.simulator.stream import Envelope, answer
from turnout.simulator.wire import Framer

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
outputs = st.one_of(
    st.builds(Reasoning, summary=st.lists(texts, max_size=3), text=texts),
    st.builds(Message, text=texts, refusal=st.booleans()),
    st.builds(
        FunctionCall,
        name=st.sampled_from(["a", "b"]),
        arguments=st.one_of(texts, st.dictionaries(texts, st.one_of(texts, st.integers(), st.none()), max_size=3)),
        arguments_in=st.sampled_from(["deltas", "done", "item"]),
        late_name=st.booleans(),
    ),
    st.builds(CustomToolCall, name=st.just("c"), input=texts),
    st.builds(WebSearch, query=texts, failed=st.booleans()),
)
styles = st.builds(
    WireStyle, crlf=st.booleans(), data_only=st.booleans(), comments=st.booleans(), split=st.integers(0, 9)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(outputs, max_size=6), st.booleans(), styles, st.sampled_from(["codex", "openai"]))
def test_any_turn_is_a_legal_stream(said: list, interleave: bool, style: WireStyle, dialect: str) -> None:
    request = accepted(body(), dialect)
    context = Context(request=request, ids=Ids(1), seal=lambda thought: "gAAAA" + thought)
    envelope = Envelope(response_id="resp_1", created_at=0, input_tokens=1, cached_tokens=0)
    framer = Framer(style)
    steps = answer(Turn(output=said, interleave=interleave), Pacing(), context, envelope)
    pieces = [piece for step in steps if isinstance(step, Emit) for piece in framer.pieces(framer.frame(step.event))]
    assert all(len(piece) <= style.split for piece in pieces) or not style.split
    gathered = Answer(raw=b"".join(pieces))
    assert_legal(gathered)
    assert [item["type"] for item in gathered.items] == [output.__struct_config__.tag for output in said]


@given(st.text())
def test_words_join_to_the_text(text: str) -> None:
    assert "".join(words(text)) == text
