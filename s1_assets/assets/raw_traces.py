"""The teacher's reasoning about every candidate: thinking and answer apart, as the model gave them.

s1 (paper, section 2.1: https://arxiv.org/abs/2501.19393) asks the bare question with no system prompt, once. One row
is one sample of one model; a reply that was truncated, blocked or refused is a row too, and never reaches a data set.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import dagster as dg
from pydantic import Field

from s1_assets.domain.calls import call_key
from s1_assets.domain.identity import trace_id
from s1_assets.ports import LazyTable
from s1_assets.records.attempts import Candidate, Trace
from s1_assets.records.models import ModelRequest, Reply
from s1_assets.records.tables import TABLES, read_rows, write_rows
from s1_assets.resources.artifact import Artifact, Recipe
from s1_assets.resources.asking import Asking, ask_how
from s1_assets.resources.house import House
from s1_assets.resources.options import PromptOptions
from s1_assets.resources.partitions import OWNERS, SOURCES
from s1_assets.resources.plots import histogram


class TeacherOptions(PromptOptions):
    """How the teacher of `S1_TEACHER` is asked."""

    samples: int = Field(default=1, ge=1, le=64)
    """Traces per question."""


RECIPE = Recipe(
    TeacherOptions,
    lambda house, partition, options: {
        "teacher": ask_how(house.models, house.settings.teacher, "teacher", options).facts()
    },
)


@dg.asset(
    partitions_def=SOURCES,
    group_name="traces",
    code_version="1",
    kinds={"parquet", "llm"},
    owners=OWNERS,
)
def raw_traces(
    context: dg.AssetExecutionContext, config: TeacherOptions, house: House, trace_candidates: LazyTable
) -> Artifact:
    """One trace per candidate and sample: thinking, answer, and how the reply ended."""
    teacher = ask_how(house.models, house.settings.teacher, "teacher", config)
    came = trace_candidates.count_rows() * config.samples
    model = house.model(context, "teacher", [teacher])
    replies = model.answer_each(
        lambda: _calls(read_rows(Candidate, trace_candidates.to_batches()), teacher, config.samples), came
    )
    endings: Counter[str] = Counter()
    lengths: list[float] = []
    return Artifact(
        write_rows(TABLES["raw_traces"], _traces(replies, teacher, endings, lengths)),
        RECIPE.effective(house, context.partition_key, config),
        facts=lambda: {
            "came": came,
            "teacher": str(teacher.model),
            "prompt": teacher.prompt.version,
            **model.counts(),
            "endings": dict(sorted(endings.items())),
            "thinking_tokens": int(sum(lengths)),
        },
        plot=lambda: histogram(f"{context.partition_key}: length of thinking", lengths, "tokens"),
    )


def _calls(
    candidates: Iterable[Candidate], teacher: Asking, samples: int
) -> Iterator[tuple[tuple[Candidate, str, ModelRequest], ModelRequest]]:
    """All calls, in the order in which the traces are stored."""
    model, version = str(teacher.model), teacher.prompt.version
    for candidate in candidates:
        requests = [teacher.request(candidate.question, index) for index in range(samples)]
        named = [
            (trace_id(candidate.question_id, model, version, request.sample_index), request) for request in requests
        ]
        for name, request in sorted(named, key=lambda pair: pair[0]):
            yield (candidate, name, request), request


def _traces(
    replies: Iterable[tuple[tuple[Candidate, str, ModelRequest], Reply]],
    teacher: Asking,
    endings: Counter[str],
    lengths: list[float],
) -> Iterator[Trace]:
    for (candidate, name, request), came in replies:
        reply = teacher.read(came)
        endings[reply.status] += 1
        if reply.status == "ok":
            lengths.append(reply.thinking_tokens)
        yield Trace(
            question_id=candidate.question_id,
            trace_id=name,
            source=candidate.source,
            question=candidate.question,
            model=str(request.model),
            served_model=reply.served_model,
            prompt_version=teacher.prompt.version,
            sample_index=request.sample_index,
            status=reply.status,
            status_reason=reply.reason,
            thinking=reply.thinking,
            thinking_kind=reply.thinking_kind,
            answer=reply.answer,
            finish_reason=reply.finish_reason,
            thinking_tokens=reply.thinking_tokens,
            answer_tokens=reply.answer_tokens,
            token_counter=reply.token_counter,
            call_key=call_key(request),
        )
