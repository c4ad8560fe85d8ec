"""Tools, names and ids on their way upstream: legal there, the same every time, and found again."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import TurnoutError
from turnout.translate.tools import NO_TOOLS, ToolsCache, TranslatedTools, short_call_id, short_name, translate_tools

CAPABILITIES = Capabilities()
TOOL = {"name": "Bash", "description": "Runs it.", "input_schema": {"type": "object", "properties": {}}}
LONG = "mcp__a_server_with_a_long_name__" + "y" * 70


def raw(*tools: Any) -> Raw:
    return Raw(json.dumps(tools).encode())


def translated(*tools: Any) -> TranslatedTools:
    return translate_tools(bytes(raw(*tools)), CAPABILITIES, "faithful")


def functions(*tools: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(b"[%s]" % translated(*tools).functions)
    return found


# Names


@pytest.mark.parametrize("name", ["Bash", "a", "x" * 64, "mcp__wire_test_srv__dotted_name", "A-b_9"])
def test_a_legal_name_stays(name: str) -> None:
    assert short_name(name, 64) == name


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120), st.sampled_from([64, 128]))
def test_any_name_becomes_a_legal_one(name: str, limit: int) -> None:
    short = short_name(name, limit)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", short)
    assert len(short) <= limit
    assert short == short_name(name, limit)
    assert short_name(short, limit) == short


def test_names_that_begin_alike_or_differ_only_in_what_is_replaced_stay_apart() -> None:
    names = [LONG, LONG + "z", LONG[:-1] + "z", "a.b", "a:b", "a_b", "ä", "ö", ""]
    assert len({short_name(name, 64) for name in names}) == len(names)


def test_a_short_name_begins_like_the_long_one_so_that_the_model_understands_it() -> None:
    assert short_name(LONG, 64).startswith("mcp__a_server_with_a_long_name__yyyy")
    assert short_name("dotted.name", 64).startswith("dotted_name_")


# Call ids


@pytest.mark.parametrize("call_id", ["a", "x" * 64, "call_abc|fc_123.456/x", "ü"])
def test_an_id_that_fits_stays(call_id: str) -> None:
    assert short_call_id(call_id, 64) == call_id


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_any_id_becomes_one_that_fits(call_id: str) -> None:
    short = short_call_id(call_id, 64)
    assert 0 < len(short) <= 64
    assert short == short_call_id(call_id, 64)


def test_long_ids_that_begin_alike_stay_apart() -> None:
    ids = ["x" * 90 + end for end in "12345"]
    assert len({short_call_id(one, 64) for one in ids}) == 5


# Definitions


def test_a_tool_becomes_a_function() -> None:
    assert functions(TOOL) == [
        {
            "type": "function",
            "name": "Bash",
            "description": "Runs it.",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
    ]


def test_a_schema_is_copied_byte_for_byte_where_upstream_takes_it() -> None:
    schema = b'{"type": "object",  "properties":{"a":{"const":1.50,"enum":[null,"\\u00e9"]}}}'
    tools = b'[{"name":"x","input_schema":%s}]' % schema
    assert schema in translate_tools(tools, CAPABILITIES, "faithful").functions


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, {"properties": None}])
def test_a_schema_is_an_object_with_properties(schema: Any) -> None:
    (function,) = functions({"name": "x", "input_schema": schema})
    assert function["parameters"] == {"type": "object", "properties": {}}


def test_a_tool_without_a_schema_takes_nothing() -> None:
    (function,) = functions({"name": "x"})
    assert function["parameters"] == {"type": "object", "properties": {}}
    assert function["description"] == ""


def test_optional_parameters_stay_optional() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}
    (function,) = functions({"name": "x", "input_schema": schema})
    assert function["parameters"] == schema
    assert function["strict"] is False


def test_only_what_upstream_knows_of_a_tool_is_sent() -> None:
    odd = {**TOOL, "cache_control": {"type": "ephemeral"}, "eager_input_streaming": True, "strict": True, "new": 1}
    assert functions(odd) == functions(TOOL)


def test_a_long_name_is_shortened_and_can_be_restored() -> None:
    made = translated({**TOOL, "name": LONG}, TOOL)
    (short,) = made.full_names
    assert made.full_names == {short: LONG}
    assert b'"name":"%s"' % short.encode() in made.functions
    assert made.names == {LONG, "Bash"}


def test_tools_that_are_loaded_late_are_kept_apart_and_the_placeholder_left_out() -> None:
    late = {**TOOL, "name": "A", "defer_loading": True}
    placeholder = {"name": "DeferredToolPlaceholder", "defer_loading": True, "input_schema": {}}
    assert [one["name"] for one in functions(late, placeholder, TOOL)] == ["Bash"]
    assert list(translated(late, placeholder, TOOL).late) == ["A"]
    assert functions(placeholder) == []
    assert translated(placeholder).left_out == {"DeferredToolPlaceholder"}


def test_a_tool_that_is_only_named_like_the_placeholder_is_a_tool() -> None:
    assert len(functions({**TOOL, "name": "DeferredToolPlaceholder"})) == 1


def test_a_tool_of_the_providers_is_left_out_and_noted() -> None:
    made = translated(TOOL, {"type": "bash_20250124", "name": "bash"}, {"type": "custom", **TOOL, "name": "Mine"})
    assert [one["name"] for one in json.loads(b"[%s]" % made.functions)] == ["Bash", "Mine"]
    assert [(note.action, note.place) for note in made.notes] == [("dropped", "tools[1]")]
    assert "bash_20250124" in made.notes[0].reason
    assert (made.names, made.left_out) == ({"Bash", "Mine"}, {"bash"})


def test_the_web_search_is_no_function_whatever_its_date() -> None:
    for kind in ("web_search_20250305", "web_search_20260209", "web_search_20991231"):
        made = translated({"type": kind, "name": "web_search", "max_uses": 8}, TOOL)
        assert made.search is not None
        assert made.search.max_uses == 8
        assert made.names == {"Bash"}


def test_no_tools_are_none() -> None:
    assert translated().functions == b""
    assert ToolsCache().translate(Raw(b"null"), CAPABILITIES, "faithful") is NO_TOOLS


def test_descriptions_keep_their_escapes() -> None:
    tools = b'[{"name":"x","description":"\\u00e9\\n\\"","input_schema":{}}]'
    assert b'"description":"\\u00e9\\n\\""' in translate_tools(tools, CAPABILITIES, "faithful").functions


# The cache


def test_the_same_tools_are_translated_once() -> None:
    cache = ToolsCache()
    first = cache.translate(raw(TOOL), CAPABILITIES, "faithful")
    assert cache.translate(raw(TOOL), CAPABILITIES, "faithful") is first
    other = cache.translate(raw(TOOL, {**TOOL, "name": "B"}), CAPABILITIES, "faithful")
    assert other is not first
    assert cache.translate(raw(TOOL), CAPABILITIES, "faithful") is first


def test_the_terms_belong_to_the_key() -> None:
    cache = ToolsCache()
    long = raw({**TOOL, "name": "x" * 100})
    narrow = cache.translate(long, CAPABILITIES, "faithful")
    wide = cache.translate(long, Capabilities(max_tool_name=128), "faithful")
    assert narrow.full_names
    assert not wide.full_names


def test_the_cache_is_bounded_by_bytes_and_drops_what_was_not_used() -> None:
    one, two, three = (raw({**TOOL, "name": name}) for name in "ABC")
    size = len(bytes(one)) + len(translate_tools(bytes(one), CAPABILITIES, "faithful").functions)
    cache = ToolsCache(limit=2 * size)
    first = cache.translate(one, CAPABILITIES, "faithful")
    second = cache.translate(two, CAPABILITIES, "faithful")
    assert cache.translate(one, CAPABILITIES, "faithful") is first
    cache.translate(three, CAPABILITIES, "faithful")
    assert cache.translate(one, CAPABILITIES, "faithful") is first
    assert cache.translate(two, CAPABILITIES, "faithful") is not second
    assert cache._held <= 2 * size
    assert cache._held == sum(len(key[1]) + len(made.functions) for key, made in cache._entries.items())


def test_tools_that_are_refused_are_not_kept() -> None:
    cache = ToolsCache()
    for _ in range(2):
        with pytest.raises(TurnoutError):
            cache.translate(raw({"description": "nameless"}), CAPABILITIES, "faithful")
    assert not cache._entries
