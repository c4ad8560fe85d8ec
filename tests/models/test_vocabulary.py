"""The vocabulary: exact counts, nothing special inside a text, and others may work meanwhile."""

from __future__ import annotations

import threading
import time

import pytest

from turnout.models.vocabulary import Vocabulary, o200k


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("Hello, world!", 4),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("def add(a, b):\n    return a + b\n", 12),
    ],
)
def test_known_counts(text: str, tokens: int) -> None:
    assert o200k().counts([text]) == [tokens]


def test_texts_are_counted_one_by_one() -> None:
    texts = ["one two", "", "naïve 🚂 déjà vu", "a" * 1000, "<|endoftext|>", "x <| y <|im_start|> z"]
    assert o200k().counts(texts) == [o200k().counts([text])[0] for text in texts]


@pytest.mark.parametrize("token", ["<|endoftext|>", "<|endofprompt|>", "<|im_start|>"])
def test_a_servers_own_tokens_are_mere_characters_in_a_text(token: str) -> None:
    assert o200k().counts([token])[0] > 3


def test_nothing_is_loaded_before_the_first_count() -> None:
    vocabulary = Vocabulary()
    assert not vocabulary.ready
    vocabulary.counts(["now"])
    assert vocabulary.ready


def test_other_threads_run_while_a_long_text_is_counted() -> None:
    """Streams go on while a request is counted: were the GIL held, nothing would be counted up here meanwhile."""
    vocabulary = o200k()
    text = "Some words of a long text, and 12345 numbers.\n" * 100_000
    vocabulary.counts(["warm"])
    over = threading.Event()
    longest = 0.0

    def watch() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not over.is_set():
            time.sleep(0.0005)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    watching = threading.Thread(target=watch)
    watching.start()
    begin = time.perf_counter()
    vocabulary.counts([text])
    took = time.perf_counter() - begin
    over.set()
    watching.join()
    assert longest < took / 2, f"another thread had to wait for {longest:.3f} of {took:.3f} s"
