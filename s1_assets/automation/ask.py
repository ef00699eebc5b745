"""`s1 ask`: every question of a file to a model, through the ledger; the answers to a file, in order."""

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from rich.text import Text

from s1_assets.adapters.llm.access import Access, ToldLimits
from s1_assets.adapters.llm.client import LedgeredModel
from s1_assets.adapters.llm.directory import Directory
from s1_assets.automation.ask_estimate import Survey, agree, count_calls, show_bad_rows
from s1_assets.automation.ask_output import Answered, Output, TracesFile
from s1_assets.automation.ask_questions import FIELDS, QuestionFile, Wanted
from s1_assets.automation.ask_view import AskView, Outcome, new_console, show_outcome, told_reasons
from s1_assets.domain.calls import call_key
from s1_assets.domain.model_names import parse_model_name
from s1_assets.errors import BudgetSpent, SettingsError, SourceUnreadable
from s1_assets.records.models import Caller, ModelName, ModelRequest, Reply, Role
from s1_assets.resources.answering import Means, purse_for, terms_for
from s1_assets.resources.asking import Asking, ask_how, open_model_table
from s1_assets.resources.options import PromptOptions
from s1_assets.resources.settings import TEACHER, Settings, read_settings
from s1_assets.resources.storage import open_readers
from s1_assets.resources.terminal import inert

if TYPE_CHECKING:
    from rich.console import Console

LAYOUTS = ("jsonl", "s1-collector")


@dataclass(frozen=True, slots=True)
class AskOrder:
    """What was typed; paths hold from any folder."""

    questions: str
    model: str | None
    """None: the teacher that the environment names."""
    out: Path | None
    question_field: str | None = None
    role: Role = "teacher"
    samples: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `PromptOptions`."""
    keys: Path | None = None
    budget_usd: float | None = None
    retry_failed: bool = False
    yes: bool = False
    layout: str = "jsonl"
    as_json: bool = False


@dataclass(frozen=True)
class Work:
    """The calls, which can be gone through any number of times."""

    questions: QuestionFile
    asking: Asking
    samples: int

    def calls(self, survey: Survey | None = None) -> Iterator[tuple[Wanted, ModelRequest]]:
        """Every question with each of its requests, in order; `survey` is told of questions and of rows without."""
        for wanted in self.questions.questions(None if survey is None else survey.bad):
            if survey is not None:
                survey.questions += 1
            for index in range(self.samples):
                yield wanted, self.asking.request(wanted.question, index)

    def requests(self) -> Iterator[ModelRequest]:
        return (request for _, request in self.calls())


def ask(order: AskOrder) -> int:
    """Ask, write and tell; the exit status, 1 if a call failed.

    Raises:
        S1Error: What makes going on useless; what was answered is in the ledger.
    """
    console = new_console(stderr=order.as_json)
    means, asking = _prepare(order, console)
    questions = QuestionFile(order.questions, order.question_field, open_readers(means.settings))
    work = Work(questions, asking, order.samples)
    outputs, state = _outputs(order, means), questions.state()
    survey = _survey(work, means, order, console)
    agree(survey, means, asking.model, order.yes, console)
    places = [place for output in outputs for place in output.places]
    outcome = Outcome(survey.questions, survey.bad.by_reason, means.table.is_paid(asking.model), places)
    with ExitStack() as stack:
        opened = [stack.enter_context(output) for output in outputs]
        with AskView(console, survey.calls) as view:
            model = _model(order, means, asking.model, view)
            outcome.counts = model.counts
            for row in _answered(work, model):
                outcome.add(row.reply)
                for output in opened:
                    output.write(row)
        if questions.state() != state:
            raise _changed(work)
    show_outcome(outcome, order.role == "teacher", order.as_json, console)
    if outcome.failed:
        told = f"{outcome.failed:,} of {outcome.rows:,} calls failed ({told_reasons(outcome)})"
        new_console(stderr=True).print(f"s1: {told}. {_what_next(asking.model)}", markup=False)
    return 1 if outcome.failed else 0


def _prepare(order: AskOrder, console: "Console") -> tuple[Means, Asking]:
    """Everything that was typed and set, checked before anything is read, asked or written."""
    if order.out is None and order.layout == "jsonl":
        raise _unusable("--out FILE says where the answers go; it is missing")
    if (
        order.out is not None
        and "://" not in order.questions
        and order.out.resolve() == Path(order.questions).resolve()
    ):
        raise _unusable(f"--out {order.out} is the file of questions, which would be lost")
    model = _named(order.model)
    if order.keys is not None:
        _use_keys(order.keys, model)
    settings = read_settings()
    settings = settings if order.budget_usd is None else replace(settings, budget_usd=order.budget_usd)
    settings = settings if order.layout == "jsonl" else as_collector(settings)
    if model is None:
        for remark in settings.remarks:
            console.print(Text(inert(remark), style="yellow"))
    table, directory = open_model_table(settings), Directory(settings.access)
    asking = ask_how(table, model or _teacher(settings), order.role, _options(order.options))
    if faults := directory.faults([asking.model]):
        raise SettingsError("models that cannot be called:", faults)
    from s1_assets.adapters.llm.ledger import Ledger

    return Means(settings, directory, table, Ledger(settings.ledger)), asking


def _named(text: str | None) -> ModelName | None:
    try:
        return None if text is None else parse_model_name(text)
    except ValueError as error:
        raise _unusable(f"--model: {error}") from error


def _teacher(settings: Settings) -> ModelName:
    """The teacher of the environment; the embedded one answers only its own puzzles and is never meant."""
    if settings.teacher == TEACHER and not os.environ.get("S1_TEACHER", "").strip():
        raise _unusable("--model PROVIDER:MODEL is missing, and neither S1_TEACHER nor GEMINI_MODEL_NAME names one")
    return settings.teacher


def _use_keys(file: Path, model: ModelName | None) -> None:
    """Have the keys of a file used for the model's provider, in place of those in the environment."""
    if model is None:
        raise _unusable("--keys goes with --model, whose provider takes the keys")
    if not file.is_file():
        raise _unusable(f"--keys {file}: there is no such file")
    providers = Directory(Access())
    names = () if providers.is_local(model) else providers.provider(model).key_names
    if not names:
        raise _unusable(f"--keys {file}: {model.provider} takes no keys")
    ours = re.compile(rf"(?:{'|'.join(map(re.escape, names))})(?:_\d+|S_FILE)?")
    for name in [name for name in os.environ if ours.fullmatch(name)]:
        del os.environ[name]
    os.environ[f"{names[0]}S_FILE"] = str(file)


def as_collector(settings: Settings) -> Settings:
    """The collector's limits for Gemini, where nothing else is set."""
    from s1_assets.automation.ask_collector import REQUESTS_PER_MINUTE, SESSIONS

    limits = settings.access.limits
    told = limits.get("gemini", ToldLimits())
    gemini = replace(
        told,
        requests_per_minute=told.requests_per_minute or REQUESTS_PER_MINUTE,
        in_flight=told.in_flight or SESSIONS,
    )
    return replace(settings, access=replace(settings.access, limits={**limits, "gemini": gemini}))


def _options(typed: Mapping[str, Any]) -> PromptOptions:
    try:
        return PromptOptions(**{name: value for name, value in typed.items() if value is not None})
    except ValidationError as error:
        faults = [
            f"--{'-'.join(map(str, fault['loc'])).replace('_', '-')} {fault['input']!r}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise SettingsError("options that cannot be used:", faults) from error


def _outputs(order: AskOrder, means: Means) -> list[Output]:
    """Where rows go; each is checked before anything is asked."""
    found: list[Output] = [] if order.out is None else [TracesFile(order.out)]
    if order.layout == "s1-collector":
        from s1_assets.automation.ask_collector import FOLDER, CollectorFolder

        folder = os.environ.get("OUTPUT_DIR", "").strip() or FOLDER
        found.append(CollectorFolder(Path(folder).expanduser().absolute(), means.ledger))
    return found


def _survey(work: Work, means: Means, order: AskOrder, console: "Console") -> Survey:
    """The questions, read once before anything is asked.

    Raises:
        SourceUnreadable: If there is none that can be asked.
    """
    survey = Survey()
    requests = (request for _, request in work.calls(survey))
    count_calls(survey, means, requests, order.role, order.retry_failed)
    show_bad_rows(survey.bad, console)
    if not survey.questions:
        names = order.question_field or ", ".join(FIELDS)
        raise SourceUnreadable(f"{order.questions}: no question in the column {names}; --question-field names another")
    return survey


def _model(order: AskOrder, means: Means, model: ModelName, view: AskView) -> LedgeredModel:
    run = uuid.uuid4().hex
    return LedgeredModel(
        means.directory,
        means.ledger,
        Caller("ask", Path(order.questions).name[:128], run, run),
        terms_for(means.table, order.role, [model], order.retry_failed),
        purse_for(means.settings, means.table, run, [model]),
        view.tell,
    )


def _answered(work: Work, model: LedgeredModel) -> Iterator[Answered]:
    """Every row in the order of the questions, once all of them are answered."""
    try:
        replies = model.answer_all(work.requests, [work.asking.model])
    except BudgetSpent as error:
        raise BudgetSpent(str(error).replace("S1_BUDGET_USD", "--budget or S1_BUDGET_USD")) from error
    for wanted, request in work.calls():
        reply: Reply | None = next(replies, None)
        if reply is None:
            raise _changed(work)
        yield Answered(wanted, request, work.asking.read(reply), call_key(request))
    if next(replies, None) is not None:
        raise _changed(work)


def _changed(work: Work) -> SourceUnreadable:
    return SourceUnreadable(
        f"{work.questions.location} changed while it was read; nothing was written, and what was answered is in the "
        "ledger: ask again"
    )


def _what_next(model: ModelName) -> str:
    if model.provider == "replay":
        return "Import their answers (s1 ledger import), or ask another model"
    return "--retry-failed asks them again, and them alone"


def _unusable(fault: str) -> SettingsError:
    return SettingsError("options that cannot be used:", [fault])
