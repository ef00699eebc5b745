import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain.calls import call_key, canonical_request
from s1_assets.records.models import Message, ModelName, ModelRequest, Sampling

BASE = ModelRequest(
    ModelName("openai", "m", "http://h/v1"),
    (Message("system", "s"), Message("user", "u")),
    Sampling(100, 0.5, 0.9, 40, 7),
    {"budget": 10, "on": True},
    2,
)


def test_whatever_changes_the_answer_changes_the_key() -> None:
    sampling = BASE.sampling
    others = [
        replace(BASE, model=ModelName("vllm", "m", "http://h/v1")),
        replace(BASE, model=ModelName("openai", "n", "http://h/v1")),
        replace(BASE, model=ModelName("openai", "m", "http://h/v2")),
        replace(BASE, model=ModelName("openai", "m")),
        replace(BASE, messages=BASE.messages[1:]),
        replace(BASE, messages=BASE.messages[::-1]),
        replace(BASE, messages=(Message("user", "s"), Message("user", "u"))),
        replace(BASE, messages=(Message("system", "su"), Message("user", ""))),
        replace(BASE, sampling=replace(sampling, max_output_tokens=101)),
        replace(BASE, sampling=replace(sampling, temperature=0.6)),
        replace(BASE, sampling=replace(sampling, top_p=None)),
        replace(BASE, sampling=replace(sampling, top_k=None)),
        replace(BASE, sampling=replace(sampling, seed=8)),
        replace(BASE, thinking={"budget": 11, "on": True}),
        replace(BASE, thinking={}),
        replace(BASE, sample_index=3),
    ]
    assert len({call_key(request) for request in (BASE, *others)}) == len(others) + 1


def test_equal_requests_have_one_key_whatever_the_order_of_their_settings() -> None:
    again = replace(BASE, thinking={"on": True, "budget": 10}, messages=tuple(BASE.messages))
    assert call_key(again) == call_key(BASE)


def test_the_key_of_a_request_never_changes_between_versions() -> None:
    assert call_key(ModelRequest(ModelName("solver", "teacher-v1"), (Message("user", "2+2?"),))) == KEPT


KEPT = "3135a1b445d5ae2ee59ce634f8c435e5dab62f2d"
"""As written into the ledgers that exist: another value would ask and pay everything again."""


@given(st.text())
def test_a_key_is_40_hex_digits_for_any_text(text: str) -> None:
    request = replace(BASE, messages=(Message("user", text),))
    key = call_key(request)
    assert len(key) == 40
    assert set(key) <= set("0123456789abcdef")
    assert key == call_key(request)
    assert json.loads(canonical_request(request))["messages"] == [["user", text]]


def test_half_a_character_can_be_asked_too() -> None:
    cut = replace(BASE, messages=(Message("user", "half \ud83d"),))
    assert call_key(cut) != call_key(replace(BASE, messages=(Message("user", "half ?"),)))
