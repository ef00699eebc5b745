"""Format `s1`: the folder into which s1's `data/gemini.py` writes one JSON file per question, or one such file.

A file is named by a hash of the question and holds `question_hash`, `question`, `thinking` and `response`. The prompt
is the bare question with default sampling; the model is not told.
https://github.com/simplescaling/s1/blob/main/data/gemini.py

A file that a crash cut short is told as unreadable; s1 itself takes it for done.
"""

from collections.abc import Iterator
from pathlib import Path

from s1_assets.adapters.llm.imports.answers import Read, Row, Said, Unreadable, UnreadableRow, taken
from s1_assets.adapters.llm.imports.fields import an_object, asked, spoken
from s1_assets.adapters.llm.imports.files import JsonText, Rows
from s1_assets.adapters.llm.imports.replies import reply_of
from s1_assets.records.models import Message

PATTERN = "**/*.json"


def read(path: Path) -> Iterator[Read]:
    """The answers of a file, or of all JSON files below a folder, by name."""
    return taken(_rows(sorted(path.glob(PATTERN)) if path.is_dir() else [path]), _said)


def is_one(row: Row) -> bool:
    """Whether an object has what this format needs."""
    return "question_hash" in row and "response" in row


def _rows(files: list[Path]) -> Rows:
    for file in files:
        try:
            yield str(file), an_object(JsonText.of(file).value(), "the file")
        except UnreadableRow as error:
            yield Unreadable(str(file), str(error))


def _said(row: Row) -> Iterator[Said]:
    if "response" not in row:
        raise UnreadableRow("no response; accepted: question, thinking and response")
    question = Message("user", asked(row.get("question"), "question"))
    yield Said((question,), reply_of(spoken(row.get("thinking"), "thinking"), spoken(row["response"], "response")))
