from typing import Any, get_args

import pytest

from s1_assets.domain.model_table.roles import PAPER_STUDENT, SKY_T1_TEACHER, role_defaults
from s1_assets.records.models import Role, Sampling
from s1_assets_tests.domain.model_table.tables import TODAY, asked, named, table

REMOTE = ("gemini:gemini-3.8-flash", "vertex:gemini-3.5-flash", "openai:m@https://h.example/v1", "vllm:org/m")
QWEN3, R1, GPT_OSS = "vllm:Qwen/Qwen3-8B", "vllm:deepseek-ai/DeepSeek-R1", "vllm:openai/gpt-oss-20b"


def switched(on: bool) -> dict[str, object]:
    return {"extra": {"chat_template_kwargs": {"enable_thinking": on}}}


def test_a_gemini_teacher_thinks_high_within_the_whole_reply() -> None:
    assert asked("gemini:gemini-3.8-flash", "teacher") == (Sampling(max_output_tokens=65_536), {"level": "high"})
    assert asked("gemini:gemini-2.5-flash", "teacher") == (Sampling(max_output_tokens=65_536), {"budget": 24_576})
    assert asked("gemini:gemini-2.5-pro", "teacher") == (Sampling(max_output_tokens=65_536), {"budget": 32_768})


def test_a_teacher_on_an_own_server_is_never_greedy() -> None:
    samples = Sampling(max_output_tokens=32_768, temperature=0.6, top_p=0.95, top_k=20)
    assert asked("vllm:org/m", "teacher") == (samples, {})
    assert asked("openai:m@http://127.0.0.1:8000/v1", "teacher") == (samples, {})
    assert asked(QWEN3, "teacher") == (samples, switched(True))
    assert asked("openai:m@https://h.example/v1", "teacher") == (Sampling(max_output_tokens=32_768), {})
    assert asked(R1, "teacher") == (Sampling(max_output_tokens=32_768), {})
    for name in ("vllm:org/m", R1, "openai:m@https://h.example/v1"):
        with pytest.raises(ValueError, match=r"given temperature 0 as a teacher.*accepted: above 0, such as 0.6"):
            asked(name, "teacher", temperature=0.0)
    assert asked("vllm:Qwen/Qwen2.5-7B-Instruct", "teacher", temperature=0.0)[0].temperature == 0


@pytest.mark.parametrize(
    ("role", "tokens", "temperature"),
    [
        ("student", 8_192, 0.7),
        ("judge", 1_024, 0),
        ("difficulty_label", 2_048, 0),
        ("subject_label", 16, 0),
        ("rewriter", 32_768, 0),
    ],
)
def test_every_other_role_thinks_as_little_as_it_can(role: Role, tokens: int, temperature: float) -> None:
    plain = Sampling(max_output_tokens=tokens, temperature=temperature)
    assert asked("gemini:gemini-2.5-flash", role) == (plain, {"budget": 0})
    assert asked(QWEN3, role) == (plain, switched(False))
    assert asked("vllm:Qwen/Qwen2.5-7B-Instruct", role) == (plain, {})
    assert asked("gemini:gemini-3.8-flash", role)[1] == {"level": "low"}
    assert asked("gemini:gemini-3.5-flash", role)[1] == {"level": "minimal"}


def test_thoughts_that_cannot_be_switched_off_come_on_top_of_a_short_answer() -> None:
    assert asked("gemini:gemini-2.5-pro", "subject_label")[0].max_output_tokens == 16 + 128
    assert asked("gemini:gemini-3.8-flash", "subject_label")[0].max_output_tokens == 16 + 4_096
    assert asked(R1, "judge") == (Sampling(max_output_tokens=1_024 + 4_096), {})
    assert asked(GPT_OSS, "judge") == (Sampling(max_output_tokens=1_024 + 4_096), {"level": "low"})
    assert asked("gemini:gemini-3.8-flash", "student")[0].max_output_tokens == 8_192
    off = "openai:x@https://h.example/v1: {thinking: level, levels: [none, low]}"
    assert asked("openai:x@https://h.example/v1", "judge", off) == (
        Sampling(max_output_tokens=1_024, temperature=0.0),
        {"level": "none"},
    )


def test_an_agent_thinks_a_little_at_every_turn_and_as_long_as_it_is_told() -> None:
    assert asked("gemini:gemini-2.5-flash", "agent") == (
        Sampling(max_output_tokens=2_048, temperature=0.7),
        {"budget": 1_024},
    )
    assert asked("gemini:gemini-2.5-flash", "agent", thinking={"budget": 15_000})[0].max_output_tokens == 16_024


def test_a_rewriter_may_write_somewhat_more_than_it_reads() -> None:
    def limit(input_tokens: int | None) -> int | None:
        made, _ = table().resolved(named(QWEN3), "rewriter", Sampling(), {}, TODAY, input_tokens)
        return made.max_output_tokens

    assert [limit(count) for count in (None, 0, 10, 1000, 10**6)] == [32_768, 1_024, 1_037, 2_324, 32_768]


def test_what_the_user_set_stays() -> None:
    own = Sampling(max_output_tokens=500, temperature=1.5, top_p=0.5, top_k=3, seed=7)
    for name in ("gemini:gemini-2.5-flash", "vertex:gemini-3.5-flash", "openai:m@https://h.example/v1", "vllm:org/m"):
        assert table().resolved(named(name), "student", own, {}, TODAY)[0] == own
    assert asked("gemini:gemini-2.5-flash", "judge", thinking={"budget": 2_000})[1] == {"budget": 2_000}
    assert asked("gemini:gemini-3.8-flash", "judge", thinking={"level": "high"})[1] == {"level": "high"}
    extra = {"extra": {"chat_template_kwargs": {"enable_thinking": True}, "min_p": 0.1}}
    assert asked(QWEN3, "judge", thinking=extra) == (
        Sampling(max_output_tokens=1_024 + 4_096, temperature=0.0),
        extra,
    )
    assert asked("gemini:gemini-3.8-flash", "judge", thinking={"extra": {"x": 1}})[1] == {
        "level": "low",
        "extra": {"x": 1},
    }


def test_settings_that_a_model_ignores_are_not_recorded_as_sent() -> None:
    made, _ = asked("gemini:gemini-3.8-flash", "student", temperature=0.2, top_p=0.5, seed=7)
    assert made == Sampling(max_output_tokens=8_192, seed=7)
    assert any("takes no temperature" in note for note in table().notes(named("gemini:gemini-3.8-flash"), TODAY))


def test_a_default_budget_leaves_room_for_the_answer() -> None:
    assert asked("gemini:gemini-2.5-pro", "teacher", max_output_tokens=40_000)[1] == {"budget": 40_000 - 16_384}
    assert asked("gemini:gemini-2.5-pro", "teacher", max_output_tokens=8_000)[1] == {"budget": 4_000}
    assert asked("gemini:gemini-2.5-flash-lite", "teacher", max_output_tokens=600)[1] == {"budget": 0}


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        (
            "gemini:gemini-3.8-flash",
            {"max_output_tokens": 65_537},
            "given max_output_tokens 65,537; accepted: 1 to 65,536",
        ),
        ("vllm:org/m", {"max_output_tokens": 0}, "given max_output_tokens 0; accepted: from 1 tokens"),
        (
            "gemini:gemini-2.5-pro",
            {"max_output_tokens": 128},
            "thinks for at least 128 tokens; accepted: more than 128",
        ),
        ("gemini:gemini-3.8-flash", {"thinking": {"level": "minimal"}}, "accepted: a level of low, medium, high, such"),
        (
            "gemini:gemini-3.8-flash",
            {"thinking": {"budget": 5}},
            "given the thinking budget 5; accepted: a level of low",
        ),
        ("gemini:gemini-2.5-pro", {"thinking": {"level": "low"}}, "accepted: a budget, 128 to 32,768 tokens, such as"),
        ("gemini:gemini-2.5-pro", {"thinking": {"budget": 0}}, "accepted: a budget, 128 to 32,768 tokens"),
        ("gemini:gemini-2.5-flash", {"thinking": {"budget": True}}, "accepted: a budget, 0, or 1 to 24,576 tokens"),
        (
            "gemini:gemini-2.5-flash",
            {"thinking": {"budget": 1, "level": "low"}},
            "one thinking setting, not budget and",
        ),
        (
            "gemini:gemini-2.5-flash",
            {"thinking": {"extra": 3}},
            "given extra 3; accepted: fields of the request's body",
        ),
        (
            "gemini:gemini-2.5-flash",
            {"thinking": {"budget": 500}, "max_output_tokens": 500},
            "budget of 500 tokens within max_output_tokens 500, which leaves no answer",
        ),
        (QWEN3, {"thinking": {"level": "low"}}, "{'extra': {'chat_template_kwargs': {'enable_thinking': True}}}"),
        (R1, {"thinking": {"level": "low"}}, "accepted: none, as it always thinks and takes no such setting"),
        ("gemini:gemini-9", {}, "is not in the model table"),
    ],
)
def test_what_a_model_does_not_accept_is_refused_with_what_it_does(name: str, given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError) as caught:
        asked(name, "student", **given)
    assert str(caught.value).startswith(name) and told in str(caught.value)


def test_a_replay_is_known_by_its_messages_and_a_solver_is_left_alone() -> None:
    given = Sampling(max_output_tokens=5, temperature=0.3)
    assert table().resolved(named("replay:x.jsonl"), "teacher", given, {"level": "high"}, TODAY) == (Sampling(), {})
    assert table().resolved(named("solver:teacher-v1"), "student", given, {"a": 1}, TODAY) == (given, {"a": 1})
    assert asked("solver:teacher-v1", "teacher") == (Sampling(), {})


@pytest.mark.parametrize("role", get_args(Role))
@pytest.mark.parametrize("name", REMOTE)
def test_every_remote_call_has_a_limit_of_tokens_and_of_time(name: str, role: Role) -> None:
    assert asked(name, role)[0].max_output_tokens
    assert role_defaults(role, named(name).provider).limit_s > 0


def test_time_limits_go_by_the_role() -> None:
    limits = {role: role_defaults(role, "gemini").limit_s for role in get_args(Role)}
    assert limits == {
        "teacher": 1800,
        "student": 900,
        "judge": 180,
        "difficulty_label": 120,
        "subject_label": 120,
        "rewriter": 900,
        "agent": 300,
    }


def test_the_papers_settings_are_data() -> None:
    paper = asked("vllm:Qwen/Qwen2.5-7B-Instruct", "student", temperature=PAPER_STUDENT.sampling.temperature)
    assert paper[0].temperature == 0.05
    assert (PAPER_STUDENT.max_output_tokens, PAPER_STUDENT.samples) == (32_768, 1)
    assert (role_defaults("student", "vllm").samples, role_defaults("judge", "vllm").samples_when_split) == (4, 3)
    assert SKY_T1_TEACHER.max_output_tokens == 16_384


def test_hidden_thoughts_are_told_so_that_a_teacher_is_asked_to_reason_aloud() -> None:
    def told(name: str) -> str:
        return " ".join(table().notes(named(name), TODAY))

    assert "shows summaries of its thoughts, not the thoughts" in told("gemini:gemini-2.5-pro")
    assert "does not show its thoughts" in told("gemini:gemini-3.8-flash")
    assert "does not think before it answers" in told("vllm:Qwen/Qwen2.5-7B-Instruct")
    assert told(R1) == told(QWEN3) == ""
