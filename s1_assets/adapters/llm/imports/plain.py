"""Format `jsonl`: one answer per line under the usual names, for any tool whose answers a few lines of code can write.

| field | taken for |
| --- | --- |
| `messages`, else `prompt`, else `question` | what was asked; `messages` as OpenAI writes them |
| `system` | the system prompt before a `prompt` or `question` |
| `response`, else the last of `messages` if the assistant said it, else `answer`, else `solution` | the answer |
| `thinking`, else `reasoning`, else `reasoning_content` | the thinking; else a `<think>` block before the answer |
| `model`, `finish_reason`, `usage`, `temperature`, `top_p`, `top_k`, `seed`, `max_tokens` | as OpenAI names them |

Under `answer` and `solution` many data sets keep a reference, so a row that has more than one gives the earlier.
"""

from collections.abc import Iterator
from pathlib import Path

from s1_assets.adapters.llm.imports.answers import Read, Row, Said, UnreadableRow, taken
from s1_assets.adapters.llm.imports.fields import asked, conversation, first_of, sampling, spoken, word
from s1_assets.adapters.llm.imports.files import JsonText, line_rows, list_rows
from s1_assets.adapters.llm.imports.replies import reply_of, usage_of
from s1_assets.records.models import Message

_ASKED = ("messages", "prompt", "question")
_ANSWER = ("response", "answer", "solution")
_THINKING = ("thinking", "reasoning", "reasoning_content")


def read(path: Path) -> Iterator[Read]:
    """The answers of a file of JSON lines; a `.json` file may be one list of them instead."""
    a_list = path.suffix == ".json" and JsonText.of(path, 1_000).next() == "["
    return taken(list_rows(path) if a_list else line_rows(path), _said)


def is_one(row: Row) -> bool:
    """Whether a row has what this format needs."""
    return any(name in row for name in _ASKED) and ("messages" in row or any(name in row for name in _ANSWER))


def _said(row: Row) -> Iterator[Said]:
    messages, answer = _messages(row), _answer(row)
    if len(messages) > 1 and messages[-1].role == "assistant" and row.get("response") is None:
        messages, answer = messages[:-1], messages[-1].content
    if answer is None:
        raise UnreadableRow(f"no answer; accepted: one of {', '.join(_ANSWER)}")
    thinking = first_of(row, _THINKING)
    reply = reply_of(
        spoken(row[thinking], thinking) if thinking else "",
        answer,
        finish_reason=word(row.get("finish_reason")),
        usage=usage_of(row.get("usage")),
    )
    yield Said(messages, reply, word(row.get("model")), sampling(row))


def _messages(row: Row) -> tuple[Message, ...]:
    name = first_of(row, _ASKED)
    if name is None:
        raise UnreadableRow(f"nothing asked; accepted: one of {', '.join(_ASKED)}")
    if isinstance(row[name], list):
        return conversation(row[name], name)
    system = (Message("system", asked(row["system"], "system")),) if row.get("system") else ()
    return (*system, Message("user", asked(row[name], name)))


def _answer(row: Row) -> str | None:
    """None where no field is there; a field that is there and null is an answer that is empty."""
    name = first_of(row, _ANSWER) or next((name for name in _ANSWER if name in row), None)
    return None if name is None else spoken(row[name], name)
