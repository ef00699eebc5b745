"""How one model is asked in one role: prompt, sampling and thinking, with every default filled in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from s1_assets.domain.model_table.reading import load_model_table
from s1_assets.domain.model_table.table import ModelTable
from s1_assets.domain.prompts import BARE, QUESTION_PLACE, VISIBLE, Prompt, split_visible
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName, ModelRequest, Reply, Role, Sampling
from s1_assets.resources.options import PromptOptions
from s1_assets.resources.settings import Settings

LOCAL_THINKERS = ("solver", "replay")
"""Providers whose replies come with their thoughts apart."""


@dataclass(frozen=True)
class Asking:
    """One model in one role."""

    model: ModelName
    prompt: Prompt
    sampling: Sampling
    thinking: Mapping[str, object]

    def request(self, question: str, sample_index: int = 0) -> ModelRequest:
        """The call for a question. Equal calls are equal in the ledger."""
        seed = self.sampling.seed
        sampling = self.sampling if seed is None else replace(self.sampling, seed=seed + sample_index)
        return ModelRequest(self.model, self.prompt.messages(question), sampling, self.thinking, sample_index)

    def read(self, reply: Reply) -> Reply:
        """The reply with its reasoning apart, where the prompt asked for it in the answer."""
        return split_visible(reply) if self.prompt.name == VISIBLE else reply

    def facts(self) -> dict[str, Any]:
        """What decides the replies, as JSON values."""
        return {
            "model": str(self.model),
            "prompt": self.prompt.version,
            "sampling": {name: value for name, value in asdict(self.sampling).items() if value is not None},
            "thinking": dict(self.thinking),
        }


def ask_how(table: ModelTable, model: ModelName, role: Role, options: PromptOptions) -> Asking:
    """How a model is asked, once everything left open is filled by the role's and the model's defaults.

    Raises:
        SettingsError: If the model does not accept what was set; the message says what it does accept.
    """
    try:
        sampling, thinking = table.resolved(
            model, role, options.sampling(), options.thinking(), datetime.now(UTC).date()
        )
        return Asking(model, _prompt(table, model, role, options), sampling, thinking)
    except ValueError as error:
        raise SettingsError("options that cannot be used:", [f"{role}: {error}"]) from error


def open_model_table(settings: Settings) -> ModelTable:
    """The packaged table of models with the user's file of `S1_MODELS` laid over it.

    Raises:
        SettingsError: Naming every fault, or `S1_MODELS` if it was set to what is not there.
    """
    folder = resources.files("s1_assets.domain.model_table").joinpath("packaged")
    packaged = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".yaml")}
    user = Path(settings.models).expanduser()
    if not user.is_file():
        if settings.models == Settings.models:
            return load_model_table(packaged, {})
        raise SettingsError("settings that cannot be used:", [f"S1_MODELS names {settings.models!r}, which is no file"])
    try:
        return load_model_table(packaged, {user.name: user.read_text("utf-8-sig")})
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("settings that cannot be used:", [f"S1_MODELS: {user} cannot be read: {error}"]) from error


def _prompt(table: ModelTable, model: ModelName, role: Role, options: PromptOptions) -> Prompt:
    """The prompt that the options name, or write out."""
    if options.template != QUESTION_PLACE and options.prompt != "auto":
        raise ValueError("`prompt` and `template` are both set; set one of them")
    named = _named(_auto(table, model, role) if options.prompt == "auto" else options.prompt)
    if options.template != QUESTION_PLACE:
        named = Prompt(options.template)
    return replace(named, system_prompt=options.system_prompt, format_instructions=options.format_instructions)


def _auto(table: ModelTable, model: ModelName, role: Role) -> str:
    entry = table.entry(model)
    hides = model.provider not in LOCAL_THINKERS and entry is not None and entry.thinking_kind in ("summary", "none")
    return VISIBLE if role == "teacher" and hides else BARE


def _named(name: str) -> Prompt:
    """A packaged prompt, or one from a file of the user's."""
    if name == BARE:
        return Prompt()
    packaged = resources.files("s1_assets.domain.prompts")
    known = sorted(file.name.removesuffix(".txt") for file in packaged.iterdir() if file.name.endswith(".txt"))
    if name in known:
        return Prompt(packaged.joinpath(f"{name}.txt").read_text("utf-8").rstrip("\n"), name=name)
    file = Path(name).expanduser()
    try:
        return Prompt(file.read_text("utf-8-sig").rstrip("\n"))
    except (OSError, UnicodeDecodeError) as error:
        names = ", ".join((BARE, *known))
        raise ValueError(
            f"prompt {name!r} is neither packaged ({names}) nor a file that can be read: {error}"
        ) from error
