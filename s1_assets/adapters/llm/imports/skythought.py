"""Format `skythought`: `results.json` of SkyThought's `generate` and `evaluate`, or a folder with such files.

One object: by row index, the source's columns with `input_conversation`, `responses` and `token_usages`. Model and
sampling stand in `summary.json` beside it. Earlier versions kept the responses by temperature.
https://github.com/NovaSky-AI/SkyThought/blob/main/skythought/evals/inference_and_check.py

No finish reason is kept: an answer as long as the limit in `summary.json` counts as truncated. Not imported:
`processed_content`, which another model wrote. SkyThought writes the file once, so it is read whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from s1_assets.adapters.llm.imports.answers import Read, Row, Said, Unreadable, UnreadableRow, taken
from s1_assets.adapters.llm.imports.fields import an_object, asked, conversation, sampling, spoken, word
from s1_assets.adapters.llm.imports.files import JsonText, Rows
from s1_assets.adapters.llm.imports.replies import Usage, reply_of, usage_of
from s1_assets.records.models import Message, Sampling

PATTERN = "**/results.json"
_SUMMARY = "summary.json"
_LONGEST_KEY = 40
"""Earlier versions named a row by its whole question."""
_TEMPERATURE = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class _Run:
    """What `summary.json` tells of a run."""

    model: str = ""
    sampling: Sampling = field(default_factory=Sampling)


def read(path: Path) -> Iterator[Read]:
    """The answers of a file, or of every `results.json` below a folder."""
    for file in sorted(path.glob(PATTERN)) if path.is_dir() else [path]:
        run, summary = _Run(), file.with_name(_SUMMARY)
        try:
            run = _run(summary)
        except UnreadableRow as error:
            yield Unreadable(str(summary), f"{error}; model and sampling of {file} are not known")
        yield from taken(_rows(file), partial(_said, run=run))


def is_one(row: Row) -> bool:
    """Whether an object has what this format needs."""
    return any(isinstance(value, dict) and "responses" in value for value in row.values())


def _run(summary: Path) -> _Run:
    if not summary.exists():
        return _Run()
    told = an_object(JsonText.of(summary).value(), "summary")
    configuration = an_object(told.get("configuration") or {}, "configuration")
    model = an_object(configuration.get("model") or {}, "model")
    parameters = an_object(configuration.get("sampling_params") or {}, "sampling_params")
    return _Run(word(model.get("name")), sampling(parameters))


def _rows(file: Path) -> Rows:
    text, number = JsonText.of(file), 0
    try:
        for key in text.names():
            value = text.value()
            number += 1
            origin = f"{file}:{word(key) if len(key) <= _LONGEST_KEY else number}"
            yield (origin, value) if isinstance(value, dict) else Unreadable(origin, "not an object")
    except UnreadableRow as error:
        yield Unreadable(str(file), f"all after {number} rows: {error}")


def _said(row: Row, run: _Run) -> Iterator[Said]:
    messages = _messages(row)
    responses, usages = row.get("responses"), row.get("token_usages")
    if not isinstance(responses, dict):
        yield from _samples(messages, responses, usages, run)
        return
    for temperature, samples in responses.items():
        if not _TEMPERATURE.fullmatch(temperature):
            raise UnreadableRow(f"responses: found the key {temperature!r}; accepted: a list, or temperatures")
        told = replace(run, sampling=replace(run.sampling, temperature=float(temperature)))
        yield from _samples(messages, samples, usages.get(temperature) if isinstance(usages, dict) else None, told)


def _messages(row: Row) -> tuple[Message, ...]:
    if row.get("input_conversation") is not None:
        return conversation(row["input_conversation"], "input_conversation")
    return (Message("user", asked(row.get("prompt"), "prompt")),)


def _samples(messages: tuple[Message, ...], responses: object, usages: object, run: _Run) -> Iterator[Said]:
    samples = responses if isinstance(responses, list) else [responses]
    spent = _usages(usages, len(samples))
    for sample, usage in zip(samples, spent, strict=True):
        response = an_object(sample, "responses")
        reply = reply_of(
            spoken(response.get("reasoning_content"), "reasoning_content"),
            spoken(response.get("content"), "content"),
            usage=usage,
        )
        if _at_limit(usage, run.sampling):
            reply = replace(reply, status="truncated", reason="max_tokens")
        yield Said(messages, reply, run.model, run.sampling)


def _usages(told: object, samples: int) -> list[Usage]:
    """One per sample. The OpenAI backend books the tokens of all samples on the first, which then tells nothing."""
    entries = told if isinstance(told, list) else [told]
    usages = [usage_of(entry) for entry in entries]
    if len(usages) != samples or (samples > 1 and not all(usage.output for usage in usages)):
        return [Usage() for _ in range(samples)]
    return [usage if usage.output else replace(usage, output=None) for usage in usages]


def _at_limit(usage: Usage, sampled: Sampling) -> bool:
    most = sampled.max_output_tokens
    return most is not None and usage.output is not None and usage.output >= most
