"""What every store must do, on disk, on S3 and on GCS."""

import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from s1_assets.errors import ContractError, StorageError, WriteConflict
from s1_assets.ports import Address, Version
from s1_assets_tests.adapters.storage.backends import BUCKETS, DECIDING, Backend
from s1_assets_tests.adapters.storage.samples import ASIDE, HERE, NOTES, contract_of, much, notes, table_of_batches

pytestmark = pytest.mark.filterwarnings(
    # aiohttp's advice to gcsfs, which hands it 16 MB at once.
    "ignore:Sending a large body directly:ResourceWarning"
)


def test_a_table_comes_back_as_it_was_written(backend: Backend) -> None:
    store = backend.store(contract_of)
    version = store.write(HERE, NOTES, [notes(10)], lambda: ASIDE, "made so", lambda: {"rows_in": 12})

    assert (version.number, version.rows, version.set_aside, version.fingerprint) == (1, 10, 2, "made so")
    assert version.facts == {"rows_in": 12}
    assert backend.store(contract_of).current(HERE) == version
    assert store.read(version).schema == NOTES.schema
    assert store.read(version).to_table().equals(table_of_batches([notes(10)]))
    assert table_of_batches(store.read(version).to_batches()).equals(table_of_batches([notes(10)]))
    aside = store.read_set_aside(version).to_table().to_pylist()
    assert [(row["id"], row["reason"]) for row in aside] == [("a", "malformed_json"), ("b", "empty_question")]
    assert version.bytes == sum(size for path, size in backend.place().sizes("").items() if path.endswith(".parquet"))


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_may_have_no_rows_or_one(backend: Backend, rows: int) -> None:
    store = backend.store(contract_of)
    version = store.write(HERE, NOTES, [notes(0), notes(rows)])
    assert (version.rows, version.set_aside, len(version.files)) == (rows, 0, rows)
    assert store.current(HERE) == version
    assert store.read(version).to_table().equals(table_of_batches([notes(rows)]))
    assert store.read(version).count_rows() == rows
    assert store.read_set_aside(version).to_table().num_rows == 0


def test_many_rows_make_several_files_and_row_groups(backend: Backend) -> None:
    store = backend.store(contract_of)
    version = store.write(HERE, NOTES, much(60))
    assert len(version.files) == 2
    wanted = table_of_batches(much(60))
    assert table_of_batches(store.read(version).to_batches()).equals(wanted)
    assert max(batch.nbytes for batch in store.read(version).to_batches()) < 4 << 20
    few = store.read(version).to_batches(columns=["id"], filter=ds.field("id") == "00000007")
    assert pa.Table.from_batches(few).to_pydict() == {"id": ["00000007"] * 2}


def test_a_table_that_was_never_made_has_no_version(backend: Backend) -> None:
    assert backend.store(contract_of).current(HERE) is None
    assert backend.store(contract_of).prune().versions == 0


def test_several_versions_read_as_one(backend: Backend) -> None:
    store = backend.store(contract_of)
    versions = [
        store.write(Address("notes", name), NOTES, [notes(5, start=start)])
        for name, start in (("one", 0), ("two", 10), ("none", 0))
        if name != "none"
    ]
    versions.append(store.write(Address("notes", "none"), NOTES, []))
    assert store.read_many(NOTES, versions).to_table().equals(table_of_batches([notes(5), notes(5, start=10)]))
    assert store.read_many(NOTES, []).to_table().equals(NOTES.schema.empty_table())


def test_the_same_content_is_not_stored_twice(backend: Backend) -> None:
    store = backend.store(contract_of)
    first = store.write(HERE, NOTES, [notes(10)], lambda: ASIDE, "f")
    files = backend.files()
    again = store.write(HERE, NOTES, [notes(10).slice(0, 4), notes(10).slice(4)], lambda: ASIDE[::-1], "f")
    assert again == first
    assert backend.files() == files


def test_another_fingerprint_alone_gets_a_manifest_over_the_old_files(backend: Backend) -> None:
    store = backend.store(contract_of)
    first = store.write(HERE, NOTES, [notes(10)], lambda: ASIDE, "f")
    second = store.write(HERE, NOTES, [notes(10)], lambda: ASIDE, "g", lambda: {"seen": 1})
    assert (second.number, second.fingerprint, second.facts) == (2, "g", {"seen": 1})
    assert (second.files, second.set_aside_files, second.bytes) == (first.files, first.set_aside_files, first.bytes)
    assert second.content_hash == first.content_hash
    assert store.current(HERE) == second
    store.prune()
    assert store.read(second).to_table().num_rows == 10


def test_other_set_aside_rows_are_another_content(backend: Backend) -> None:
    store = backend.store(contract_of)
    first = store.write(HERE, NOTES, [notes(10)], lambda: ASIDE)
    second = store.write(HERE, NOTES, [notes(10)], lambda: ASIDE[:1])
    assert second.number == 2
    assert second.content_hash != first.content_hash


def test_the_content_hash_is_the_same_everywhere(backend: Backend) -> None:
    version = backend.store(contract_of).write(HERE, NOTES, [notes(1000)], lambda: ASIDE)
    assert version.content_hash == "556d607f70e6d7df851e6819c331514da53d92a06b3d99ed4dfc34462f2352ad"


class BrokenError(Exception):
    """What a producer of a test raises."""


def failing(megabytes: int, error: BaseException) -> Iterator[pa.RecordBatch]:
    yield from much(megabytes)
    raise error


@pytest.mark.parametrize("error", [BrokenError("half-way"), KeyboardInterrupt()], ids=["error", "interrupt"])
@pytest.mark.parametrize("megabytes", [1, 50], ids=["little", "much"])
def test_a_producer_that_raises_leaves_the_old_version_and_nothing_else(
    backend: Backend, error: BaseException, megabytes: int
) -> None:
    store = backend.store(contract_of)
    old = store.write(HERE, NOTES, [notes(10)])
    files = backend.files()
    with pytest.raises(type(error)) as caught:
        store.write(HERE, NOTES, failing(megabytes, error))
    assert caught.value is error
    assert not hasattr(error, "__notes__")
    del caught
    gc.collect()  # half-written files of s3fs and gcsfs are committed by their finalizers, if they can be
    assert backend.files() == files
    assert backend.open_uploads() == []
    assert store.current(HERE) == old
    assert store.read(old).to_table().num_rows == 10


def test_set_aside_rows_or_facts_that_raise_leave_nothing(backend: Backend) -> None:
    store = backend.store(contract_of)

    def broken() -> tuple[()]:
        raise BrokenError("no")

    with pytest.raises(BrokenError):
        store.write(HERE, NOTES, [notes(10)], broken)
    with pytest.raises(BrokenError):
        store.write(HERE, NOTES, [notes(10)], tuple, "", broken)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.write(HERE, NOTES, [notes(10)], facts=lambda: {"no": object()})
    assert backend.files() == set()
    assert store.current(HERE) is None


def test_a_broken_contract_leaves_nothing(backend: Backend) -> None:
    store = backend.store(contract_of)
    with pytest.raises(ContractError, match=r"row 10 .* is twice the same key"):
        store.write(HERE, NOTES, [notes(10), notes(1, start=9)])
    assert backend.files() == set()


@pytest.mark.parametrize("backend", DECIDING, indirect=True)
@pytest.mark.parametrize("same", [False, True], ids=["other content", "same content"])
def test_of_eight_writers_at_once_one_wins(backend: Backend, same: bool) -> None:
    store = backend.store(contract_of)
    together = threading.Barrier(8, timeout=60)

    def one(number: int) -> Version | str:
        def rows() -> Iterator[pa.RecordBatch]:
            yield notes(10, seed=0 if same else number)
            together.wait()

        try:
            return store.write(HERE, NOTES, rows(), fingerprint=str(number))
        except WriteConflict as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(one, range(8)))
    won = [outcome for outcome in outcomes if isinstance(outcome, Version)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, str)]
    current = store.current(HERE)
    assert current is not None
    assert current.number == 1
    assert won == [current] * (8 if same else 1)
    assert all("another writer finished notes:gsm8k first: its version 1 stands" in told for told in lost)
    assert len(backend.files()) == 2  # one manifest, one data file
    assert store.read(current).to_table().num_rows == 10


def test_a_writer_that_began_before_others_and_a_prune_still_loses(backend: Backend) -> None:
    store = backend.store(contract_of)
    store.write(HERE, NOTES, [notes(1)])

    def slow() -> Iterator[pa.RecordBatch]:
        yield notes(2)
        for rows in (3, 4, 5):
            store.write(HERE, NOTES, [notes(rows)])
        store.prune()

    with pytest.raises(WriteConflict, match="its version 4 stands"):
        store.write(HERE, NOTES, slow())
    assert len(backend.files()) == 2


def test_a_writer_that_changes_nothing_is_told_when_others_did(backend: Backend) -> None:
    store = backend.store(contract_of)
    store.write(HERE, NOTES, [notes(1)])

    def slow() -> Iterator[pa.RecordBatch]:
        yield notes(1)
        store.write(HERE, NOTES, [notes(2)])

    with pytest.raises(WriteConflict, match="its version 2 stands"):
        store.write(HERE, NOTES, slow())


def test_prune_keeps_the_newest_versions_and_counts_what_went(backend: Backend) -> None:
    store = backend.store(contract_of)
    versions = [store.write(HERE, NOTES, [notes(rows)], lambda: ASIDE) for rows in (1, 2, 3, 4)]
    other = store.write(Address("notes"), NOTES, [notes(5)])
    gone = store.prune(keep=2)
    assert (gone.versions, gone.files) == (2, 4)
    assert gone.bytes == versions[0].bytes + versions[1].bytes
    for version, rows in ((versions[2], 3), (versions[3], 4), (other, 5)):
        assert store.read(version).to_table().num_rows == rows
    with pytest.raises(StorageError, match="it is not there"):
        list(store.read(versions[0]).to_batches())
    assert store.prune(keep=2).files == 0
    assert store.write(HERE, NOTES, [notes(6)]).number == 5
    with pytest.raises(ValueError, match="at least one version"):
        store.prune(keep=0)


def test_prune_and_sweep_spare_a_writer_that_lives(backend: Backend) -> None:
    store = backend.store(contract_of)

    def rows() -> Iterator[pa.RecordBatch]:
        yield from much(50)
        assert store.prune().files == 0
        assert store.write(Address("notes", "other"), NOTES, [notes(1)]).number == 1

    version = store.write(HERE, NOTES, rows())
    assert store.read(version).count_rows() == 5000


def test_a_broken_manifest_is_named(backend: Backend) -> None:
    store = backend.store(contract_of)
    store.write(HERE, NOTES, [notes(10)])
    assert backend.place().create("notes/gsm8k/manifests/000000000002.json", b'{"format": 1, "rows"')
    told = r"000000000002\.json is damaged .* delete this file"
    with pytest.raises(StorageError, match=told):
        store.current(HERE)
    with pytest.raises(StorageError, match=told):
        store.write(HERE, NOTES, [notes(1)])


@pytest.mark.parametrize("backend", DECIDING, indirect=True)
def test_a_file_is_created_only_if_absent(backend: Backend) -> None:
    place = backend.place()
    assert place.create("notes/here.json", b"1")
    assert not place.create("notes/here.json", b"2")
    assert place.read("notes/here.json") == b"1"
    place.delete("notes/here.json")
    place.delete("notes/here.json")
    assert place.children("notes") in ([], ())


@pytest.mark.parametrize("backend", BUCKETS, indirect=True)
def test_a_missing_bucket_is_named(backend: Backend) -> None:
    scheme = backend.uri.partition("://")[0]
    place = backend.place(f"{scheme}://no-such-bucket/root")
    with pytest.raises(StorageError, match=r"no-such-bucket.*(does not exist|not there).*correct S1_STORAGE"):
        place.children("notes")
    with pytest.raises(StorageError, match=r"no-such-bucket.*(does not exist|not there)"):
        place.create("notes/x.json", b"1")
    sink = place.open_new("notes/x.parquet")
    sink.write(b"abc")
    with pytest.raises(StorageError, match=r"no-such-bucket.*(does not exist|not there)"):
        sink.close()
