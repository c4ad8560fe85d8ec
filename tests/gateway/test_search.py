"""Web search through the gateway: upstream's own, the gateway's by a search service, or word that there is none."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.client import Wire, message, send, wait_for
from tests.gateway.conftest import SENT_MODEL
from tests.search.searxng import FakeSearXNG
from tests.translate import legality
from turnout.config import Config, OpenAISettings, SearchSettings, Server, Slot, Slots, Timing
from turnout.gateway.continuation import Bodies
from turnout.gateway.server import RunningGateway
from turnout.simulator import Citation, FunctionCall, Message, Reasoning, Settings, Simulator, Turn, WebSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.gateway.conftest import Start

    Searching = Callable[..., RunningGateway]

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
BASH = {"name": "Bash", "description": "Runs.", "input_schema": {"type": "object", "properties": {}}}
PROMPT = "Perform a web search for the query: railway turnout"


@pytest.fixture
def searxng() -> Iterator[FakeSearXNG]:
    with FakeSearXNG() as running:
        yield running


@pytest.fixture(scope="module")
def plain_server() -> Iterator[Simulator]:
    """An OpenAI-compatible server that does not search the web."""
    with Simulator(seed=1, settings=Settings(hosted_search=False)) as running:
        yield running


@pytest.fixture
def server(plain_server: Simulator) -> Simulator:
    plain_server.reset()
    return plain_server


@pytest.fixture
def start_searching(server: Simulator) -> Iterator[Searching]:
    """Starts a gateway before that server: ``start_searching(url)`` with the address of a search service."""
    with contextlib.ExitStack() as stack:

        def run(url: str = "", *, timing: dict[str, float] | None = None, **search: Any) -> RunningGateway:
            config = Config(
                upstream="openai",
                server=Server(port=0, drain=0.1),
                timing=Timing(**(timing or {})),
                openai=OpenAISettings(base_url=server.openai_url, api_key=server.api_key, hosted_search=False),
                search=SearchSettings(url=url, **search),
                slots=Slots(opus=Slot(model=SENT_MODEL)),
            )
            return stack.enter_context(RunningGateway(config))

        yield run


def ask(gateway: RunningGateway, prompt: str = PROMPT, **fields: Any) -> legality.Answer:
    """The streamed answer to a request that may search."""
    answer = send(gateway, message(prompt, stream=True, **{"tools": [SEARCH], **fields}))
    assert answer.status == 200, answer.body
    return legality.read(answer.body)


def links(answer: legality.Answer) -> list[list[str]]:
    """The addresses of each result."""
    return [[page["url"] for page in block.result] for block in answer.blocks if block.type == "web_search_tool_result"]


def kinds(answer: legality.Answer) -> list[str]:
    return [block.type for block in answer.blocks if block.type != "thinking"]


def search(query: str) -> Turn:
    """The model calls the function that stands for the search."""
    call = FunctionCall(name="web_search", arguments={"query": query})
    return Turn(output=[Reasoning(summary=["Looking it up."]), call])


# Upstream's own search


def test_upstreams_own_search_gives_links_and_citations(gateway: RunningGateway, sim: Simulator) -> None:
    answer = ask(gateway)
    assert kinds(answer) == ["server_tool_use", "text", "web_search_tool_result"]
    assert links(answer) == [["https://example.com/railway-turnout", "https://example.org/railway-turnout"]]
    assert answer.usage["server_tool_use"]["web_search_requests"] == 1
    assert answer.stop_reason == "end_turn"
    assert len(sim.requests) == 1


def test_where_sources_are_told_the_result_stands_at_its_search(sim: Simulator) -> None:
    config = Config(
        upstream="openai",
        server=Server(port=0, drain=0.1),
        openai=OpenAISettings(base_url=sim.openai_url, api_key=sim.api_key),
        slots=Slots(opus=Slot(model=SENT_MODEL)),
    )
    with RunningGateway(config) as gateway:
        answer = ask(gateway, tools=[{**SEARCH, "blocked_domains": ["example.org"]}])
    assert kinds(answer) == ["server_tool_use", "web_search_tool_result", "text"]
    assert links(answer) == [["https://example.com/railway-turnout"]]


def test_without_streaming_the_message_has_the_same_blocks(gateway: RunningGateway, sim: Simulator) -> None:
    answer = send(gateway, message(PROMPT, tools=[SEARCH], tool_choice={"type": "tool", "name": "web_search"}))
    use, text, result = (block for block in answer.json["content"] if block["type"] != "thinking")
    assert use["input"] == {"query": "railway turnout"}
    assert (result["tool_use_id"], len(result["content"]), len(text["citations"])) == (use["id"], 2, 2)


def test_a_history_with_searches_is_taken_back(gateway: RunningGateway, sim: Simulator) -> None:
    first = send(gateway, message(PROMPT, tools=[SEARCH])).json
    history = [
        {"role": "user", "content": PROMPT},
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": "Say `thanks`"},
    ]
    again = send(gateway, message(tools=[SEARCH], messages=history))
    assert again.status == 200
    assert "https://example.com/railway-turnout" in json.dumps(sim.requests[-1].input)


def test_a_model_that_takes_only_lite_framing_is_searched_for_by_the_gateway(
    start: Start, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim.settings, "require_lite", {SENT_MODEL})
    gateway = start()
    sim.script(search("railway turnout"), Turn(output=[Message(text="I could not search.")]))
    answer = ask(gateway)
    assert kinds(answer) == ["server_tool_use", "web_search_tool_result", "text"]
    assert [request.status for request in sim.requests] == [400, 200, 200], "the first one was plain, for the search"
    sim.script(search("once more"), Turn(output=[Message(text="I could not search.")]))
    ask(gateway)
    assert [request.status for request in sim.requests][3:] == [200, 200], "and that is remembered"


def test_an_upstream_that_refuses_the_tool_is_searched_for_by_the_gateway(server: Simulator) -> None:
    """Also where nobody has said that it has none."""
    config = Config(
        upstream="openai",
        server=Server(port=0, drain=0.1),
        openai=OpenAISettings(base_url=server.openai_url, api_key=server.api_key),
        slots=Slots(opus=Slot(model=SENT_MODEL)),
    )
    with RunningGateway(config) as gateway:
        for _ in range(2):
            assert kinds(ask(gateway)) == ["server_tool_use", "web_search_tool_result", "text"]
    assert [request.status for request in server.requests] == [400, 200, 200, 200, 200], "one refusal teaches it"


# The gateway's search


def test_the_gateway_searches_where_upstream_does_not(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG
) -> None:
    gateway = start_searching(searxng.url)
    answer = ask(gateway)
    assert searxng.queries == ["railway turnout"]
    assert kinds(answer) == ["server_tool_use", "web_search_tool_result", "text"]
    assert links(answer) == [["https://rail.example/points", "https://wiki.example/turnout"]]
    assert "https://rail.example/points" in answer.text, "the model has read them"
    assert answer.usage["server_tool_use"]["web_search_requests"] == 1
    first, second = (request.input for request in server.requests)
    assert second[: len(first)] == first
    assert [item["type"] for item in second[len(first) :]] == ["reasoning", "function_call", "function_call_output"]
    wait_for(lambda: gateway.gateway.last)
    assert gateway.gateway.last[-1].attempts == 2


def test_a_search_that_the_client_forces_is_forced_once(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG
) -> None:
    answer = ask(start_searching(searxng.url), tool_choice={"type": "tool", "name": "web_search"})
    assert len(searxng.queries) == 1
    assert answer.stop_reason == "end_turn"
    choices = [request.body["tool_choice"] for request in server.requests if request.body]
    assert choices == [{"type": "function", "name": "web_search"}, "auto"]


def test_several_searches_at_once_and_one_after_another(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG
) -> None:
    searxng.delay = 0.3
    calls = [FunctionCall(name="web_search", arguments={"query": query}) for query in ("a", "b", "c")]
    server.script(Turn(output=list(calls)), search("d"), Turn(output=[Message(text="Enough.")]))
    answer = ask(start_searching(searxng.url), "Compare.")
    assert searxng.most_at_once == 3, "those of one response are made at once"
    assert sorted(searxng.queries[:3]) == ["a", "b", "c"]
    assert searxng.queries[3:] == ["d"]
    uses = [json.loads(block.content)["query"] for block in answer.blocks if block.type == "server_tool_use"]
    assert uses == ["a", "b", "c", "d"]
    assert answer.usage["server_tool_use"]["web_search_requests"] == 4
    assert len(server.requests) == 3


def test_the_limits_of_the_client_hold(start_searching: Searching, server: Simulator, searxng: FakeSearXNG) -> None:
    gateway = start_searching(searxng.url, results=5)
    tool = {**SEARCH, "max_uses": 1, "blocked_domains": ["wiki.example"]}
    server.script(search("a"), search("b"), Turn(output=[Message(text="Enough.")]))
    answer = ask(gateway, "Compare.", tools=[tool])
    assert searxng.queries == ["a -site:wiki.example"]
    [found, refused] = [block.result for block in answer.blocks if block.type == "web_search_tool_result"]
    assert [page["url"] for page in found] == ["https://rail.example/points"]
    assert refused["error_code"] == "max_uses_exceeded"
    assert "wiki.example" not in json.dumps(server.requests[-1].input)


def test_a_search_beside_the_clients_own_tools(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG
) -> None:
    server.script(
        Turn(
            output=[
                FunctionCall(name="web_search", arguments={"query": "a"}),
                FunctionCall(name="Bash", arguments={}, call_id="call_bash"),
            ]
        )
    )
    gateway = start_searching(searxng.url)
    answer = send(gateway, message("Do it.", tools=[SEARCH, BASH])).json
    assert answer["stop_reason"] == "tool_use"
    assert [block["type"] for block in answer["content"]] == ["server_tool_use", "tool_use", "web_search_tool_result"]
    history = [
        {"role": "user", "content": "Do it."},
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_bash", "content": "done"}]},
    ]
    again = send(gateway, message(messages=history, tools=[SEARCH, BASH]))
    assert again.status == 200
    assert "https://rail.example/points" in json.dumps(server.requests[-1].input)


@pytest.mark.parametrize("status", [403, 500])
def test_a_search_service_that_fails_is_an_error_for_the_client_and_a_reason_for_the_model(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG, status: int
) -> None:
    searxng.status = status
    answer = ask(start_searching(searxng.url))
    [result] = [block.result for block in answer.blocks if block.type == "web_search_tool_result"]
    assert result == {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert "The search was not made" in server.requests[-1].input[-1]["output"]
    assert answer.stop_reason == "end_turn"
    assert "server_tool_use" not in answer.usage


def test_without_a_search_service_client_and_model_are_told_so(start_searching: Searching, server: Simulator) -> None:
    answer = ask(start_searching())
    [result] = [block.result for block in answer.blocks if block.type == "web_search_tool_result"]
    assert result["error_code"] == "unavailable"
    assert "TURNOUT_SEARCH_URL" in server.requests[-1].input[-1]["output"]
    assert answer.text


def test_the_client_sees_the_search_before_it_is_made(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG
) -> None:
    searxng.delay = 1.0
    with Wire(start_searching(searxng.url)) as client:
        client.post(message(PROMPT, stream=True, tools=[SEARCH]))
        seen = client.read_until(b"railway turnout", timeout=0.9)
        assert b"web_search_tool_result" not in seen
        client.read_until(b"message_stop")


def test_a_slow_search_is_kept_alive(start_searching: Searching, server: Simulator, searxng: FakeSearXNG) -> None:
    searxng.delay = 0.6
    gateway = start_searching(searxng.url, timing={"hold": 0.1, "keepalive": 0.1})
    assert "ping" in ask(gateway).events


def test_a_client_that_leaves_while_a_search_is_made_leaves_nothing_behind(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG
) -> None:
    searxng.delay = 0.5
    gateway = start_searching(searxng.url)
    with Wire(gateway) as client:
        client.post(message(PROMPT, stream=True, tools=[SEARCH]))
        wait_for(lambda: searxng.queries)
    wait_for(lambda: gateway.gateway.last)
    assert gateway.gateway.last[-1].status == 499
    time.sleep(0.6)
    assert len(server.requests) == 1


def test_what_was_held_of_the_requests_does_not_depend_on_a_budget(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search needs the body in any case."""
    monkeypatch.setattr("turnout.gateway.answers.Bodies", lambda: Bodies(budget=10))
    assert kinds(ask(start_searching(searxng.url))) == ["server_tool_use", "web_search_tool_result", "text"]


def test_a_later_answer_may_be_one_of_upstreams_failures(
    start_searching: Searching, server: Simulator, searxng: FakeSearXNG
) -> None:
    server.fault("503", after=1, times=3)
    answer = send(start_searching(searxng.url), message(PROMPT, stream=True, tools=[SEARCH]))
    read = legality.read(answer.body)
    assert read.error is not None
    assert kinds(read)[:2] == ["server_tool_use", "web_search_tool_result"]


def test_pages_are_opened_amid_searches(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(
        Turn(
            output=[
                WebSearch(query="a"),
                WebSearch(action="open_page", url="https://a.example/1"),
                WebSearch(action="find_in_page", url="https://a.example/1", pattern="frog"),
                WebSearch(query="b", failed=True),
                Message(text="A frog.", citations=[Citation(url="https://a.example/1", title="One", at="frog")]),
            ]
        )
    )
    answer = ask(gateway, "Find the frog.")
    results = {block.id: block.result for block in answer.blocks if block.type == "web_search_tool_result"}
    uses = [block for block in answer.blocks if block.type == "server_tool_use"]
    assert [json.loads(use.content)["query"] for use in uses] == [
        "a",
        "https://a.example/1",
        "frog in https://a.example/1",
        "b",
    ]
    assert [page["title"] for page in results[uses[0].id]] == ["One"]
    assert results[uses[3].id]["error_code"] == "unavailable"
    assert answer.usage["server_tool_use"]["web_search_requests"] == 1
