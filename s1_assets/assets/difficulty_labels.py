"""How hard each question is, by what the students made of it.

The rule of the s1 paper (section 2.2: https://arxiv.org/abs/2501.19393): hard is what no student solves. Only attempts
that were scored count; a question with too few of them is of unknown difficulty, not hard.
"""

from collections import Counter
from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from s1_assets.domain.alongside import Alongside
from s1_assets.domain.difficulty import label_difficulty
from s1_assets.ports import LazyTable
from s1_assets.records.attempts import Attempt, DifficultyLabel
from s1_assets.records.tables import TABLES, read_rows, write_rows
from s1_assets.resources.artifact import Artifact, Recipe
from s1_assets.resources.house import House
from s1_assets.resources.options import Options
from s1_assets.resources.partitions import OWNERS, SOURCES
from s1_assets.resources.plots import bars


class DifficultyOptions(Options):
    minimum_scored_attempts: int = Field(default=1, ge=1, le=1_000)
    """Attempts marked correct or incorrect that are needed before a question is called hard."""


RECIPE = Recipe(DifficultyOptions)


@dg.asset(partitions_def=SOURCES, group_name="difficulty", code_version="1", kinds={"parquet"}, owners=OWNERS)
def difficulty_labels(
    context: dg.AssetExecutionContext,
    config: DifficultyOptions,
    house: House,
    raw_questions: LazyTable,
    student_attempts: LazyTable,
) -> Artifact:
    """One label per question: hard, solved or unknown, with the pass rate."""
    counts: Counter[str] = Counter()

    def labels() -> Iterator[DifficultyLabel]:
        attempts = Alongside(read_rows(Attempt, student_attempts.to_batches()), key=lambda row: row.question_id)
        for batch in raw_questions.to_batches(columns=["question_id"]):
            for question_id in batch.column(0).to_pylist():
                label = label_difficulty(question_id, attempts.at(question_id), config.minimum_scored_attempts)
                counts[label.difficulty] += 1
                yield label

    return Artifact(
        write_rows(TABLES["difficulty_labels"], labels()),
        RECIPE.effective(house, context.partition_key, config),
        facts=lambda: {"came": raw_questions.count_rows(), **dict(sorted(counts.items()))},
        plot=lambda: bars(f"{context.partition_key}: difficulty", counts),
    )
