"""The pages in the browser: self-contained, and harmless whatever is said on them."""

from __future__ import annotations

import re

import pytest

from turnout.accounts.login import pages

PAGES = [
    pages.signed_in("ada@example.com"),
    pages.signed_in(""),
    pages.not_signed_in("It did not work.", "Try again."),
    pages.state_mismatch(),
    pages.nothing_here(),
    pages.cancelled(),
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_nothing_of_any_other_place(page: str) -> None:
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page)
    assert page.count("<h1>") == 1


def test_the_last_page_says_that_it_may_be_closed() -> None:
    page = pages.signed_in("ada@example.com")
    assert "ada@example.com" in page
    assert "may be closed" in page


def test_what_others_say_is_text_on_it() -> None:
    assert "<script>" not in pages.not_signed_in("<script>alert(1)</script>", "{curly}")
