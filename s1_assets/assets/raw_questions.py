"""Questions as their source holds them: one row per question, with everything known before anyone answers.

The first step of s1 (paper, section 2.1: https://arxiv.org/abs/2501.19393): collect from many sources, under one
schema. Here the source row's further fields are kept as JSON, and licence, language, revision and the place in the
source beside them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import dagster as dg
from pydantic import Field

from s1_assets.domain.catalogue.questions import RowCounts, limit_to, questions_of
from s1_assets.errors import SettingsError
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.sources import FieldRule, Source
from s1_assets.records.tables import TABLES, write_rows
from s1_assets.resources.artifact import Artifact, Recipe
from s1_assets.resources.house import House
from s1_assets.resources.options import LARGEST_SEED, MOST_ROWS, Options
from s1_assets.resources.partitions import OWNERS, SOURCES
from s1_assets.resources.plots import bars
from s1_assets.resources.progress import counted


class RawQuestionsOptions(Options):
    """Options of one run; what is left out comes from the source's catalogue entry."""

    limit: int | None = Field(default=None, gt=0, le=MOST_ROWS)
    """At most this many questions: a seeded prefix of the full run, so that nothing is paid again later."""
    split: str | None = None
    """huggingface: train, test, validation, ..."""
    num_samples: int | None = Field(default=None, gt=0, le=MOST_ROWS)
    """Questions to take from the source."""
    seed: int | None = Field(default=None, ge=0, le=LARGEST_SEED)
    """Of the draw of `num_samples`."""
    question_field: str | None = None
    """Column that holds the question."""
    fallback_fields: list[str] = Field(default_factory=list)
    """Columns to try where `question_field` is missing."""
    start: int | None = Field(default=None, ge=0, le=MOST_ROWS)
    """Rows skipped after filters."""
    end: int | None = Field(default=None, gt=0, le=MOST_ROWS)
    """First row after filters that is not taken any more."""


def _merged(source: Source, options: RawQuestionsOptions) -> Source:
    """The entry with the run's options laid over it."""
    named = {name: getattr(options, name) for name in ("num_samples", "seed", "start", "end", "split")}
    changes = {name: value for name, value in named.items() if value is not None}
    names = tuple(name for name in (options.question_field, *options.fallback_fields) if name)
    if names:
        rule = source.fields.get("question", FieldRule())
        changes["fields"] = {**source.fields, "question": replace(rule, names=names, template=None, constant=None)}
    merged = replace(source, **changes)
    if merged.end is not None and merged.end <= merged.start:
        fault = f"raw_questions: start {merged.start} and end {merged.end} of {source.key} leave no row between them"
        raise SettingsError("options that cannot be used:", [fault])
    return limit_to(merged, options.limit)


RECIPE = Recipe(
    RawQuestionsOptions,
    lambda house, partition, options: {
        "entry": house.entry_fingerprint(partition or ""),
        "state": house.reader.state(house.source(partition or "")),
    },
)


@dg.asset(partitions_def=SOURCES, group_name="questions", code_version="1", kinds={"parquet"}, owners=OWNERS)
def raw_questions(context: dg.AssetExecutionContext, config: RawQuestionsOptions, house: House) -> Artifact:
    """One row per question of the source; rows that cannot be read are set aside with file, line and reason."""
    source = _merged(house.source(context.partition_key), config)
    counts = RowCounts()
    found = questions_of(source, house.reader.rows(source), house.reader.revision(source), counts)
    set_aside: list[SetAside] = []
    questions = _without_set_aside(counted(found, context, "raw_questions", source.key), set_aside)
    return Artifact(
        house.sorted(write_rows(TABLES["raw_questions"], questions), TABLES["raw_questions"]),
        RECIPE.effective(house, context.partition_key, config),
        set_aside,
        facts=lambda: {
            "came": counts.read - counts.not_selected.total(),
            "read": counts.read,
            "not_selected": dict(counts.not_selected),
            "licence": source.licence,
        },
        plot=lambda: bars(f"{source.key}: rows read", {"questions": counts.questions, **counts.set_aside}),
    )


def _without_set_aside(found: Iterable[Question | SetAside], set_aside: list[SetAside]) -> Iterator[Question]:
    for row in found:
        if isinstance(row, SetAside):
            set_aside.append(row)
        else:
            yield row
