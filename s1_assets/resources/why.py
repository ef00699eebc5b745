"""The life of a row: where it came from, who answered what, which verdict, and the rule that kept or dropped it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from s1_assets.errors import StorageError
from s1_assets.ports import Address, LazyTable
from s1_assets.records.attempts import Attempt, DifficultyLabel, ScoredTrace, Trace
from s1_assets.records.decisions import Decision
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.tables import read_rows
from s1_assets.resources.house import House

Row = TypeVar("Row")
NAMED_BY = (("raw_questions", "question_id"), ("raw_traces", "trace_id"), ("student_attempts", "attempt_id"))
"""Tables whose ids name a question's life."""
SHORTEST_PREFIX = 4
MOST_MATCHES = 8


@dataclass(slots=True)
class Life:
    """Everything on record about one question."""

    id: str
    question: Question | None = None
    set_aside: list[SetAside] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    label: DifficultyLabel | None = None
    traces: list[Trace] = field(default_factory=list)
    verdicts: list[ScoredTrace] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By ledger key: model, price and time of a call that an attempt or trace came from."""

    disabled: bool = False
    """Its source is switched off: later selections leave it out."""

    @property
    def outcome(self) -> str:
        """One sentence: in, or out and why."""
        return f"{self._outcome()}; its source is disabled now" if self.disabled else self._outcome()

    def _outcome(self) -> str:
        if self.decisions:
            last = self.decisions[-1]
            place = "in s1K" if last.kept and last.stage == "diversity" else "not in s1K"
            return f"{place}: {last.stage} says {last.reason} ({last.evidence})"
        if self.set_aside:
            last_aside = self.set_aside[-1]
            return f"set aside by {last_aside.stage}: {last_aside.reason} ({last_aside.evidence})"
        return "no decision yet: s1k_decisions has not been made since this row came in"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "outcome": self.outcome}


def tell_life(house: House, wanted: str) -> Life:
    """The life of the question that `wanted` names: a question, trace or attempt id, `SOURCE:FILE#LINE`, or a unique
    prefix.

    Raises:
        StorageError: If nothing or more than one thing has that name.
    """
    wanted = wanted.strip()
    matches = _matches(house, wanted)
    if not matches:
        raise StorageError(
            f"nothing is stored under {wanted!r}; accepted are a question_id, a trace_id, SOURCE:FILE#LINE, or a "
            f"prefix of at least {SHORTEST_PREFIX} characters. `s1 show s1k_decisions` lists questions"
        )
    if len({match for match, _ in matches}) > 1:
        names = ", ".join(sorted({match for match, _ in matches})[:MOST_MATCHES])
        raise StorageError(f"{wanted!r} is the beginning of several ids: {names}; give more characters")
    found, source = matches[0]
    return _life(house, found, source)


def _matches(house: House, wanted: str) -> list[tuple[str, str]]:
    """(question id or set-aside id, source) pairs that `wanted` names; exact ones alone where there are any."""
    if len(wanted) < SHORTEST_PREFIX:
        return []
    named, colon, place = wanted.partition(":")
    if colon:
        found = _at_place(house, named, place)
    else:
        found = [
            (question_id, source)
            for source in house.catalogue.sources
            for asset, column in NAMED_BY
            for question_id in _ids(house, Address(asset, source), column, wanted)
        ]
    exact = [match for match in found if match[0] == wanted]
    return exact or list(dict.fromkeys(found))


def _at_place(house: House, source: str, place: str) -> list[tuple[str, str]]:
    """What was read at `FILE#LINE` of a source: a question, or a row that was set aside. Where nothing was, what was
    set aside at places that begin so.
    """
    address = Address("raw_questions", source)
    version = house.tables.current(address) if source in house.catalogue.sources else None
    if version is None:
        return []
    at_place = pc.field("locator") == pa.scalar(place)
    batches = house.tables.read(version).to_batches(columns=["question_id"], filter=at_place)
    questions = [question_id for batch in batches for question_id in batch.column(0).to_pylist()]
    aside = [row.id for row in _set_aside(house, address) if row.id.startswith(f"{source}:{place}")]
    exact = [*questions, *(found for found in aside if found == f"{source}:{place}")]
    return [(found, source) for found in exact or aside]


def _ids(house: House, address: Address, column: str, prefix: str) -> Iterator[str]:
    version = house.tables.current(address)
    if version is None:
        return
    for batch in house.tables.read(version).to_batches(columns=list({"question_id", column})):
        yield from batch.filter(pc.starts_with(batch.column(column), prefix)).column("question_id").to_pylist()


def _life(house: House, found: str, source: str) -> Life:
    life = Life(found, disabled=source not in house.catalogue.enabled)
    life.question = next(iter(_rows(house, Question, Address("raw_questions", source), found)), None)
    for asset in ("raw_questions", "trace_candidates"):
        life.set_aside.extend(row for row in _set_aside(house, Address(asset, source)) if row.id == found)
    life.attempts = _rows(house, Attempt, Address("student_attempts", source), found)
    life.label = next(iter(_rows(house, DifficultyLabel, Address("difficulty_labels", source), found)), None)
    life.traces = _rows(house, Trace, Address("raw_traces", source), found)
    life.verdicts = _rows(house, ScoredTrace, Address("scored_traces", source), found)
    life.decisions = _rows(house, Decision, Address("s1k_decisions"), found)
    keys = [attempt.call_key for attempt in life.attempts] + [trace.call_key for trace in life.traces]
    life.calls = {key: _call(house, key) for key in keys}
    return life


def _rows(house: House, kind: type[Row], address: Address, question_id: str) -> list[Row]:
    version = house.tables.current(address)
    if version is None:
        return []
    table: LazyTable = house.tables.read(version)
    wanted = pc.field("question_id") == pa.scalar(question_id)
    return list(read_rows(kind, table.to_batches(filter=wanted)))


def _set_aside(house: House, address: Address) -> Iterator[SetAside]:
    version = house.tables.current(address)
    if version is not None:
        yield from read_rows(SetAside, house.tables.read_set_aside(version).to_batches())


def _call(house: House, key: str) -> dict[str, Any]:
    entry = house.ledger.entry(key)
    if entry is None:
        return {"note": "not in this ledger"}
    return {
        "model": entry.model,
        "served_model": entry.reply.served_model,
        "price_usd": entry.price_usd,
        "answered_at": entry.answered_at.isoformat(timespec="seconds") if entry.answered_at else None,
        "asked_by": f"{entry.asset}:{entry.partition}" if entry.partition else entry.asset,
        "run": entry.run_id,
    }


def life_as_text(life: Life) -> Mapping[str, list[str]]:
    """A life as headed lines for a person."""
    text: dict[str, list[str]] = {}
    if question := life.question:
        text["question"] = [
            f"{question.question_id}  {question.source}:{question.locator}",
            f"revision {question.revision}, licence {question.licence}",
            f"subject {question.subject}, grader {question.grader}",
            *question.question.strip().splitlines()[:12],
            f"reference answer: {question.reference_answer}",
        ]
    text["set aside"] = [f"{row.stage}: {row.reason}: {row.evidence}" for row in life.set_aside]
    text["students"] = [_attempt_line(row, life.calls) for row in life.attempts]
    if life.label:
        text["difficulty"] = [f"{life.label.difficulty}: {life.label.reason}, pass rate {life.label.pass_rate}"]
    text["teacher"] = [_trace_line(row, life.calls) for row in life.traces]
    text["verdict"] = [
        f"{row.mark} by {row.grader} {row.grader_version}: {row.grader_reason}; compared {row.extracted!r}"
        + (f"; {row.detail}" if row.detail else "")
        for row in life.verdicts
    ]
    text["decisions"] = [
        f"{row.stage_number} {row.stage}: {'kept' if row.kept else 'dropped'}, {row.reason}"
        + (f" ({row.evidence})" if row.evidence else "")
        for row in life.decisions
    ]
    return {heading: lines for heading, lines in text.items() if lines}


def _attempt_line(row: Attempt, calls: Mapping[str, Mapping[str, Any]]) -> str:
    ending = f"{row.mark} ({row.grader_reason}), answered {row.extracted!r}" if row.status == "ok" else row.status
    return f"{row.student}: {ending}, {row.output_tokens} tokens{_price(calls.get(row.call_key, {}))}"


def _trace_line(row: Trace, calls: Mapping[str, Mapping[str, Any]]) -> str:
    return (
        f"{row.trace_id}  {row.model}: {row.status}, {row.thinking_tokens} tokens of {row.thinking_kind} thinking, "
        f"prompt {row.prompt_version}{_price(calls.get(row.call_key, {}))}"
    )


def _price(call: Mapping[str, Any]) -> str:
    if "price_usd" not in call:
        return ", not in this ledger"
    price = "price unknown" if call["price_usd"] is None else f"{call['price_usd']:.6f} USD"
    return f", {price}, answered {call['answered_at']}"
