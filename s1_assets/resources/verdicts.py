"""Verdicts for the rows of one partition: graded once, taken over as long as nothing they depend on changes."""

from typing import Generic, Protocol, TypeVar

from s1_assets.domain.alongside import Alongside
from s1_assets.domain.fingerprints import fingerprint_of
from s1_assets.ports import Address, Grader, TableStore
from s1_assets.records.models import Reply
from s1_assets.records.questions import Question
from s1_assets.records.tables import read_rows, table_of
from s1_assets.records.verdicts import Mark, Verdict
from s1_assets.resources.house import House


class Graded(Protocol):
    """What the graded tables have in common."""

    @property
    def question_id(self) -> str: ...
    @property
    def mark(self) -> Mark: ...
    @property
    def grader(self) -> str: ...
    @property
    def grader_version(self) -> str: ...
    @property
    def grader_reason(self) -> str: ...
    @property
    def extracted(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...


Row = TypeVar("Row", bound=Graded)


class Regrading(Generic[Row]):
    """Grades replies in the order of their questions, beside the table's previous version."""

    def __init__(self, house: House, address: Address, kind: type[Row]) -> None:
        self._house = house
        self._previous = _previous_rows(house.tables, address, kind)
        self._at = ""
        self._known: dict[str, Row] = {}
        self.taken_over = 0
        self.graded = 0

    def verdict(self, question: Question, reply: Reply) -> tuple[Verdict, str]:
        """The verdict on a reply and its fingerprint; ask in ascending order of `question_id`."""
        grader = self._house.grader(question.grader)
        fingerprint = _fingerprint(question, reply, grader)
        known = self._at_question(question.question_id).get(fingerprint)
        if known is not None:
            self.taken_over += 1
            return _verdict_of(known), fingerprint
        self.graded += 1
        if reply.status != "ok":
            return Verdict("unscored", grader.name, grader.version, reply.status), fingerprint
        return grader.grade(reply.answer, question), fingerprint

    def counts(self) -> dict[str, int]:
        """Verdicts taken over from the previous version and made anew."""
        return {"verdicts_taken_over": self.taken_over, "graded": self.graded}

    def _at_question(self, question_id: str) -> dict[str, Row]:
        if question_id != self._at:
            self._at = question_id
            self._known = {row.fingerprint: row for row in self._previous.at(question_id)}
        return self._known


def _previous_rows(tables: TableStore, address: Address, kind: type[Row]) -> Alongside[Row]:
    version = tables.current(address)
    stored = tables.read(version) if version is not None and tables.is_whole(version) else None
    if stored is None or not set(table_of(address.asset).schema.names) <= set(stored.schema.names):
        return Alongside((), key=lambda row: row.question_id)
    return Alongside(read_rows(kind, stored.to_batches()), key=lambda row: row.question_id)


def _fingerprint(question: Question, reply: Reply, grader: Grader) -> str:
    return fingerprint_of(
        reply.status, reply.answer, question.reference_answer, grader.name, grader.version, question.grader_spec
    )


def _verdict_of(row: Graded) -> Verdict:
    return Verdict(row.mark, row.grader, row.grader_version, row.grader_reason, row.extracted, row.detail)
