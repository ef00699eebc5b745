"""Reader of `table` sources: JSONL, JSON, CSV and Parquet, gzipped or not, wherever they lie.

Rows come one at a time in bounded memory, files in the order of their names. Text is UTF-8.
"""

import gzip
import hashlib
import io
from collections.abc import Iterator

from s1_assets.adapters.sources.json_list import json_rows
from s1_assets.adapters.sources.places import Place, StorageOptions, places, readable
from s1_assets.adapters.sources.text_rows import csv_rows, jsonl_rows
from s1_assets.errors import SourceUnreadable
from s1_assets.records.sources import Source, SourceRow

FORMATS = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")
"""By extension; all but Parquet also with `.gz` behind it."""

_TEXT_READERS = {".jsonl": jsonl_rows, ".ndjson": jsonl_rows, ".json": json_rows, ".csv": csv_rows}
_ROWS_PER_BATCH = 256
_BUFFER = 1 << 20


class TableReader:
    """Reads files.

    Args:
        storage_options: By protocol (`s3`, `gs`, `http`): what fsspec's file system is made with, credentials among it.
    """

    def __init__(self, storage_options: StorageOptions | None = None) -> None:
        self._options = storage_options or {}

    def state(self, source: Source) -> str:
        """A digest of path, size and time or ETag of every file; of the content where a server tells none of these."""
        found = hashlib.blake2b()
        for place in self._places(source):
            stamp = place.stamp or _content_digest(place)
            found.update(f"{place.shown}\n{place.size}\n{stamp}\n".encode(errors="backslashreplace"))
        return f"files {found.hexdigest()[:32]}"

    def revision(self, source: Source) -> str:
        """A digest of the content of local files; of name, size and ETag or time of remote ones."""
        found = hashlib.blake2b()
        for place in self._places(source):
            content = None if place.local is None else _content_digest(place)
            content = content or place.stamp or _content_digest(place)
            found.update(f"{place.name}\n{place.size}\n{content}\n".encode(errors="backslashreplace"))
        return f"blake2b:{found.hexdigest()[:32]}"

    def rows(self, source: Source) -> Iterator[SourceRow]:
        """Every row of every file; locators are `FILE#LINE`, for JSON and Parquet `FILE#ROW`."""
        found = self._places(source)
        for place in found:
            _format(place)  # so that no file is read if another cannot be
        for place in found:
            yield from _rows(place)

    def _places(self, source: Source) -> list[Place]:
        try:
            return places(source.location, self._options)
        except SourceUnreadable as error:
            raise SourceUnreadable(f"source {source.key}: {error}") from error.__cause__


def _format(place: Place) -> str:
    name = place.name.lower()
    ending = next((ending for ending in FORMATS if name.removesuffix(".gz").endswith(ending)), None)
    if ending is None or name.endswith(".parquet.gz"):
        accepted = f"{', '.join(FORMATS)}, all but .parquet also with .gz"
        raise SourceUnreadable(f"{place.shown}: its kind is told by its ending; accepted: {accepted}")
    return ending


def _rows(place: Place) -> Iterator[SourceRow]:
    ending = _format(place)
    if ending == ".parquet":
        yield from _parquet_rows(place)
        return
    with place.open() as stream:
        yield from _TEXT_READERS[ending](_unpacked(stream), place.name, place.shown)


def _unpacked(stream: io.BufferedReader) -> io.BufferedReader:
    """Told by the content, as some servers unpack on the way."""
    if stream.peek(2)[:2] != b"\x1f\x8b":
        return stream
    return io.BufferedReader(gzip.GzipFile(fileobj=stream), _BUFFER)


def _parquet_rows(place: Place) -> Iterator[SourceRow]:
    import pyarrow.parquet as pq

    number = 0
    with place.open_seekable() as stream, readable(place.shown):
        file = pq.ParquetFile(stream)
        for batch in file.iter_batches(batch_size=_ROWS_PER_BATCH):
            for values in batch.to_pylist():
                number += 1
                yield SourceRow(f"{place.name}#{number}", values)


def _content_digest(place: Place) -> str:
    digest = hashlib.blake2b()
    with place.open() as stream:
        while chunk := stream.read(_BUFFER):
            digest.update(chunk)
    return digest.hexdigest()[:32]
