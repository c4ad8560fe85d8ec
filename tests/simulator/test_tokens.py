"""Counting by the real vocabulary, and the prefix cache: what repeats is cached, in steps of 128 tokens."""

from tests.simulator.wire import PIXEL, body, call, output, replay, send, user
from turnout.simulator import Settings, Simulator, tokenizer, tokens

LONG = "word " * 1_500  # about as many tokens


def units(*texts: str) -> list[tokens.Unit]:
    return tokens.prompt_units(["instructions", []], [user(text) for text in texts], str)


def image(address: str, detail: str = "auto") -> int:
    part = {"type": "input_image", "image_url": address, "detail": detail}
    return tokenizer.count_item({"type": "message", "content": [part]}, str) - tokenizer.PER_ITEM


def test_texts_count_by_the_vocabulary() -> None:
    assert tokenizer.count_text("") == 0
    assert tokenizer.count_text("The quick brown fox jumps over the lazy dog.") == 10
    assert tokenizer.count_text("<|endoftext|>") > 1, "inside a text it is nothing but characters"


def test_an_item_counts_as_what_the_model_reads_of_it() -> None:
    words = tokenizer.count_text("Hello there")
    assert tokenizer.count_item(user("Hello there"), str) == tokenizer.PER_ITEM + words
    assert tokenizer.count_item({**user("Hello there"), "id": "msg_1", "status": "completed"}, str) == (
        tokenizer.PER_ITEM + words
    )
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAsealed"}
    assert tokenizer.count_item(thought, lambda _: "Hello there") == tokenizer.PER_ITEM + words


def test_an_image_counts_by_its_patches() -> None:
    assert image(PIXEL) == 1
    assert image("https://example.com/a.png") == tokenizer.IMAGE_TOKENS
    assert image("https://example.com/a.png", "low") == tokenizer.PATCH_LIMITS["low"]


def test_a_file_that_cannot_be_read_counts_as_a_page() -> None:
    part = {"type": "input_file", "file_data": "data:application/pdf;base64,bm8gUERG"}
    assert tokenizer.count_item({"content": [part]}, str) == tokenizer.PER_ITEM + tokenizer.PAGE_TOKENS


def test_the_longest_common_prefix_is_cached() -> None:
    cache = tokens.PrefixCache()
    assert cache.match("key", units(LONG, "a")) == 0
    again = cache.match("key", units(LONG, "a", "b"))
    assert again >= tokens.CACHE_MINIMUM
    assert again % tokens.CACHE_STEP == 0
    assert tokens.total(units(LONG, "a")) - again < tokens.CACHE_STEP
    assert cache.match("key", units(LONG, "changed", "b")) <= again


def test_a_change_at_the_start_loses_everything() -> None:
    cache = tokens.PrefixCache()
    cache.match("key", units(LONG))
    assert cache.match("key", units("new", LONG)) == 0
    assert cache.match("other key", units(LONG)) == 0


def test_short_prompts_are_not_cached() -> None:
    cache = tokens.PrefixCache()
    cache.match("key", units("short"))
    assert cache.match("key", units("short")) == 0


def test_ids_do_not_break_a_prefix() -> None:
    cache = tokens.PrefixCache()
    cache.match("key", tokens.prompt_units([], [user(LONG)], str))
    assert cache.match("key", tokens.prompt_units([], [{**user(LONG), "id": "msg_1"}], str)) > 0


def test_a_conversation_grows_its_cached_share(sim: Simulator) -> None:
    items = [user(f"{LONG} run `ls`")]
    shares = []
    for _ in range(3):
        answer = send(sim, body(*items))
        usage = answer.usage
        shares.append(usage["input_tokens_details"]["cached_tokens"] / usage["input_tokens"])
        calls = [item for item in answer.items if item["type"] == "function_call"]
        items += [*replay(answer), *(output(item["call_id"]) for item in calls), user("go on")]
    assert shares[0] == 0
    assert shares[1] > 0.5
    changed = send(sim, body(*items, tools=[])).usage
    assert changed["input_tokens_details"]["cached_tokens"] == 0
    elsewhere = send(sim, body(*items, prompt_cache_key="another")).usage
    assert elsewhere["input_tokens_details"]["cached_tokens"] == 0


def test_a_prompt_over_the_window_fails_inside_the_stream_or_before_it() -> None:
    with Simulator(settings=Settings(windows={"gpt-5.5": 1_000})) as sim:
        assert send(sim, body(user("small"))).types[-1] == "response.completed"
        inside = send(sim, body(user(LONG)))
        assert inside.status == 200
        assert inside.events[-1]["response"]["error"]["code"] == "context_length_exceeded"
        sim.settings.overflow = "http-400"
        before = send(sim, body(user(LONG), call(), output()))
        assert (before.status, before.json["error"]["code"]) == (400, "context_length_exceeded")
