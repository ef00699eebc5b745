"""The table store beside bare pyarrow on the same rows, and a million long rows in bounded memory.

Rows look like traces: 20 kB of words drawn from a vocabulary of 40,000 by Zipf's law. zstd at our level makes them 4.4
times smaller; real questions and solutions (GSM8K, MATH) become 3.5 times smaller.
"""

import argparse
import itertools
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from s1_assets.adapters.storage.drafts import COMPRESSION, COMPRESSION_LEVEL, Sizes, writer_options
from s1_assets.adapters.storage.places import open_place
from s1_assets.adapters.storage.tables import ParquetTables
from s1_assets.ports import Address, Version
from s1_assets.records.tables import ROWS_PER_BATCH, Table

TRACES = Table(
    "traces",
    object,
    pa.schema(
        [
            pa.field("question_id", pa.string(), nullable=False),
            pa.field("source", pa.string(), nullable=False),
            pa.field("thinking", pa.large_string(), nullable=False),
            pa.field("answer", pa.large_string()),
            pa.field("thinking_tokens", pa.int64(), nullable=False),
        ]
    ),
    order=("question_id",),
)
HERE = Address("traces", "benchmark")
TEXT_BYTES = 20_000


def table_write(arguments: Sequence[str]) -> None:
    """Our write against bare ParquetWriter with our codec, level and row groups, closed and fsynced."""
    options = _options(arguments, rows=30_000)
    batches = list(traces(options.rows))
    size = sum(batch.nbytes for batch in batches)

    def ours(folder: Path) -> None:
        _store(folder).write(HERE, TRACES, batches)

    def theirs(folder: Path) -> None:
        _bare_write(folder / "bare.parquet", batches)

    _compare("write", size, ours, theirs, options)


def table_read(arguments: Sequence[str]) -> None:
    """Our lazy data set, every column of every batch, against pyarrow.dataset and ParquetFile on the same files."""
    options = _options(arguments, rows=30_000)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        store = _store(Path(name))
        version = store.write(HERE, TRACES, traces(options.rows))
        paths = [str(Path(name) / path) for path in version.files]
        size = sum(batch.nbytes for batch in store.read(version).to_batches())

        def ours(_: Path) -> None:
            _consume(store.read(version).to_batches(), options.rows)

        def by_dataset(_: Path) -> None:
            _consume(ds.dataset(paths).to_batches(), options.rows)

        def by_file(_: Path) -> None:
            _consume(itertools.chain.from_iterable(pq.ParquetFile(path).iter_batches() for path in paths), options.rows)

        _compare("read, beside pyarrow.dataset", size, ours, by_dataset, options)
        _compare("read, beside ParquetFile.iter_batches", size, ours, by_file, options)


def table_million(arguments: Sequence[str]) -> None:
    """A stream of a million rows of 20 kB, written and scanned; peak memory must stay below 1 GB."""
    options = _options(arguments, rows=1_000_000)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        store, started = _store(Path(name)), time.perf_counter()
        print(f"before: peak {_peak_mb():.0f} MB")
        version = store.write(HERE, TRACES, traces(options.rows))
        _tell("written", version, started)
        started = time.perf_counter()
        _consume(store.read(version).to_batches(), options.rows)
        _tell("scanned", version, started)
        started = time.perf_counter()
        for _ in itertools.islice(store.read(version).to_batches(), 40):
            time.sleep(0.1)  # a slow consumer must not let rows pile up
        _tell("scanned slowly in part", version, started)
    peak = _peak_mb()
    print(f"peak memory {peak:.0f} MB (required: at most 1000): {'ok' if peak <= 1000 else 'TOO MUCH'}")


BENCHMARKS = {"table-write": table_write, "table-read": table_read, "table-million": table_million}


def traces(rows: int) -> Iterator[pa.RecordBatch]:
    """Rows in order, a thousand at a time, no text twice."""
    draw = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    words = np.array(["".join(draw.choice(letters[:20], draw.integers(2, 11))) for _ in range(40_000)], dtype=object)
    numbers = np.minimum(draw.zipf(1.25, 1 << 21) - 1, len(words) - 1)
    pool = " ".join(words[numbers]).encode("ascii")
    for start in range(0, rows, ROWS_PER_BATCH):
        count = min(ROWS_PER_BATCH, rows - start)
        ids = [f"{number:032x}" for number in range(start, start + count)]
        yield pa.record_batch(
            [
                pa.array(ids),
                pa.array(["benchmark"] * count),
                _slices(pool, draw, count, TEXT_BYTES),
                _slices(pool, draw, count, 200),
                pa.array(draw.integers(1_000, 8_000, count)),
            ],
            schema=TRACES.schema,
        )


def _slices(pool: bytes, draw: Any, count: int, size: int) -> pa.Array:
    starts = draw.integers(0, len(pool) - size, count)
    return pa.array([pool[start : start + size].decode("ascii") for start in starts], pa.large_string())


def _bare_write(path: Path, batches: list[pa.RecordBatch]) -> None:
    with path.open("wb") as file:
        writer = pq.ParquetWriter(file, TRACES.schema, **writer_options(TRACES.schema))
        for group in _as_row_groups(batches):
            rows = pa.Table.from_batches(group)
            writer.write_table(rows, row_group_size=rows.num_rows)
        writer.close()
        file.flush()
        os.fsync(file.fileno())


def _as_row_groups(batches: list[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.nbytes for one in waiting) >= Sizes().row_group:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _compare(
    what: str, size: int, ours: Callable[[Path], None], theirs: Callable[[Path], None], options: argparse.Namespace
) -> None:
    seconds: dict[str, list[float]] = {"ours": [], "pyarrow": []}
    for turn in range(options.repeat):
        both = (("ours", ours), ("pyarrow", theirs))
        for name, run in both if turn % 2 else both[::-1]:
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                started = time.perf_counter()
                run(Path(folder))
                seconds[name].append(time.perf_counter() - started)
    speed = {name: size / 1e6 / statistics.median(times) for name, times in seconds.items()}
    print(f"{what}: {size / 1e9:.2f} GB in memory, {COMPRESSION} level {COMPRESSION_LEVEL}, {options.repeat} runs each")
    print(f"  ours    {speed['ours']:6.0f} MB/s (median; best {size / 1e6 / min(seconds['ours']):.0f})")
    print(f"  pyarrow {speed['pyarrow']:6.0f} MB/s (median; best {size / 1e6 / min(seconds['pyarrow']):.0f})")
    ratio = speed["ours"] / speed["pyarrow"]
    print(f"  ratio   {ratio:6.2f} (required: at least 0.80): {'ok' if ratio >= 0.8 else 'TOO SLOW'}")


def _consume(batches: Any, rows: int) -> None:
    seen = sum(batch.num_rows for batch in batches)
    if seen != rows:
        raise RuntimeError(f"read {seen} rows of {rows}")


def _store(folder: Path) -> ParquetTables:
    return ParquetTables(open_place(folder), lambda _: TRACES)


def _options(arguments: Sequence[str], rows: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="on the disk to be measured")
    options = parser.parse_args(arguments)
    free, wanted = shutil.disk_usage(options.folder).free, options.rows * TEXT_BYTES * 1.25
    if free < wanted:
        parser.error(f"{options.folder} has {free / 1e9:.0f} GB free, {wanted / 1e9:.0f} GB are needed")
    return options


def _tell(what: str, version: Version, started: float) -> None:
    seconds = time.perf_counter() - started
    print(
        f"{what}: {version.rows} rows, {version.bytes / 1e9:.2f} GB stored in {len(version.files)} files, "
        f"{seconds:.0f} s, peak {_peak_mb():.0f} MB"
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
