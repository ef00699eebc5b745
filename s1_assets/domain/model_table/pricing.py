"""What a call costs, from a price and counts of tokens."""

from datetime import date

from s1_assets.domain.model_table.entries import Price, Tier

_PER = 1_000_000


def cost_usd(
    price: Price, input_tokens: int, cached_tokens: int, output_tokens: int, today: date | None = None
) -> float | None:
    """US dollars for one call; None if the price for that length of input is unknown.

    Args:
        price: US dollars per million tokens.
        input_tokens: All input, cached or not.
        cached_tokens: Of these, what the provider charges as cached.
        output_tokens: Thoughts and answer.
        today: The day of the call. None: not known, so the dearest of the prices that are announced.
    """
    costs = [_cost(phase, input_tokens, cached_tokens, output_tokens) for phase in _phases(price, today)]
    known = [cost for cost in costs if cost is not None]
    return max(known) if len(known) == len(costs) else None


def _phases(price: Price, today: date | None) -> list[Price]:
    if price.then is None or price.until is None:
        return [price]
    if today is None:
        return [price, *_phases(price.then, None)]
    return [price] if today <= price.until else _phases(price.then, today)


def _cost(price: Price, input_tokens: int, cached_tokens: int, output_tokens: int) -> float | None:
    rates: Price | Tier = price
    for tier in price.above_input_tokens:
        if input_tokens > tier.above_tokens:
            rates = tier
    if rates.input_usd is None or rates.output_usd is None:
        return None
    cached = min(cached_tokens, input_tokens)
    cached_usd = rates.input_usd if rates.cached_input_usd is None else rates.cached_input_usd
    fresh = input_tokens - cached
    return (fresh * rates.input_usd + cached * cached_usd + output_tokens * rates.output_usd) / _PER
