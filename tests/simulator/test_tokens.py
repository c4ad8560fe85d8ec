"""The prefix cache: what repeats is cached, in steps of 128 tokens, and nothing else."""

from tests.simulator.wire import PIXEL, body, call, output, replay, send, user
from turnout.simulator import Settings, Simulator, tokens

LONG = "word " * 1_200  # about 1,500 tokens


def units(*texts: str) -> list[tokens.Unit]:
    return tokens.prompt_units(["instructions", []], [user(text) for text in texts])


def test_counting() -> None:
    assert tokens.count_text("") == 0
    assert tokens.count_text("a") == 1
    assert tokens.count_text("ééé") == 2
    image = tokens.prompt_units(
        [], [{"type": "message", "content": [{"type": "input_image", "image_url": PIXEL * 90}]}]
    )
    assert tokens.IMAGE_TOKENS <= tokens.total(image) < tokens.IMAGE_TOKENS + 40


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
    cache.match("key", tokens.prompt_units([], [user(LONG)]))
    assert cache.match("key", tokens.prompt_units([], [{**user(LONG), "id": "msg_1"}])) > 0


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
