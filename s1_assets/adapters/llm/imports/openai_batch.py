"""Format `openai-batch`: the output file of a batch of chat completions, with the input file that holds its prompts.

An input line holds `custom_id` and `body`, an output line `custom_id`, `response` with `status_code` and `body`, and
`error`. Lines of the two files belong together by `custom_id` alone; their order differs. Servers that speak the same
format (`vllm run-batch`, Azure) write it too.
https://platform.openai.com/docs/api-reference/batch/request-output

A request that failed, expired or was cancelled is no answer. Not imported: batches of other endpoints, and parameters
other than sampling.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from s1_assets.adapters.llm.imports.answers import Read, Row, Said, Unreadable, UnreadableRow, taken
from s1_assets.adapters.llm.imports.fields import an_object, asked, conversation, sampling, word
from s1_assets.adapters.llm.imports.files import line_rows
from s1_assets.adapters.llm.imports.replies import completion_replies
from s1_assets.adapters.sources.places import readable
from s1_assets.adapters.sources.text_rows import jsonl_rows


def read(path: Path, prompts: Path) -> Iterator[Read]:
    """The answers of an output file to the prompts of its input file."""
    with ExitStack() as stack:
        batch = _Batch(prompts, stack)
        yield from taken(chain(batch.faults, line_rows(path)), batch.said)


def is_one(row: Row) -> bool:
    """Whether a row has what this format needs."""
    return "custom_id" in row and ("response" in row or "error" in row)


class _Batch:
    """The input file, of which only the places of its lines are held; and what was answered so far."""

    def __init__(self, prompts: Path, stack: ExitStack) -> None:
        self.faults: list[Unreadable] = []
        self._prompts = prompts
        self._places: dict[str, int] = {}
        self._twice: set[str] = set()
        self._answered: set[str] = set()
        with readable(str(prompts)):
            self._stream = stack.enter_context(prompts.open("rb"))
            self._find_places()

    def said(self, row: Row) -> Iterator[Said]:
        """The answers of an output line."""
        name = asked(row.get("custom_id"), "custom_id")
        body = _body(row)
        request = self._request(name)
        if name in self._answered:
            raise UnreadableRow(f"custom_id {name!r} was answered before in this file")
        messages, sampled = conversation(request.get("messages"), "body.messages"), sampling(request)
        found = [Said(messages, reply, word(request.get("model")), sampled) for reply in completion_replies(body)]
        self._answered.add(name)
        yield from found

    def _find_places(self) -> None:
        place = 0
        for row in jsonl_rows(self._stream, str(self._prompts), str(self._prompts)):
            name = row.values.get("custom_id")
            if row.fault is not None:
                self.faults.append(Unreadable(row.locator, f"{row.fault}: {row.evidence}"))
            elif not isinstance(name, str):
                self.faults.append(Unreadable(row.locator, "no custom_id; accepted: the lines of a batch's input file"))
            elif name in self._places:
                self._twice.add(name)
            else:
                self._places[name] = place
            place = self._stream.tell()

    def _request(self, name: str) -> Row:
        """The body that was sent under that name."""
        if name in self._twice:
            raise UnreadableRow(f"custom_id {name!r} stands twice in {self._prompts}")
        if name not in self._places:
            raise UnreadableRow(f"custom_id {name!r} is not in {self._prompts}")
        with readable(str(self._prompts)):
            self._stream.seek(self._places[name])
            row = next(jsonl_rows(self._stream, str(self._prompts), str(self._prompts)))
        return an_object(row.values.get("body"), f"body of {name!r} in {self._prompts}")


def _body(row: Row) -> Row:
    """The chat completion of an output line."""
    if row.get("error") is not None:
        raise UnreadableRow(f"an error in place of an answer: {str(row['error'])[:200]}")
    response = an_object(row.get("response"), "response")
    status, body = response.get("status_code"), response.get("body")
    if status not in (200, None):
        raise UnreadableRow(f"an error in place of an answer: {status} {str(body)[:200]}")
    return an_object(body, "response.body")
