"""Counting tokens: through both doors, as close as it matters to what upstream counts, in bursts, and by an API."""

from __future__ import annotations

import base64
import contextlib
import json
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.client import Wire, credentials, message, send
from tests.gateway.conftest import config
from turnout.config import Config, OpenAISettings, Server, TokensSettings
from turnout.gateway.server import RunningGateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gateway.conftest import Start
    from turnout.simulator import RecordedRequest, Simulator

COUNT = "/v1/messages/count_tokens?beta=true"
INPUT = "/v1/responses/input_tokens"
CLOSE = 0.05

PROSE = "The signal at the junction shows red, so the train waits for the express to pass. "
CODE = "    def next_signal(self, block: Block) -> Signal | None:\n        return self.signals.get(block.end)\n"
CHINESE = "列车在中午离开车站，信号灯显示红色，所以它在道岔前等待快车通过。"
BASH = {
    "name": "Bash",
    "description": "Runs a command in a shell.\n\nUse it for builds and tests, never to read a file.\n" * 4,
    "input_schema": {
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "The command, with its arguments"},
            "timeout": {"type": "number", "description": "Milliseconds after which it is ended, 120000 by default"},
        },
        "required": ["command"],
        "additionalProperties": False,
    },
}


def tool(number: int) -> dict[str, Any]:
    return {**BASH, "name": f"mcp__rails__switch_{number}"}


def png(width: int, height: int) -> dict[str, Any]:
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(20_000)
    return image("image/png", data)


def image(kind: str, data: bytes) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": base64.b64encode(data).decode()}}


def pdf(pages: int) -> dict[str, Any]:
    """A PDF with pages of one line."""
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for page in range(pages):
        line = f"BT /F1 12 Tf 72 720 Td (Page {page} of the timetable.) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * page} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(line)} >>\nstream\n{line}\nendstream")
    data, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n"
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{at:010} 00000 n \n" for at in places)
    data += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(data.encode()).decode()}
    return {"type": "document", "source": source, "title": "Timetable"}


def working(turns: int) -> list[dict[str, Any]]:
    """A conversation with so many calls of a tool."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Find the signal."}]
    for turn in range(turns):
        call = {
            "type": "tool_use",
            "id": f"toolu_{turn}",
            "name": "Bash",
            "input": {"command": f"cat signal_{turn}.py"},
        }
        result = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": CODE * 10}
        messages.append({"role": "assistant", "content": [{"type": "text", "text": PROSE}, call]})
        messages.append({"role": "user", "content": [result]})
    return messages


def asking(*content: object) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


TEXT = {"type": "text", "text": PROSE * 20}
FIXTURES: dict[str, dict[str, Any]] = {
    "prose": {"messages": asking({"type": "text", "text": PROSE * 200})},
    "Chinese": {"messages": asking({"type": "text", "text": CHINESE * 100})},
    "system": {"system": [{"type": "text", "text": PROSE * 50}], "messages": asking(TEXT)},
    "tools": {"messages": asking(TEXT), "tools": [BASH, *map(tool, range(24))]},
    "one tool and a short word": {"messages": [{"role": "user", "content": "foo"}], "tools": [BASH]},
    "work": {"messages": working(40), "tools": [BASH]},
    "image": {"messages": asking(TEXT, png(1280, 800))},
    "image in a result": {
        "messages": [
            *working(2),
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_x", "name": "Bash", "input": {}}]},
            *asking({"type": "tool_result", "tool_use_id": "toolu_x", "content": [png(640, 480)]}),
        ],
        "tools": [BASH],
    },
    "PDF": {"messages": asking(TEXT, pdf(7))},
    "special tokens in a text": {"messages": asking({"type": "text", "text": "<|endoftext|> and <|im_start|> " * 200})},
    "structured answer": {
        "messages": asking(TEXT),
        "output_config": {"format": {"type": "json_schema", "schema": BASH["input_schema"]}},
    },
}


@pytest.mark.parametrize("name", FIXTURES)
def test_a_count_is_close_to_what_upstream_counts(sim: Simulator, gateway: RunningGateway, name: str) -> None:
    request = {**message(), **FIXTURES[name]}
    counted = send(gateway, {"model": request["model"], **FIXTURES[name]}, path=COUNT)
    assert counted.status == 200, counted.body

    assert send(gateway, request).status == 200
    sent = sim.requests[-1]
    assert sent.usage is not None
    truth = sent.usage["input_tokens"]
    assert counted.json == {"input_tokens": pytest.approx(truth, rel=CLOSE)}

    of_responses = send(gateway, sent.raw, path=INPUT)
    assert of_responses.json == {"object": "response.input_tokens", "input_tokens": pytest.approx(truth, rel=CLOSE)}


def test_thinking_that_is_sent_again_counts(sim: Simulator, gateway: RunningGateway) -> None:
    signature = f"turnout:1:someone:gpt-6-astra::{'gAAAA' * 2000}"
    thought = {"type": "thinking", "thinking": "", "signature": signature}
    turns = [*asking(TEXT), {"role": "assistant", "content": [thought, TEXT]}, *asking(TEXT)]
    without = [*asking(TEXT), {"role": "assistant", "content": [TEXT]}, *asking(TEXT)]
    counts = [send(gateway, message(messages=each), path=COUNT).json["input_tokens"] for each in (turns, without)]
    assert counts[0] > counts[1] + 1000
    assert sim.calls == [], "nobody is asked"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (COUNT, {"model": "opus"}, "messages"),
        (COUNT, {"model": "opus", "messages": []}, "at least one message"),
        (COUNT, b"{", "not valid JSON"),
        (COUNT, {"messages": [{"role": "user", "content": "a"}]}, "model"),
        (INPUT, b"[]", "cannot be read"),
        (INPUT, b"{", "cannot be read"),
        (INPUT, {"model": "gpt-5.5", "input": "a", "previous_response_id": "resp_1"}, "not found"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_the_clients_form(
    gateway: RunningGateway, path: str, body: object, words: str
) -> None:
    answer = send(gateway, body, path=path)
    assert answer.status == 400
    assert words in answer.json["error"]["message"]
    assert ("type" in answer.json) == (path == COUNT), "Anthropic's errors name themselves, OpenAI's do not"


def test_a_count_needs_the_token_but_no_login(gateway: RunningGateway, start: Start) -> None:
    assert send(gateway, message(), path=COUNT, headers={"authorization": "Bearer wrong"}).status == 401
    assert send(gateway, method="GET", path=COUNT).status == 405
    assert send(start(codex={"home": "nowhere/at/all"}), message(), path=COUNT).status == 200


def test_a_request_without_a_model_can_be_counted_for_openais_clients(gateway: RunningGateway) -> None:
    assert send(gateway, {"input": PROSE}, path=INPUT).json["input_tokens"] > 10


def test_25_counts_of_250_kb_at_once(gateway: RunningGateway) -> None:
    """As `/context` asks for them. The figure is the bench's (`bench/run.py --only count`); this holds its order of
    magnitude on a busy machine: CPU time, with the clients' own in it."""
    data = json.dumps({"model": "opus", "messages": working(170), "tools": [tool(n) for n in range(25)]}).encode()
    assert 230_000 < len(data) < 270_000
    head = "\r\n".join(
        [
            f"POST {COUNT} HTTP/1.1",
            f"host: {gateway.base_url.removeprefix('http://')}",
            *(f"{name}: {value}" for name, value in credentials(gateway).items()),
            f"content-length: {len(data)}",
            "\r\n",
        ]
    ).encode()
    first = send(gateway, data, path=COUNT).json
    took = []
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(gateway)) for _ in range(25)]
            answers: list[Any] = []

            def ask(wire: Wire, answers: list[Any] = answers) -> None:
                wire.write(head + data)
                answers.append(wire.answer().json)

            threads = [threading.Thread(target=ask, args=(wire,)) for wire in wires]
            begin = time.process_time()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took.append(time.process_time() - begin)
        assert answers == [first] * 25
    assert min(took) < 0.1 * 2, f"{min(took) * 1000:.0f} ms of CPU"


@pytest.fixture
def api(sim: Simulator) -> Iterator[RunningGateway]:
    """A gateway before the API, which may be asked for its count."""
    settings = OpenAISettings(base_url=sim.openai_url, api_key=sim.api_key)
    exact = Config(
        upstream="openai", server=Server(port=0, drain=0.1), openai=settings, tokens=TokensSettings(exact=True)
    )
    with RunningGateway(exact) as running:
        yield running


def counts_asked(sim: Simulator) -> list[RecordedRequest]:
    return [call for call in sim.calls if call.path.endswith("/responses/input_tokens")]


def test_an_api_is_asked_for_its_own_count_where_that_is_allowed(sim: Simulator, api: RunningGateway) -> None:
    counted = send(api, message(PROSE, tools=[BASH]), path=COUNT)
    of_responses = send(api, {"model": "gpt-5.5", "input": PROSE, "stream": True}, path=INPUT)
    assert (counted.status, of_responses.status) == (200, 200)
    first, second = counts_asked(sim)
    assert (first.status, second.status) == (200, 200)
    assert first.body is not None
    assert {"model", "input", "tools"} <= set(first.body)
    assert not {"store", "stream", "include"} & set(first.body), "which its endpoint does not take"
    assert second.body == {"model": "gpt-5.5", "input": PROSE}
    assert counted.json["input_tokens"] > of_responses.json["input_tokens"] > 10


def test_a_count_goes_the_way_that_the_request_would(
    sim: Simulator, api: RunningGateway, gateway: RunningGateway
) -> None:
    """By the same overrides, to the same names: an unknown model is no more counted than answered."""
    wanted = send(api, message(PROSE), path=COUNT, headers={"x-turnout-model": "gpt-5.5"})
    assert wanted.status == 200
    (asked,) = counts_asked(sim)
    assert asked.body is not None
    assert asked.body["model"] == "gpt-5.5"
    unknown = send(gateway, message(PROSE, model="grok-9"), path=COUNT)
    assert unknown.status == 404
    assert "grok-9" in unknown.error[1]


@pytest.mark.parametrize("fault", ["500", "429", "hang-up", "html-200"])
def test_without_an_answer_of_the_api_it_is_counted_here(sim: Simulator, api: RunningGateway, fault: str) -> None:
    kind = "drop-before" if fault == "hang-up" else fault
    sim.account_fault(kind, path="/input_tokens")
    counted = send(api, message(PROSE), path=COUNT)
    assert counted.status == 200
    assert 10 < counted.json["input_tokens"] < 50
    assert send(api, message(PROSE), path=COUNT).json == counted.json
    assert len(counts_asked(sim)) == 1, "it is not asked again at once"


def test_a_plan_is_never_asked(sim: Simulator, home: Path) -> None:
    from msgspec.structs import replace

    settings = replace(config(f"{sim.codex_url}/responses", home), tokens=TokensSettings(exact=True))
    with RunningGateway(settings) as gateway:
        assert send(gateway, message(PROSE), path=COUNT).status == 200
    assert counts_asked(sim) == []
