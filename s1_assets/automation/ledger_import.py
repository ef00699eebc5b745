"""`s1 ledger import`: answers that were paid elsewhere become calls on record, so that they are not paid again.

By default they stand under `replay:NAME`, a model that answers nothing but what was imported. A call to it is its
messages alone; one to any other model is told apart by its sampling too, and is kept as far as the files tell it. What
another ledger exported keeps its models.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from s1_assets.adapters.llm.imports import FORMATS, Read, Unreadable, read_answers
from s1_assets.adapters.llm.ledger import Ledger, Receipt
from s1_assets.automation.ledger_restore import FORMAT, Restored, is_exported, restored_rows
from s1_assets.automation.ledger_verbs import open_ledger
from s1_assets.domain.calls import canonical_request, text_key
from s1_assets.domain.model_names import parse_model_name
from s1_assets.errors import SettingsError
from s1_assets.records.models import Caller, ModelName, ModelRequest, Sampling
from s1_assets.resources.terminal import inert

GROUP = 500
"""Answers looked up and committed together."""
TOLD = 5
"""Rows without an answer that are told one by one."""
CALLER = Caller("import", "", "import")
_NO_PART_OF_A_NAME = re.compile(r"[\s@,]+")
"""What could not be written in a setting that names the model."""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What was typed."""

    path: Path
    format: str | None
    prompts: Path | None
    model: str | None
    """None: `replay:` and what the file calls its model, else the file's own name; an exported call keeps its model."""
    dry_run: bool


@dataclass(slots=True)
class Imported:
    """What became of the rows."""

    read: int = 0
    new: int = 0
    there: int = 0
    """Answers that were on record already; they stay as they are."""
    unreadable: int = 0
    reasons: list[str] = field(default_factory=list)
    """Of the first rows without an answer."""
    models: Counter[ModelName] = field(default_factory=Counter)
    systems: int = 0
    """Answers that were asked for with a system prompt."""


def import_answers(order: ImportOrder) -> int:
    """Record answers and print what became of them; the exit status, 1 if there was none.

    Raises:
        SettingsError: If the file, its format or the model's name cannot be used.
        SourceUnreadable: If a file cannot be read at all.
    """
    model, told = _model(order.model), Imported()
    calls = _calls(order, model)
    ledger = open_ledger()
    usable = _usable(calls, told)
    while group := list(islice(usable, GROUP)):
        _keep(ledger, group, told, order.dry_run)
    for line in _lines(told, order.dry_run):
        print(line)
    return 0 if told.read else 1


def _model(text: str | None) -> ModelName | None:
    try:
        return None if text is None else parse_model_name(text)
    except ValueError as error:
        raise SettingsError("options that cannot be used:", [f"--as: {error}"]) from error


def _calls(order: ImportOrder, named: ModelName | None) -> Iterator[Restored | Unreadable]:
    """The file's answers as calls, under the name they are to have."""
    if order.format == FORMAT or (order.format is None and order.prompts is None and is_exported(order.path)):
        calls: Iterator[Restored | Unreadable] = restored_rows(order.path)
    else:
        if order.format not in (None, *FORMATS):
            accepted = ", ".join((*FORMATS, FORMAT))
            raise SettingsError("answers that cannot be imported:", [f"format {order.format!r}; accepted: {accepted}"])
        calls = _answered(read_answers(order.path, order.format, order.prompts), order.path)
    return calls if named is None else _renamed(calls, named)


def _answered(answers: Iterator[Read], path: Path) -> Iterator[Restored | Unreadable]:
    """Another tool's answers, under `replay`. What they cost was paid elsewhere."""
    for answer in answers:
        if isinstance(answer, Unreadable):
            yield answer
            continue
        model = ModelName("replay", _name(answer.model or (path.name if path.is_dir() else path.stem)))
        request = ModelRequest(model, answer.messages, answer.sampling, {}, answer.sample_index)
        yield _replayed(request), replace(answer.reply, price_usd=0.0), answer.origin


def _renamed(calls: Iterable[Restored | Unreadable], model: ModelName) -> Iterator[Restored | Unreadable]:
    """All calls under one name; the answers of several models to the same messages are numbered anew."""
    seen: Counter[bytes] = Counter()
    for call in calls:
        if isinstance(call, Unreadable):
            yield call
            continue
        request, reply, origin = call
        text = "\0".join(f"{message.role}\0{message.content}" for message in request.messages)
        messages = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        free = replace(reply, price_usd=0.0) if model.provider == "replay" else reply
        yield _replayed(replace(request, model=model, sample_index=seen[messages])), free, origin
        seen[messages] += 1


def _replayed(request: ModelRequest) -> ModelRequest:
    """As a call to `replay` is: its messages and their number alone."""
    return replace(request, sampling=Sampling(), thinking={}) if request.model.provider == "replay" else request


def _name(text: str) -> str:
    return _NO_PART_OF_A_NAME.sub("-", text.strip()).strip("-") or "imported"


def _usable(calls: Iterable[Restored | Unreadable], told: Imported) -> Iterator[Restored]:
    """Calls that were answered; the others are counted. A failure would only stand in the way of an answer."""
    for call in calls:
        if isinstance(call, Unreadable):
            origin, fault = call.origin, call.reason
        elif call[1].status == "failed":
            origin, fault = call[2], call[1].reason
        else:
            told.read += 1
            told.systems += call[0].messages[0].role == "system"
            told.models[call[0].model] += 1
            yield call
            continue
        told.unreadable += 1
        if len(told.reasons) < TOLD:
            told.reasons.append(f"{origin}: {fault}")


def _keep(ledger: Ledger, group: list[Restored], told: Imported, dry_run: bool) -> None:
    """Commit what is not on record yet as one group; a failed call on record is none."""
    receipts = {}
    for request, reply, origin in group:
        text = canonical_request(request)
        key = text_key(text)
        receipts[key] = Receipt(key, text, request, reply, origin=origin)
    known = ledger.known(list(receipts), retry_failed=True)
    new = [receipt for key, receipt in receipts.items() if key not in known]
    told.new += len(new)
    told.there += len(group) - len(new)
    if not dry_run:
        ledger.record(new, CALLER)


def _lines(told: Imported, dry_run: bool) -> Iterator[str]:
    kept = "would be new" if dry_run else "new"
    yield (
        f"{told.read:,} answers read: {told.new:,} {kept}, {told.there:,} already there; "
        f"{told.unreadable:,} rows hold no answer"
    )
    yield from (f"  {inert(reason, 300)}" for reason in told.reasons)
    if told.unreadable > len(told.reasons):
        yield f"  and {told.unreadable - len(told.reasons):,} more"
    if told.systems:
        yield f"{told.systems:,} were asked with a system prompt: set the same one (--system, raw_traces.system_prompt)"
    for model, count in told.models.most_common():
        yield f"{count:,} answers under {model}"
    if told.read and not dry_run:
        yield f"next: S1_TEACHER={told.models.most_common(1)[0][0]}"
