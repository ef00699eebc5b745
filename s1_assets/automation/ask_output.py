"""What `s1 ask` writes: a line of JSON for each sample of each question, in the order of the questions."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from s1_assets.automation.ask_questions import Wanted
from s1_assets.automation.whole_file import as_json, whole_file
from s1_assets.records.models import ModelRequest, Reply


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, how it was asked, and what came back."""

    wanted: Wanted
    request: ModelRequest
    reply: Reply
    call_key: str


class Output(Protocol):
    """A place for rows: whole once its block ends well, and untouched otherwise."""

    def __enter__(self) -> "Output": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, row: Answered) -> None: ...

    @property
    def places(self) -> list[Path]:
        """What is written, for people."""
        ...


class TracesFile:
    """JSON lines. While it is being written it has `.part` behind its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole = whole_file(path)

    @property
    def places(self) -> list[Path]:
        return [self._path]

    def __enter__(self) -> "TracesFile":
        self._file = self._whole.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._whole.__exit__(kind, error, trace)

    def write(self, row: Answered) -> None:
        self._file.write(as_json(line(row)) + b"\n")


def line(row: Answered) -> dict[str, Any]:
    """A sample as it is written."""
    reply = row.reply
    return {
        "id": row.wanted.id,
        "question": row.wanted.question,
        "model": str(row.request.model),
        "sample_index": row.request.sample_index,
        "status": reply.status,
        "status_reason": reply.reason,
        "thinking": reply.thinking,
        "thinking_kind": reply.thinking_kind,
        "answer": reply.answer,
        "finish_reason": reply.finish_reason,
        "input_tokens": reply.input_tokens,
        "thinking_tokens": reply.thinking_tokens,
        "answer_tokens": reply.answer_tokens,
        "token_counter": reply.token_counter,
        "call_key": row.call_key,
        "row": row.wanted.row,
    }
