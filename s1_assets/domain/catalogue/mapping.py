"""A source row -> a question, or the reason why it cannot be one.

Whatever of the row does not stand in a field of its own word for word is kept as JSON metadata. Not here: choosing rows
(`questions`), and reading them (`adapters.sources`).
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from s1_assets.domain.catalogue.columns import MISSING, as_text, cell, fill, is_null, places_of
from s1_assets.domain.catalogue.plain import json_text
from s1_assets.domain.grading.answers import last_boxed
from s1_assets.domain.identity import question_id
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.sources import Choices, FieldRule, Source, SourceRow

STAGE = "raw_questions"
MOST_BYTES = 10_000_000
"""Of one cell, and of all metadata of a row: larger ones are set aside."""
MOST_EVIDENCE = 300
"""Characters."""
UNKNOWN_SUBJECT = "unknown"
UNKNOWN_LANGUAGE = "und"
"""ISO 639-2: undetermined."""

_LANGUAGES = {"english": "en", "chinese": "zh", "german": "de", "french": "fr", "spanish": "es", "russian": "ru"}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _UnusableError(Exception):
    def __init__(self, reason: str, evidence: str) -> None:
        self.reason = reason
        self.evidence = evidence
        super().__init__(reason)


def question_of(source: Source, row: SourceRow, revision: str) -> Question | SetAside:
    """The row as a question of the source, or as a row set aside.

    Reasons: the row's own fault, `missing_question` (no such column), `null_question`, `empty_question`,
    `wrong_encoding`, `too_large`, `too_deep`.
    """
    if row.fault is not None:
        return set_aside(source, row, row.fault, row.evidence)
    try:
        return _question(source, row, revision)
    except _UnusableError as fault:
        return set_aside(source, row, fault.reason, fault.evidence)
    except RecursionError:
        return set_aside(source, row, "too_deep", "a cell is nested deeper than can be read")


def set_aside(source: Source, row: SourceRow, reason: str, evidence: str) -> SetAside:
    """The row with the reason why it cannot go on; its id is `SOURCE:FILE#LINE`."""
    return SetAside(f"{source.key}:{_readable(row.locator)}", STAGE, reason, _shortened(_readable(evidence)))


def _question(source: Source, row: SourceRow, revision: str) -> Question:
    values: Mapping[str, object] = row.values
    for column, value in values.items():
        _check_size(f"column {column!r}", value)
    used: set[str] = set()
    seen = values if source.choices is None else {**values, **_lettered(source.choices, values)}
    rules = source.fields
    texts = {name: _read(rule, seen, used) for name, rule in rules.items()}
    question = texts.get("question")
    if question is None or not question.strip():
        raise _no_question(rules["question"], seen)
    metadata = json_text({name: value for name, value in values.items() if name not in used})
    _check_size("metadata", metadata)
    # Of every text that is stored, so that a file in another encoding is told from one that is right.
    for name, text in (*texts.items(), ("metadata", metadata)):
        _check_encoding(name, text)
    return Question(
        question_id=question_id(source.key, question),
        source=source.key,
        locator=_readable(row.locator),
        question=question,
        reference_answer=_or_none(texts.get("reference_answer")),
        solution=_or_none(texts.get("solution")),
        subject=_or_none(texts.get("subject")) or source.subject or UNKNOWN_SUBJECT,
        language=_language(texts.get("language")) or source.language or UNKNOWN_LANGUAGE,
        licence=source.licence,
        grader=source.grader,
        grader_spec=json_text(dict(source.grader_spec)),
        metadata=metadata,
        revision=revision,
    )


def _read(rule: FieldRule, values: Mapping[str, object], used: set[str]) -> str | None:
    """What the rule makes of the row; a column that it takes whole is added to `used`."""
    text: str | None
    if rule.constant is not None:
        text = rule.constant
    elif rule.template is not None:
        needed = [name for name, optional in places_of(rule.template) if not optional]
        text = None if any(is_null(cell(values, name)) for name in needed) else fill(rule.template, values)
    else:
        text = None
        for name in rule.names:
            value = cell(values, name)
            text = as_text(value)
            if text is not None:
                if isinstance(value, str) and name in values and not _is_cut(rule):
                    used.add(name)
                break
    return _cut(rule, text)


def _is_cut(rule: FieldRule) -> bool:
    return rule.strip_before is not None or rule.strip_after is not None or rule.boxed or bool(rule.prefix)


def _cut(rule: FieldRule, text: str | None) -> str | None:
    if text is not None and rule.strip_before is not None:
        _, mark, text = text.rpartition(rule.strip_before)
        text = text.strip() if mark else None
    if text is not None and rule.strip_after is not None:
        text = text.partition(rule.strip_after)[0].strip()
    if text is not None and rule.boxed:
        text = last_boxed(text)
    return text if not text or not text.strip() else rule.prefix + text


def _lettered(choices: Choices, values: Mapping[str, object]) -> dict[str, object]:
    """The derived columns of a multiple-choice row; none where its options cannot be read."""
    if len(choices.columns) == 1:
        whole = cell(values, choices.columns[0])
        texts = [as_text(part) for part in whole] if isinstance(whole, list | tuple) else []
    else:
        texts = [as_text(cell(values, name)) for name in choices.columns]
    options = [text.strip() for text in texts if text is not None and text.strip()]
    if len(options) != len(texts) or not 2 <= len(options) <= len(_LETTERS):
        return {}
    if choices.correct is not None:
        right = (as_text(cell(values, choices.correct)) or "").strip()
        options = sorted(dict.fromkeys(options), key=_hash)
        place = options.index(right) if right in options else None
    else:
        number = as_text(cell(values, choices.index or "")) or ""
        place = int(number) if number.isdecimal() and int(number) < len(options) else None
    lines = [f"({letter}) {text}" for letter, text in zip(_LETTERS, options, strict=False)]
    return {"choices_text": "\n".join(lines), "choices_letter": None if place is None else _LETTERS[place]}


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="replace")).digest()


def _no_question(rule: FieldRule, values: Mapping[str, object]) -> _UnusableError:
    names = list(rule.names) or [name for name, optional in places_of(rule.template or "") if not optional]
    absent = [name for name in names if cell(values, name) is MISSING]
    if absent and (rule.template is not None or len(absent) == len(names)):
        there = ", ".join(map(str, values)) or "no columns at all"
        return _UnusableError("missing_question", f"no column {' or '.join(map(repr, absent))}; the row has {there}")
    null = [name for name in names if is_null(cell(values, name))]
    if null and (rule.template is not None or len(null) == len(names)):
        return _UnusableError("null_question", f"column {' and '.join(map(repr, null))}: null")
    held = next((as_text(cell(values, name)) for name in names if not is_null(cell(values, name))), "") or ""
    if held.strip():
        return _UnusableError("empty_question", f"the rule for fields.question leaves nothing of {held!r}")
    return _UnusableError("empty_question", f"column {' and '.join(map(repr, names))}: no text but {held[:20]!r}")


def _check_size(what: str, value: Any) -> None:
    if not isinstance(value, str | bytes) or len(value) * 4 <= MOST_BYTES:
        return
    size = len(value) if isinstance(value, bytes) else len(value.encode(errors="replace"))
    if size > MOST_BYTES:
        raise _UnusableError("too_large", f"{what} holds {size:,} bytes; accepted: at most {MOST_BYTES:,}")


def _check_encoding(name: str, text: str | None) -> None:
    if text is None or text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 20) : error.end + 20]
        evidence = f"{name}: not UTF-8, or half a surrogate pair, at character {error.start + 1}: {near!r}"
        raise _UnusableError("wrong_encoding", evidence) from error


def _language(text: str | None) -> str | None:
    plain = (text or "").strip().lower()
    return _LANGUAGES.get(plain, plain) or None


def _or_none(text: str | None) -> str | None:
    return text if text and text.strip() else None


def _readable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_EVIDENCE else f"{text[: MOST_EVIDENCE - 1]}…"
