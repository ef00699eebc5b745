"""`s1 ledger export`: every call on record as a line of JSON, for other tools, and for `s1 ledger import` elsewhere.

Under the names that OpenAI uses stand `messages`, `model`, `finish_reason` and `usage`; beside them the reply with all
its fields, and how it was asked and obtained. `restored_rows` reads the lines back. No key and no fingerprint of one
is written.
"""

import sys
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from s1_assets.adapters.llm.ledger import Ledger, LedgerEntry
from s1_assets.adapters.llm.ledger.upkeep import in_utc
from s1_assets.automation.ledger_verbs import open_ledger
from s1_assets.automation.whole_file import as_json, whole_file
from s1_assets.domain.model_names import parse_model_name
from s1_assets.errors import SettingsError, StorageError
from s1_assets.records.models import ModelName

STDOUT = "-"


def export(to: str, model: str | None, ok_only: bool) -> int:
    """Write calls to a file, or to standard output for `-`; the exit status.

    Args:
        to: The file; it is replaced whole or not at all.
        model: Only calls to this model, `provider:model[@base_url]`; without a base URL those to any server.
        ok_only: Leave out calls whose reply is not complete.

    Raises:
        SettingsError: If `model` is no model's name.
        StorageError: If the file cannot be written, or a row of the ledger cannot be read.
    """
    entries = _wanted(open_ledger(), _model(model), ok_only)
    if to == STDOUT:
        rows = _write(sys.stdout.buffer, entries)
        sys.stdout.buffer.flush()
    else:
        with whole_file(Path(to)) as file:
            rows = _write(file, entries)
    click.echo(f"{rows:,} calls written to {'standard output' if to == STDOUT else to}", err=to == STDOUT)
    return 0


def _model(text: str | None) -> ModelName | None:
    try:
        return None if text is None else parse_model_name(text)
    except ValueError as error:
        raise SettingsError("options that cannot be used:", [f"--model: {error}"]) from error


def _wanted(ledger: Ledger, model: ModelName | None, ok_only: bool) -> Iterator[LedgerEntry]:
    provider, name = (None, None) if model is None else (model.provider, model.model)
    for entry in _entries(ledger, provider, name):
        elsewhere = model is not None and model.base_url is not None and entry.model != str(model)
        if not elsewhere and (not ok_only or entry.state == "ok"):
            yield entry


def _entries(ledger: Ledger, provider: str | None, name: str | None) -> Iterator[LedgerEntry]:
    try:
        yield from ledger.entries(provider, name)
    except (zlib.error, ValueError, TypeError) as error:
        raise StorageError(
            f"the ledger holds a row that cannot be read; `s1 ledger verify` names it: {error}"
        ) from error


def _write(file: BinaryIO, entries: Iterator[LedgerEntry]) -> int:
    rows = 0
    for entry in entries:
        file.write(as_json(_row(entry)) + b"\n")
        rows += 1
    return rows


def _row(entry: LedgerEntry) -> dict[str, object]:
    request, reply = entry.request, entry.reply
    messages = [{"role": role, "content": content} for role, content in request["messages"]]
    output = reply.thinking_tokens + reply.answer_tokens
    return {
        "call_key": entry.key,
        "model": entry.model,
        "messages": messages,
        "system": "\n\n".join(each["content"] for each in messages if each["role"] == "system"),
        "sampling": request["sampling"],
        "thinking_setting": request["thinking"],
        "sample_index": request["sample_index"],
        **asdict(reply),
        "usage": {
            "prompt_tokens": reply.input_tokens,
            "completion_tokens": output,
            "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": reply.thinking_tokens},
        },
        "price_usd": entry.price_usd,
        "attempts": entry.attempts,
        "maybe_billed": entry.maybe_billed,
        "seconds": entry.seconds,
        "asset": entry.asset,
        "partition": entry.partition,
        "run_id": entry.run_id,
        "answered_at": None if entry.answered_at is None else in_utc(entry.answered_at).isoformat(),
        "origin": entry.origin,
    }
