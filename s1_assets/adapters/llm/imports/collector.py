"""Format `s1-collector`: `outputs.json`, `s1k_format.json` or `progress.json` of the S1 Gemini Data Collector, or its
output folder.

The collector is the script `s1_gemini_collector.py`. A row holds `question`, `reasoning_trace` and `answer`; in the
first and the last file `question_id`, `timestamp` and `metadata` too. Of a folder, what only `progress.json` holds is
read as well: a run that broke off wrote no `outputs.json`, or left an older one.

The files do not tell the model, the sampling or the texts that the collector put around the question: the message is
the bare question. Replies were split at the first phrase that sounds like an answer, so the thinking is a `visible`
part of the reply. An error that the collector kept as an answer is no answer.
"""

from collections.abc import Iterator
from pathlib import Path

from s1_assets.adapters.llm.imports.answers import Read, Row, Said, Unreadable, UnreadableRow, taken
from s1_assets.adapters.llm.imports.fields import asked, spoken
from s1_assets.adapters.llm.imports.files import JsonText, Rows, list_rows
from s1_assets.adapters.llm.imports.replies import reply_of
from s1_assets.records.models import Message

_OUTPUTS, _PROGRESS = PATTERNS = ("outputs.json", "progress.json")
_ERROR = "Error: "


def read(path: Path) -> Iterator[Read]:
    """The answers of a file, or of the collector's output folder."""
    return taken(_folder_rows(path) if path.is_dir() else _rows(path), _said)


def is_one(row: Row) -> bool:
    """Whether a row, or the object of `progress.json`, has what this format needs."""
    return "reasoning_trace" in row or "processed_ids" in row


def _folder_rows(folder: Path) -> Rows:
    seen = set()
    for file in (folder / _OUTPUTS, folder / _PROGRESS):
        for row in _rows(file) if file.exists() else ():
            if not isinstance(row, Unreadable):
                identity = (str(row[1].get("question_id")), str(row[1].get("timestamp")))
                if file.name == _PROGRESS and identity in seen:
                    continue
                seen.add(identity)
            yield row


def _rows(file: Path) -> Rows:
    return list_rows(file) if JsonText.of(file, 1_000).next() == "[" else _progress_rows(file)


def _progress_rows(file: Path) -> Rows:
    """The list `outputs` of an object, up to a fault: the collector rewrites the file in place."""
    text, number = JsonText.of(file), -1
    try:
        for key in text.names():
            if key != "outputs":
                text.value()
                continue
            for number, value in enumerate(text.elements()):
                origin = f"{file}:{number}"
                yield (origin, value) if isinstance(value, dict) else Unreadable(origin, "not an object")
    except UnreadableRow as error:
        yield Unreadable(f"{file}:{number + 1}", f"this and all that follows: {error}")


def _said(row: Row) -> Iterator[Said]:
    question = Message("user", asked(row.get("question"), "question"))
    if "answer" not in row:
        raise UnreadableRow("no answer; accepted: question, reasoning_trace and answer")
    thinking, answer = spoken(row.get("reasoning_trace"), "reasoning_trace"), spoken(row["answer"], "answer")
    if not thinking and answer.startswith(_ERROR):
        raise UnreadableRow(f"an error in place of an answer: {answer[:200]}")
    if not answer:  # no phrase found to split at: the trace is the whole reply
        thinking, answer = "", thinking
    yield Said((question,), reply_of(thinking, answer, kind="visible"))
