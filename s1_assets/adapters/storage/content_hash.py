"""A hash of a table's values: the same for equal rows wherever and however they are stored.

It covers the schema (names, types, nullability) and every value in stored order. It does not see batch layout,
slicing, compression, file names, what lies under a null, or the pyarrow version.

Canonical form: each leaf of each column has three running SHA-256 digests, over the positions of its nulls, the lengths
of its values, and the bytes of its values without the nulls; the final digest covers the schema as text, the number of
rows and all of these. NaNs are one value; 0.0 and -0.0 are two.

Not covered: dictionary, view, map, union and decimal types (none of our tables has them): `ContractError`.
"""

import hashlib
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
import pyarrow as pa

from s1_assets.errors import ContractError

_FORM = "s1 content 1"
"""Changes whenever the canonical form does, so that an old hash is never mistaken for a new one."""
_WAITING_BATCHES = 2
"""Batches that may wait for the hashing thread; each is about a row group, so this bounds memory."""


class TableHash:
    """The running hash of one table."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows = 0
        self._columns = [_leaf_for(field.type, field.name) for field in schema]

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in the next rows; their schema is the caller's duty."""
        self._rows += batch.num_rows
        for leaf, column in zip(self._columns, batch.columns, strict=True):
            leaf.add(column)

    def digest(self) -> bytes:
        """32 bytes that stand for all rows so far."""
        total = hashlib.sha256()
        for field in self._schema:
            total.update(_sized(f"{field.name}\n{_type_text(field.type)}\n{field.nullable}".encode()))
        total.update(_sized(str(self._rows).encode()))
        for leaf in self._columns:
            total.update(_sized(leaf.digest()))
        return total.digest()


class BackgroundHash:
    """The hash of rows and set-aside rows, computed in a thread while the caller writes them.

    hashlib lets go of the interpreter lock, so hashing costs the writer nothing where a second core is free.
    Use as a context manager: the thread ends with the block, also when it fails.
    """

    def __init__(self, schema: pa.Schema, set_aside_schema: pa.Schema) -> None:
        self._tables = (TableHash(schema), TableHash(set_aside_schema))
        self._queue: Queue[tuple[TableHash, pa.RecordBatch] | None] = Queue(_WAITING_BATCHES)
        self._fault: Exception | None = None
        self._thread = Thread(target=self._work, name="content-hash", daemon=True)

    def __enter__(self) -> "BackgroundHash":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def add_rows(self, batch: pa.RecordBatch) -> None:
        self._queue.put((self._tables[0], batch))

    def add_set_aside(self, batch: pa.RecordBatch) -> None:
        self._queue.put((self._tables[1], batch))

    def hexdigest(self) -> str:
        """Wait for the thread and combine both tables.

        Raises:
            ContractError: If a column has a type that has no canonical form.
        """
        self._end()
        if self._fault is not None:
            raise self._fault
        rows, set_aside = self._tables
        return hashlib.sha256(_FORM.encode() + rows.digest() + set_aside.digest()).hexdigest()

    def _end(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            table, batch = task
            if self._fault is None:
                try:
                    table.add(batch)
                except Exception as error:  # noqa: BLE001 - handed to the caller's thread by `hexdigest`
                    self._fault = error


def content_hash(schema: pa.Schema, batches: Any, set_aside_schema: pa.Schema, set_aside: Any = ()) -> str:
    """The content hash of rows and set-aside rows that are at hand, as hex."""
    with BackgroundHash(schema, set_aside_schema) as running:
        for batch in batches:
            running.add_rows(batch)
        for batch in set_aside:
            running.add_set_aside(batch)
        return running.hexdigest()


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data


class _Leaf:
    """Null positions of one column or nested field; subclasses add lengths, bytes and children."""

    def __init__(self) -> None:
        self._seen = 0
        self._nulls = hashlib.sha256()
        self._lengths = hashlib.sha256()
        self._bytes = hashlib.sha256()
        self._children: list[_Leaf] = []

    def add(self, array: pa.Array) -> None:
        if array.null_count:
            positions = np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))
            self._nulls.update(_canonical(positions + self._seen, "<i8"))
        self._seen += len(array)
        self._add_values(array)

    def _add_values(self, array: pa.Array) -> None:
        raise NotImplementedError

    def digest(self) -> bytes:
        total = hashlib.sha256(self._seen.to_bytes(8, "little"))
        for part in (self._nulls, self._lengths, self._bytes):
            total.update(part.digest())
        for child in self._children:
            total.update(child.digest())
        return total.digest()


class _Nothing(_Leaf):
    def _add_values(self, array: pa.Array) -> None:
        """A column of nulls: their positions say it all."""


class _Text(_Leaf):
    def _add_values(self, array: pa.Array) -> None:
        values = array.drop_null() if array.null_count else array
        if not len(values):
            return
        wide = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
        _, offset_buffer, data = values.buffers()
        offsets = np.frombuffer(offset_buffer, dtype="<i8" if wide else "<i4")
        offsets = offsets[values.offset : values.offset + len(values) + 1]
        self._lengths.update(_canonical(np.diff(offsets), "<i8"))
        if data is not None:
            self._bytes.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])


class _Fixed(_Leaf):
    def _add_values(self, array: pa.Array) -> None:
        values = array.drop_null() if array.null_count else array
        if pa.types.is_boolean(values.type):
            plain = values.cast(pa.uint8()).to_numpy(zero_copy_only=False)
        elif pa.types.is_floating(values.type):
            plain = values.to_numpy(zero_copy_only=False)
            if np.isnan(plain).any():
                plain = np.where(np.isnan(plain), np.array(np.nan, plain.dtype), plain)
        else:
            bits = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[values.type.bit_width]
            plain = values.view(bits).to_numpy(zero_copy_only=False)
        self._bytes.update(_canonical(plain, plain.dtype.newbyteorder("<")))


class _List(_Leaf):
    def __init__(self, value: _Leaf) -> None:
        super().__init__()
        self._children = [value]

    def _add_values(self, array: pa.Array) -> None:
        lengths = array.value_lengths()
        if lengths.null_count:
            lengths = lengths.fill_null(0)
        self._lengths.update(_canonical(lengths.to_numpy(zero_copy_only=False), "<i8"))
        self._children[0].add(array.flatten())  # leaves out what lies under nulls and outside the slice


class _Struct(_Leaf):
    def __init__(self, fields: list[_Leaf]) -> None:
        super().__init__()
        self._children = fields

    def _add_values(self, array: pa.Array) -> None:
        for leaf, field in zip(self._children, array.flatten(), strict=True):  # a null struct has null fields
            leaf.add(field)


def _canonical(values: Any, dtype: Any) -> memoryview:
    laid_out: Any = np.ascontiguousarray(values, dtype=dtype)
    return memoryview(laid_out).cast("B") if len(values) else memoryview(b"")


def _leaf_for(kind: pa.DataType, name: str) -> _Leaf:
    types = pa.types
    if types.is_null(kind):
        return _Nothing()
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return _Text()
    if types.is_list(kind) or types.is_large_list(kind):
        return _List(_leaf_for(kind.value_type, f"{name}[]"))
    if types.is_struct(kind):
        return _Struct([_leaf_for(field.type, f"{name}.{field.name}") for field in kind])
    if types.is_primitive(kind) and kind.bit_width <= 64:
        return _Fixed()
    raise ContractError(f"column {name!r} has type {kind}, which has no canonical form to hash")


def _type_text(kind: pa.DataType) -> str:
    """Our own words for a type, since pyarrow's may change with its version."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = kind.value_field
        word = "large_list" if pa.types.is_large_list(kind) else "list"
        return f"{word}<{_type_text(inner.type)} {inner.nullable}>"
    if pa.types.is_struct(kind):
        return "struct<" + ",".join(f"{f.name!r} {_type_text(f.type)} {f.nullable}" for f in kind) + ">"
    return str(kind)
