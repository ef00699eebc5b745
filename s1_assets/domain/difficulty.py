"""How hard a question is, by what students make of it (s1 paper, section 2.2: https://arxiv.org/abs/2501.19393).

A question is hard when no student solves it. Only attempts marked `correct` or `incorrect` count: an unanswered
question is not a hard one, so with fewer scored attempts than declared the difficulty is unknown.
"""

import json
from collections import Counter
from collections.abc import Sequence

from s1_assets.records.attempts import Attempt, DifficultyLabel


def label_difficulty(question_id: str, attempts: Sequence[Attempt], minimum: int) -> DifficultyLabel:
    """The difficulty of one question from all attempts at it.

    Args:
        minimum: Scored attempts that are needed before a question may be called hard. One correct attempt is always
            enough to call it solved.
    """
    correct = sum(attempt.mark == "correct" for attempt in attempts)
    scored = correct + sum(attempt.mark == "incorrect" for attempt in attempts)
    students = _endings(attempts)
    pass_rate = correct / scored if scored else None
    if correct:
        return DifficultyLabel(question_id, "solved", "solved_by_a_student", scored, correct, pass_rate, students)
    if scored >= max(minimum, 1):
        return DifficultyLabel(question_id, "hard", "no_student_solved_it", scored, correct, pass_rate, students)
    return DifficultyLabel(question_id, "unknown", "too_few_scored_attempts", scored, correct, pass_rate, students)


def _endings(attempts: Sequence[Attempt]) -> str:
    """JSON object: by student, how many attempts ended how (a mark, or the reply's status where nothing was marked)."""
    endings: dict[str, Counter[str]] = {}
    for attempt in attempts:
        ending = attempt.mark if attempt.status == "ok" else attempt.status
        endings.setdefault(attempt.student, Counter())[ending] += 1
    return json.dumps({student: dict(sorted(endings[student].items())) for student in sorted(endings)})


def describe_label(label: DifficultyLabel) -> str:
    """What led to a label, for a person; for an unknown difficulty, what to do about it.

    >>> describe_label(DifficultyLabel("", "hard", "no_student_solved_it", 2, 0, 0.0, '{"a": {"incorrect": 2}}'))
    '0 of 2 scored attempts correct (a: 2 incorrect)'
    """
    students = json.loads(label.students)
    endings = "; ".join(
        f"{student}: " + ", ".join(f"{count} {ending}" for ending, count in counts.items())
        for student, counts in students.items()
    )
    text = f"{label.correct_attempts} of {label.scored_attempts} scored attempts correct ({endings or 'no attempts'})"
    if label.difficulty == "unknown":
        text += "; set S1_STUDENTS to models that can answer this source"
    return text
