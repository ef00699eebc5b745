from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.adapters.llm.access import ToldLimits
from s1_assets.errors import CatalogueError, SettingsError
from s1_assets.records.models import ModelName
from s1_assets.resources.settings import OWN_NAMES, STUDENTS, TEACHER, WITHOUT_EFFECT, Settings, read_settings
from s1_assets.resources.storage import open_catalogue

SECRET = "hunter2-hunter2"


def faults(**environment: str) -> list[str]:
    with pytest.raises(SettingsError) as told:
        read_settings(environment)
    return list(told.value.faults)


def test_an_empty_environment_gives_the_defaults_and_no_remark() -> None:
    assert read_settings({}) == Settings()
    assert (Settings.storage, Settings.ledger) == (".s1/data", "sqlite:///.s1/ledger.db")


def test_a_name_without_a_value_counts_as_not_set() -> None:
    assert read_settings({"S1_TEACHER": "", "S1_STORAGE": "  ", "GEMINI_MODEL_NAME": ""}) == Settings()


def test_what_is_set_is_read() -> None:
    settings = read_settings(
        {
            "S1_STORAGE": "s3://bucket/prefix",
            "S1_LEDGER": "postgresql://me@host/db",
            "S1_TEACHER": "openai:m:free@http://h/v1",
            "S1_STUDENTS": "solver:a, solver:b,",
            "S1_SOURCES": "mine",
        }
    )
    assert (settings.storage, settings.sources) == ("s3://bucket/prefix", "mine")
    assert settings.ledger == "postgresql+psycopg://me@host/db"
    assert settings.teacher == ModelName("openai", "m:free", "http://h/v1")
    assert settings.students == (ModelName("solver", "a"), ModelName("solver", "b"))


def test_every_fault_is_told_at_once_and_by_name() -> None:
    found = faults(S1_TEACHER="gpt", S1_STUDENTS="opnai:x", S1_STORAGE="ftp://x", S1_LEDGER="mysql://x", S1_TEACHR="y",
                   S1_BUDGET_USD="ten", S1_JUDGE="solver:")  # fmt: skip
    named = [fault.split()[0] for fault in found]
    assert sorted(named) == sorted(
        ["S1_TEACHR", "S1_STORAGE", "S1_LEDGER", "S1_TEACHER", "S1_STUDENTS", "S1_JUDGE", "S1_BUDGET_USD"]
    )


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("S1_TEACHER", "gpt", "provider:model"),
        ("S1_STUDENTS", ",", "names no model"),
        ("S1_STUDENTS", "solver:a,solver:a", "solver:a stands there twice"),
        ("S1_STORAGE", "s3://", "s3://bucket/prefix, gs://bucket/prefix"),
        ("S1_STORAGE", "az://bucket", "s3://bucket/prefix, gs://bucket/prefix"),
        ("S1_LEDGER", "ledger.db", "sqlite:///path and postgresql"),
        ("S1_BUDGET_USD", "-1", "0 or more"),
        ("S1_BUDGET_USD", "nan", "0 or more"),
        ("S1_BUDGET_USD", "inf", "0 or more"),
        ("S1_BUDGET_USD", "ten", "0 or more"),
    ],
)
def test_a_bad_value_says_what_is_accepted(name: str, value: str, accepted: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(f"{name} ({OWN_NAMES[name]}): ")
    assert accepted in fault


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("S1_STORGE", "S1_STORAGE"),
        ("S1_STUDENT", "S1_STUDENTS"),
        ("S1_teacher", "S1_TEACHER"),
        ("S1_XYZZY", "known are"),
    ],
)
def test_a_misspelt_name_gets_its_neighbour(name: str, hint: str) -> None:
    assert faults(**{name: "x"})[0].startswith(f"{name} is not a setting; ")
    if hint in OWN_NAMES and name != "S1_teacher":
        assert f"did you mean {hint}?" in faults(**{name: "x"})[0]


def test_names_of_others_are_left_alone() -> None:
    assert read_settings({"S1": "x", "S1TEACHER": "x", "MY_S1_STORAGE": "x", "PATH": "/bin"}) == Settings()


def test_a_gemini_key_alone_never_spends_money() -> None:
    for name in ("GEMINI_API_KEY", "GEMINI_API_KEY_1", "GOOGLE_API_KEY"):
        settings = read_settings({name: SECRET})
        assert settings.teacher == TEACHER
        assert "set S1_TEACHER=gemini:MODEL or GEMINI_MODEL_NAME=MODEL" in settings.remarks[0]
    assert read_settings({"GEMINI_MODEL_NAME": "flash"}) == Settings()


def test_the_collectors_key_and_model_name_together_choose_gemini() -> None:
    settings = read_settings({"GEMINI_API_KEY_1": SECRET, "GEMINI_MODEL_NAME": "flash"})
    assert (str(settings.teacher), settings.remarks) == ("gemini:flash", ())


def test_our_own_name_wins_over_the_collectors_and_says_so() -> None:
    settings = read_settings({"GEMINI_API_KEY": SECRET, "GEMINI_MODEL_NAME": "flash", "S1_TEACHER": "solver:x"})
    assert str(settings.teacher) == "solver:x"
    assert settings.remarks == ("S1_TEACHER=solver:x is used, GEMINI_MODEL_NAME=flash is not",)


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_a_name_that_changes_nothing_yet_is_accepted_and_says_so(name: str) -> None:
    values = {"S1_BUDGET_USD": "5", "S1_INBOX": "inbox", "S1_SANDBOX": "docker", "S1_COMPUTE": "ray"}
    value = values.get(name, "solver:x")
    assert [remark for remark in read_settings({name: value}).remarks if remark.startswith(f"{name} ")]


@given(st.dictionaries(st.sampled_from(sorted(OWN_NAMES)), st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_values_give_settings_or_faults_by_name(environment: dict[str, str]) -> None:
    try:
        settings = read_settings(environment)
    except SettingsError as error:
        assert all(fault.split()[0] in environment for fault in error.faults)
    else:
        assert settings.students


def test_no_secret_is_in_a_repr_or_a_fault() -> None:
    environment = {
        "S3_SECRET_KEY": SECRET,
        "S3_ACCESS_KEY": SECRET,
        "HF_TOKEN": SECRET,
        "GEMINI_API_KEY": SECRET,
        "OPENAI_API_KEY": SECRET,
        "S1_LEDGER": f"postgresql+psycopg://me:{SECRET}@host/db",
        "S3_ENDPOINT": "http://s3",
    }
    settings = read_settings(environment)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.remarks)
    assert "http://s3" in repr(settings)
    assert SECRET not in str(faults(**{**environment, "S1_LEDGER": f"mysql://me:{SECRET}@host/db"}))
    assert settings.s3.secret_key == settings.hub_token == SECRET


def test_either_name_of_the_hub_token_works_and_the_hubs_own_wins() -> None:
    assert read_settings({"HUGGINGFACE_TOKEN": "b"}).hub_token == "b"
    assert read_settings({"HUGGINGFACE_TOKEN": "b", "HF_TOKEN": "a"}).hub_token == "a"


def test_a_file_address_is_a_folder() -> None:
    assert read_settings({"S1_STORAGE": "file:///data/s1"}).storage == "/data/s1"


def test_the_students_differ_from_each_other_and_from_the_teacher() -> None:
    assert len({TEACHER, *STUDENTS}) == 3
    assert asdict(Settings())["budget_usd"] is None


def test_a_catalogue_that_was_named_and_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"S1_SOURCES names .*nowhere.* not there"):
        open_catalogue(Settings(sources=str(tmp_path / "nowhere")))
    assert open_catalogue(Settings()).enabled


def test_limits_are_told_by_provider_and_the_collectors_names_are_geminis() -> None:
    told = read_settings({"S1_LIMITS": "openai.rpm=600, gemini.in_flight=4,gemini.keys=shared"}).access.limits
    assert (told["openai"].requests_per_minute, told["gemini"].in_flight, told["gemini"].shared) == (600, 4, True)
    seeds = {"REQUESTS_PER_MINUTE": "10", "MAX_CONCURRENT_SESSIONS": "15"}
    assert read_settings(seeds).access.limits["gemini"] == ToldLimits(10, in_flight=15)
    both = read_settings({**seeds, "S1_LIMITS": "gemini.rpm=99"}).access.limits["gemini"]
    assert (both.requests_per_minute, both.in_flight) == (99, 15)


@pytest.mark.parametrize("text", ["gemini.rpm", "gemini.rpn=3", "gemini.rpm=0", "claude.rpm=3", "gemini.keys=one", "x"])
def test_a_limit_that_cannot_be_read_is_told_with_the_form_that_is_accepted(text: str) -> None:
    (fault,) = faults(S1_LIMITS=text)
    assert fault.startswith("S1_LIMITS ")
    assert "gemini.rpm=" in fault or "accepted" in fault


def test_keys_are_kept_out_of_the_repr() -> None:
    settings = read_settings({"GEMINI_API_KEY_7": SECRET, "OPENAI_API_KEY": SECRET})
    assert sorted(settings.access.environment) == ["GEMINI_API_KEY_7", "OPENAI_API_KEY"]
    assert SECRET not in repr(settings)
