"""A writer in a process of its own, to be killed or to race: `python -m ...writer_process BACKEND_JSON MEGABYTES SEED`.

Prints `ready` when it is in mid-write, waits for a line on its standard input, goes on, and prints how it ended.
"""

import sys
from collections.abc import Iterator

import pyarrow as pa

from s1_assets.errors import WriteConflict
from s1_assets_tests.adapters.storage.backends import Backend
from s1_assets_tests.adapters.storage.samples import HERE, NOTES, contract_of, much


def main(backend_json: str, megabytes: str, seed: str) -> None:
    store = Backend.from_json(backend_json).store(contract_of)

    def rows() -> Iterator[pa.RecordBatch]:
        yield from much(int(megabytes), seed=int(seed))
        print("ready", flush=True)
        sys.stdin.readline()

    try:
        print(f"version {store.write(HERE, NOTES, rows()).number}", flush=True)
    except WriteConflict:
        print("conflict", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
