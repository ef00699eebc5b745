"""Format `curator`: the `responses_N.jsonl` files in the cache of bespokelabs-curator, or a folder with such files.

A line is a `GenericResponse`: the request with model, messages and generation parameters, the vendor's raw response,
and the message that curator made of it (checked against release 0.1.31).
https://github.com/bespokelabsai/curator/blob/main/src/bespokelabs/curator/types/generic_response.py

The raw response is preferred, since the message lacks the thinking. A failed call of curator (`response_errors` and no
raw response) is no answer. Not imported: `response_format` and parameters other than sampling.
"""

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from s1_assets.adapters.llm.imports.answers import Read, Row, Said, UnreadableRow, taken
from s1_assets.adapters.llm.imports.fields import an_object, conversation, count, sampling, spoken, word
from s1_assets.adapters.llm.imports.files import line_rows
from s1_assets.adapters.llm.imports.replies import Usage, completion_replies, reply_of
from s1_assets.records.models import Reply

PATTERN = "**/responses_*.jsonl"
_BODIES: tuple[tuple[str, ...], ...] = ((), ("response", "body"), ("result", "message"))
_NUMBER = re.compile(r"(\d+)")


def read(path: Path) -> Iterator[Read]:
    """The answers of a file, or of all such files below a folder, by folder and number."""
    files = sorted(path.glob(PATTERN), key=_in_order) if path.is_dir() else [path]
    for file in files:
        yield from taken(line_rows(file), _said)


def is_one(row: Row) -> bool:
    """Whether a row has what this format needs."""
    return "generic_request" in row


def _in_order(file: Path) -> tuple[str, int, str]:
    number = _NUMBER.search(file.name)
    return str(file.parent), int(number.group()) if number else 0, file.name


def _said(row: Row) -> Iterator[Said]:
    request = an_object(row.get("generic_request"), "generic_request")
    messages = conversation(request.get("messages"), "generic_request.messages")
    parameters = an_object(request.get("generation_params") or {}, "generation_params")
    for reply in _replies(row):
        yield Said(messages, reply, word(request.get("model")), sampling(parameters))


def _replies(row: Row) -> Iterator[Reply]:
    body = _body(row)
    if body is not None and "choices" in body:
        replies = list(completion_replies(body, _price(row)))
        if any(reply.answer or reply.thinking for reply in replies) or not row.get("response_message"):
            yield from replies
            return
    thinking, answer = _blocks(body) if body is not None else ("", "")
    answer = answer or _message(row)
    if not (thinking or answer) and row.get("response_errors"):
        raise UnreadableRow(f"an error in place of an answer: {str(row['response_errors'])[:200]}")
    yield reply_of(
        thinking,
        answer,
        kind="summary",  # Claude's thinking blocks, summaries since Claude 4
        finish_reason=word(row.get("finish_reason")),
        served_model=word(body.get("model")) if body is not None else "",
        usage=_usage(row.get("token_usage")),
        price_usd=_price(row),
    )


def _body(row: Row) -> Row | None:
    """The vendor's body in the raw response: that itself, or inside a batch line of OpenAI's or Anthropic's form."""
    for raw, path in product((row.get("raw_response"), row.get("response_message")), _BODIES):
        found: object = raw
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, dict) and (_holds(found, "choices", "message") or _holds(found, "content", "type")):
            return found
    return None


def _holds(body: Row, name: str, key: str) -> bool:
    """Whether the body has a list of that name, of objects with that key."""
    entries = body.get(name)
    return isinstance(entries, list) and bool(entries) and all(isinstance(one, dict) and key in one for one in entries)


def _blocks(body: Row) -> tuple[str, str]:
    """Thinking and answer of a message of Anthropic's: https://docs.anthropic.com/en/api/messages"""
    content = body.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    thinking, answer = (
        "\n\n".join(spoken(block.get(kind), kind) for block in blocks if block.get("type") == kind)
        for kind in ("thinking", "text")
    )
    return thinking, answer


def _message(row: Row) -> str:
    """What curator made of the answer; structured output as JSON text."""
    message = row.get("response_message")
    if isinstance(message, dict):
        message = json.dumps(message, ensure_ascii=False)
    return spoken(message, "response_message")


def _usage(value: object) -> Usage:
    """Of `token_usage`, whose fields had OpenAI's names in earlier releases."""
    if not isinstance(value, dict):
        return Usage()
    told = {name: count(value.get(name)) for name in ("input", "output", "prompt_tokens", "completion_tokens")}
    return Usage(
        input=told["input"] if "input" in value else told["prompt_tokens"],
        output=(told["output"] if "output" in value else told["completion_tokens"]) or None,
    )


def _price(row: Row) -> float | None:
    """What curator reckoned; its 0 stands for unknown too."""
    price = row.get("response_cost")
    return float(price) if isinstance(price, int | float) and price > 0 else None
