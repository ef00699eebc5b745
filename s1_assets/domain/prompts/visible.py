"""Reasoning that a model writes into its answer because it was asked to.

Models that hide their thoughts, or show summaries of them, are asked for their reasoning between two markers. What
stands between them is the thinking (`visible`), what comes after is the answer. Nothing is guessed: without both
markers, once each and in order, the reply stays as it came.
"""

from dataclasses import replace

from s1_assets.records.models import Reply

VISIBLE = "visible-v1"
"""Name of the prompt that asks for it; the text is in `visible-v1.txt`."""
OPENING, CLOSING = "<reasoning>", "</reasoning>"


def split_visible(reply: Reply) -> Reply:
    """The reply with its reasoning as thinking; as it came where the markers are not once each and in order."""
    before, opened, rest = reply.answer.partition(OPENING)
    thinking, closed, answer = rest.partition(CLOSING)
    marked_twice = OPENING in rest or CLOSING in answer or CLOSING in before
    if not opened or not closed or marked_twice or before.strip() or not thinking.strip():
        return reply
    share = len(thinking) / max(1, len(thinking) + len(answer))
    shown = round(reply.answer_tokens * share)
    return replace(
        reply,
        thinking=thinking.strip(),
        answer=answer.strip(),
        thinking_kind="visible",
        thinking_tokens=shown,
        answer_tokens=reply.answer_tokens - shown,
    )
