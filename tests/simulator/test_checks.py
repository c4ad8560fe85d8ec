"""Whatever the real services refuse, the simulator refuses: with the same status, text and body family."""

from typing import Any

import msgspec
import pytest

from tests.simulator.wire import (
    ACCOUNT,
    KEY,
    NOW,
    PIXEL,
    body,
    call,
    function,
    headers,
    output,
    user,
    world,
)
from turnout.simulator import reasoning
from turnout.simulator.accounts import Account, issue_tokens
from turnout.simulator.checks import LITE_HEADER, check
from turnout.simulator.rejection import Rejection
from turnout.simulator.request import Dialect, Request


def refusal(fields: Any, dialect: Dialect = "codex", head: dict[str, str] | None = None, **known: Any) -> Rejection:
    found = check(fields, head or headers(dialect), dialect, world(**known))
    assert isinstance(found, Rejection), "the request was accepted"
    return found


def detail(fields: Any, **options: Any) -> tuple[int, Any]:
    found = refusal(fields, **options)
    return found.status, msgspec.json.decode(found.body)["detail"]


def error(fields: Any, **options: Any) -> dict[str, Any]:
    found = refusal(fields, **options)
    answer: dict[str, Any] = msgspec.json.decode(found.body)["error"]
    return {**answer, "status": found.status}


def sealed(model: str = "gpt-5.5", account: str = ACCOUNT.account_id) -> str:
    return reasoning.issue(KEY, account=account, model=model, thought="hm", nonce=b"n" * 16)


def thought(**changes: Any) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [], "encrypted_content": sealed(), **changes}


def message(content: Any, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def test_a_well_made_request_is_accepted() -> None:
    fields = body(
        message("rules", "developer"),
        user(),
        thought(),
        call(),
        output(),
        message([{"type": "output_text", "text": "So."}], "assistant"),
        message([{"type": "input_image", "image_url": PIXEL, "detail": "original"}]),
        message(
            [{"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}], "user"
        ),
    )
    found = check(fields, headers(), "codex", world())
    assert isinstance(found, Request)
    assert found.account == ACCOUNT.account_id
    assert found.rounds == 2


@pytest.mark.parametrize(
    "field",
    [
        "max_output_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "truncation",
        "user",
        "metadata",
        "safety_identifier",
        "prompt_cache_retention",
        "prompt_cache_options",
        "context_management",
        "previous_response_id",
        "stream_options",
        "background",
        "conversation",
        "max_tool_calls",
        "top_logprobs",
        "thinking",
        "system",
    ],
)
def test_codex_takes_only_the_fields_it_knows(field: str) -> None:
    assert detail(body(**{field: 1})) == (400, f"Unsupported parameter: {field}")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"store": True}, "Store must be set to false"),
        ({"store": None}, "Store must be set to false"),
        ({"stream": False}, "Stream must be set to true"),
        ({"stream": None}, "Stream must be set to true"),
        ({"instructions": None}, "Instructions are required"),
        ({"input": "hello"}, "Input must be a list"),
        ({"service_tier": "flex"}, "Unsupported service_tier: flex"),
        ({"input": [message("be good", "system")]}, "System messages are not allowed"),
        ({"model": "gpt-4.1"}, "The 'gpt-4.1' model is not supported when using Codex with a ChatGPT account."),
        ({"model": "gpt-9"}, "The 'gpt-9' model is not supported when using Codex with a ChatGPT account."),
        ({"tools": [{"type": "code_interpreter"}]}, "Unsupported tool type: code_interpreter"),
    ],
)
def test_codex_names_what_it_demands(changes: dict[str, Any], text: str) -> None:
    assert detail(body(**changes)) == (400, text)


def test_empty_instructions_are_enough() -> None:
    assert isinstance(check(body(instructions=""), headers(), "codex", world()), Request)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"authorization": None}, (401, "Unauthorized")),
        ({"authorization": "Basic abc"}, (401, "Unauthorized")),
        ({"chatgpt_account_id": None}, (401, "Unauthorized")),
        ({"chatgpt_account_id": "someone-else"}, (401, "Unauthorized")),
    ],
)
def test_codex_wants_a_bearer_and_its_account(change: dict[str, Any], expected: tuple[int, str]) -> None:
    assert detail(body(), head=headers(**change)) == expected


def test_an_expired_or_foreign_token_is_refused() -> None:
    old = issue_tokens(ACCOUNT, KEY, now=NOW, lifetime=-1).access_token
    assert error(body(), head=headers(authorization=f"Bearer {old}"))["code"] == "token_expired"
    foreign = issue_tokens(ACCOUNT, b"other", now=NOW).access_token
    refused = error(body(), head=headers(authorization=f"Bearer {foreign}"))
    assert (refused["status"], refused["code"]) == (401, "token_invalid")
    stranger = issue_tokens(Account(account_id="unknown"), KEY, now=NOW).access_token
    assert detail(body(), head=headers(authorization=f"Bearer {stranger}", chatgpt_account_id="unknown"))[0] == 401


def test_the_client_version_opens_the_newer_models() -> None:
    upgrade = (
        "The 'gpt-6-sol' model requires a newer version of Codex. "
        "Please upgrade to the latest app or CLI and try again."
    )
    assert detail(body(model="gpt-6-sol"), head=headers(version="0.153.3")) == (400, upgrade)
    assert isinstance(check(body(model="gpt-6-sol"), headers(version="0.155.0"), "codex", world()), Request)
    agent = headers(version=None, user_agent="codex_exec/0.169.0 (Debian 12.0.0; x86_64) unknown")
    assert isinstance(check(body(model="gpt-6-sol"), agent, "codex", world()), Request)
    unversioned = headers(version=None, user_agent="python-requests/2.32.0")
    assert detail(body(model="gpt-6-sol"), head=unversioned) == (404, "Model not found gpt-6-sol")


@pytest.mark.parametrize(
    ("items", "text", "param", "code"),
    [
        (
            [{**user(), "id": "fc_1"}],
            "Invalid 'input[0].id': 'fc_1'. Expected an ID that begins with 'msg'.",
            "input[0].id",
            "invalid_id_prefix",
        ),
        (
            [user(), {**call(), "id": "msg_1"}, output()],
            "Invalid 'input[1].id': 'msg_1'. Expected an ID that begins with 'fc'.",
            "input[1].id",
            "invalid_id_prefix",
        ),
        (
            [{**user(), "id": "msg_" + "0" * 396}],
            "Invalid 'input[0].id': string too long. Expected a string with maximum length 64, "
            "but got a string with length 400 instead.",
            "input[0].id",
            "string_above_max_length",
        ),
        (
            [{**user(), "id": "msg_a.b"}],
            "Invalid 'input[0].id': 'msg_a.b'. Expected an ID that contains letters, numbers, underscores, or dashes, "
            "but this value contained additional characters.",
            "input[0].id",
            "invalid_value",
        ),
        (
            [user(), call("c" * 65), output("c" * 65)],
            "Invalid 'input[1].call_id': string too long. Expected a string with maximum length 64, "
            "but got a string with length 65 instead.",
            "input[1].call_id",
            "string_above_max_length",
        ),
        ([user(), call("a")], "No tool output found for function call a.", "input", None),
        (
            [user(), output("b")],
            "No tool call found for function call output with call_id b.",
            "input",
            None,
        ),
        (
            [user(), output("a"), call("a")],
            "No tool call found for function call output with call_id a.",
            "input",
            None,
        ),
        (
            [message([{"type": "output_text", "text": "x"}])],
            "Invalid value: 'output_text'. Supported values are: 'input_text', 'input_image', and 'input_file'.",
            "input[0].content[0]",
            "invalid_value",
        ),
        (
            [message([{"type": "input_text", "text": "x"}], "assistant")],
            "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
            "input[0].content[0]",
            "invalid_value",
        ),
        (
            [message([{"type": "input_text", "text": "x", "cache_control": {"type": "ephemeral"}}])],
            "Unknown parameter: 'input[0].content[0].cache_control'.",
            "input[0].content[0].cache_control",
            "unknown_parameter",
        ),
        (
            [{"type": "reasoning", "encrypted_content": sealed()}],
            "Missing required parameter: 'input[0].summary'.",
            "input[0].summary",
            "missing_required_parameter",
        ),
        (
            [{**call(), "arguments": {}}, output()],
            "Invalid type for 'input[0].arguments': expected a string, but got an object instead.",
            "input[0].arguments",
            "invalid_type",
        ),
        (
            [call(name="a b"), output()],
            "Invalid 'input[0].name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            "input[0].name",
            "invalid_value",
        ),
        ([{"role": "user"}], "Missing required parameter: 'input[0].content'.", "input[0].content", None),
        ([{"content": "x"}], "Missing required parameter: 'input[0].type'.", "input[0].type", None),
        (
            ["hello"],
            "Invalid type for 'input[0]': expected an object, but got a string instead.",
            "input[0]",
            "invalid_type",
        ),
    ],
)
@pytest.mark.parametrize("dialect", ["codex", "openai"])
def test_items_are_checked(items: list[Any], text: str, param: str, code: str | None, dialect: Dialect) -> None:
    found = error(body(input=items), dialect=dialect)
    assert (found["status"], found["message"], found["param"]) == (400, text, param)
    assert found["code"] == (code or found["code"])
    assert found["type"] == "invalid_request_error"


def test_a_reasoning_item_that_nothing_keeps_is_not_found() -> None:
    found = error(body(user(), {"type": "reasoning", "id": "rs_1", "summary": []}))
    assert found["status"] == 404
    assert found["message"].startswith("Item with id 'rs_1' not found. Items are not persisted")


@pytest.mark.parametrize(
    "encrypted",
    [
        sealed(model="gpt-6-sol"),
        sealed(account="another"),
        sealed()[:-8] + "AAAAAAA=",
        "EpYCCkYICRgCKkDforeign",
        "gAAAAAB=",
    ],
    ids=["other model", "other account", "altered", "foreign", "short"],
)
def test_reasoning_is_bound_to_account_and_model(encrypted: str) -> None:
    found = error(body(user(), thought(encrypted_content=encrypted)))
    assert (found["status"], found["code"]) == (400, "invalid_encrypted_content")
    assert found["message"].startswith(f"The encrypted content {encrypted[:4]}")
    assert found["message"].endswith("could not be verified.")


def test_images_are_looked_at() -> None:
    for url in ("data:image/png;base64,aGVsbG8=", "data:image/png;base64,%%%", "data:image/tiff;base64,SUkqAA=="):
        found = error(body(message([{"type": "input_image", "image_url": url}])))
        assert found["message"].startswith("The image data you provided does not represent a valid image.")
        assert found["param"] == "input[0].content[0].image_url"
    found = error(body(user(), call(), output(text=[{"type": "input_image", "image_url": "iVBORw0"}])))
    assert "Expected a base64-encoded data URL with an image MIME type" in found["message"]
    assert found["param"] == "input[2].output[0].image_url"


def tool(**parameters: Any) -> dict[str, Any]:
    return {"type": "function", "name": "f", "strict": False, "parameters": parameters}


SHAPE = "Invalid schema for function 'f': "


@pytest.mark.parametrize(
    ("offered", "text"),
    [
        (tool(), SHAPE + "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."),
        (tool(type="string"), SHAPE + "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'."),
        (tool(type="object"), SHAPE + "In context=(), object schema missing properties."),
        (
            tool(type="object", properties={}, anyOf=[]),
            SHAPE
            + "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.",
        ),
        (tool(type="object", properties={}, required=None), SHAPE + "None is not of type 'array'"),
        (
            tool(type="object", properties={"a": {"type": "array"}}),
            SHAPE + "In context=('properties', 'a'), array schema missing items.",
        ),
        (
            tool(type="object", properties={"to": {"type": "array", "items": {"pattern": "^(?!x)"}}}),
            "Invalid JSON schema: regex lookaround is not supported. Found at $.properties.to.items.pattern.",
        ),
        (
            tool(type="object", properties={"a": {"type": "string", "pattern": "\\p{Cc}"}}),
            SHAPE + "'\\\\p{Cc}' is not a 'regex'",
        ),
        (
            {**tool(type="object", properties={"a": {"type": "string"}}), "strict": None},
            None,
        ),
    ],
)
def test_function_schemas_are_checked(offered: dict[str, Any], text: str | None) -> None:
    if text is None:
        del offered["strict"]
        text = SHAPE + "In context=(), 'additionalProperties' is required to be supplied and to be false."
    found = error(body(tools=[offered]))
    assert (found["message"], found["code"]) == (text, "invalid_function_parameters")


def test_foreign_schema_keys_and_fields_are_refused() -> None:
    for key in ("$schema", "$id"):
        assert (
            f"'{key}' is not permitted"
            in error(body(tools=[tool(type="object", properties={}, **{key: "x"})]))["message"]
        )
    nested = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert error(body(tools=[nested]))["message"] == "Unknown parameter: 'tools[0].function'."
    anthropic = {"name": "f", "input_schema": {}}
    assert error(body(tools=[anthropic]))["message"] == "Missing required parameter: 'tools[0].type'."


def test_names_have_a_pattern_and_a_length() -> None:
    long = error(body(tools=[function("m" * 65)]))
    assert long["message"] == (
        "Invalid 'tools[0].name': string too long. Expected a string with maximum length 64, "
        "but got a string with length 65 instead."
    )
    assert isinstance(check(body(tools=[function("m" * 65)]), headers("openai"), "openai", world()), Request)
    assert error(body(tools=[function("a.b")]))["param"] == "tools[0].name"


@pytest.mark.parametrize(
    ("choice", "tools", "text"),
    [
        ("any", [function()], "Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'."),
        ("required", [], "Tool choice 'required' must be specified with 'tools' parameter."),
        (
            {"type": "function", "name": "missing"},
            [function()],
            "Tool choice 'function' not found in 'tools' parameter.",
        ),
        ({"type": "tool", "name": "run_command"}, [function()], "Tool choice 'tool' not found in 'tools' parameter."),
    ],
)
def test_the_tool_choice_fits_the_tools(choice: Any, tools: list[Any], text: str) -> None:
    found = error(body(tool_choice=choice, tools=tools))
    assert (found["message"], found["param"]) == (text, "tool_choice")


def test_efforts_are_the_models_own() -> None:
    found = error(body(reasoning={"effort": "max"}))
    assert found["message"] == (
        "Unsupported value: 'max' is not supported with the 'gpt-5.5' model. "
        "Supported values are: 'low', 'medium', 'high', and 'xhigh'."
    )
    assert (found["param"], found["code"]) == ("reasoning.effort", "unsupported_value")
    assert error(body(model="gpt-6-astra", reasoning={"effort": "ultra"}))["code"] == "invalid_value"
    assert isinstance(
        check(body(model="gpt-6-astra", reasoning={"effort": "max"}), headers(), "codex", world()), Request
    )


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"reasoning": {"summary": "full"}}, "reasoning.summary"),
        ({"reasoning": {"budget_tokens": 1}}, "reasoning.budget_tokens"),
        ({"text": {"verbosity": "chatty"}}, "text.verbosity"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"include": ["everything"]}, "include[0]"),
        ({"prompt_cache_key": "k" * 65}, "prompt_cache_key"),
        ({"parallel_tool_calls": "yes"}, "parallel_tool_calls"),
        ({"client_metadata": {"n": 1}}, "client_metadata.n"),
        ({"model": None}, "model"),
    ],
)
def test_settings_are_checked(changes: dict[str, Any], param: str) -> None:
    assert error(body(**changes))["param"] == param


LITE_TOOLS = {"type": "additional_tools", "role": "developer", "tools": []}


def lite(*tools: dict[str, Any], **changes: Any) -> dict[str, Any]:
    fields = {
        "model": "gpt-6-astra",
        "tools": None,
        "tool_choice": None,
        "instructions": None,
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "context": "all_turns"},
        **changes,
    }
    namespace = {"type": "namespace", "name": "functions", "description": "", "tools": list(tools) or [function()]}
    return body({**LITE_TOOLS, "tools": [namespace]}, user(), **fields)


LITE = {LITE_HEADER.replace("-", "_"): "true"}


def test_lite_framing_is_accepted_for_lite_models() -> None:
    found = check(lite(), headers(**LITE), "codex", world(require_lite=frozenset({"gpt-6-astra"})))
    assert isinstance(found, Request)
    assert [offered["name"] for offered in found.tools] == ["run_command"]


@pytest.mark.parametrize(
    ("fields", "param", "text"),
    [
        (
            lite(model="gpt-5.5"),
            "model",
            "This model is not supported when using X-OpenAI-Internal-Codex-Responses-Lite.",
        ),
        (lite(tools=[]), "tools", "conflicts with X-OpenAI-Internal-Codex-Responses-Lite"),
        (lite({"type": "web_search"}), "tools", "'web_search' is not supported"),
        (lite(reasoning={"effort": "low"}), "reasoning.context", "all_turns"),
    ],
)
def test_lite_framing_has_rules(fields: dict[str, Any], param: str, text: str) -> None:
    found = error(fields, head=headers(**LITE))
    assert (found["param"], found["code"]) == (param, "unsupported_value")
    assert text in found["message"]


def test_a_model_can_demand_lite_framing() -> None:
    found = error(body(model="gpt-6-astra", reasoning={}), require_lite=frozenset({"gpt-6-astra"}))
    assert (found["status"], found["param"], found["code"]) == (400, "tools", "unsupported_value")


def test_openai_takes_more_and_words_it_differently() -> None:
    fields = body(store=True, stream=False, max_output_tokens=64, metadata={}, user="u", truncation="auto", input="hi")
    found = check(fields, headers("openai"), "openai", world())
    assert isinstance(found, Request)
    assert found.items == [{"type": "message", "role": "user", "content": "hi"}]
    assert error(body(thinking={}), dialect="openai")["message"] == "Unknown parameter: 'thinking'."
    for field in ("temperature", "top_p"):
        refused = error(body(**{field: 0.5}), dialect="openai")
        assert refused["message"] == f"Unsupported parameter: '{field}' is not supported with this model."
        plain = body(model="gpt-4.1", reasoning=None, **{field: 0.5})
        assert isinstance(check(plain, headers("openai"), "openai", world()), Request)
    unknown = error(body(model="gpt-9"), dialect="openai")
    assert (unknown["code"], unknown["message"]) == ("model_not_found", "The requested model 'gpt-9' does not exist.")
    assert error(body(previous_response_id="resp_1"), dialect="openai")["code"] == "previous_response_not_found"
    assert error(body(max_output_tokens=1), dialect="openai")["code"] == "integer_below_min_value"


def test_openai_wants_its_key() -> None:
    assert refusal(body(), "openai", headers("openai", authorization=None)).status == 401
    wrong = error(body(), dialect="openai", head=headers("openai", authorization="Bearer sk-wrong-9999"))
    assert (wrong["status"], wrong["code"]) == (401, "invalid_api_key")
    assert "sk-wrong-9999" not in wrong["message"]


@pytest.mark.parametrize("fields", [None, [], "text", 3])
def test_a_body_that_is_no_object_is_refused(fields: Any) -> None:
    assert detail(fields)[0] == 400
    assert error(fields, dialect="openai")["message"].startswith("We could not parse the JSON body")
