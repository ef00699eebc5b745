"""An entry of the source catalogue: where questions come from and how their fields are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["reasoning_gym", "table", "huggingface"]


@dataclass(frozen=True, slots=True)
class Source:
    """One checked and completed entry; `domain.catalogue` makes it from YAML and reports every fault at once."""

    key: str
    """Partition key: `[a-z0-9_-]+`."""
    kind: Kind
    title: str
    enabled: bool
    location: str
    """`reasoning_gym`: the family. `table`: path, glob or URL. `huggingface`: the data set's name."""
    revision: str | None
    """`huggingface`: a pinned commit. Others: None (the state is read: library version, size and time, ETag)."""
    licence: str
    language: str
    subject: str
    """A constant; where `fields` maps `subject`, what rows without one get."""
    grader: str
    grader_spec: Mapping[str, object] = field(default_factory=dict)
    fields: Mapping[str, "FieldRule"] = field(default_factory=dict)
    """By our name (`question`, `reference_answer`, `solution`, `subject`, `language`): how it is read from a row."""
    keep_if: tuple["Condition", ...] = ()
    """All must hold for a row to be kept."""
    choices: "Choices | None" = None
    """For multiple-choice rows whose options are not lettered text yet."""
    start: int = 0
    """Rows skipped after `keep_if`."""
    end: int | None = None
    """Rows kept after `keep_if` end before this one; None: all of them."""
    num_samples: int | None = None
    """Rows kept: a seeded draw, or the first ones without `seed`; None: all."""
    seed: int | None = None
    """Of that draw; `reasoning_gym`: of the generator too."""
    config: Mapping[str, object] = field(default_factory=dict)
    """`reasoning_gym`: the family's own fields."""
    size: int | None = None
    """`reasoning_gym`: number of questions."""
    config_name: str | tuple[str, ...] | None = None
    """`huggingface`: the data set's configuration, or several."""
    split: str | tuple[str, ...] | None = None
    """`huggingface`: the split, or several read one after another."""
    streaming: bool = True
    """`huggingface`: read rows as they come instead of downloading the whole split first."""
    watch: bool = False
    """`table`: let the sensor look for changes."""
    notes: str = ""
    """What a reader should know: quirks put right, rows known to be wrong."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one of our fields is made from a source row: exactly one of the three."""

    names: tuple[str, ...] = ()
    """Columns (dotted for nested ones, `answers.0` for list items): the first that is present and not null."""
    template: str | None = None
    """Text with `{column}` places, for fields made of several columns (passage, question, options)."""
    constant: str | None = None
    strip_before: str | None = None
    """Keep what follows the last occurrence of this text (`####` in GSM8K solutions); nothing where it is absent."""
    strip_after: str | None = None
    """Then keep what precedes the first occurrence of this text; all where it is absent."""
    boxed: bool = False
    """Then keep the content of the last `\\boxed{}`; nothing where there is none."""
    prefix: str = ""
    """Put before what was found."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Options of a multiple-choice row, made into the columns `choices_text` (lettered lines) and `choices_letter`.

    The letter is that of the right option. Options of one list column keep their order. Where the right one stands in
    a column of its own, the order follows a hash of the texts, so that the place gives nothing away.
    """

    columns: tuple[str, ...]
    """One column with a list of options, or one column for each option."""
    index: str | None = None
    """Column with the number of the right option, counted from 0."""
    correct: str | None = None
    """Column with the text of the right option; exactly one of `index` and `correct`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A test on one column of a source row, before mapping."""

    column: str
    test: Literal["equals", "in", "not_equals", "not_in", "at_least", "at_most", "matches", "present", "absent"]
    value: object = None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row as the source gave it."""

    locator: str
    values: Mapping[str, object]
    fault: str | None = None
    """Reason (`malformed_json`, `wrong_encoding`, ...) when the row cannot be read; `values` is then empty."""
    evidence: str = ""
