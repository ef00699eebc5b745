from datetime import date

import pytest

from s1_assets.records.models import Sampling
from s1_assets_tests.domain.model_table.tables import TODAY, named, table

M = 1_000_000
USER = """
openai:flat@https://h.example/v1:
  output_cap: 1000
  price: {input_usd: 2, output_usd: 8, cached_input_usd: 0.5, as_of: 2026-11-01}
openai:uncached@https://h.example/v1:
  price: {input_usd: 2, output_usd: 8, as_of: 2026-11-01}
openai:tiered@https://h.example/v1:
  price:
    input_usd: 1
    output_usd: 2
    as_of: 2026-11-01
    above_input_tokens:
      2000000: null
      200000: {input_usd: 10, output_usd: 20}
openai:dearer@https://h.example/v1:
  price: {input_usd: 1, output_usd: 1, as_of: 2026-11-01, until: 2026-12-31, then: {input_usd: 2, output_usd: 3}}
"""


def cost(name: str, read: int, cached: int, written: int, today: date | None = TODAY) -> float | None:
    model = name if ":" in name else f"openai:{name}@https://h.example/v1"
    return table(USER).price_usd(named(model), read, cached, written, today)


def test_input_cached_input_and_output_have_their_own_price() -> None:
    assert cost("flat", M, 0, M) == 10
    assert cost("flat", M, M // 2, 0) == 1.25
    assert cost("flat", 0, 0, 0) == 0


def test_an_unknown_cached_price_is_never_too_little() -> None:
    assert cost("uncached", M, M, 0) == 2


def test_a_long_input_has_the_tiers_price_for_the_whole_call() -> None:
    assert cost("tiered", 200_000, 0, M) == pytest.approx(2.2)
    assert cost("tiered", 200_001, 0, M) == pytest.approx(22.00001)
    assert cost("tiered", 2_000_001, 0, M) is None


def test_a_price_ends_on_its_last_day_and_the_dearest_holds_for_an_unknown_day() -> None:
    assert cost("dearer", M, 0, M, today=date(2026, 12, 31)) == 2
    assert cost("dearer", M, 0, M, today=date(2027, 1, 1)) == 5
    assert cost("dearer", M, 0, M, today=None) == 5


def test_what_is_unknown_is_none_and_what_is_free_by_nature_is_zero() -> None:
    assert cost("not-listed", 1, 0, 1) is None
    assert cost("vllm:Qwen/Qwen3-8B", 1, 0, 1) is None
    assert cost("gemini:gemini-flash-latest", 1, 0, 1) is None
    assert cost("solver:teacher-v1", M, 0, M) == 0
    assert cost("replay:x.jsonl", M, 0, M) == 0
    for free in ("solver:teacher-v1", "replay:x.jsonl"):
        assert table().worst_price_usd(named(free), M, Sampling()) == 0


def test_the_worst_price_uses_the_whole_limit_and_no_cache() -> None:
    flat = named("openai:flat@https://h.example/v1")
    assert table(USER).worst_price_usd(flat, M, Sampling(max_output_tokens=M)) == 10
    assert table(USER).worst_price_usd(flat, M, Sampling()) == 2.008
    assert table(USER).worst_price_usd(named("openai:uncached@https://h.example/v1"), M, Sampling()) is None
    assert table(USER).worst_price_usd(named("openai:other"), M, Sampling(max_output_tokens=5)) is None


@pytest.mark.parametrize("cached", [0, 400])
def test_the_worst_price_is_never_below_the_price(cached: int) -> None:
    for name, entry in table().entries.items():
        if entry.price is None or table().fault_of(name, TODAY):
            continue
        sampling, _ = table().resolved(name, "student", Sampling(), {}, TODAY)
        worst = table().worst_price_usd(name, 1000, sampling, TODAY)
        real = table().price_usd(name, 1000, cached, sampling.max_output_tokens or 0, TODAY)
        assert worst is not None and real is not None and 0 < real <= worst


def test_a_rising_price_and_a_missing_one_are_told() -> None:
    notes = table().notes(named("gemini:gemini-3.8-flash"), TODAY)
    assert (
        "gemini:gemini-3.8-flash costs 0.75 in and 3.75 out US dollars per million tokens until 2026-12-31, "
        "after that 1.5 in and 7.5 out"
    ) in notes
    assert not any(
        "until 2026-12-31" in note for note in table().notes(named("gemini:gemini-3.8-flash"), date(2027, 1, 1))
    )
    assert table().notes(named("openai:x"), TODAY) == [
        "the price of openai:x is unknown, so no budget can count it; put it into .s1/models.yaml"
    ]
    assert table().notes(named("vllm:x"), TODAY) == table().notes(named("solver:teacher-v1"), TODAY) == []
