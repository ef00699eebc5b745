from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s1_assets.adapters.llm.client import GROUP_COMMIT, LedgeredModel
from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.errors import SettingsError
from s1_assets.records.models import Caller, ModelRequest, Reply
from s1_assets_tests.adapters.llm.conftest import Opened
from s1_assets_tests.adapters.llm.paying_process import Paid, paid_calls, questions
from s1_assets_tests.records import request


def model(ledger: Ledger, provider: Paid) -> LedgeredModel:
    return LedgeredModel(lambda name: provider, ledger, Caller("raw_traces", "mine", "run"))


@pytest.mark.parametrize("in_flight", [1, 8])
def test_answers_come_in_the_order_of_the_requests(opened: Opened, tmp_path: Path, in_flight: int) -> None:
    ledger, provider = opened(), Paid(tmp_path / "journal", in_flight)
    asked = questions(2 * GROUP_COMMIT + 3)
    model(ledger, provider).answer_all(asked[::7])
    assert [reply.answer for reply in model(ledger, provider).answer_all(asked)] == [
        f"answer to question {number}" for number in range(len(asked))
    ]


def test_what_is_on_record_is_not_asked_again(opened: Opened, tmp_path: Path) -> None:
    first, again = model(opened(), Paid(tmp_path / "journal")), model(opened(), Paid(tmp_path / "journal"))
    replies = list(first.answer_all(questions(70)))
    assert list(again.answer_all(questions(80)))[:70] == replies
    assert (first.asked, first.from_ledger, again.asked, again.from_ledger) == (70, 0, 10, 70)
    assert len(paid_calls(tmp_path / "journal")) == 80


def test_a_request_made_twice_in_one_go_is_asked_once(opened: Opened, tmp_path: Path) -> None:
    once = model(opened(), Paid(tmp_path / "journal"))
    replies = list(once.answer_all([request("a"), request("b"), request("a")]))
    assert [reply.answer for reply in replies] == ["answer to a", "answer to b", "answer to a"]
    assert paid_calls(tmp_path / "journal") == ["a", "b"]
    assert once.asked == 2


def test_samples_of_one_question_are_asked_apart(opened: Opened, tmp_path: Path) -> None:
    list(model(opened(), Paid(tmp_path / "journal")).answer_all(request("a", sample_index=n) for n in range(3)))
    assert paid_calls(tmp_path / "journal") == ["a"] * 3


def test_a_million_requests_are_not_pulled_before_the_first_answer(tmp_path: Path) -> None:
    pulled = 0

    def a_million() -> Iterator[ModelRequest]:
        nonlocal pulled
        for pulled in range(1, 1_000_001):
            assert pulled <= 1_000
            yield request(f"question {pulled}")

    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    replies = model(ledger, Paid(tmp_path / "journal")).answer_all(a_million())
    assert next(replies).answer == "answer to question 1"
    assert 1 <= pulled <= 1_000
    ledger.close()


def test_nothing_is_asked_before_an_answer_is_wanted(opened: Opened, tmp_path: Path) -> None:
    model(opened(), Paid(tmp_path / "journal")).answer_all(questions(9))
    assert paid_calls(tmp_path / "journal") == []


def test_a_listener_hears_of_every_reply_when_it_is_on_record(opened: Opened, tmp_path: Path) -> None:
    ledger, heard = opened(), list[int]()
    provider = Paid(tmp_path / "journal")
    list(model(ledger, provider).answer_all(questions(60), on_reply=lambda reply: heard.append(ledger.count())))
    assert len(heard) == 60
    assert all(on_record >= number for number, on_record in enumerate(heard, start=1))


@pytest.mark.parametrize("fault", [SettingsError("no such model", []), RuntimeError("a bug"), KeyboardInterrupt()])
def test_what_was_paid_before_a_fault_is_on_record(opened: Opened, tmp_path: Path, fault: BaseException) -> None:
    class Failing(Paid):
        def complete(self, request: ModelRequest) -> Reply:
            if request.messages[-1].content == "question 20":
                raise fault
            return super().complete(request)

    ledger = opened()
    with pytest.raises(type(fault)):
        list(model(ledger, Failing(tmp_path / "journal")).answer_all(questions(30)))
    paid = paid_calls(tmp_path / "journal")
    assert len(paid) >= 20
    assert ledger.count() == len(paid)


@settings(max_examples=10)
@given(st.lists(st.integers(0, 6), max_size=20))
def test_each_question_is_paid_once_whatever_the_order(numbers: list[int]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        journal, ledger = Path(folder) / "journal", Ledger(f"sqlite:///{folder}/ledger.db")
        for _ in range(2):
            replies = model(ledger, Paid(journal)).answer_all(request(f"question {number}") for number in numbers)
            assert [reply.answer for reply in replies] == [f"answer to question {number}" for number in numbers]
        assert sorted(paid_calls(journal)) == sorted({f"question {number}" for number in numbers})
        ledger.close()
