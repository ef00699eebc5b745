"""What a run would cost, before it does: calls, tokens and money by asset and model, as a range.

What the ledger holds is not paid again, and questions that free filters drop are not asked. How many of the questions
the teacher will be asked is known once difficulty is labelled; until then it is anything up to all that pass the
quality filter. How long an answer will be is taken from the model's answers on record, else from a typical trace.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from s1_assets.assets import raw_traces, student_attempts
from s1_assets.automation.plan import Node, Plan
from s1_assets.automation.workers import Options
from s1_assets.domain.calls import call_key
from s1_assets.domain.catalogue.questions import RowCounts, limit_to, questions_of
from s1_assets.domain.question_quality import find_flaw
from s1_assets.domain.tokens import approximate_tokens, most_tokens
from s1_assets.ports import Address
from s1_assets.records.attempts import Candidate
from s1_assets.records.models import ModelName, ModelRequest, Role
from s1_assets.records.questions import Question
from s1_assets.records.tables import read_rows
from s1_assets.resources.asking import Asking, ask_how
from s1_assets.resources.house import House

LOOK_UP = 500
TYPICAL_OUTPUT: Mapping[Role, int] = {"teacher": 4_700, "student": 1_500}
"""Tokens of an answer where the ledger has none of the model's: 4.7k is the mean of s1's traces."""
ENOUGH = 20
"""Answers on record from which their mean is believed."""


@dataclass(slots=True)
class Line:
    """Calls of one asset to one model."""

    asset: str
    model: str
    paid: bool
    """Whether asking costs money."""
    calls_least: int = 0
    calls_most: int = 0
    in_ledger: int = 0
    """Calls already answered, beside those that will be made."""
    input_tokens: int = 0
    """If all calls are made; approximate."""
    output_tokens: int = 0
    """Likely, if all calls are made."""
    usd_likely: float | None = 0.0
    """If all calls are made; None: a price is unknown."""
    usd_most: float | None = 0.0
    """If every answer were as long as it may be."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would cost."""

    lines: tuple[Line, ...]
    filtered: int
    """Questions that the free quality filter keeps from the teacher."""
    notes: tuple[str, ...]
    """What a person who uses these models should know."""

    @property
    def is_paid(self) -> bool:
        """Whether anything that costs money may be asked."""
        return any(line.paid and line.calls_most for line in self.lines)

    @property
    def usd_likely(self) -> float | None:
        return _sum(line.usd_likely for line in self.lines)

    @property
    def usd_most(self) -> float | None:
        return _sum(line.usd_most for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "lines": [asdict(line) for line in self.lines],
            "filtered": self.filtered,
            "usd_likely": self.usd_likely,
            "usd_most": self.usd_most,
            "notes": list(self.notes),
        }


def estimate_run(
    house: House,
    nodes: Mapping[str, Node],
    selected: Sequence[str],
    sources: Sequence[str],
    options: Options,
    retry_failed: bool = False,
) -> Estimate:
    """Look at every question of the sources; nothing is asked and nothing is stored.

    Args:
        nodes: The graph, by which is told what the run will make anew; stored tables count only where they stand.
        retry_failed: Whether calls on record as failed are asked again.

    Raises:
        SettingsError: If an option or a model cannot be used.
        SourceUnreadable: If a source without a stored table cannot be read.
    """
    plan = Plan(house, nodes, options, retry_failed)
    stale = {source: frozenset(plan.stale_assets(selected, source)) for source in sources}
    students, teacher = _asked(house, options)
    lines: list[Line] = []
    filtered = 0
    asking = [("student_attempts", "student", each) for each in students] + [("raw_traces", "teacher", teacher)]
    for asset, role, model in asking:
        if asset not in selected:
            continue
        line = Line(asset, str(model.model), house.models.is_paid(model.model))
        samples = int(options.get(asset, {}).get("samples", 1))
        mean = _mean_output(house, model.model) or TYPICAL_OUTPUT["teacher" if role == "teacher" else "student"]
        for source in sources:
            questions, certain, dropped = _questions(house, source, role == "teacher", options, stale[source])
            filtered += dropped
            requests = (model.request(text, index) for text in questions for index in range(samples))
            _add(house, line, requests, mean, retry_failed)
            if not certain:
                line.calls_least = 0
        lines.append(line)
    models = dict.fromkeys(model.model for _, _, model in asking)
    today = datetime.now(UTC).date()
    notes = dict.fromkeys(note for model in models for note in house.models.notes(model, today))
    return Estimate(tuple(lines), filtered, tuple(notes))


def _asked(house: House, options: Options) -> tuple[list[Asking], Asking]:
    student = student_attempts.RECIPE.options(**options.get("student_attempts", {}))
    teacher = raw_traces.RECIPE.options(**options.get("raw_traces", {}))
    students = [ask_how(house.models, model, "student", student) for model in house.settings.students]
    return students, ask_how(house.models, house.settings.teacher, "teacher", teacher)


def _questions(
    house: House, source: str, for_teacher: bool, options: Options, stale: frozenset[str]
) -> tuple[list[str], bool, int]:
    """Questions that will be asked, whether that is certain, and how many a free filter drops."""
    stored = None if "trace_candidates" in stale else house.tables.current(Address("trace_candidates", source))
    if for_teacher and (version := stored) is not None:
        rows = house.tables.read(version).to_batches()
        return [row.question for row in read_rows(Candidate, rows)], True, 0
    texts = [question.question for question in _raw(house, source, options, stale)]
    if not for_teacher:
        return texts, True, 0
    if options.get("trace_candidates", {}).get("trace_all"):
        return texts, True, 0
    kept = [text for text in texts if find_flaw(text) is None]
    return kept, False, len(texts) - len(kept)


def _raw(house: House, source: str, options: Options, stale: frozenset[str]) -> Iterator[Question]:
    limit = options.get("raw_questions", {}).get("limit")
    version = None if "raw_questions" in stale else house.tables.current(Address("raw_questions", source))
    if version is not None:
        yield from read_rows(Question, house.tables.read(version).to_batches())
        return
    entry = house.source(source)
    entry = entry if limit is None else limit_to(entry, limit)
    found = questions_of(entry, house.reader.rows(entry), "", RowCounts())
    yield from (row for row in found if isinstance(row, Question))


def _add(house: House, line: Line, requests: Iterable[ModelRequest], mean_output: int, retry_failed: bool) -> None:
    """Count calls and price those that the ledger does not hold."""
    table, today = house.models, datetime.now(UTC).date()
    remaining = iter(requests)
    while chunk := list(islice(remaining, LOOK_UP)):
        keyed = {call_key(request): request for request in chunk}
        known = house.ledger.known(list(keyed), retry_failed)
        line.in_ledger += len(known)
        for key, request in keyed.items():
            if key in known:
                continue
            text = [message.content for message in request.messages]
            tokens, most = sum(map(approximate_tokens, text)), sum(map(most_tokens, text))
            likely = min(mean_output, request.sampling.max_output_tokens or mean_output)
            line.calls_least += 1
            line.calls_most += 1
            line.input_tokens += tokens
            line.output_tokens += likely
            if line.paid:
                line.usd_likely = _plus(line.usd_likely, table.price_usd(request.model, tokens, 0, likely, today))
                worst = table.worst_price_usd(request.model, most, request.sampling, today)
                line.usd_most = _plus(line.usd_most, worst)


def _mean_output(house: House, model: ModelName) -> int | None:
    spent = [each for each in house.ledger.spending() if each.model == f"{model.provider}:{model.model}"]
    calls = sum(each.calls - each.failed for each in spent)
    return round(sum(each.output_tokens for each in spent) / calls) if calls >= ENOUGH else None


def _plus(total: float | None, more: float | None) -> float | None:
    return None if total is None or more is None else total + more


def _sum(amounts: Iterable[float | None]) -> float | None:
    total: float | None = 0.0
    for amount in amounts:
        total = _plus(total, amount)
    return total
