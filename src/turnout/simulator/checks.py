"""The entrance check: sign-in, client version, top-level fields; then the items and tools. Pure.

Each refusal has the text and the body family of the real service (codex-backend.md 2.3 to 2.6, 4 and 9).
"""

from collections.abc import Callable

import msgspec

from turnout.simulator import catalogue, reasoning
from turnout.simulator.accounts import AUTH_CLAIM, Account, read_access_token
from turnout.simulator.catalogue import WIRE_EFFORTS, Model, parse_version
from turnout.simulator.check_items import check_items
from turnout.simulator.check_search import not_offered
from turnout.simulator.check_tools import check_format, check_tool_choice, check_tools
from turnout.simulator.faults import lite_required
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.rejection import (
    Refused,
    Rejection,
    api_error,
    choices,
    detail,
    invalid,
    missing,
    too_long,
    unknown,
    wrong_type,
    wrong_value,
)
from turnout.simulator.request import Dialect, Request

LITE_HEADER = "x-openai-internal-codex-responses-lite"
CACHE_KEY_LENGTH = 64

CODEX_FIELDS = frozenset(
    {
        "model",
        "instructions",
        "input",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "stream",
        "include",
        "prompt_cache_key",
        "text",
        "service_tier",
        "client_metadata",
    }
)
"""All that the Codex backend takes; everything else is an unsupported parameter (codex-backend.md 2.4)."""

OPENAI_FIELDS = CODEX_FIELDS | {
    "max_output_tokens",
    "temperature",
    "top_p",
    "metadata",
    "truncation",
    "user",
    "safety_identifier",
    "prompt_cache_retention",
    "prompt_cache_options",
    "previous_response_id",
    "background",
    "conversation",
    "context_management",
    "stream_options",
    "max_tool_calls",
    "top_logprobs",
    "prompt",
    "moderation",
}
"""What the OpenAI API takes (codex-backend.md 4)."""

INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)
OPENAI_TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
FIELD_TYPES: dict[str, tuple[type, str]] = {
    "tool_choice": (object, ""),
    "parallel_tool_calls": (bool, "a boolean"),
    "reasoning": (dict, "an object"),
    "text": (dict, "an object"),
    "include": (list, "an array of strings"),
    "instructions": (str, "a string"),
    "prompt_cache_key": (str, "a string"),
    "service_tier": (str, "a string"),
    "client_metadata": (dict, "an object"),
    "metadata": (dict, "an object"),
}


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What the check must know besides the request."""

    key: bytes
    """Signs tokens and encrypts reasoning."""
    accounts: dict[str, Account]
    """The known ChatGPT accounts by id."""
    api_key: str
    require_lite: frozenset[str]
    now: float
    """Unix time, seconds."""
    recall: Callable[[str], list[JsonObject] | None]
    """The items of a stored response, for previous_response_id."""
    instructions_required: bool = True
    """Whether plain framing must have instructions."""
    hosted_search: bool = True
    """Whether the service searches the web itself."""
    absent: frozenset[str] = frozenset()
    """Models that are not offered."""
    plans: dict[str, set[str]] = {}
    """The plans that a model is for, in place of the catalogue's, by model."""


def check(body: object, headers: dict[str, str], dialect: Dialect, world: World) -> Request | Rejection:
    """The request if the service would take it, else the answer it would give. Header names are in lower case."""
    try:
        account = sign_in(headers, dialect, world)
        if not isinstance(body, dict):
            raise Refused(_bad_json(dialect))
        return _check_body(body, headers, dialect, account, world)
    except Refused as refused:
        return refused.rejection


def sign_in(headers: dict[str, str], dialect: Dialect, world: World) -> str:
    """Who sends the request: the account id (codex) or "api" (openai). Raises Refused with a 401."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(_not_signed_in(dialect))
    if dialect == "openai":
        if token != world.api_key:
            raise Refused(
                api_error(
                    f"Incorrect API key provided: {token[:3]}***{token[-4:]}. You can find your API key at "
                    "https://platform.openai.com/account/api-keys.",
                    code="invalid_api_key",
                    status=401,
                )
            )
        return "api"
    claims = read_access_token(token, world.key)
    if claims is None:
        message = "Your authentication token could not be verified. Please try signing in again."
        raise Refused(api_error(message, code="token_invalid", status=401))
    if claims["exp"] <= world.now:
        message = "Provided authentication token is expired. Please try signing in again."
        raise Refused(api_error(message, code="token_expired", status=401))
    account = str(claims[AUTH_CLAIM]["chatgpt_account_id"])
    if account not in world.accounts or headers.get("chatgpt-account-id") != account:
        raise Refused(detail("Unauthorized", 401))
    return account


def _check_body(body: JsonObject, headers: dict[str, str], dialect: Dialect, account: str, world: World) -> Request:
    lite = headers.get(LITE_HEADER) == "true"
    model = _check_model(body, headers, dialect, account, world)
    _check_fields(body, dialect)
    if dialect == "codex":
        _check_codex_switches(body, instructions_required=world.instructions_required and not lite)
    else:
        _check_openai_settings(body, model)
    _check_common(body, model)
    items, stored = _input_items(body, dialect, world)
    _check_framing(body, model, items, lite=lite, world=world)
    check_items(
        list(items),
        dialect=dialect,
        lite=lite,
        stored=stored,
        verifies=lambda text: reasoning.verify(world.key, text, account=account, model=model.slug),
    )
    if "tools" in body:
        check_tools(body["tools"], dialect=dialect)
        if not world.hosted_search and any(tool["type"] == "web_search" for tool in body["tools"]):
            raise not_offered()
    request = Request(
        dialect=dialect,
        model=model,
        body=body,
        headers=headers,
        account=account,
        lite=lite,
        items=items,
        plan=world.accounts[account].plan if dialect == "codex" else "api",
    )
    if "tool_choice" in body:
        check_tool_choice(body["tool_choice"], request.tools)
    return request


def _check_model(body: JsonObject, headers: dict[str, str], dialect: Dialect, account: str, world: World) -> Model:
    slug = body.get("model")
    if slug is None:
        raise missing("model")
    if not isinstance(slug, str):
        raise wrong_type("model", "a string", slug)
    model = None if slug in world.absent else catalogue.find(slug)
    if dialect == "openai":
        if model is None:
            raise invalid(f"The requested model '{slug}' does not exist.", "model", "model_not_found")
        return model
    if (
        model is None
        or not model.on_codex
        or world.accounts[account].plan not in world.plans.get(slug, set(model.plans))
    ):
        raise Refused(detail(f"The '{slug}' model is not supported when using Codex with a ChatGPT account."))
    version = client_version(headers)
    if not version:
        raise Refused(detail(f"Model not found {slug}", 404))
    if not model.accepts_client(version):
        raise Refused(
            detail(
                f"The '{slug}' model requires a newer version of Codex. "
                "Please upgrade to the latest app or CLI and try again."
            )
        )
    return model


def client_version(headers: dict[str, str]) -> tuple[int, ...]:
    """The client's version: the `version` header, else the version in a Codex User-Agent; () when there is none."""
    version = parse_version(headers.get("version", ""))
    agent = headers.get("user-agent", "")
    if not version and agent.lower().startswith("codex") and "/" in agent:
        version = parse_version(agent.split("/", 1)[1].split(" ", 1)[0])
    return version


def _check_fields(body: JsonObject, dialect: Dialect) -> None:
    known = CODEX_FIELDS if dialect == "codex" else OPENAI_FIELDS
    for field in body:
        if field not in known:
            raise Refused(detail(f"Unsupported parameter: {field}")) if dialect == "codex" else unknown(field)
    for field, (kind, name) in FIELD_TYPES.items():
        if body.get(field) is not None and not isinstance(body[field], kind):
            raise wrong_type(field, name, body[field])


def _check_codex_switches(body: JsonObject, *, instructions_required: bool) -> None:
    if body.get("store") is not False:
        raise Refused(detail("Store must be set to false"))
    if body.get("stream") is not True:
        raise Refused(detail("Stream must be set to true"))
    if body.get("instructions") is None and instructions_required:
        raise Refused(detail("Instructions are required"))
    if not isinstance(body.get("input"), list):
        raise Refused(detail("Input must be a list"))
    tier = body.get("service_tier")
    if tier is not None and tier != "priority":
        raise Refused(detail(f"Unsupported service_tier: {tier}"))
    for name, value in (body.get("client_metadata") or {}).items():
        if not isinstance(value, str):
            raise wrong_type(f"client_metadata.{name}", "a string", value)


def _check_openai_settings(body: JsonObject, model: Model) -> None:
    for field in ("temperature", "top_p"):
        if field not in body:
            continue
        if model.reasons:
            message = f"Unsupported parameter: '{field}' is not supported with this model."
            raise Refused(api_error(message, param=field))
        if not isinstance(body[field], int | float) or isinstance(body[field], bool):
            raise wrong_type(field, "a decimal number", body[field])
    calls = body.get("max_tool_calls")
    if calls is not None and (not isinstance(calls, int) or isinstance(calls, bool) or calls < 1):
        raise wrong_type("max_tool_calls", "a positive integer", calls)
    limit = body.get("max_output_tokens")
    if limit is not None:
        if not isinstance(limit, int) or isinstance(limit, bool):
            raise wrong_type("max_output_tokens", "an integer", limit)
        if limit < 16:
            message = (
                "Invalid 'max_output_tokens': integer below minimum value. "
                f"Expected a value >= 16, but got {limit} instead."
            )
            raise invalid(message, "max_output_tokens", "integer_below_min_value")
    tier = body.get("service_tier")
    if tier is not None and tier not in OPENAI_TIERS:
        raise wrong_value("service_tier", tier, OPENAI_TIERS)
    if not isinstance(body.get("stream", False), bool | None):
        raise wrong_type("stream", "a boolean", body["stream"])


def _check_common(body: JsonObject, model: Model) -> None:
    settings = body.get("reasoning") or {}
    effort = settings.get("effort")
    if effort is not None:
        if effort not in WIRE_EFFORTS:
            raise wrong_value("reasoning.effort", effort, WIRE_EFFORTS)
        if effort not in model.efforts and model.reasons:
            message = (
                f"Unsupported value: '{effort}' is not supported with the '{model.slug}' model. "
                f"Supported values are: {choices(model.efforts)}."
            )
            raise invalid(message, "reasoning.effort", "unsupported_value")
    if settings and not model.reasons:
        message = "Unsupported parameter: 'reasoning.effort' is not supported with this model."
        raise invalid(message, "reasoning.effort", "unsupported_parameter")
    for field in settings:
        if field not in ("effort", "summary", "context", "generate_summary"):
            raise unknown(f"reasoning.{field}")
    summaries = ("concise", "detailed", "auto")
    if settings.get("summary") is not None and settings["summary"] not in summaries:
        raise wrong_value("reasoning.summary", settings["summary"], summaries)
    text = body.get("text") or {}
    for field in text:
        if field not in ("format", "verbosity"):
            raise unknown(f"text.{field}")
    if text.get("verbosity") is not None and text["verbosity"] not in ("low", "medium", "high"):
        raise wrong_value("text.verbosity", text["verbosity"], ("low", "medium", "high"))
    if text.get("format") is not None:
        if not isinstance(text["format"], dict):
            raise wrong_type("text.format", "an object", text["format"])
        check_format(text["format"])
    for index, value in enumerate(body.get("include") or []):
        if value not in INCLUDES:
            raise wrong_value(f"include[{index}]", value, INCLUDES)
    key = body.get("prompt_cache_key")
    if key is not None and len(key) > CACHE_KEY_LENGTH:
        raise too_long("prompt_cache_key", key, CACHE_KEY_LENGTH)


def _input_items(body: JsonObject, dialect: Dialect, world: World) -> tuple[list[JsonObject], int]:
    """The whole prompt's items, and how many of them come from a stored response."""
    stored: list[JsonObject] = []
    previous = body.get("previous_response_id")
    if previous is not None and dialect == "openai":
        found = world.recall(str(previous))
        if found is None:
            message = f"Previous response with id '{previous}' not found."
            raise invalid(message, "previous_response_id", "previous_response_not_found")
        stored = found
    given = body.get("input")
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": given}]
    if given is None and not stored:
        message = "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided."
        raise invalid(message, "input", "missing_required_parameter")
    if not isinstance(given, list | None):
        raise wrong_type("input", "one of an array of objects or string", given)
    return [*stored, *(given or [])], len(stored)


def _check_framing(body: JsonObject, model: Model, items: list[JsonObject], *, lite: bool, world: World) -> None:
    """Plain or lite, never mixed (codex-backend.md 2.3)."""
    context = (body.get("reasoning") or {}).get("context")
    if not lite:
        if model.slug in world.require_lite:
            raise Refused(lite_required(model))
        if context is not None and context != "all_turns":
            raise wrong_value("reasoning.context", context, ("all_turns",))
        return
    if not model.lite:
        message = "This model is not supported when using X-OpenAI-Internal-Codex-Responses-Lite."
        raise invalid(message, "model", "unsupported_value")
    if "tools" in body:
        message = "Unsupported value: 'tools' conflicts with X-OpenAI-Internal-Codex-Responses-Lite."
        raise invalid(message, "tools", "unsupported_value")
    if context != "all_turns":
        message = (
            f"Unsupported value: '{context}' is not supported for 'reasoning.context' when using "
            "X-OpenAI-Internal-Codex-Responses-Lite. Supported values are: 'all_turns'."
        )
        raise invalid(message, "reasoning.context", "unsupported_value")


def _bad_json(dialect: Dialect) -> Rejection:
    if dialect == "codex":
        return detail("Invalid JSON body")
    message = "We could not parse the JSON body of your request. The API expects a JSON payload."
    return api_error(message)


def _not_signed_in(dialect: Dialect) -> Rejection:
    if dialect == "codex":
        return detail("Unauthorized", 401)
    message = "You didn't provide an API key. Provide it in an Authorization header using Bearer auth."
    return api_error(message, status=401)
