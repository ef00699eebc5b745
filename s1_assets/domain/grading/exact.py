"""Grader `exact`: the declared answer is the reference answer, after harmless differences of spelling are removed.

Plain integers and decimals are compared by value; everything else by normalised text. No algebra: `2/4` is not `1/2`.
"""

from s1_assets.domain.grading.answers import as_number, extract_answer, normalise_answer
from s1_assets.records.questions import Question
from s1_assets.records.verdicts import Mark, Verdict


class Exact:
    name = "exact"
    version = "1"

    def grade(self, answer: str, question: Question) -> Verdict:
        """Mark `answer` against `question.reference_answer`; `unscored` without a reference or a declared answer."""
        if question.reference_answer is None or not question.reference_answer.strip():
            return self._verdict("unscored", "no_reference_answer")
        wanted = normalise_answer(question.reference_answer)
        whole = answer.strip()
        if whole and normalise_answer(whole) == wanted:  # a board of several lines declares nothing and is an answer
            return self._verdict("correct", "same_text", whole)
        extracted = extract_answer(answer)
        if extracted is None:
            return self._verdict("unscored", "no_answer_declared")
        found = normalise_answer(extracted)
        if found == wanted:
            return self._verdict("correct", "same_text", extracted)
        found_value, wanted_value = as_number(found), as_number(wanted)
        if found_value is not None and found_value == wanted_value:
            return self._verdict("correct", "same_number", extracted)
        return self._verdict("incorrect", "differs", extracted, f"found {found[:100]!r}, wanted {wanted[:100]!r}")

    def _verdict(self, mark: Mark, reason: str, extracted: str = "", detail: str = "") -> Verdict:
        return Verdict(mark, self.name, self.version, reason, extracted, detail)
