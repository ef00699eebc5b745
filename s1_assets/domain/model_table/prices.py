"""A price as written in an entry -> a checked `Price`.

price:
  input_usd: 2.00                 US dollars per million tokens
  output_usd: 12.00
  cached_input_usd: 0.20          null: unknown
  as_of: 2026-10-07               the day on which it was read
  above_input_tokens:             rates of the whole call when its input is longer; null: unknown
    200000: {input_usd: 4.00, output_usd: 18.00, cached_input_usd: 0.40}
  until: 2026-12-31               its last day, and what holds
  then: {input_usd: 3.00, output_usd: 14.00, cached_input_usd: 0.30}
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from math import isfinite
from typing import Any, cast

from s1_assets.domain.catalogue.documents import meant, shown
from s1_assets.domain.model_table.entries import Price, Tier

PRICE_ACCEPTS = "a mapping with input_usd, output_usd, as_of, and if they are known cached_input_usd and others"
_RATES = ("input_usd", "output_usd", "cached_input_usd")
_KEYS = (*_RATES, "as_of", "above_input_tokens", "until", "then")
_USD = "a number from 0, in US dollars per million tokens"
_DAY = "a day such as 2026-12-31"


def price_of(raw: Mapping[object, object], tell: Callable[[str, str], None], at: str = "price") -> Price | None:
    """The price; None after telling (field, fault). `at` is the field that holds it."""
    faults: list[str] = []

    def told(part: str, text: str) -> None:
        faults.append(part)
        tell(f"{at}.{part}", text)

    values = {key: value for key, value in raw.items() if value is not None}
    _check_keys(values, _KEYS, told)
    _check_rates(values, told)
    if "as_of" not in values:
        told("as_of", f"missing; accepted: {_DAY}, on which the price was read")
    for part in ("as_of", "until"):
        day = values.get(part)
        if day is not None and (not isinstance(day, date) or isinstance(day, datetime)):
            told(part, f"found {shown(day)}; accepted: {_DAY}")
    if ("until" in values) != ("then" in values):
        told("until", "until and then go together: the last day of this price, and the price after it")
    tiers = _tiers(values.get("above_input_tokens", {}), told)
    then = _then(values, tell, at)
    return None if faults or (then is None and "then" in values) else _price(cast("Any", values), tiers, then)


def _price(values: Mapping[str, Any], tiers: tuple[Tier, ...], then: Price | None) -> Price:
    return Price(
        values["input_usd"],
        values["output_usd"],
        values.get("cached_input_usd"),
        values["as_of"],
        tiers,
        values.get("until"),
        then,
    )


def _then(values: Mapping[object, object], tell: Callable[[str, str], None], at: str) -> Price | None:
    then = values.get("then")
    if then is None:
        return None
    if not isinstance(then, dict):
        tell(f"{at}.then", f"found {shown(then)}; accepted: a mapping like price")
        return None
    after: dict[object, object] = {"as_of": values.get("as_of"), **then}
    return price_of(after, tell, f"{at}.then")


def _tiers(raw: object, tell: Callable[[str, str], None]) -> tuple[Tier, ...]:
    if not isinstance(raw, dict):
        tell("above_input_tokens", f"found {shown(raw)}; accepted: a mapping from input tokens to rates")
        return ()
    found = []
    for tokens, rates in raw.items():
        part = f"above_input_tokens.{tokens}"
        if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 1:
            tell(part, f"found {shown(tokens)}; accepted: a whole number of tokens from 1")
        elif rates is None:
            found.append(Tier(tokens, None, None))
        elif not isinstance(rates, dict):
            tell(part, f"found {shown(rates)}; accepted: a mapping of {', '.join(_RATES)}, or null for unknown")
        else:

            def of_tier(field: str, text: str, part: str = part) -> None:
                tell(f"{part}.{field}", text)

            _check_keys(rates, _RATES, of_tier)
            _check_rates(rates, of_tier)
            found.append(Tier(tokens, *(rates.get(rate) for rate in _RATES)))
    return tuple(sorted(found, key=lambda tier: tier.above_tokens))


def _check_keys(values: Mapping[object, object], keys: tuple[str, ...], tell: Callable[[str, str], None]) -> None:
    for key in values:
        if key not in keys:
            tell(str(key), f"unknown; accepted: {', '.join(keys)}{meant(str(key), keys)}")


def _check_rates(values: Mapping[object, object], tell: Callable[[str, str], None]) -> None:
    for rate in _RATES:
        value = values.get(rate)
        if value is None and rate != "cached_input_usd":
            tell(rate, f"missing; accepted: {_USD}; where it is not known leave the whole price out")
        elif value is not None and not _is_usd(value):
            tell(rate, f"found {shown(value)}; accepted: {_USD}")


def _is_usd(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0
