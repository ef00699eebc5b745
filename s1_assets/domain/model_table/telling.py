"""Sentences about a model for people: why it cannot be asked, and what to know of one that can."""

from datetime import date, timedelta

from s1_assets.domain.model_table.entries import ModelEntry, Price
from s1_assets.records.models import ModelName

USER_FILE = ".s1/models.yaml"
"""Where the user's own entries stand."""
_IN_SIGHT = timedelta(days=92)
"""How long before its end a model's users are told."""


def retired(model: ModelName, entry: ModelEntry) -> str:
    """What to name instead of a model that is no longer served."""
    told = f"{model} has not been served under that name since {entry.retired}"
    if entry.replacement:
        instead = ModelName(model.provider, entry.replacement, model.base_url)
        told += f"; set {instead} in its place, for example S1_TEACHER={instead}"
        told += f" or GEMINI_MODEL_NAME={entry.replacement}" if model.provider == "gemini" else ""
    told += f". {entry.note.rstrip('.')}" if entry.note else ""
    return f"{told}. If it answers you all the same, put {str(model)!r}: {{retired: null}} into {USER_FILE}"


def not_listed(model: ModelName, hint: str) -> str:
    """What to do about a Gemini model without an entry; `hint` is empty or "; did you mean ..."."""
    return (
        f"{model} is not in the model table{hint or '.'} A model that exists is added in {USER_FILE}, for example "
        f"{str(model)!r}: {{thinking: level, levels: [low, medium, high], output_cap: 65536}}"
    )


def notes_on(model: ModelName, entry: ModelEntry | None, paid: bool, today: date) -> list[str]:
    """One sentence for each thing to know; for a model that is not listed, that its price is unknown if it is paid."""
    notes = [] if entry is None else [*_end(model, entry, today), *_thoughts(model, entry), *_sampling(model, entry)]
    price = entry.price if entry else None
    if paid and price is None:
        notes.append(f"the price of {model} is unknown, so no budget can count it; put it into {USER_FILE}")
    if price is not None:
        notes += _price_change(model, price, today)
    return [*notes, entry.note] if entry and entry.note else notes


def _end(model: ModelName, entry: ModelEntry, today: date) -> list[str]:
    if entry.retired is None or not today < entry.retired <= today + _IN_SIGHT:
        return []
    days = (entry.retired - today).days
    instead = f"; {ModelName(model.provider, entry.replacement)} takes its place" if entry.replacement else ""
    return [
        f"{model} is served only until {entry.retired}, which is {days} {'day' if days == 1 else 'days'} away{instead}"
    ]


def _thoughts(model: ModelName, entry: ModelEntry) -> list[str]:
    if entry.thinking_kind == "summary":
        shows = "shows summaries of its thoughts, not the thoughts"
    elif entry.thinking_kind == "none":
        shows = "does not think before it answers" if entry.thinking == "none" else "does not show its thoughts"
    else:
        return []
    return [f"{model} {shows}: as a teacher it is asked to reason in its answer, where all can be read"]


def _sampling(model: ModelName, entry: ModelEntry) -> list[str]:
    if entry.sampling != "fixed":
        return []
    return [f"{model} takes no temperature, top_p or top_k: they are not sent, whatever is set"]


def _price_change(model: ModelName, price: Price, today: date) -> list[str]:
    if price.until is None or price.then is None or today > price.until:
        return []
    now, then = (f"{one.input_usd:g} in and {one.output_usd:g} out" for one in (price, price.then))
    return [f"{model} costs {now} US dollars per million tokens until {price.until}, after that {then}"]
