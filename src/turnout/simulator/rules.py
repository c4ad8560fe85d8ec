"""The rule engine: plausible answers to prompts that no scenario covers.

It calls the tools that the prompt asks for with arguments that fit their schemas, waits for the results, and then
answers with text that quotes them. Pure: a request goes in, a turn comes out.
"""

import re

import msgspec

from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.prompt import Wish, steps
from turnout.simulator.request import CALL_TYPES, Request, ToolResult, own_words, text_of
from turnout.simulator.samples import sample, sample_arguments
from turnout.simulator.scenario import (
    Citation,
    Compaction,
    CustomToolCall,
    FunctionCall,
    Message,
    Output,
    Reasoning,
    Turn,
    WebSearch,
)

PLACES = ("example.com", "example.org")
"""Where a hosted search finds its pages."""
QUOTED_CHARACTERS = 600
"""How much of a tool's result the final answer quotes."""

_FAILURE = re.compile(
    r"^\W*(error|failed|failure|exit code [1-9]|traceback|(?:the )?tool (?:error|call failed))|<tool_use_error>",
    re.IGNORECASE,
)
_COMPACTION = re.compile(
    r"\bsummary of (?:the|this|our) (?:recent portion of the )?conversation\b"
    r"|\bsummari[sz]e (?:the|this|our) conversation\b",
    re.IGNORECASE,
)
_SAY = re.compile(
    r"\b(?:say|reply with|answer with|respond with)(?: exactly| only| just)?:?\s+"
    r"(?:`([^`]+)`|\"([^\"]+)\"|(\w+)[.!]?\s*$)",
    re.IGNORECASE,
)
_WORD_COUNT = re.compile(r"\b(\d{1,5}) words\b", re.IGNORECASE)
_FILLER = ("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "tall", "pines", "sway")


def respond(request: Request) -> Turn:
    """The answer to this request."""
    outputs = _answer(request)
    if request.effort != "none" and not isinstance(outputs[0], Compaction):
        outputs = [Reasoning(summary=_thoughts(request, outputs)), *outputs]
    return Turn(output=outputs)


def _answer(request: Request) -> list[Output]:
    if request.items and request.items[-1].get("type") == "compaction_trigger":
        return [Compaction(summary=_summary(request))]
    if request.output_format.get("type") in ("json_schema", "json_object") and not request.tools:
        return [Message(text=_structured(request))]
    task = request.last_user_text
    if _COMPACTION.search(task):
        return [Message(text=_summary(request))]
    calls = _calls(request, task)
    searches = [call for call in calls if isinstance(call, WebSearch)]
    if searches:
        # A hosted search runs inside the answer, which goes on with the text that uses it.
        urls = [url for search in searches for url in search.sources]
        cited: list[str | Citation] = [Citation(url=url, title=f"About {url.split('/')[2]}", at=url) for url in urls]
        return [*calls, Message(text=f"The search found {', '.join(urls)}.", citations=cited)]
    if calls:
        return calls
    return [Message(text=_text(request, task), phase="final_answer")]


def _calls(request: Request, task: str) -> list[Output]:
    """The calls of the first step of the prompt that is not yet done."""
    choice = request.body.get("tool_choice", "auto")
    if choice == "none":
        return []
    functions = {tool["name"]: tool for tool in request.tools if tool.get("type") in ("function", "custom")}
    hosted = {str(tool["type"]) for tool in request.tools if "name" not in tool}
    made = _calls_made(request)
    forced = choice.get("name") if isinstance(choice, dict) and choice.get("type") in ("function", "custom") else None
    for step in steps(task, [*functions, *hosted]):
        due = [wish for wish in step if not _take(made, wish)]
        if forced:
            due = [wish for wish in due if wish.tool == forced]
        if due:
            calls = [_call(wish, functions, request.tools) for wish in due]
            return calls if request.body.get("parallel_tool_calls", True) else calls[:1]
    if (forced in functions or choice == "required") and functions and not request.results(request.user_turn + 1):
        return [_call(Wish(forced or next(iter(functions)), {}, ""), functions, request.tools)]
    return []


def _calls_made(request: Request) -> list[tuple[str, str]]:
    """Name and arguments of each call since the last user message."""
    later = request.items[request.user_turn + 1 :]
    return [
        (item["name"], str(item.get("arguments") or item.get("input") or ""))
        for item in later
        if item.get("type") in CALL_TYPES
    ]


def _take(made: list[tuple[str, str]], wish: Wish) -> bool:
    """Whether the wish has been fulfilled already; its call is then used up.

    Clients rewrite arguments before they send them back, so only the telling value is compared.
    """
    needle = msgspec.json.encode(wish.key).decode()[1:-1]
    for index, (name, arguments) in enumerate(made):
        if name == wish.tool and (needle in arguments or wish.key in arguments):
            del made[index]
            return True
    return False


def _call(wish: Wish, functions: dict[str, dict[str, object]], offered: list[JsonObject]) -> Output:
    tool = functions.get(wish.tool)
    if tool is None:
        return _search(str(wish.known.get("query", "")), offered)
    if tool.get("type") == "custom":
        return CustomToolCall(name=wish.tool, input=wish.key or "sample")
    schema = tool.get("parameters")
    return FunctionCall(
        name=wish.tool, arguments=sample_arguments(schema if isinstance(schema, dict) else {}, wish.known)
    )


def _search(query: str, offered: list[JsonObject]) -> WebSearch:
    """A hosted search that finds a page at each of two places, or at those that the tool is limited to."""
    filters = next((tool.get("filters") for tool in offered if tool.get("type") == "web_search"), None) or {}
    slug = "-".join(re.findall(r"\w+", query.lower())[:6]) or "found"
    places = filters.get("allowed_domains") or PLACES
    blocked = filters.get("blocked_domains") or []
    return WebSearch(query=query, sources=[f"https://{place}/{slug}" for place in places if place not in blocked][:5])


def _text(request: Request, task: str) -> str:
    results = request.results(request.user_turn + 1)
    parts = [_quote(result) for result in results]
    said = _SAY.search(task)
    count = _WORD_COUNT.search(task)
    if said:
        parts.append(next(filter(None, said.groups())))
    elif count:
        wanted = int(count.group(1))
        parts.append(" ".join(_FILLER[index % len(_FILLER)] for index in range(wanted)) + ".")
    elif results:
        failed = sum(_failed(result) for result in results)
        parts.append(f"{failed} of {len(results)} calls failed." if failed else "That is everything you asked for.")
    else:
        parts.append(f"You wrote: {task[:QUOTED_CHARACTERS] or 'nothing'}")
    if "[image]" in request.last_user_text:
        parts.append("I see the image.")
    return "\n\n".join(parts)


def _quote(result: ToolResult) -> str:
    verb = "failed and said" if _failed(result) else "returned"
    return f"{result.name} {verb}:\n{result.output[:QUOTED_CHARACTERS].strip() or '(nothing)'}"


def _failed(result: ToolResult) -> bool:
    return _FAILURE.search(result.output) is not None


def _thoughts(request: Request, outputs: list[Output]) -> list[str]:
    """Summary parts: what has been seen, and what comes next."""
    task = " ".join(request.last_user_text.split())[:80]
    results = request.results(request.user_turn + 1)
    names = [output.name for output in outputs if isinstance(output, FunctionCall | CustomToolCall)]
    first = (
        f"**Reading the results**\n\nI have {len(results)} result(s)."
        if results
        else f"**Understanding**\n\nAsked: {task}"
    )
    second = f"**Next step**\n\nI will call {', '.join(names)}." if names else "**Answering**\n\nI can answer now."
    return [first, second]


def _structured(request: Request) -> str:
    """JSON for the wanted schema; a title is taken from the prompt."""
    schema = request.output_format.get("schema") or {"type": "object"}
    value = sample(schema, schema)
    if isinstance(value, dict) and "title" in value:
        value["title"] = " ".join(request.last_user_text.split()[:6]) or "Untitled"
    return msgspec.json.encode(value).decode()


def _summary(request: Request) -> str:
    earlier = request.items[: request.user_turn] if request.user_turn >= 0 else request.items
    asked = [own_words(text_of(item)) for item in earlier if item.get("role") == "user"]
    lines = [f"{number}. {' '.join(text.split())[:120]}" for number, text in enumerate(filter(None, asked), 1)]
    body = "\n".join(lines) or "Nothing was asked yet."
    return f"<analysis>\nThe conversation in order.\n</analysis>\n\n<summary>\nThe user asked:\n{body}\n</summary>"
