"""Settings from the environment, checked all at once before anything runs.

Options of single assets are fields of their Dagster `Config`; what stands here holds for the whole installation.
`S1_*` wins over the name that one of the replaced systems uses for the same thing.
"""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from s1_assets.domain.model_names import parse_model_name
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
    "S1_INBOX": "a folder or bucket prefix watched for new data",
    "S1_BUDGET_USD": "hard stop of a run's spending, in US dollars",
    "S1_SANDBOX": "docker, or unsafe",
    "S1_GCS_BUCKET": "bucket for tuning files",
    "S1_COMPUTE": "local, ray or ray://...",
}


OF_THE_TESTS = "S1_TEST_"
"""Names that begin so say how tests are run, and nothing to the product."""
WITHOUT_EFFECT = {
    **dict.fromkeys(("S1_JUDGE", "S1_REWRITER", "S1_LABELLER"), "no asset of this version asks that model"),
    "S1_INBOX": "this version has no sensor",
    "S1_BUDGET_USD": "this version has no prices, so nothing is stopped: name servers whose price you know",
    "S1_SANDBOX": "this version runs no code of a model's",
    "S1_GCS_BUCKET": "this version tunes nothing",
    "S1_COMPUTE": "this version computes here",
    **dict.fromkeys(
        ("MAX_CONCURRENT_SESSIONS", "REQUESTS_PER_MINUTE", "OUTPUT_DIR"),
        "it belongs to the Gemini collector, which this version does not have",
    ),
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
    key = any(reading.text(name) for name in ("GEMINI_API_KEY", "GEMINI_API_KEY_1", "GOOGLE_API_KEY"))
    if gemini and key:
        return ModelName("gemini", gemini), ()
    if key:
        remark = (
            "a Gemini key is set and no model is named, so nothing is paid: the embedded teacher answers; "
            "to use Gemini set S1_TEACHER=gemini:MODEL or GEMINI_MODEL_NAME=MODEL"
        )
        return TEACHER, (remark,)
    return TEACHER, ()


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
