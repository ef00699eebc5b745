"""Files that are written whole or not at all, and the lines that go into them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from s1_assets.errors import StorageError

PART = ".part"
"""Ending of a file that is being written."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, under a name of its own until the block ends well; otherwise what stood at `path` stays.

    Raises:
        StorageError: If it cannot be written.
    """
    draft = path.with_name(path.name + PART)
    try:
        if path.is_dir():
            raise StorageError(f"{path} is a folder; accepted is the name of a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            draft.unlink()


def as_json(value: object, indent: int | None = None) -> bytes:
    """JSON text in UTF-8; where a text holds half a character, in ASCII with escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent).encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent).encode()
