"""Values of JSON Schema's keywords, read from bytes."""

from __future__ import annotations

import pytest
from msgspec import Raw

from turnout.translate.schema import forms


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (b'"string"', ["string"]),
        (b'["null","array"]', ["null", "array"]),
        (b'["null","null"]', ["null"]),
        (b'"any"', None),
        (b'["string","any"]', None),
        (b"[]", None),
        (b"null", None),
        (b"3", None),
        (b"{}", None),
    ],
)
def test_types(text: bytes, types: list[str] | None) -> None:
    assert forms.types_of(Raw(text)) == types


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'"a"', "string"),
        (b"-3", "integer"),
        (b"3.0", "number"),
        (b"3e1", "number"),
        (b"true", "boolean"),
        (b"false", "boolean"),
        (b"null", "null"),
        (b"[]", "array"),
        (b"{}", "object"),
    ],
)
def test_the_narrowest_type_of_a_value(text: bytes, kind: str) -> None:
    assert forms.type_of(Raw(text)) == kind


@pytest.mark.parametrize("text", [b'{"a"', b'{"\xff":1}', b'{"a":' * 5000 + b"1" + b"}" * 5000])
def test_what_cannot_be_read_is_nothing(text: bytes) -> None:
    assert forms.fields_of(Raw(text)) is None


@pytest.mark.parametrize(
    ("keyword", "legal", "illegal"),
    [
        ("minLength", [b"0", b"3", b"3.0"], [b"-1", b"1.5", b'"3"', b"1e999", b"true", b"null"]),
        ("minimum", [b"0", b"-1.5", b"1e999"], [b'"3"', b"true", b"null", b"[]"]),
        ("multipleOf", [b"1", b"0.5"], [b"0", b"-1", b'"1"']),
        ("uniqueItems", [b"true", b"false"], [b"0", b"null", b'"true"']),
        ("enum", [b"[1]", b"[null]"], [b"[]", b"{}", b'"a"', b"null"]),
        ("description", [b'""'], [b"null", b"[]", b"3"]),
        ("examples", [b"[]"], [b"{}", b"null"]),
        ("dependentRequired", [b'{"a":["b"]}', b"{}"], [b'{"a":"b"}', b'{"a":["b","b"]}', b"[]"]),
    ],
)
def test_keywords_have_their_forms(keyword: str, legal: list[bytes], illegal: list[bytes]) -> None:
    has_form = forms.FORMS[keyword]
    assert all(has_form(Raw(text)) for text in legal)
    assert not any(has_form(Raw(text)) for text in illegal)


def test_keywords_that_mean_something_by_each_other_only() -> None:
    assert forms.tied_to("then") == {"if", "then", "else"}
    assert forms.tied_to("contains") == {"contains", "minContains", "maxContains"}
    assert forms.tied_to("type") == {"type"}


def test_long_names_are_shortened() -> None:
    assert forms.shown("name") == "name"
    assert forms.shown("n" * 100) == "n" * 60 + "…"
