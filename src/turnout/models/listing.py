"""Reads the lists of models that servers of the OpenAI API give (``GET /models``): OpenAI's and all others'. Pure.

OpenAI's has names and nothing more. Others tell windows and limits under names of their own, and some have odd forms:
what cannot be read of a model counts as not said, and takes nothing else away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from turnout.models.catalogue import UNKNOWN_WINDOW, ModelFacts
from turnout.models.reading import LAST, Reading, UnknownForm, read_each

if TYPE_CHECKING:
    from collections.abc import Callable

Said = TypeVar("Said")

MOST = 10_000
"""Models of one list that are kept; the longest that are known have some hundreds."""
LONGEST_NAME = 250
"""Characters of a model's name: what is longer is none."""
LONGEST_DESCRIPTION = 300
"""Characters of a description that are kept: some servers have whole pages."""
LARGEST_WINDOW = 1_000_000_000
"""Tokens from which on a number is no window."""
NULL = Raw(b"null")


class _Answer(msgspec.Struct):
    data: list[Raw] | UnsetType | None = UNSET
    """Null in place of an empty list is what Ollama says before it has a model."""
    models: list[Raw] | UnsetType | None = UNSET
    """Where some older servers have it."""


class _Provider(msgspec.Struct):
    """OpenRouter's ``top_provider``: who answers usually."""

    context_length: Raw = NULL
    max_completion_tokens: Raw = NULL


class _Architecture(msgspec.Struct):
    """OpenRouter's ``architecture``."""

    input_modalities: Raw = NULL
    output_modalities: Raw = NULL


class _Listed(msgspec.Struct):
    """A model, and what is said of it: every field may be missing, null or of another type."""

    id: Raw = NULL
    model: Raw = NULL
    """Ollama's own name for ``id``."""
    name: Raw = NULL
    description: Raw = NULL
    context_window: Raw = NULL
    """Groq's name for the window."""
    context_length: Raw = NULL
    """OpenRouter's and LiteLLM's."""
    max_model_len: Raw = NULL
    """vLLM's and SGLang's."""
    max_context_length: Raw = NULL
    """Mistral's and LM Studio's."""
    max_completion_tokens: Raw = NULL
    """Groq's name for the longest answer."""
    max_output_tokens: Raw = NULL
    top_provider: Raw = NULL
    architecture: Raw = NULL
    active: Raw = NULL
    """Groq says false of models that it no longer serves."""


class _Model(msgspec.Struct, frozen=True):
    """The same, read."""

    slug: str
    name: str
    description: str
    window: int | None
    output: int | None
    modalities: tuple[str, ...]
    offered: bool


def openai(body: bytes, known: Callable[[str], ModelFacts | None]) -> Reading:
    """The models of the OpenAI API, in its order; ``known`` gives the facts of those that have some.

    It lists much that is no model for conversations, and says nothing of any: where some are known, the others are not
    offered, but they are there. A server of which nothing is known offers all that it has.
    Raises `UnknownForm` if no model can be read.
    """
    entries = _entries(body)
    named = read_each(entries[:MOST], lambda entry: _facts(_model(entry), known))
    some_known = any(facts.efforts for facts in named.models)
    models = (
        facts
        if facts.efforts
        else msgspec.structs.replace(facts, priority=LAST + place, listed=facts.listed and not some_known)
        for place, facts in enumerate(named.models)
    )
    return Reading(tuple(models), named.unreadable, max(0, len(entries) - MOST))


def own(body: bytes, known: Callable[[str], ModelFacts | None]) -> Reading:
    """The models of a server of the user's own, in its order; it may have none. All that can answer with text are
    offered, also those of which ``known`` has no facts.

    What is known of a model of that name elsewhere (its efforts) counts, but for its windows: who serves a model
    decides how much it reads. Raises `UnknownForm` for an answer that is no list, or of which no entry can be read.
    """
    entries = _entries(body)
    if not entries:
        return Reading(())
    read = read_each(entries[:MOST], lambda entry: _served(_model(entry), known))
    models = (msgspec.structs.replace(facts, priority=place) for place, facts in enumerate(read.models))
    return Reading(tuple(models), read.unreadable, max(0, len(entries) - MOST))


def _entries(body: bytes) -> list[Raw]:
    """The list in an answer: under ``data`` or ``models``, or the answer itself (Together's)."""
    try:
        answer = msgspec.json.decode(body, type=_Answer | list[Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownForm(str(error)) from None
    if isinstance(answer, list):
        return answer
    if answer.data is UNSET and answer.models is UNSET:
        raise UnknownForm("it has no field data")
    return next((each for each in (answer.data, answer.models) if isinstance(each, list)), [])


def _model(entry: Raw) -> _Model:
    """One entry; a bare name is one as well. Raises `msgspec.ValidationError` for one without a name."""
    if bare := _text(entry):
        listed = _Listed()
        slug = bare
    else:
        listed = msgspec.json.decode(entry, type=_Listed)
        slug = next(filter(None, map(_text, (listed.id, listed.model, listed.name))), "")
    if not slug or len(slug) > LONGEST_NAME or not slug.isprintable():
        raise msgspec.ValidationError("it has no name")
    top = _said(listed.top_provider, _Provider) or _Provider()
    form = _said(listed.architecture, _Architecture) or _Architecture()
    reads = tuple(_said(form.input_modalities, list[str]) or ())
    answers = _said(form.output_modalities, list[str])
    name = _text(listed.name)
    return _Model(
        slug=slug,
        name=name if name != slug and name.isprintable() else "",
        description=" ".join(_text(listed.description).split())[:LONGEST_DESCRIPTION],
        window=_first(
            listed.context_window,
            listed.context_length,
            listed.max_model_len,
            listed.max_context_length,
            top.context_length,
        ),
        output=_first(listed.max_completion_tokens, listed.max_output_tokens, top.max_completion_tokens),
        modalities=reads if "text" in reads else ("text", "image"),
        offered=_said(listed.active, bool) is not False and (not answers or "text" in answers),
    )


def _facts(model: _Model, known: Callable[[str], ModelFacts | None]) -> ModelFacts:
    facts = known(model.slug)
    if facts is not None:
        return facts if model.window is None else msgspec.structs.replace(facts, api_window=model.window)
    window = model.window or UNKNOWN_WINDOW
    return ModelFacts(
        slug=model.slug,
        name=model.name,
        description=model.description,
        window=window,
        max_window=window,
        api_window=model.window,
        output_limit=model.output,
        modalities=model.modalities,
        efforts=(),
        default_effort="",
        lite=False,
        tiers=(),
        minimal_client_version="",
        original_images=False,
        listed=model.offered,
        priority=LAST,
    )


def _served(model: _Model, known: Callable[[str], ModelFacts | None]) -> ModelFacts:
    facts = _facts(model, lambda _: None)
    elsewhere = known(model.slug)
    if elsewhere is None:
        return facts
    return msgspec.structs.replace(
        facts,
        name=facts.name or elsewhere.name,
        description=facts.description or elsewhere.description,
        efforts=elsewhere.efforts,
        default_effort=elsewhere.default_effort,
    )


def _first(*numbers: Raw) -> int | None:
    """The first that is a number of tokens, also one written as text or with a point; None if none is."""
    return next(filter(None, map(_tokens, numbers)), None)


def _tokens(raw: Raw) -> int | None:
    try:
        count = int(_said(raw, float) or float(_text(raw) or 0))
    except (ValueError, OverflowError):
        return None
    return count if 0 < count < LARGEST_WINDOW else None


def _text(raw: Raw) -> str:
    return (_said(raw, str) or "").strip()


def _said(raw: Raw, form: type[Said]) -> Said | None:
    """What a field says, None if it says nothing of that form."""
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
