import pytest

from s1_assets.domain.model_names import parse_model_name
from s1_assets.domain.model_table.lookup import names_for
from s1_assets.domain.model_table.servers import is_own_server
from s1_assets_tests.domain.model_table.tables import TODAY, named, table

NAMES = [
    parse_model_name(text)
    for text in (
        "gemini:gemini-3.5-flash",
        "gemini:gemini-3.5-flash-lite",
        "gemini:gemini-3.5-flash-lite-001",
        "gemini:gemini-3*",
        "gemini:gemini-3.5-*",
        "vertex:gemini-3.5-*",
        "vllm:Qwen/Qwen3-*",
        "openai:Qwen/Qwen3-8B",
        "openai:*@https://models.example/v1",
    )
]


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gemini:gemini-3.5-flash", "gemini:gemini-3.5-flash"),
        ("gemini:gemini-3.5-flash-002", "gemini:gemini-3.5-flash"),
        ("gemini:gemini-3.5-flash-2026-05-19", "gemini:gemini-3.5-flash"),
        ("gemini:gemini-3.5-flash-preview-05-19", "gemini:gemini-3.5-flash"),
        ("gemini:gemini-3.5-flash-lite", "gemini:gemini-3.5-flash-lite"),
        ("gemini:gemini-3.5-flash-lite-001", "gemini:gemini-3.5-flash-lite-001"),
        ("gemini:gemini-3.5-flash-image", "gemini:gemini-3.5-*"),
        ("gemini:gemini-3.9-flash", "gemini:gemini-3*"),
        ("gemini:gemini-4-flash", None),
        ("vertex:gemini-3.5-flash", "vertex:gemini-3.5-*"),
        ("vertex:gemini-3.9-flash", "gemini:gemini-3*"),
        ("vllm:Qwen/Qwen3-8B", "vllm:Qwen/Qwen3-*"),
        ("vllm:Qwen/Qwen35-8B", None),
        ("openai:Qwen/Qwen3-8B", "openai:Qwen/Qwen3-8B"),
        ("openai:Qwen/Qwen3-8B@https://models.example/v1", "openai:*@https://models.example/v1"),
        ("openai:Qwen/Qwen3-4B@https://elsewhere.example/v1", None),
        ("openai:Qwen/Qwen3-4B@http://localhost:8000/v1", "vllm:Qwen/Qwen3-*"),
        ("solver:teacher-v1", None),
    ],
)
def test_the_most_specific_entry_stands_for_a_model(model: str, found: str | None) -> None:
    names = names_for(parse_model_name(model), NAMES)
    assert (str(names[0]) if names else None) == found


def test_a_pattern_is_plain_text_but_for_its_stars() -> None:
    [name] = [parse_model_name("vllm:org/model.[v1]*")]
    assert names_for(parse_model_name("vllm:org/model.[v1]-chat"), [name])
    assert not names_for(parse_model_name("vllm:org/modelXv-chat"), [name])


@pytest.mark.parametrize(
    ("model", "own"),
    [
        ("openai:m@http://localhost:8000/v1", True),
        ("openai:m@http://127.0.0.1:8000/v1", True),
        ("openai:m@http://[::1]:8000/v1", True),
        ("openai:m@http://10.1.2.3/v1", True),
        ("openai:m@http://192.168.1.9:8000/v1", True),
        ("openai:m@http://gpu-box.local:8000/v1", True),
        ("openai:m@http://vllm.models.svc.cluster.local/v1", True),
        ("openai:m@http://8.8.8.8/v1", False),
        ("openai:m@https://localhost.example.com/v1", False),
        ("openai:m@https://10.1.2.3.example.com/v1", False),
        ("openai:m@http://[nonsense/v1", False),
        ("openai:m", False),
        ("vllm:m", True),
        ("gemini:m", False),
    ],
)
def test_near_addresses_are_a_server_of_ones_own(model: str, own: bool) -> None:
    assert is_own_server(parse_model_name(model)) is own


@pytest.mark.parametrize(
    ("model", "paid"),
    [
        ("gemini:gemini-3.8-flash", True),
        ("vertex:gemini-3.8-flash", True),
        ("openai:gpt-6-luna", True),
        ("openai:m@https://api.example.com/v1", True),
        ("openai:m@http://127.0.0.1:8000/v1", False),
        ("vllm:Qwen/Qwen3-8B", False),
        ("solver:teacher-v1", False),
        ("replay:answers.jsonl", False),
        ("openai:free@https://gateway.example/v1", False),
        ("openai:m@http://localhost:4000/v1", True),
    ],
)
def test_it_is_known_where_asking_may_cost_money(model: str, paid: bool) -> None:
    user = """
    openai:free@https://gateway.example/v1: {price: {input_usd: 0, output_usd: 0, as_of: 2026-11-21}}
    openai:m@http://localhost:4000/v1: {price: {input_usd: 1, output_usd: 2, as_of: 2026-11-21}}
    """
    assert table(user).is_paid(named(model)) is paid


@pytest.mark.parametrize("model", ["openai:anything", "vllm:org/new", "solver:teacher-v1", "replay:x.jsonl"])
def test_only_gemini_has_to_be_listed(model: str) -> None:
    assert table().entry(named(model)) is None
    assert table().fault_of(named(model), TODAY) is None


def test_an_unknown_gemini_model_is_refused_with_the_likely_name_and_what_to_do() -> None:
    told = table().fault_of(named("vertex:gemini-3.8-flahs"), TODAY)
    assert told is not None
    assert "did you mean 'gemini-3.8-flash'?" in told
    assert "A model that exists is added in .s1/models.yaml, for example 'vertex:gemini-3.8-flahs': {thinking:" in told
    hopeless = table().fault_of(named("gemini:x"), TODAY)
    assert hopeless is not None and "is not in the model table. A model" in hopeless
    example = told.partition("for example ")[2].replace("'vertex:gemini-3.8-flahs'", "vertex:gemini-9-ultra")
    assert table(example).fault_of(named("vertex:gemini-9-ultra"), TODAY) is None
