"""Settings from the environment, checked all at once before anything runs.

Options of single assets are fields of their Dagster `Config`; what stands here holds for the whole installation.
`S1_*` wins over the name that one of the replaced systems uses for the same thing.
"""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml

from s1_assets.adapters.llm.access import Access, ToldLimits
from s1_assets.domain.model_names import PROVIDERS, parse_model_name
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName

Value = TypeVar("Value")

TEACHER = ModelName("solver", "teacher-v1")
STUDENTS = (ModelName("solver", "student-brief-v1"), ModelName("solver", "student-hasty-v1"))

OWN_NAMES = {
    "S1_STORAGE": "where tables live: a folder, s3://bucket/prefix or gs://bucket/prefix",
    "S1_LEDGER": "ledger database: sqlite:///path or postgresql+psycopg://...",
    "S1_TEACHER": "the model that writes traces: provider:model[@base_url]",
    "S1_STUDENTS": "the models that measure difficulty: provider:model[@base_url], comma-separated",
    "S1_JUDGE": "the model that judges answers: provider:model[@base_url]",
    "S1_REWRITER": "the model that rewrites traces: provider:model[@base_url]",
    "S1_LABELLER": "the model that labels difficulty and subject: provider:model[@base_url]",
    "S1_SOURCES": "a file or folder of YAML entries merged over the packaged catalogue",
    "S1_LIMITS": "limits of providers: gemini.rpm=10,gemini.in_flight=15,openai.tpm=90000,...",
    "S1_MODELS": "a YAML file of models (prices, limits of output, ...) laid over the packaged table",
    "S1_VLLM": "options of the vllm engine in this process: tp=2,max_model_len=32768,dtype=bfloat16,...",
    "S1_INBOX": "a folder or bucket prefix watched for new data",
    "S1_BUDGET_USD": "hard stop of a run's spending, in US dollars",
    "S1_SANDBOX": "docker, or unsafe",
    "S1_GCS_BUCKET": "bucket for tuning files",
    "S1_COMPUTE": "local, ray or ray://...",
}


MOST = 10**12
"""Of any limit: beyond it a digit too many was typed."""
DEFAULT_BUDGET_USD = 10.0
"""Cap of a run once a model costs and none was set."""
KEY_NAMES = re.compile(r"(GEMINI|GOOGLE|OPENAI)_API_KEY(_\d+|S_FILE)?")
"""Variables that are read as keys, or as the name of a file of keys."""
OF_THE_TESTS = "S1_TEST_"
"""Names that begin so say how tests are run, and nothing to the product."""
WITHOUT_EFFECT = {
    **dict.fromkeys(("S1_JUDGE", "S1_REWRITER", "S1_LABELLER"), "no asset of this version asks that model"),
    "S1_INBOX": "this version has no sensor",
    "S1_SANDBOX": "this version runs no code of a model's",
    "S1_GCS_BUCKET": "this version tunes nothing",
    "S1_COMPUTE": "this version computes here",
}
"""Names that are accepted and change nothing yet, and why: a person who sets one is told."""


@dataclass(frozen=True, slots=True)
class ObjectStoreAccess:
    """How to reach S3; what is None comes from the vendor's own chain (environment, profile, instance role)."""

    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    region: str | None = None

    def __repr__(self) -> str:
        return f"ObjectStoreAccess(endpoint={self.endpoint!r}, region={self.region!r})"


@dataclass(frozen=True)
class Settings:
    """The installation's settings, complete and checked."""

    storage: str = ".s1/data"
    ledger: str = field(default="sqlite:///.s1/ledger.db", repr=False)
    teacher: ModelName = TEACHER
    students: tuple[ModelName, ...] = STUDENTS
    judge: ModelName | None = None
    rewriter: ModelName | None = None
    labeller: ModelName | None = None
    sources: str = ".s1/sources"
    inbox: str = ".s1/inbox"
    budget_usd: float | None = None
    """None: `DEFAULT_BUDGET_USD` once a model costs."""
    models: str = ".s1/models.yaml"
    access: Access = field(default_factory=Access)
    """Keys and limits of providers."""
    s3: ObjectStoreAccess = ObjectStoreAccess()
    gcs_endpoint: str | None = None
    sandbox: str | None = None
    compute: str = "local"
    hub_token: str | None = field(default=None, repr=False)

    @property
    def relative(self) -> list[str]:
        """Names of the settings that depend on the working directory."""
        ledger = self.ledger.startswith("sqlite:///") and not self.ledger.startswith("sqlite:////")
        storage = "://" not in self.storage and not self.storage.startswith(("/", "~"))
        return [name for name, found in (("S1_STORAGE", storage), ("S1_LEDGER", ledger)) if found]

    remarks: tuple[str, ...] = ()
    """What a person should be told about how the environment was read."""


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environment` (default: the process's own).

    Raises:
        SettingsError: Naming every fault at once, with the accepted values.
    """
    reading = _Reading(os.environ if environment is None else environment)
    teacher, remarks = _teacher(reading)
    settings = Settings(
        storage=reading.value("S1_STORAGE", _location, Settings.storage),
        ledger=reading.value("S1_LEDGER", _database_url, Settings.ledger),
        teacher=teacher,
        students=reading.value("S1_STUDENTS", _model_names, Settings.students),
        judge=reading.value("S1_JUDGE", parse_model_name, None),
        rewriter=reading.value("S1_REWRITER", parse_model_name, None),
        labeller=reading.value("S1_LABELLER", parse_model_name, None),
        sources=reading.value("S1_SOURCES", str, Settings.sources),
        inbox=reading.value("S1_INBOX", _location, Settings.inbox),
        budget_usd=reading.value("S1_BUDGET_USD", _amount, None),
        models=reading.value("S1_MODELS", str, Settings.models),
        access=_access(reading),
        s3=ObjectStoreAccess(
            reading.text("S3_ENDPOINT"),
            reading.text("S3_ACCESS_KEY"),
            reading.text("S3_SECRET_KEY"),
            reading.text("S3_REGION"),
        ),
        gcs_endpoint=reading.text("STORAGE_EMULATOR_HOST"),
        sandbox=reading.value("S1_SANDBOX", _sandbox, None),
        compute=reading.value("S1_COMPUTE", _compute, Settings.compute),
        hub_token=reading.text("HF_TOKEN") or reading.text("HUGGINGFACE_TOKEN"),
        remarks=(*remarks, *reading.without_effect()),
    )
    reading.finish()
    return settings


class _Reading:
    """One pass over an environment that collects faults."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[str] = []
        for name in sorted(environment):
            if name.startswith("S1_") and name not in OWN_NAMES and not name.startswith(OF_THE_TESTS):
                near = difflib.get_close_matches(name, OWN_NAMES, n=1, cutoff=0.6)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(OWN_NAMES)}"
                self._faults.append(f"{name} is not a setting; {hint}")

    def text(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def value(self, name: str, parse: Callable[[str], Value], default: Value) -> Value:
        text = self.text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self._faults.append(f"{name} ({OWN_NAMES[name]}): {error}")
            return default

    def seed(self, name: str, meaning: str) -> int | None:
        """A limit under the name that a replaced system gave it."""
        text = self.text(name)
        try:
            return None if text is None else _count(text, f"{name}={text}")
        except ValueError as error:
            self._faults.append(f"{name} ({meaning}, for Gemini): {error}")
            return None

    @property
    def keys(self) -> dict[str, str]:
        """Variables that hold keys, or name a file of keys."""
        return {name: value for name, value in self._environment.items() if KEY_NAMES.fullmatch(name) and value.strip()}

    def without_effect(self) -> list[str]:
        """A remark on every name that is set and changes nothing."""
        return [f"{name} is set and has no effect: {why}" for name, why in WITHOUT_EFFECT.items() if self.text(name)]

    def finish(self) -> None:
        if self._faults:
            raise SettingsError("settings that cannot be used:", self._faults)


def _teacher(reading: _Reading) -> tuple[ModelName, tuple[str, ...]]:
    """The teacher; `gemini:$GEMINI_MODEL_NAME` when that name and a Gemini key are set and S1_TEACHER is not."""
    own, gemini = reading.text("S1_TEACHER"), reading.text("GEMINI_MODEL_NAME")
    if own is not None:
        remark = f"S1_TEACHER={own} is used, GEMINI_MODEL_NAME={gemini} is not" if gemini else ""
        return reading.value("S1_TEACHER", parse_model_name, TEACHER), (remark,) if remark else ()
    key = any(name.startswith(("GEMINI", "GOOGLE")) for name in reading.keys)
    if gemini and key:
        return ModelName("gemini", gemini), ()
    if key:
        remark = (
            "a Gemini key is set and no model is named, so nothing is paid: the embedded teacher answers; "
            "to use Gemini set S1_TEACHER=gemini:MODEL or GEMINI_MODEL_NAME=MODEL"
        )
        return TEACHER, (remark,)
    return TEACHER, ()


_LIMIT_FIELDS = {
    "rpm": "requests_per_minute",
    "tpm": "tokens_per_minute",
    "rpd": "requests_per_day",
    "in_flight": "in_flight",
    "keys": "shared",
}
_LIMITS_LOOK = "gemini.rpm=10,gemini.tpm=250000,gemini.rpd=500,gemini.in_flight=15,gemini.keys=shared"


def _access(reading: "_Reading") -> Access:
    """Keys and limits; the seeds' names set Gemini's limits where `S1_LIMITS` does not."""
    told: dict[str, ToldLimits] = {}
    none: dict[str, object] = {}
    limits = reading.value("S1_LIMITS", _limits, told)
    ours = limits.get("gemini", ToldLimits())
    ours = ToldLimits(
        ours.requests_per_minute or reading.seed("REQUESTS_PER_MINUTE", "requests per minute and key"),
        ours.tokens_per_minute,
        ours.requests_per_day,
        ours.in_flight or reading.seed("MAX_CONCURRENT_SESSIONS", "calls under way at once per key"),
        ours.shared,
    )
    gemini = {"gemini": ours} if ours != ToldLimits() else {}
    return Access(
        reading.keys,
        {**limits, **gemini},
        reading.text("GOOGLE_CLOUD_PROJECT"),
        reading.text("GOOGLE_CLOUD_LOCATION"),
        reading.value("S1_VLLM", _assignments, none),
    )


def _assignments(text: str) -> dict[str, object]:
    """Options by name, each value as YAML reads it.

    >>> _assignments("tp=2, dtype=bfloat16")
    {'tp': 2, 'dtype': 'bfloat16'}
    """
    found: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not name.strip().isidentifier() or not equals or not value.strip():
            raise ValueError(f"{part!r} is not of the form OPTION=VALUE, as in tp=2,max_model_len=32768")
        found[name.strip()] = yaml.safe_load(value)
    return found


def _limits(text: str) -> dict[str, ToldLimits]:
    """Limits by provider.

    >>> _limits("openai.rpm=600, openai.in_flight=256")["openai"].in_flight
    256
    """
    found: dict[str, dict[str, Any]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        provider, _, field_name = name.strip().partition(".")
        if provider not in PROVIDERS or field_name not in _LIMIT_FIELDS or not value.strip():
            raise ValueError(f"{part!r} is not of the form PROVIDER.LIMIT=NUMBER, as in {_LIMITS_LOOK}")
        if field_name == "keys":
            if value.strip() not in ("shared", "apart"):
                raise ValueError(f"{part!r}: accepted are keys=shared and keys=apart")
            told: Any = value.strip() == "shared"
        else:
            told = _count(value.strip(), part)
        found.setdefault(provider, {})[_LIMIT_FIELDS[field_name]] = told
    return {provider: ToldLimits(**told) for provider, told in found.items()}


def _count(text: str, what: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST:
        raise ValueError(f"{what!r}: accepted is a whole number from 1 to {MOST:,}")
    return int(text)


def _model_names(text: str) -> tuple[ModelName, ...]:
    names = tuple(parse_model_name(part) for part in text.split(",") if part.strip())
    if not names:
        raise ValueError(f"{text!r} names no model")
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there twice; for several attempts set student_attempts.samples")
    return names


def _location(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if separator and (scheme not in ("s3", "gs", "file") or not rest.strip("/")):
        raise ValueError(
            f"{text!r} is not a place for tables; accepted are a folder, s3://bucket/prefix, gs://bucket/prefix"
        )
    return rest if separator and scheme == "file" else text


def _database_url(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
        raise ValueError("accepted are sqlite:///path and postgresql+psycopg://user@host/database")
    return text.replace("postgresql://", "postgresql+psycopg://", 1)


def _sandbox(text: str) -> str:
    if text not in ("docker", "unsafe"):
        raise ValueError(f"{text!r} is not one of docker, unsafe")
    return text


def _compute(text: str) -> str:
    if text not in ("local", "ray") and not text.startswith("ray://"):
        raise ValueError(f"{text!r} is not one of local, ray, ray://host:port")
    return text


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise ValueError(f"{text!r} is not an amount of money; accepted is a number, 0 or more")
    return amount
