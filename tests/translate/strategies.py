"""Random conversations and random answers, from sound to absurd."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.translate import answers, asking

Json = dict[str, Any]

WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", "\n", "\\", '"', "\u2028", "\x7f", "🚂", "ß", "\\ud83d", "x-anthropic-billing-header: a\nb"]
    ),
)
IDS = st.sampled_from(["a", "b", "a#2", "", "toolu_é/:|", "x" * 90 + "1", "x" * 90 + "2"])
NAMES = st.sampled_from(
    ["Bash", "Read", "mcp__wire__" + "y" * 90, "mcp__wire__" + "y" * 89 + "z", "dotted.name", "ü", ""]
)
SIGNATURES = st.sampled_from(
    [
        "",
        "EqQBCgIYAhIkNativeAnthropicSignature==",
        "turnout:1:",
        "turnout:1:acct-1:gpt-5.5:rs_1:",
        "turnout:1:acct-1:gpt-5.5:ab 1:gAAAA",
        "turnout:1:acct-1:gpt-5.5:rs_1:hex.ff",
        "turnout:1:acct-1:gpt-5.5:rs_1:hex.zz",
        "turnout:1:acct-2:gpt-5.5:rs_1:gAAAA",
        "turnout:2:acct-1:gpt-5.5:rs_1:gAAAA",
        "turnout:1:acct-1:gpt-5.5:rs_1:gAAAA:more",
        "turnout:1:%:%zz::gé",
        "ü",
    ]
)
"""None of them may become a reasoning item for account ``acct-1`` and model ``gpt-5.5``."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
MARKS = st.sampled_from([{}, {}, {"cache_control": {"type": "ephemeral"}}, {"citations": None, "new_field": [1]}])

TEXT_BLOCKS = st.builds(lambda words, mark: asking.text(words, **mark), WORDS, MARKS)
MEDIA_BLOCKS = st.sampled_from(
    [
        asking.image(),
        {
            "type": "image",
            "source": {"type": "url", "url": "https://x.test/a.png"},
            "cache_control": {"type": "ephemeral"},
        },
        asking.pdf(),
        {**asking.pdf(), "title": "Plan ü", "context": "yard"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": ""}},
        {"type": "document", "source": {"type": "content", "content": [asking.text("inner"), asking.image()]}},
        {"type": "document", "source": {"type": "content", "content": []}},
    ]
)
UNKNOWN_BLOCKS = st.builds(
    lambda kind, fields, mark: {**fields, **mark, "type": kind},
    st.sampled_from(["my_note", "search_result", "code_execution_tool_result", "container_upload", ""]),
    OBJECTS,
    MARKS,
)
INNER_BLOCKS = st.one_of(
    TEXT_BLOCKS,
    MEDIA_BLOCKS,
    UNKNOWN_BLOCKS,
    st.builds(lambda name: {"type": "tool_reference", "tool_name": name}, NAMES),
)
RESULT_CONTENTS = st.one_of(WORDS, st.none(), st.lists(INNER_BLOCKS, max_size=3))
RESULT_BLOCKS = st.builds(
    lambda call_id, content, failed, mark: asking.tool_result(call_id, content, **failed, **mark),
    IDS,
    RESULT_CONTENTS,
    st.sampled_from([{}, {"is_error": True}, {"is_error": False}, {"is_error": None}]),
    MARKS,
)
CALL_BLOCKS = st.builds(
    lambda call_id, name, arguments, mark: {**asking.tool_use(call_id, name, arguments), **mark},
    IDS,
    NAMES,
    JSON,
    MARKS,
)
THINKING_BLOCKS = st.one_of(
    st.builds(asking.thinking, SIGNATURES, WORDS),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, SIGNATURES),
    st.just({"type": "thinking", "thinking": "without a signature"}),
)
SEARCH_BLOCKS = st.one_of(
    st.builds(
        lambda call_id, name, arguments: {"type": "server_tool_use", "id": call_id, "name": name, "input": arguments},
        IDS,
        st.sampled_from(["web_search", "web_search", "web_fetch"]),
        JSON | st.builds(lambda query: {"query": query}, JSON),
    ),
    st.builds(
        lambda call_id, content: {"type": "web_search_tool_result", "tool_use_id": call_id, "content": content},
        IDS,
        JSON | st.lists(st.builds(lambda title, url: {"title": title, "url": url}, JSON, WORDS), max_size=2),
    ),
)
BLOCKS = st.one_of(INNER_BLOCKS, CALL_BLOCKS, RESULT_BLOCKS, THINKING_BLOCKS, SEARCH_BLOCKS)
MESSAGES = st.builds(
    lambda role, content, extra: {"role": role, "content": content, **extra},
    st.sampled_from(["user", "assistant", "system"]),
    WORDS | st.lists(BLOCKS, max_size=4),
    st.sampled_from([{}, {"output_config": {"effort": "low"}, "id": "x"}]),
)
"""Any blocks in any role, with ids that are doubled, orphaned and too long."""
CONVERSATIONS = st.lists(MESSAGES, min_size=1, max_size=5)

SCHEMAS = st.sampled_from(
    [
        {"type": "object", "properties": {}},
        {"type": "object"},
        {},
        None,
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"a": {"type": "string"}},
        },
        {"type": "object", "properties": {"a": {"type": ["string", "null"], "format": "uri"}}, "required": ["a"]},
    ]
)
TOOLS = st.builds(
    lambda name, schema, description, extra: {"name": name, "input_schema": schema, **description, **extra},
    NAMES.filter(bool),
    SCHEMAS,
    st.sampled_from([{}, {"description": ""}, {"description": None}, {"description": "Does it."}]),
    st.sampled_from([{}, {"defer_loading": True}, {"type": "custom"}, {"eager_input_streaming": True, "strict": True}]),
) | st.sampled_from(
    [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
        {"name": "DeferredToolPlaceholder", "description": "", "input_schema": {}, "defer_loading": True},
    ]
)
CHOICES = st.one_of(
    st.sampled_from([None, {"type": "auto"}, {"type": "any"}, {"type": "none"}]),
    st.builds(lambda name: {"type": "tool", "name": name}, NAMES | st.sampled_from(["web_search"])),
    st.builds(lambda parallel: {"type": "auto", "disable_parallel_tool_use": parallel}, st.booleans()),
)
SYSTEMS = st.one_of(st.none(), WORDS, st.lists(st.builds(asking.text, WORDS), max_size=3))
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "system": SYSTEMS,
        "tools": st.none() | st.lists(TOOLS, max_size=4, unique_by=lambda tool: tool["name"]),
        "tool_choice": CHOICES,
        "max_tokens": st.integers(1, 10**6) | st.none(),
        "stop_sequences": st.none() | st.lists(WORDS, max_size=2),
        "temperature": st.none() | st.floats(0, 1),
        "thinking": st.sampled_from(
            [
                None,
                {"type": "adaptive", "display": "omitted"},
                {"type": "enabled", "budget_tokens": 5},
                {"type": "disabled"},
            ]
        ),
        "output_config": st.sampled_from(
            [None, {}, {"effort": "low"}, {"format": {"type": "json_schema", "schema": {"type": "object"}}}]
        ),
        "metadata": st.none() | st.builds(lambda words: {"user_id": words}, WORDS),
        "speed": st.sampled_from([None, "fast", "standard"]),
        "stream": st.sampled_from([None, True, False]),
        "safeguards": OBJECTS,
        "context_management": OBJECTS,
        "a_field_of_next_year": JSON,
    },
)
"""Everything but the messages, as a client may send it."""


def mangled(request: Json) -> st.SearchStrategy[Json]:
    """`request` with one value somewhere in it replaced by any JSON at all, or left out."""
    places = list(_places(request, ()))
    return st.builds(
        lambda place, value: _replaced(request, place, value), st.sampled_from(places), JSON | st.just(...)
    )


def _places(value: object, path: tuple[Any, ...]) -> Any:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _places(child, (*path, key))


def _replaced(request: Json, place: tuple[Any, ...], value: object) -> Json:
    copy: Json = json.loads(json.dumps(request))
    holder: Any = copy
    for key in place[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return copy


# Upstream's answers

INDEXES = st.integers(-1, 3)
ODD = st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.just([]), st.just({}), WORDS)
TEXTS = WORDS | ODD
EVENT_TYPES = (
    "response.created",
    "response.in_progress",
    "response.queued",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.output_text.annotation.added",
    "response.refusal.delta",
    "response.refusal.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.custom_tool_call_input.delta",
    "response.web_search_call.searching",
    "response.image_generation_call.partial_image",
    "response.metadata",
    "codex.rate_limits",
    "keepalive",
    "surprise",
)
"""Every type of codex-backend.md 3.1 that does not end a stream."""
SILENT_TYPES = (
    "response.created",
    "response.in_progress",
    "response.queued",
    "response.content_part.added",
    "response.content_part.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.done",
    "response.custom_tool_call_input.delta",
    "response.custom_tool_call_input.done",
    "response.web_search_call.in_progress",
    "response.web_search_call.searching",
    "response.web_search_call.completed",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    "response.image_generation_call.partial_image",
    "response.image_generation_call.completed",
    "response.compaction.compacting",
    "response.code_interpreter_call.in_progress",
    "response.file_search_call.searching",
    "response.mcp_call.in_progress",
    "response.metadata",
    "codex.response.metadata",
    "codex.rate_limits",
    "keepalive",
    "surprise",
)
"""Those whose content, if they have any, other events repeat or no client can be shown."""
TELLING_TYPES = (
    *("response.output_item.added",) * 3,
    *("response.output_item.done",) * 2,
    "response.output_text.delta",
    "response.output_text.done",
    "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_text.annotation.added",
)
"""Those that make blocks, as often as they do."""
CITATIONS = st.fixed_dictionaries(
    {"type": st.sampled_from(["url_citation", "url_citation", "file_citation"])},
    optional={
        "url": st.sampled_from(["https://a.test/x", "https://b.test", "", None]),
        "title": WORDS | st.none(),
        "start_index": ODD,
        "end_index": ODD,
    },
)
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["output_text", "refusal", "summary_text", "reasoning_text", "surprise"])},
    optional={
        "text": WORDS | st.none(),
        "refusal": WORDS | st.none(),
        "annotations": st.lists(CITATIONS, max_size=2) | ODD,
    },
)
ACTIONS = st.fixed_dictionaries(
    {"type": st.sampled_from(["search", "open_page", "find_in_page", ""])},
    optional={
        "query": WORDS | st.none(),
        "queries": st.none() | st.lists(WORDS, max_size=2),
        "url": st.sampled_from(["https://a.test/x", "", None]),
        "pattern": WORDS | st.none(),
        "sources": st.none() | st.lists(st.fixed_dictionaries({"url": st.just("https://c.test")}), max_size=2) | ODD,
    },
)
ITEMS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["message", "reasoning", "function_call", "function_call", "web_search_call", "compaction", ""]
        )
    },
    optional={
        "id": st.none() | st.sampled_from(["rs_1", "msg_" + "a" * 400, ""]),
        "content": st.none() | st.lists(PARTS, max_size=2),
        "summary": st.none() | st.lists(PARTS, max_size=2),
        "encrypted_content": st.none() | st.sampled_from(["gAAAA", "", "ü", '"\\', "hex.61"]),
        "call_id": st.none() | st.sampled_from(["call_1", "call_2", ""]),
        "name": st.sampled_from(["Bash", "short_name", "Bash", "web_search", "", None]),
        "arguments": st.none() | WORDS | st.sampled_from(['{"a":1}', '{"query":"trains"}']),
        "action": ACTIONS | ODD,
        "status": st.sampled_from(["completed", "failed", None]),
    },
)
ODD_ITEMS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("type", "id", "content", "summary", "encrypted_content", "call_id", "name", "arguments"), ODD
    ),
)
USAGES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": ODD,
        "output_tokens": st.integers(-5, 50) | st.floats(-5, 50),
        "input_tokens_details": st.none() | st.fixed_dictionaries({"cached_tokens": st.integers(-5, 200)}),
        "output_tokens_details": ODD,
    },
)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """One event of any type: fields of any kind, missing, null, or of another type's."""
    kind = draw(st.sampled_from(TELLING_TYPES) | st.sampled_from(EVENT_TYPES))
    optional = {
        "output_index": INDEXES,
        "content_index": INDEXES,
        "summary_index": INDEXES,
        "delta": TEXTS,
        "text": TEXTS,
        "refusal": TEXTS,
        "arguments": WORDS | st.none(),
        "name": st.none() | st.sampled_from(["Bash", ""]),
    }
    required = {}
    if kind.endswith("annotation.added"):
        required = {"annotation": CITATIONS | ODD}
    elif kind.startswith("response.output_item."):
        required = {"item": ITEMS | ODD_ITEMS if draw(st.integers(0, 9)) == 9 else ITEMS}
    elif kind.endswith(".delta") and draw(st.integers(0, 9)) != 9:
        required = {"delta": WORDS}
    if draw(st.integers(0, 9)) != 9:
        required["output_index"] = st.integers(0, 2)
    fields = draw(st.fixed_dictionaries(required, optional={k: v for k, v in optional.items() if k not in required}))
    return answers.sse(kind, **fields)


@st.composite
def endings(draw: st.DrawFn) -> bytes:
    """A terminal event, a failure, or nothing: the stream is cut."""
    kind = draw(st.sampled_from(["completed", "completed", "incomplete", "failed", "error", "cut", "garbage"]))
    if kind in ("completed", "incomplete"):
        response = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "output": st.none() | st.lists(ITEMS, max_size=3),
                    "usage": USAGES,
                    "status": st.sampled_from([None, "completed", "incomplete", "failed", "cancelled"]),
                    "error": st.none() | st.just({"code": "server_error", "message": "It broke."}),
                    "end_turn": st.sampled_from([None, True, False]),
                    "incomplete_details": st.none()
                    | st.builds(
                        lambda reason: {"reason": reason},
                        st.sampled_from([None, "max_output_tokens", "content_filter", "steered"]),
                    ),
                },
            )
        )
        return answers.sse(f"response.{kind}", response=response)
    if kind == "failed":
        return answers.sse(
            "response.failed", response=draw(st.none() | st.fixed_dictionaries({"error": OBJECTS | ODD}))
        )
    if kind == "error":
        return answers.sse(
            "error", **draw(st.fixed_dictionaries({}, optional={"error": OBJECTS | ODD, "message": ODD}))
        )
    if kind == "garbage":
        return draw(
            st.sampled_from([b"data: {\n\n", b"data: [DONE]\n\n", b"<html>\n\n", b"event: error\ndata: 5\n\n", b"\r"])
        )
    return b""


STREAMS = st.builds(
    lambda middle, ending, behind: [*middle, ending, *behind],
    st.lists(events(), max_size=16),
    endings(),
    st.lists(events(), max_size=2),
)
"""Events in any order, then an end, then perhaps more."""


# Answers of sound servers

Piece = tuple[str, str]
"""What an answer is made of: ``text``, ``thinking`` or a tool's name; and the words, thoughts or arguments."""

ARGUMENTS = st.dictionaries(st.text(max_size=4), st.text(max_size=6) | st.integers(), max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False)
)
SAID = st.text(min_size=1, max_size=20)
PIECES = st.one_of(
    st.tuples(st.just("text"), SAID),
    st.tuples(st.just("thinking"), SAID),
    st.tuples(st.sampled_from(["Bash", "Read", "short_name"]), ARGUMENTS),
)


@st.composite
def item_events(draw: st.DrawFn, index: int, piece: Piece) -> list[bytes]:
    """One item as a sound server streams it: announced, in pieces of any size or none at all, then whole."""
    kind, content = piece
    cuts = sorted(draw(st.lists(st.integers(0, len(content)), max_size=3)))
    parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    deltas = parts if draw(st.booleans()) else []
    if kind == "text":
        whole = [answers.text_done(index, content)] if draw(st.booleans()) else []
        streamed = [answers.text(index, part) for part in deltas]
        return [answers.added(index, "message"), *streamed, *whole, answers.done(index, answers.message(content))]
    if kind == "thinking":
        streamed = [answers.summary(index, part) for part in deltas]
        item = answers.reasoning(content, encrypted=f"gAAAA{index}")
        return [answers.added(index, "reasoning", summary=[]), *streamed, answers.done(index, item)]
    call = answers.call(f"call_{index}", kind, content)
    named = draw(st.booleans())
    announced = answers.added(
        index, "function_call", call_id=call["call_id"], name=kind if named else None, arguments=""
    )
    streamed = [answers.arguments(index, part) for part in deltas]
    whole = [answers.arguments_done(index, content)] if draw(st.booleans()) else []
    return [announced, *streamed, *whole, answers.done(index, call)]


@st.composite
def well_formed(draw: st.DrawFn) -> tuple[list[Piece], list[bytes]]:
    """An answer, and a stream that says it: the items one after another or interleaved, some only in the end."""
    pieces = draw(st.lists(PIECES, min_size=1, max_size=5))
    queues = [draw(item_events(index, piece)) for index, piece in enumerate(pieces)]
    stream = []
    if draw(st.booleans()):
        # Servers announce items in order, and then work on them as they like.
        stream = [queue.pop(0) for queue in queues]
    while waiting := [queue for queue in queues if queue]:
        queue = draw(st.sampled_from(waiting)) if draw(st.booleans()) and stream else waiting[0]
        stream.append(queue.pop(0))
    noise = st.sampled_from([answers.KEEPALIVE, b": comment\n\n", answers.IN_PROGRESS, answers.sse("surprise")])
    for place in sorted(draw(st.lists(st.integers(0, len(stream)), max_size=3)), reverse=True):
        stream.insert(place, draw(noise))
    return pieces, [answers.HANDSHAKE, *stream, answers.completed()]


@st.composite
def disturbed(draw: st.DrawFn) -> list[bytes]:
    """A sound answer's events, some of them lost, doubled or moved; the stream may go on behind its end, or be cut."""
    _, stream = draw(well_formed())
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(stream) - 1))
        match draw(st.sampled_from(["lost", "doubled", "moved", "strange"])):
            case "lost" if len(stream) > 1:
                del stream[place]
            case "doubled":
                stream.insert(draw(st.integers(place, len(stream))), stream[place])
            case "moved":
                stream.insert(draw(st.integers(0, len(stream) - 1)), stream.pop(place))
            case _:
                stream.insert(place, draw(events() | endings()))
    return stream
