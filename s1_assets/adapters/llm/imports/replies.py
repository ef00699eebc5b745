"""Replies as other tools kept them: thinking and answer apart, the status, the tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

from s1_assets.adapters.llm.imports.answers import Row, UnreadableRow
from s1_assets.adapters.llm.imports.fields import an_object, count, spoken, word
from s1_assets.domain.tokens import APPROXIMATE, approximate_tokens
from s1_assets.records.models import Reply, Status, ThinkingKind

_THINK, _END_THINK = "<think>", "</think>"
_TRUNCATED = {"length", "max_tokens", "max_output_tokens"}
_BLOCKED = {"content_filter", "safety", "prohibited_content", "recitation", "blocklist", "spii"}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as a vendor reported them; None where it did not."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    """Thinking and answer together."""
    thinking: int | None = None


def usage_of(value: object) -> Usage:
    """Usage in OpenAI's form; whatever is missing or odd there counts as not told.

    https://platform.openai.com/docs/api-reference/chat/object
    """
    if not isinstance(value, dict):
        return Usage()
    prompt, completion = value.get("prompt_tokens_details"), value.get("completion_tokens_details")
    return Usage(
        count(value.get("prompt_tokens")),
        count(prompt.get("cached_tokens")) if isinstance(prompt, dict) else None,
        count(value.get("completion_tokens")),
        count(completion.get("reasoning_tokens")) if isinstance(completion, dict) else None,
    )


def reply_of(
    thinking: str,
    answer: str,
    *,
    kind: ThinkingKind = "raw",
    finish_reason: str = "",
    refusal: str = "",
    served_model: str = "",
    usage: Usage | None = None,
    price_usd: float | None = None,
) -> Reply:
    """A reply with its status; a `<think>` block at the beginning of the answer is its thinking if there is no other.

    Tokens that nobody reported are counted by us, under our counter's name.

    >>> reply_of("", "<think>2 and 3</think>5").thinking
    '2 and 3'
    """
    usage = usage or Usage()
    if not thinking:
        thinking, answer, kind = *parted(answer), "raw"
    status, reason = _status(finish_reason, refusal, answer)
    thinking_tokens, answer_tokens, counter = _tokens(thinking, answer, usage)
    return Reply(
        status,
        reason,
        thinking,
        answer,
        kind if thinking else "none",
        finish_reason,
        served_model,
        usage.input or 0,
        usage.cached or 0,
        thinking_tokens,
        answer_tokens,
        counter,
        price_usd,
    )


def parted(text: str) -> tuple[str, str]:
    """Thinking and answer of a text that may begin with a `<think>` block.

    The opening mark is missing where the chat template put it into the prompt; the closing one where the model was cut
    off while it thought.
    """
    before, closed, after = text.partition(_END_THINK)
    opened = before.lstrip().startswith(_THINK)
    if closed and (opened or _THINK not in before):
        return before.replace(_THINK, "", 1).strip(), after.strip()
    if opened:
        return text.replace(_THINK, "", 1).strip(), ""
    return "", text.strip()


def completion_replies(body: Row, price_usd: float | None = None) -> Iterator[Reply]:
    """One reply per choice of a chat completion, in OpenAI's form.

    The usage of several choices is told in one sum: their prompt, and the price, count with the first.
    https://platform.openai.com/docs/api-reference/chat/object
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise UnreadableRow("no choices; accepted: chat completions")
    usage = usage_of(body.get("usage"))
    if len(choices) > 1:
        usage = Usage(usage.input, usage.cached)
    for number, choice in enumerate(choices):
        yield _choice_reply(
            an_object(choice, "choices"), body, Usage() if number else usage, None if number else price_usd
        )


def _choice_reply(choice: Row, body: Row, usage: Usage, price_usd: float | None) -> Reply:
    message = an_object(choice.get("message"), "message")
    return reply_of(
        spoken(message.get("reasoning_content") or message.get("reasoning"), "reasoning_content"),
        spoken(message.get("content"), "content"),
        finish_reason=word(choice.get("finish_reason")),
        refusal=word(message.get("refusal")),
        served_model=word(body.get("model")),
        usage=usage,
        price_usd=price_usd,
    )


def _status(finish_reason: str, refusal: str, answer: str) -> tuple[Status, str]:
    finish = finish_reason.lower()
    if finish in _TRUNCATED:
        return "truncated", "max_tokens"
    if finish in _BLOCKED:
        return "blocked", finish
    if refusal:
        return "refused", refusal[:200]
    return ("ok", "") if answer else ("failed", "empty_answer")


def _tokens(thinking: str, answer: str, usage: Usage) -> tuple[int, int, str]:
    """Tokens of thinking and answer, and who counted them."""
    ours = approximate_tokens(thinking)
    if usage.output is None:
        return ours, approximate_tokens(answer), APPROXIMATE
    if not thinking:
        told = min(usage.thinking or 0, usage.output)
        return told, usage.output - told, "usage"
    if usage.thinking and usage.thinking <= usage.output:
        return usage.thinking, usage.output - usage.thinking, "usage"
    ours = min(ours, usage.output)
    return ours, usage.output - ours, APPROXIMATE
