"""Local models behind the ledger; `test_engine.py` asks remote ones."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s1_assets.adapters.llm.client import GROUP_COMMIT, LedgeredModel
from s1_assets.adapters.llm.counts import Counts
from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName, ModelRequest, Reply
from s1_assets_tests.adapters.llm.conftest import Opened, ask, asker
from s1_assets_tests.adapters.llm.paying_process import DirectoryOf, Paid, paid_calls, questions
from s1_assets_tests.records import request

TEACHER = request().model


def model(ledger: Ledger, provider: Paid, **how: Any) -> LedgeredModel:
    return asker(ledger, directory=DirectoryOf(provider), **how)


def test_answers_come_in_the_order_of_the_requests(opened: Opened, tmp_path: Path) -> None:
    ledger, provider = opened(), Paid(tmp_path / "journal")
    asked = questions(2 * GROUP_COMMIT + 3)
    ask(model(ledger, provider), asked[::7])
    assert [reply.answer for reply in ask(model(ledger, provider), asked)] == [
        f"answer to question {number}" for number in range(len(asked))
    ]


def test_what_is_on_record_is_not_asked_again(opened: Opened, tmp_path: Path) -> None:
    first, again = model(opened(), Paid(tmp_path / "journal")), model(opened(), Paid(tmp_path / "journal"))
    replies = ask(first, questions(70))
    assert ask(again, questions(80))[:70] == replies
    assert (first.counts.asked, first.counts.from_ledger, first.counts.came) == (70, 0, 70)
    assert (again.counts.asked, again.counts.from_ledger, again.counts.came) == (10, 70, 80)
    assert len(paid_calls(tmp_path / "journal")) == 80


def test_a_request_made_twice_in_one_go_is_asked_once(opened: Opened, tmp_path: Path) -> None:
    once = model(opened(), Paid(tmp_path / "journal"))
    replies = ask(once, [request("a"), request("b"), request("a")])
    assert [reply.answer for reply in replies] == ["answer to a", "answer to b", "answer to a"]
    assert paid_calls(tmp_path / "journal") == ["a", "b"]
    assert once.counts.asked == 2


def test_samples_of_one_question_are_asked_apart(opened: Opened, tmp_path: Path) -> None:
    ask(model(opened(), Paid(tmp_path / "journal")), [request("a", sample_index=number) for number in range(3)])
    assert paid_calls(tmp_path / "journal") == ["a"] * 3


def test_a_million_requests_are_not_pulled_before_the_first_answer(ledger: Ledger, tmp_path: Path) -> None:
    pulled = 0

    def a_million() -> Iterator[ModelRequest]:
        nonlocal pulled
        for pulled in range(1, 1_000_001):
            assert pulled <= 1_000
            yield request(f"question {pulled}")

    replies = model(ledger, Paid(tmp_path / "journal")).answer_all(a_million, [TEACHER])
    assert next(replies).answer == "answer to question 1"
    assert 1 <= pulled <= 1_000


def test_nothing_is_asked_before_an_answer_is_wanted(opened: Opened, tmp_path: Path) -> None:
    model(opened(), Paid(tmp_path / "journal")).answer_all(lambda: questions(9), [TEACHER])
    assert paid_calls(tmp_path / "journal") == []


def test_a_listener_hears_of_every_reply_when_it_is_on_record(opened: Opened, tmp_path: Path) -> None:
    ledger, heard = opened(), list[int]()
    provider = Paid(tmp_path / "journal")
    ask(model(ledger, provider, on_reply=lambda reply: heard.append(ledger.count())), questions(60))
    assert len(heard) == 60
    assert all(on_record >= number for number, on_record in enumerate(heard, start=1))


def test_progress_is_told_while_it_goes_on(ledger: Ledger, tmp_path: Path) -> None:
    seen = list[int]()

    def tell(counts: Counts) -> None:
        seen.append(counts.asked)

    ask(model(ledger, Paid(tmp_path / "journal"), on_progress=tell), questions(3 * GROUP_COMMIT))
    assert seen == [GROUP_COMMIT, 2 * GROUP_COMMIT, 3 * GROUP_COMMIT]


def test_each_request_comes_with_its_reply_where_they_are_streamed(ledger: Ledger, tmp_path: Path) -> None:
    asked = questions(60)
    pairs = list(model(ledger, Paid(tmp_path / "journal")).stream(lambda: asked, [TEACHER]))
    assert [(one.messages[0].content, reply.answer) for one, reply in pairs] == [
        (f"question {number}", f"answer to question {number}") for number in range(60)
    ]


@pytest.mark.parametrize("fault", [SettingsError("no such model", []), RuntimeError("a bug"), KeyboardInterrupt()])
def test_what_was_paid_before_a_fault_is_on_record(opened: Opened, tmp_path: Path, fault: BaseException) -> None:
    class Failing(Paid):
        def complete(self, request: ModelRequest) -> Reply:
            if request.messages[-1].content == "question 20":
                raise fault
            return super().complete(request)

    ledger = opened()
    with pytest.raises(type(fault)):
        ask(model(ledger, Failing(tmp_path / "journal")), questions(30))
    assert len(paid_calls(tmp_path / "journal")) == ledger.count() == 20


def test_a_local_model_that_fails_is_asked_again_the_next_time(ledger: Ledger, tmp_path: Path) -> None:
    class Missing(Paid):
        def complete(self, request: ModelRequest) -> Reply:
            super().complete(request)
            return Reply("failed", "nothing was imported")

    for _ in range(2):
        (reply,) = ask(model(ledger, Missing(tmp_path / "journal")), [request("a")])
        assert reply.status == "failed"
    assert paid_calls(tmp_path / "journal") == ["a", "a"]
    assert ledger.count() == 0


def test_models_that_cannot_be_called_are_all_named_before_anything_is_asked(ledger: Ledger, tmp_path: Path) -> None:
    class Picky(Paid):
        def fault_of(self, model: ModelName) -> str | None:
            return f"{model} is not good enough"

    picky = model(ledger, Picky(tmp_path / "journal"))
    with pytest.raises(SettingsError) as told:
        picky.answer_all(lambda: questions(3), [TEACHER, ModelName("solver", "other")])
    assert told.value.faults == ("solver:teacher-v1 is not good enough", "solver:other is not good enough")
    assert paid_calls(tmp_path / "journal") == []


@settings(max_examples=10)
@given(st.lists(st.integers(0, 6), max_size=20))
def test_each_question_is_paid_once_whatever_the_order(numbers: list[int]) -> None:
    with TemporaryDirectory() as folder:
        journal, ledger = Path(folder) / "journal", Ledger(f"sqlite:///{folder}/ledger.db")
        asked = [request(f"question {number}") for number in numbers]
        for _ in range(2):
            replies = model(ledger, Paid(journal)).answer_all(lambda: asked, [TEACHER])
            assert [reply.answer for reply in replies] == [f"answer to question {number}" for number in numbers]
        assert sorted(paid_calls(journal)) == sorted({f"question {number}" for number in numbers})
        ledger.close()
