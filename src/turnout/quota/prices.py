"""What an answer costs through the API, by the public list prices that the package genai-prices carries along.

Nothing is fetched. Searches and other tools of the server that are billed by use are not in the figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.translate.messages_writer import TokenUsage

PROVIDER = "openai"


def cost(model: str, usage: TokenUsage) -> float | None:
    """US dollars; None if the model's price is not known. The first call takes a third of a second."""
    from genai_prices import Usage, calc_price

    prompt = usage.input_tokens + usage.cached_tokens + usage.cache_write_tokens
    counted = Usage(
        input_tokens=prompt,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    try:
        return float(calc_price(counted, model_ref=model, provider_id=PROVIDER).total_price)
    except LookupError:
        return None
