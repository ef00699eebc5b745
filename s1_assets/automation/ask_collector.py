"""The output folder of the S1 Gemini Data Collector, for programs that read it: `s1 ask --layout s1-collector`.

- `outputs.json`: a list of `question_id`, `question`, `reasoning_trace`, `answer`, `metadata` and `timestamp`.
- `progress.json`: `processed_ids`, and the same list as `outputs`.
- `s1k_format.json`: a list of `question`, `reasoning_trace` and `answer`.

Only complete answers are in them. Where that program kept an error as an answer and took the question for done, here it
is left out, and asked again when told so. Its splitting of a reply at a phrase is not repeated: thinking and answer are
the model's own.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from s1_assets.adapters.llm.imports import Unreadable
from s1_assets.adapters.llm.imports.files import list_rows
from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.adapters.llm.ledger.upkeep import answered_at
from s1_assets.automation.ask_output import Answered
from s1_assets.automation.whole_file import as_json, whole_file
from s1_assets.errors import SettingsError, SourceUnreadable

PROGRESS, OUTPUTS, S1K = FILES = ("progress.json", "outputs.json", "s1k_format.json")
FOLDER = "./s1_collected_data"
"""Where that program writes if `OUTPUT_DIR` is not set."""
REQUESTS_PER_MINUTE, SESSIONS = 10, 15
"""That program's limits for each key, and for calls under way."""
GROUP = 500
"""Rows written together, after one look at when they were answered."""


class CollectorFolder:
    """The three files, each whole or not at all."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        """Raises:
        SettingsError: If the folder holds files that are not ours, which would be lost.
        """
        self._folder, self._ledger = folder, ledger
        self._group: list[Answered] = []
        self._last_id: str | None = None
        if any((folder / name).exists() for name in FILES) and not _is_ours(folder / OUTPUTS):
            raise SettingsError(
                "the output folder cannot be used:",
                [
                    f"{folder} holds answers of another program, which would be lost; set OUTPUT_DIR to another "
                    f"folder, and take those answers over with: s1 ledger import {folder}"
                ],
            )

    @property
    def places(self) -> list[Path]:
        return [self._folder / name for name in FILES]

    def __enter__(self) -> "CollectorFolder":
        with ExitStack() as stack:
            files = {name: stack.enter_context(whole_file(self._folder / name)) for name in FILES}
            self._progress, self._outputs, self._s1k = (_List(file) for file in files.values())
            files[PROGRESS].write(b'{"processed_ids": ')
            for each in (self._progress, self._outputs, self._s1k):
                each.begin()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:  # what goes wrong here leaves no file either
            self._flush()
            for each in (self._progress, self._outputs, self._s1k):
                each.end()
            outputs, progress = self._outputs.file, self._progress.file
            outputs.seek(0)
            progress.write(b', "outputs": ')
            shutil.copyfileobj(outputs, progress)
            progress.write(b"}")

    def write(self, row: Answered) -> None:
        if row.reply.status == "ok":
            self._group.append(row)
        if len(self._group) >= GROUP:
            self._flush()

    def _flush(self) -> None:
        moments = answered_at(self._ledger, [row.call_key for row in self._group])
        for row in self._group:
            if row.wanted.id != self._last_id:  # several samples of a question stand one after another
                self._progress.add(row.wanted.id)
            self._last_id = row.wanted.id
            moment = moments.get(row.call_key)
            self._outputs.add(_output(row, None if moment is None else moment.isoformat()))
            self._s1k.add(_s1k(row))
        self._group.clear()


class _List:
    """A JSON list, written piece by piece."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._any = False

    def begin(self) -> None:
        self.file.write(b"[")

    def add(self, value: object) -> None:
        self.file.write((b",\n" if self._any else b"\n") + as_json(value, indent=2))
        self._any = True

    def end(self) -> None:
        self.file.write(b"\n]" if self._any else b"]")


def _s1k(row: Answered) -> dict[str, object]:
    reply = row.reply
    return {"question": row.wanted.question, "reasoning_trace": reply.thinking, "answer": reply.answer}


def _output(row: Answered, timestamp: str | None) -> dict[str, object]:
    reply = row.reply
    metadata = {
        "original_sample": row.wanted.whole,
        "full_response": "\n".join(filter(None, (reply.thinking, reply.answer))),
        "model": str(row.request.model),
        "finish_reason": reply.finish_reason,
        "sample_index": row.request.sample_index,
        "call_key": row.call_key,
    }
    return {"question_id": row.wanted.id, **_s1k(row), "metadata": metadata, "timestamp": timestamp}


def _is_ours(outputs: Path) -> bool:
    """Whether a list of outputs was written here: empty, or with a call's key in its first row."""
    try:
        rows: Iterator[object] = list_rows(outputs)
        first = next(rows, None)
    except (SourceUnreadable, json.JSONDecodeError):
        return False
    if first is None:
        return True
    if isinstance(first, Unreadable) or not isinstance(first, tuple):
        return False
    metadata = first[1].get("metadata")
    return isinstance(metadata, dict) and "call_key" in metadata
