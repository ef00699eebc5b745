"""Versioned Parquet tables on a disk, S3 or GCS: new data under a new name, then one flip.

```
ROOT/raw_traces/gsm8k/manifests/000000000001.json       created only if absent: that is the flip
ROOT/raw_traces/gsm8k/data/HOST.PID.START.RANDOM/part-00000.parquet, ..., set-aside.parquet
ROOT/s1k_dataset/_/...                                  `_` where an asset has no partitions
```
Readers take the highest manifest and only see the files that it names. Of two writers that began at the same version
one creates the next number and the other drops its files. What a killed process left is dropped by the next writer of
the same table or by `prune`, once its owner is surely dead.

Not covered: a reader of an old version while `prune` deletes it gets a `StorageError`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from s1_assets.adapters.storage import manifests
from s1_assets.adapters.storage.drafts import Draft, Sizes, Written
from s1_assets.adapters.storage.files import UndecidedError
from s1_assets.adapters.storage.manifests import Manifest, folder_of
from s1_assets.adapters.storage.owners import new_token
from s1_assets.adapters.storage.places import Place
from s1_assets.adapters.storage.sweeping import prune_all, sweep
from s1_assets.errors import StorageError, WriteConflict
from s1_assets.ports import Address, Pruned, Version
from s1_assets.records.questions import SetAside
from s1_assets.records.tables import SET_ASIDE, Table, table_of, write_rows


class ParquetTables:
    """The `TableStore` on a place.

    Args:
        place: Where tables live; see `places.open_place`.
        contract_of: Finds the contract of an asset's table, for reading.
        sizes: How tables are cut into row groups and files.
    """

    def __init__(
        self, place: Place, contract_of: Callable[[str], Table] = table_of, sizes: Sizes | None = None
    ) -> None:
        self.place = place
        self._contract_of = contract_of
        self._sizes = sizes or Sizes()

    def current(self, address: Address) -> Version | None:
        """The newest complete version; None if there never was one.

        Raises:
            StorageError: If the place cannot be read or the newest manifest is damaged.
        """
        manifest = manifests.newest(self.place, address)
        return manifest.version if manifest else None

    def write(
        self,
        address: Address,
        table: Table,
        batches: Iterable[pa.RecordBatch],
        set_aside: Callable[[], Iterable[SetAside]] = tuple,
        fingerprint: str = "",
        facts: Callable[[], Mapping[str, Any]] = dict,
    ) -> Version:
        """Store a new version and make it current; see `ports.TableStore`."""
        base = manifests.newest(self.place, address)
        present = sweep(self.place, address, base)
        token = new_token()
        with Draft(self.place, f"{folder_of(address)}/data/{token}", self._sizes) as draft:
            written = draft.fill(table, batches, _sorted_set_aside(set_aside))
            version = _version(address, written, fingerprint, facts())
            if base is None:
                return self._flip(replace(version, number=1), token, (), draft)
            tokens = tuple(present.intersection(base.tokens))
            version = replace(version, number=base.version.number + 1)
            if base.version.content_hash != version.content_hash or not self.is_whole(base.version):
                return self._flip(version, token, tokens, draft)
            if base.version.fingerprint == fingerprint:
                return self._winner(version) if self._overtaken(version) else base.version
            draft.drop()
            names = {name: getattr(base.version, name) for name in ("files", "set_aside_files", "bytes")}
            return self._flip(replace(version, **names), token, tokens, draft)

    def _flip(self, version: Version, token: str, older: tuple[str, ...], draft: Draft) -> Version:
        """Create the manifest of `version`. From then on the draft's files belong to it."""
        draft.check_complete()
        address, number = version.address, version.number
        tokens = {path.split("/")[3] for path in (*version.files, *version.set_aside_files)}
        manifest = Manifest(version, token, tuple(sorted(tokens.union(older))))
        if self._overtaken(version):
            return self._winner(version)
        content = manifests.dump(manifest)
        draft.keep()  # while nobody can say whether the manifest exists, the files must stay
        try:
            created = self.place.create(manifests.path_of(address, number), content)
        except UndecidedError:
            raise
        except StorageError:
            draft.keep(False)
            raise
        # A request that was repeated because its first answer was lost finds our own manifest there.
        if not created and manifests.load(self.place, address, number).writer != token:
            draft.keep(False)
            return self._winner(version)
        return version

    def _overtaken(self, version: Version) -> bool:
        """Whether another writer took the number; also true where a `prune` has freed it again."""
        return (manifests.numbers(self.place, version.address) or [0])[-1] >= version.number

    def _winner(self, ours: Version) -> Version:
        address = ours.address
        theirs = self.current(address)
        if theirs is None or theirs.content_hash != ours.content_hash:
            raise WriteConflict(
                f"another writer finished {address} first: its version {theirs.number if theirs else '?'} stands, "
                f"ours was dropped; materialize {address} again if it should be replaced"
            )
        return theirs

    def read(self, version: Version) -> Any:
        """The version's rows as a lazy `pyarrow.dataset.Dataset`; no file is opened yet."""
        return self.read_many(self._contract_of(version.address.asset), [version])

    def is_whole(self, version: Version) -> bool:
        """Whether all files of the version are there: one listing per folder, no file is opened."""
        files = {*version.files, *version.set_aside_files}
        there = {path for folder in {path.rpartition("/")[0] for path in files} for path in self.place.sizes(folder)}
        return files <= there

    def read_set_aside(self, version: Version) -> Any:
        """The version's set-aside rows as a lazy `pyarrow.dataset.Dataset`; no file is opened yet."""
        return self._lazy(SET_ASIDE, version.set_aside_files)

    def read_many(self, table: Table, versions: Iterable[Version]) -> Any:
        """Rows of several versions of one table, in the order given, as a single lazy `pyarrow.dataset.Dataset`."""
        return self._lazy(table, [path for version in versions for path in version.files])

    def _lazy(self, table: Table, files: Iterable[str]) -> Any:
        from s1_assets.adapters.storage.lazy import lazy_dataset

        return lazy_dataset(self.place, table, files)

    def prune(self, keep: int = 1) -> Pruned:
        """Drop old versions and files that no manifest names; see `sweeping.prune_all` for what is spared.

        Raises:
            ValueError: If `keep` is below 1.
        """
        return prune_all(self.place, keep)


def _sorted_set_aside(set_aside: Callable[[], Iterable[SetAside]]) -> Iterator[pa.RecordBatch]:
    yield from write_rows(SET_ASIDE, sorted(set_aside(), key=lambda row: (row.id, row.stage)))


def _version(address: Address, written: Written, fingerprint: str, facts: Mapping[str, Any]) -> Version:
    return Version(
        address=address,
        number=0,
        content_hash=written.content_hash,
        fingerprint=fingerprint,
        rows=written.rows,
        set_aside=written.set_aside,
        bytes=written.bytes,
        files=written.files,
        set_aside_files=written.set_aside_files,
        facts=json.loads(json.dumps(dict(facts), allow_nan=False)),  # as it will be read back
    )
