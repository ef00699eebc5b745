"""What the house asks of the world, as small Protocols. Adapters implement them; fakes in tests do too."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from s1_assets.records.models import ModelName, ModelRequest, Reply
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.sources import Source, SourceRow
from s1_assets.records.tables import Table
from s1_assets.records.verdicts import Verdict


class LanguageModel(Protocol):
    """Something that answers; whoever pays, keeps count and remembers stands behind it."""

    def answer_all(
        self, requests: Callable[[], Iterable[ModelRequest]], models: Sequence[ModelName]
    ) -> Iterator[Reply]:
        """One reply per request, in the order of the requests, in bounded memory.

        A failed call is a reply with a status, not an exception.

        Args:
            requests: Gives the same requests whenever it is called.
            models: All models that the requests name.
        """
        ...

    def stream(
        self, requests: Callable[[], Iterable[ModelRequest]], models: Sequence[ModelName]
    ) -> Iterator[tuple[ModelRequest, Reply]]:
        """Every request with its reply as it comes, in any order, in bounded memory."""
        ...


class Grader(Protocol):
    """Compares an answer with what the source declares right."""

    name: str
    version: str

    def grade(self, answer: str, question: Question) -> Verdict:
        """Never raises for what an answer holds: what cannot be decided is `unscored`."""
        ...


class SourceReader(Protocol):
    """Reads the rows of one kind of source."""

    def state(self, source: Source) -> str:
        """What identifies the source's present content without reading it all: version, revision, size and time.

        Raises:
            SourceUnreadable: If the source is not there; the message names it and what was tried.
        """
        ...

    def revision(self, source: Source) -> str:
        """What the rows' `revision` column says: a pinned commit, a generator's version, a digest of the content.

        Unlike `state` it may read local files, so that copying or touching a file changes no row, and it leaves out
        how many rows are asked for, so that a generator that is asked for more keeps the rows it has. A file that grows
        is another content: the column changes in all its rows, though nothing is asked of a model again.

        Raises:
            SourceUnreadable: If the source is not there.
        """
        ...

    def rows(self, source: Source) -> Iterator[SourceRow]:
        """Every row in the source's own order, unreadable ones with their fault; bounded memory.

        Raises:
            SourceUnreadable: If the source cannot be read at all.
        """
        ...


@runtime_checkable
class LazyTable(Protocol):
    """What assets use of a `pyarrow.dataset.Dataset`: nothing is read before it is asked for.

    Named here so that the code location loads without importing `pyarrow.dataset`.
    """

    schema: pa.Schema

    def to_batches(self, *, columns: Any = None, filter: Any = None, **scan: Any) -> Iterator[pa.RecordBatch]: ...

    def count_rows(self, **scan: Any) -> int: ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where a table lives: an asset, and one of its partitions unless it has none."""

    asset: str
    partition: str | None = None

    def __str__(self) -> str:
        return self.asset if self.partition is None else f"{self.asset}:{self.partition}"


@dataclass(frozen=True, slots=True)
class Version:
    """One complete stored version of a table: the content of a manifest."""

    address: Address
    number: int
    """From 1; readers take the highest."""
    content_hash: str
    """Of schema, rows and set-aside rows in stored order; the data version in Dagster."""
    fingerprint: str
    """Of what made it: code version, effective settings, input data versions, a source's state."""
    rows: int
    set_aside: int
    bytes: int
    files: tuple[str, ...]
    """Data files, relative to the storage root."""
    set_aside_files: tuple[str, ...]
    facts: Mapping[str, Any]
    """JSON object of what is worth knowing about the making (counts, run), never read back as data."""


class TableStore(Protocol):
    """Versioned tables: written under a new name, then flipped in one step."""

    def current(self, address: Address) -> Version | None:
        """The newest complete version; None if there never was one."""
        ...

    def write(
        self,
        address: Address,
        table: Table,
        batches: Iterable[pa.RecordBatch],
        set_aside: Callable[[], Iterable[SetAside]] = tuple,
        fingerprint: str = "",
        facts: Callable[[], Mapping[str, Any]] = dict,
    ) -> Version:
        """Consume `batches` in bounded memory, then flip. `set_aside` and `facts` are asked after the last batch.

        Set-aside rows are stored in the order of (id, stage); they are short, and sorted in memory.
        When the content equals the current version's, the files written are dropped; the current version is returned,
        as a new manifest over the old files only where `fingerprint` differs.

        Raises:
            ContractError: If a batch breaks the table's schema or order. The old version stands.
            WriteConflict: If another writer flipped first with another content. Its version stands.
            StorageError: If the place cannot be written.
        """
        ...

    def read(self, version: Version) -> LazyTable:
        """The version's rows as a lazy `pyarrow.dataset.Dataset`."""
        ...

    def is_whole(self, version: Version) -> bool:
        """Whether all files of a version are where its manifest says; one that is not can only be made again."""
        ...

    def read_set_aside(self, version: Version) -> LazyTable:
        """The version's set-aside rows as a lazy `pyarrow.dataset.Dataset`."""
        ...

    def read_many(self, table: Table, versions: Iterable[Version]) -> LazyTable:
        """Rows of several versions of one table as a single lazy `pyarrow.dataset.Dataset`; empty where none is
        given.
        """
        ...

    def prune(self, keep: int = 1) -> "Pruned":
        """Drop all but the newest `keep` versions of every table, and files that no manifest names."""
        ...


@dataclass(frozen=True, slots=True)
class Pruned:
    versions: int
    files: int
    bytes: int
