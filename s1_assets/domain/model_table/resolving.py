"""What is sent where the user set nothing: the role's defaults within what the model can do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from s1_assets.domain.catalogue.documents import shown
from s1_assets.domain.model_table.entries import Budget, ModelEntry
from s1_assets.domain.model_table.roles import RoleDefaults
from s1_assets.records.models import ModelName, Role, Sampling

THINKING_ROOM = 4096
"""Tokens added to a short answer's limit for a model that thinks unasked: else its thoughts leave no answer."""
_TEMPLATE = "chat_template_kwargs"
"""Field of the request's body by which vLLM and its like set variables of the chat template."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A model in a role, with all that is known of both; no entry where the model is not listed."""

    model: ModelName
    role: Role
    entry: ModelEntry | None
    defaults: RoleDefaults
    input_tokens: int | None = None


def resolved_sampling(asked: Asked, given: Sampling, thinking: Mapping[str, object]) -> Sampling:
    """Complete sampling: `max_output_tokens` is always set, the rest where the role or the user says so.

    Raises:
        ValueError: If what the user set is not accepted, with what is.
    """
    limit = given.max_output_tokens
    if limit is None:
        limit = _default_limit(asked, thinking)
    _refuse_greedy_teacher(asked, given)
    rule = asked.entry.sampling if asked.entry else "free"
    if rule == "fixed":
        return Sampling(max_output_tokens=limit, seed=given.seed)
    filled = replace(given, max_output_tokens=limit)
    if rule == "default":
        return filled
    ours = asked.defaults.sampling
    return replace(
        filled,
        temperature=ours.temperature if given.temperature is None else given.temperature,
        top_p=ours.top_p if given.top_p is None else given.top_p,
        top_k=ours.top_k if given.top_k is None else given.top_k,
    )


def resolved_thinking(asked: Asked, given: Mapping[str, object], limit: int | None) -> dict[str, object]:
    """The thinking setting in the form of every provider: a `budget` in tokens or a `level`, and `extra` body fields.

    Args:
        asked: The model and its role.
        given: What the user set, in the same form.
        limit: The user's own limit of output tokens, thoughts included.

    Raises:
        ValueError: If what the user set is not accepted, with what is.
    """
    entry = asked.entry
    if entry is None or entry.thinking is None:
        return dict(given)
    forms = [form for form in given if form != "extra"]
    if len(forms) > 1:
        raise ValueError(f"{asked.model} takes one thinking setting, not {' and '.join(forms)}; {_accepted(entry)}")
    extra = given.get("extra", {})
    if not isinstance(extra, Mapping):
        raise ValueError(f"{asked.model} was given extra {shown(extra)}; accepted: fields of the request's body")
    if forms:
        _check_given(asked, entry, forms[0], given[forms[0]], limit)
    elif entry.thinking == "template":
        switch = {entry.switch: asked.defaults.thinking == "high"}
        return {**given, "extra": {_TEMPLATE: switch} | dict(extra)}
    else:
        return {**_default_thinking(asked, entry, limit), **given}
    return dict(given)


def check_limit(asked: Asked, limit: int | None) -> None:
    """Whether the user's own limit of output tokens is one that the model accepts.

    Raises:
        ValueError: With what is accepted.
    """
    if limit is None:
        return
    cap = asked.entry.output_cap if asked.entry else None
    if limit < 1 or (cap is not None and limit > cap):
        accepted = "from 1" if cap is None else f"1 to {cap:,}"
        raise ValueError(f"{asked.model} was given max_output_tokens {limit:,}; accepted: {accepted} tokens")


def _default_limit(asked: Asked, thinking: Mapping[str, object]) -> int:
    budget = thinking.get("budget")
    unasked = THINKING_ROOM if _thinks(asked.entry, thinking) else 0
    room = budget if isinstance(budget, int) else unasked
    of_role = asked.defaults.output_for(asked.input_tokens)
    limit = max(of_role, min(asked.defaults.answer_tokens, of_role) + room)
    cap = asked.entry.output_cap if asked.entry else None
    return limit if cap is None else min(limit, cap)


def _thinks(entry: ModelEntry | None, thinking: Mapping[str, object]) -> bool:
    if entry is None or entry.thinking in (None, "none"):
        return False
    if entry.thinking == "template":
        return _switches(thinking).get(entry.switch) is not False
    return thinking.get("level") != "none"


def _switches(thinking: Mapping[str, object]) -> Mapping[object, object]:
    extra = thinking.get("extra")
    switches = extra.get(_TEMPLATE) if isinstance(extra, Mapping) else None
    return switches if isinstance(switches, Mapping) else {}


def _default_thinking(asked: Asked, entry: ModelEntry, limit: int | None) -> dict[str, object]:
    high = asked.defaults.thinking == "high"
    if entry.thinking == "budget" and entry.budget is not None:
        return {"budget": _default_budget(asked, entry, entry.budget, limit)}
    if entry.thinking == "level":
        highest = "high" if "high" in entry.levels else entry.levels[-1]
        return {"level": highest if high else entry.levels[0]}
    return {}


def _default_budget(asked: Asked, entry: ModelEntry, budget: Budget, limit: int | None) -> int:
    lowest = 0 if budget.zero else budget.least
    wanted = budget.most if asked.defaults.thinking == "high" else lowest
    if asked.defaults.thinking_budget is not None:
        wanted = min(max(asked.defaults.thinking_budget, budget.least), budget.most)
    most_tokens = entry.output_cap if limit is None else limit
    if most_tokens is not None:
        wanted = min(wanted, max(most_tokens - asked.defaults.answer_tokens, most_tokens // 2))
    if wanted < budget.least:
        wanted = lowest
    if most_tokens is not None and wanted >= most_tokens:
        raise ValueError(
            f"{asked.model} was given max_output_tokens {most_tokens:,}, and thinks for at least {lowest:,} tokens; "
            f"accepted: more than {lowest:,} tokens"
        )
    return wanted


def _check_given(asked: Asked, entry: ModelEntry, form: str, value: object, limit: int | None) -> None:
    fits = entry.thinking == form and (value in entry.levels if form == "level" else _in_budget(value, entry.budget))
    if not fits:
        raise ValueError(f"{asked.model} was given the thinking {form} {shown(value)}; {_accepted(entry)}")
    most_tokens = entry.output_cap if limit is None else limit
    if isinstance(value, int) and most_tokens is not None and value >= most_tokens:
        raise ValueError(
            f"{asked.model} was given a thinking budget of {value:,} tokens within max_output_tokens {most_tokens:,}, "
            "which leaves no answer; accepted: a budget below max_output_tokens"
        )


def _in_budget(value: object, budget: Budget | None) -> bool:
    if budget is None or not isinstance(value, int) or isinstance(value, bool):
        return False
    return budget.least <= value <= budget.most or (value == 0 and budget.zero)


def _accepted(entry: ModelEntry) -> str:
    if entry.thinking == "budget" and entry.budget is not None:
        return f"accepted: a budget, {entry.budget.accepted}, such as {{'budget': {entry.budget.most}}}"
    if entry.thinking == "level":
        return f"accepted: a level of {', '.join(entry.levels)}, such as {{'level': {entry.levels[-1]!r}}}"
    if entry.thinking == "template":
        switch = {"extra": {_TEMPLATE: {entry.switch: True}}}
        return f"accepted: a switch of its chat template, such as {switch}"
    why = "it always thinks" if entry.thinking == "always" else "it does not think"
    return f"accepted: none, as {why} and takes no such setting"


def _refuse_greedy_teacher(asked: Asked, given: Sampling) -> None:
    thinks = asked.entry is None or asked.entry.thinking != "none"
    if asked.role == "teacher" and asked.model.provider in ("vllm", "openai") and thinks and given.temperature == 0:
        raise ValueError(
            f"{asked.model} was given temperature 0 as a teacher, which makes reasoning models repeat themselves "
            "without end; accepted: above 0, such as 0.6"
        )
