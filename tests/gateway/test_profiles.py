"""Profiles on the wire: what the backend gets for each option, through each door, and what the record says of it."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.gateway.client import message, record, send, wait_for
from tests.gateway.conftest import config
from tests.translate.asking import CODEX
from turnout.config import CapabilitySettings, Config, CustomUpstream, Slot, Slots
from turnout.gateway.live import Snapshot
from turnout.gateway.server import RunningGateway
from turnout.gateway.targets import profiled
from turnout.models.catalogue import Catalogue
from turnout.simulator import Message
from turnout.translate.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.gateway.client import Answer
    from turnout.simulator import Simulator

    Start = Callable[..., RunningGateway]

MODEL = "openai-codex:gpt-5.5"
LITE_MODEL = "openai-codex:gpt-6-sol"
BACKENDS = "You are Codex, a simulated agent."
"""The instructions in the simulator's catalogue."""
OWN = "Speak like a pirate."
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"], "additionalProperties": False}
LOOSE = {"type": "object", "properties": {"at": {"type": "string"}}}
WORDS = 'Looks at <one> place & says "what" is there.'
DOORS = ("/v1/messages", "/v1/chat/completions", "/v1/responses")


@pytest.fixture
def serve(sim: Simulator, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """A gateway that has asked the backend for its catalogue: ``serve(prompt_mode="codex_default")``."""
    monkeypatch.setenv("BOX_KEY", sim.api_key)
    with contextlib.ExitStack() as stack:

        def run(lite: bool = False, box: CapabilitySettings | None = None, **options: Any) -> RunningGateway:
            codex: dict[str, Any] = {"default_capabilities": CapabilitySettings(**options)}
            if lite:
                codex["framing"] = {"gpt-6-sol": "lite"}
            made = config(f"{sim.codex_url}/responses", home, codex=codex)
            if box is not None:
                own = CustomUpstream(base_url=sim.openai_url, key="env:BOX_KEY", default_capabilities=box)
                chat = msgspec.structs.replace(own, wire="chat")
                made = msgspec.structs.replace(made, custom={"box": own, "chat": chat})
            made = msgspec.structs.replace(made, slots=Slots(opus=Slot(model="gpt-5.5")))
            running = stack.enter_context(RunningGateway(made, environ={"TURNOUT_HOME": str(tmp_path)}, refreshes=True))
            wait_for(lambda: running.gateway.live.catalogue.source == "live")
            return running

        yield run


def request(door: str, *, model: str = MODEL, own: str = OWN, schema: object = SCHEMA, **fields: Any) -> dict[str, Any]:
    """A request with instructions and a tool, as the clients of a door write it."""
    function = {"name": "look", "description": WORDS}
    if door == "/v1/messages":
        return message(system=own, tools=[{**function, "input_schema": schema}], **{"model": model, **fields})
    if door == "/v1/chat/completions":
        messages = [{"role": "system", "content": own}, {"role": "user", "content": "Hello."}]
        tools = [{"type": "function", "function": {**function, "parameters": schema}}]
        return {"model": model, "messages": messages, "tools": tools, **fields}
    flat = {"type": "function", "parameters": schema, "strict": False} | function
    return {"model": model, "instructions": own, "input": "Hello.", "tools": [flat], **fields}


def ask(gateway: RunningGateway, sim: Simulator, door: str, body: dict[str, Any]) -> tuple[dict[str, Any], Answer]:
    """What the backend got, and the answer."""
    sim.script(Message(text="Aye."))
    answer = send(gateway, body, path=door)
    assert answer.status == 200, answer.body
    got = sim.requests[-1]
    return (got.body if isinstance(got.body, dict) else json.loads(got.raw)), answer


def said(item: dict[str, Any]) -> tuple[str, str]:
    """Role and text of a message."""
    content = item["content"]
    return item["role"], content if isinstance(content, str) else "".join(part["text"] for part in content)


def notes(gateway: RunningGateway, answer: Answer) -> dict[str, tuple[str, str]]:
    """By the option, what the record says of it: action and reason."""
    found = record(gateway, answer).notes
    name = "codex_capabilities."
    return {each.place.removeprefix(name): (each.action, each.reason) for each in found if name in each.place}


@pytest.mark.parametrize("door", DOORS)
def test_the_default_adds_nothing(serve: Start, sim: Simulator, door: str) -> None:
    gateway = serve()
    sent, answer = ask(gateway, sim, door, request(door))
    assert BACKENDS not in json.dumps(sent)
    assert "environment_context" not in json.dumps(sent)
    assert [tool["name"] for tool in sent["tools"]] == ["look"]
    assert notes(gateway, answer) == {}


@pytest.mark.parametrize("door", DOORS)
def test_the_options_that_describe_the_default_change_no_byte(serve: Start, sim: Simulator, door: str) -> None:
    gateway = serve()
    body = request(door)
    options: dict[str, object] = {
        "tool_schema_mode": "custom_only",
        "tool_text_format": "none",
        "include_environment_context": False,
    }
    ask(gateway, sim, door, body)
    ask(gateway, sim, door, {**body, "codex_capabilities": {**options, "prompt_mode": "custom_only"}})
    one, two = (bytes(each.raw).partition(b'"prompt_cache_key"') for each in sim.requests)
    assert one[0] == two[0]
    assert one[2].partition(b",")[2] == two[2].partition(b",")[2]


@pytest.mark.parametrize("door", DOORS)
def test_codex_default_sends_the_catalogues_instructions_and_the_clients_behind_them(
    serve: Start, sim: Simulator, door: str
) -> None:
    sent, _ = ask(serve(prompt_mode="codex_default"), sim, door, request(door))
    assert sent["instructions"] == BACKENDS
    assert said(sent["input"][0]) == ("developer", OWN)
    assert said(sent["input"][1])[0] == "user"


@pytest.mark.parametrize("door", DOORS)
def test_merge_custom_makes_one_of_both(serve: Start, sim: Simulator, door: str) -> None:
    sent, _ = ask(serve(prompt_mode="merge_custom"), sim, door, request(door))
    assert sent["instructions"] == f"{BACKENDS}\n\n{OWN}"
    assert [said(item)[0] for item in sent["input"]] == ["user"]


@pytest.mark.parametrize("mode", ["codex_default", "merge_custom"])
@pytest.mark.parametrize("door", DOORS)
def test_in_lite_framing_they_are_a_message_behind_the_tools(
    serve: Start, sim: Simulator, door: str, mode: str
) -> None:
    sent, _ = ask(serve(lite=True, prompt_mode=mode), sim, door, request(door, model=LITE_MODEL))
    assert "instructions" not in sent
    assert sent["input"][0]["type"] == "additional_tools"
    assert [said(item) for item in sent["input"][1:3]] == [("developer", BACKENDS), ("developer", OWN)]


def test_a_request_may_want_another_profile(serve: Start, sim: Simulator) -> None:
    gateway, door = serve(prompt_mode="codex_default"), DOORS[1]
    for fields in (
        {"codex_capabilities": {"prompt_mode": "custom_only"}},
        {"extra_body": {"codex_capabilities": {"prompt_mode": "custom_only"}}},
    ):
        sent, _ = ask(gateway, sim, door, request(door, **fields))
        assert sent["instructions"] == ""
    assert ask(gateway, sim, door, request(door))[0]["instructions"] == BACKENDS


def test_passthrough_leaves_a_responses_clients_own_prompt_where_it_is(serve: Start, sim: Simulator) -> None:
    gateway, door = serve(prompt_mode="codex_default", codex_passthrough=True), DOORS[2]
    sent, answer = ask(gateway, sim, door, request(door))
    assert sent["instructions"] == OWN
    assert notes(gateway, answer)["prompt_mode"][0] == "mapped"
    bare = request(door)
    del bare["instructions"]
    assert ask(gateway, sim, door, bare)[0]["instructions"] == BACKENDS
    assert ask(gateway, sim, DOORS[0], request(DOORS[0]))[0]["instructions"] == BACKENDS


def test_passthrough_knows_a_prompt_in_lite_framing_also_where_a_request_goes_on(serve: Start, sim: Simulator) -> None:
    gateway, door = serve(prompt_mode="codex_default", codex_passthrough=True), DOORS[2]
    tools = {"type": "additional_tools", "role": "developer", "tools": []}
    own = {"type": "message", "role": "developer", "content": OWN}
    user = {"type": "message", "role": "user", "content": "Hello."}
    sent, answer = ask(gateway, sim, door, {"model": LITE_MODEL, "input": [tools, own, user]})
    assert sent["input"] == [tools, own, user]
    later = {"model": LITE_MODEL, "input": "More.", "previous_response_id": answer.json["id"]}
    sent, _ = ask(gateway, sim, door, later)
    assert sent["input"][:3] == [tools, own, user]
    assert BACKENDS not in json.dumps(sent)


@pytest.mark.parametrize("door", DOORS)
def test_where_no_backend_has_told_instructions_the_clients_go_alone(
    gateway: RunningGateway, sim: Simulator, door: str
) -> None:
    """This gateway knows only the models of its release, which has no instructions in it."""
    sent, answer = ask(gateway, sim, door, request(door, codex_capabilities={"prompt_mode": "codex_default"}))
    assert OWN in json.dumps(sent)
    assert BACKENDS not in json.dumps(sent)
    action, reason = notes(gateway, answer)["prompt_mode"]
    assert action == "approximated"
    assert "has told no instructions for gpt-5.5" in reason


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mode", ["custom_only", "codex_default", "faithful", "strict"])
def test_only_strict_holds_calls_to_their_schema(serve: Start, sim: Simulator, door: str, mode: str) -> None:
    sent, _ = ask(serve(tool_schema_mode=mode), sim, door, request(door))
    assert [(tool["name"], tool["parameters"]) for tool in sent["tools"]] == [("look", SCHEMA)]
    assert sent["tools"][0]["strict"] is (mode == "strict")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mode", ["codex_default", "faithful"])
def test_a_schema_beyond_strict_mode_goes_as_it_is(serve: Start, sim: Simulator, door: str, mode: str) -> None:
    sent, _ = ask(serve(tool_schema_mode=mode), sim, door, request(door, schema=LOOSE))
    assert (sent["tools"][0]["parameters"], sent["tools"][0]["strict"]) == (LOOSE, False)


def test_a_responses_clients_tool_that_strict_mode_cannot_say_stays_as_it_is(serve: Start, sim: Simulator) -> None:
    gateway, door = serve(tool_schema_mode="strict"), DOORS[2]
    sent, answer = ask(gateway, sim, door, request(door, schema=LOOSE))
    assert (sent["tools"][0]["parameters"], sent["tools"][0]["strict"]) == (LOOSE, False)
    assert any(note.place == "tools[0]" for note in record(gateway, answer).notes)


def test_codex_default_never_holds_a_tool_to_its_schema_and_adds_none(serve: Start, sim: Simulator) -> None:
    gateway, door = serve(tool_schema_mode="codex_default"), DOORS[2]
    body = request(door)
    body["tools"][0]["strict"] = True
    sent, answer = ask(gateway, sim, door, body)
    assert [(tool["name"], tool["strict"]) for tool in sent["tools"]] == [("look", False)]
    assert "the Codex CLI's own tools are not added" in notes(gateway, answer)["tool_schema_mode"][1]


@pytest.mark.parametrize("lite", [False, True])
@pytest.mark.parametrize("door", DOORS)
def test_tools_in_words(serve: Start, sim: Simulator, door: str, lite: bool) -> None:
    gateway = serve(lite=lite)
    body = request(door, model=LITE_MODEL if lite else MODEL)
    told = {}
    for form in ("summary", "codex_xml"):
        sent, _ = ask(gateway, sim, door, {**body, "codex_capabilities": {"tool_text_format": form}})
        messages = [said(item) for item in sent["input"] if "role" in item and "content" in item]
        (words,) = (text for role, text in messages if role == "developer" and "look" in text)
        assert messages.index(("developer", words)) == len(messages) - 2, "right before the conversation"
        told[form] = words
    assert told["summary"] == f"You can call these tools:\n- look: {WORDS}"
    assert '<tool name="look" type="function">' in told["codex_xml"]
    assert '<description>Looks at &lt;one&gt; place &amp; says "what" is there.</description>' in told["codex_xml"]
    assert json.dumps(SCHEMA).replace(" ", "") in told["codex_xml"].replace(" ", "")


@pytest.mark.parametrize("door", DOORS)
def test_the_machine_is_told_of_only_where_it_is_wanted(
    serve: Start, sim: Simulator, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/opt/hidden/fish")
    gateway = serve()
    body = request(door, codex_capabilities={"include_environment_context": True})
    sent, answer = ask(gateway, sim, door, body)
    role, text = next(said(item) for item in sent["input"] if "environment_context" in json.dumps(item))
    assert role == "user"
    assert "<shell>fish</shell>" in text
    assert "hidden" not in text
    assert notes(gateway, answer)["include_environment_context"][0] == "approximated"
    assert "environment_context" not in json.dumps(ask(gateway, sim, door, request(door))[0])


@pytest.mark.parametrize("door", DOORS)
def test_options_without_effect_say_so(serve: Start, sim: Simulator, door: str) -> None:
    gateway = serve()
    options = {"bypass_tool_call_reactor": False, "protocol": "openai-chat"}
    plain, _ = ask(gateway, sim, door, request(door))
    sent, answer = ask(gateway, sim, door, request(door, codex_capabilities=options))
    assert (sent["input"], sent["tools"]) == (plain["input"], plain["tools"])
    found = notes(gateway, answer)
    assert {name: action for name, (action, _) in found.items()} == dict.fromkeys(options, "ignored")


def test_a_setting_without_effect_says_so_too(serve: Start, sim: Simulator) -> None:
    gateway = serve(bypass_tool_call_reactor=False)
    _, answer = ask(gateway, sim, DOORS[0], request(DOORS[0]))
    assert "nothing reacts here" in notes(gateway, answer)["bypass_tool_call_reactor"][1]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"prompt_mode": "mine"}, "codex_capabilities.prompt_mode: invalid enum value"),
        ({"include_environment_context": "yes"}, "codex_capabilities.include_environment_context: expected bool"),
        ({"prompt": "x"}, "codex_capabilities: object contains unknown field prompt"),
        ([], "codex_capabilities: expected object"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    gateway: RunningGateway, sim: Simulator, door: str, options: object, told: str
) -> None:
    for fields in ({"codex_capabilities": options}, {"extra_body": {"codex_capabilities": options}}):
        answer = send(gateway, request(door, **fields), path=door)
        assert answer.status == 400
        assert told in answer.json["error"]["message"]
    assert sim.requests == []


def test_a_model_that_a_server_calls_otherwise_has_its_instructions() -> None:
    """As with Azure's deployments."""
    (facts, *_) = Catalogue.bundled().all()
    known = Catalogue([msgspec.structs.replace(facts, instructions=BACKENDS)])
    own = CustomUpstream(base_url="http://127.0.0.1:1", models={facts.slug: "deployment-1"})
    now = Snapshot(Config(custom={"box": own}), known, {})
    target = msgspec.structs.replace(CODEX, model="deployment-1")
    profile = Profile(prompt_mode="codex_default")
    assert profiled(target, profile, "box", now).instructions == BACKENDS
    assert profiled(target, profile, "codex", now).instructions == ""


@pytest.mark.parametrize("mode", ["codex_default", "merge_custom"])
def test_an_upstream_that_needs_no_instructions_gets_them_too(serve: Start, sim: Simulator, mode: Any) -> None:
    gateway, door = serve(box=CapabilitySettings(prompt_mode=mode)), DOORS[0]
    sent, _ = ask(gateway, sim, door, request(door, model="box/gpt-5.5"))
    assert list(sent)[:2] == ["model", "instructions"]
    assert sent["instructions"] == (BACKENDS if mode == "codex_default" else f"{BACKENDS}\n\n{OWN}")


@pytest.mark.parametrize("door", DOORS)
def test_a_chat_only_server_gets_them_as_messages(serve: Start, sim: Simulator, door: str) -> None:
    gateway = serve(box=CapabilitySettings(prompt_mode="codex_default", tool_text_format="summary"))
    sent, _ = ask(gateway, sim, door, request(door, model="chat/gpt-5.5"))
    *prompt, last = sent["messages"]
    words = json.dumps(prompt)
    assert {each["role"] for each in prompt} <= {"system", "developer"}
    assert -1 < words.index(BACKENDS) < words.index(OWN) < words.index("You can call these tools")
    assert last["role"] == "user"


def test_tokens_are_counted_with_what_a_profile_sends(serve: Start) -> None:
    gateway, count = serve(), "/v1/messages/count_tokens"
    body = request(DOORS[0])
    plain = send(gateway, body, path=count).json["input_tokens"]
    more = send(gateway, {**body, "codex_capabilities": {"tool_text_format": "codex_xml"}}, path=count)
    assert more.json["input_tokens"] > plain + 20


def test_each_upstream_has_a_profile_of_its_own(serve: Start, sim: Simulator) -> None:
    gateway, door = serve(box=CapabilitySettings(tool_text_format="summary")), DOORS[1]
    sent, _ = ask(gateway, sim, door, request(door, model="box/gpt-5.5"))
    assert "You can call these tools" in json.dumps(sent)
    sent, _ = ask(gateway, sim, door, request(door))
    assert "You can call these tools" not in json.dumps(sent)


def test_a_conversation_that_goes_on_keeps_its_beginning(serve: Start, sim: Simulator) -> None:
    gateway, door = serve(prompt_mode="codex_default", tool_text_format="summary"), DOORS[0]
    first, _ = ask(gateway, sim, door, request(door))
    body = request(door)
    body["messages"] += [{"role": "assistant", "content": "Aye."}, {"role": "user", "content": "More."}]
    second, _ = ask(gateway, sim, door, body)
    assert second["input"][: len(first["input"])] == first["input"], "the prompt's beginning stays, for the cache"
    assert second["instructions"] == first["instructions"]
