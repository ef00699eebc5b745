"""What a batch must keep to before it is stored: the table's schema, no nulls where none may be, ascending order.

Nothing is cast or sorted here: a producer that breaks its contract is told where.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from s1_assets.errors import ContractError
from s1_assets.records.tables import Table


def check_batches(table: Table, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pass on the batches that hold rows, each checked before the next is asked for.

    Raises:
        ContractError: If a batch breaks the schema of `table`, holds a null where none may be, or is out of order.
    """
    first_row, last_key = 0, None
    for batch in batches:
        check_schema(table, batch.schema)
        if not batch.num_rows:
            continue
        _check_nulls(table, batch, first_row)
        keys = [batch.column(name) for name in table.order]
        _check_order(table, keys, first_row, last_key)
        last_key = _key(keys, batch.num_rows - 1)
        first_row += batch.num_rows
        yield batch


def check_schema(table: Table, schema: pa.Schema) -> None:
    """Names, types, nullability and order of columns; metadata is free.

    Raises:
        ContractError: Naming the first column that differs.
    """
    if schema.equals(table.schema):
        return
    if schema.names != table.schema.names:
        missing = [name for name in table.schema.names if name not in schema.names]
        further = [name for name in schema.names if name not in table.schema.names]
        what = f"missing {missing}, not asked for {further}" if missing or further else "the columns in another order"
        raise ContractError(f"table {table.name!r} must have columns {table.schema.names}; got {what}")
    for want, got in zip(table.schema, schema, strict=True):
        if not want.equals(got):
            raise ContractError(f"table {table.name!r}, column {want.name!r} must be {_text(want)}; got {_text(got)}")


def _text(field: pa.Field) -> str:
    return f"{field.type}, {'nullable' if field.nullable else 'never null'}"


def _check_nulls(table: Table, batch: pa.RecordBatch, first_row: int) -> None:
    for field, column in zip(table.schema, batch.columns, strict=True):
        if not field.nullable and column.null_count:
            row = pc.index(column.is_null(), True).as_py()
            key = _key([batch.column(name) for name in table.order], row)
            raise ContractError(
                f"table {table.name!r}, column {field.name!r} may not be null; row {first_row + row} "
                f"(counting from 0), with key {key}, is"
            )


def _check_order(table: Table, keys: list[pa.Array], first_row: int, last_key: tuple[Any, ...] | None) -> None:
    first_key = _key(keys, 0)
    if last_key is not None and not last_key < first_key:
        _refuse(table, last_key, first_key, first_row)
    rows = len(keys[0])
    ascending = _ascending([key.slice(0, rows - 1) for key in keys], [key.slice(1) for key in keys])
    position = pc.index(ascending, False).as_py()
    if position >= 0:
        _refuse(table, _key(keys, position), _key(keys, position + 1), first_row + position + 1)


def _ascending(left: list[pa.Array], right: list[pa.Array]) -> pa.Array:
    less = pc.less(left[0], right[0])
    if len(left) == 1 or pc.all(less, min_count=0).as_py():
        return less
    return pc.or_(less, pc.and_(pc.equal(left[0], right[0]), _ascending(left[1:], right[1:])))


def _refuse(table: Table, before: tuple[Any, ...], after: tuple[Any, ...], row: int) -> None:
    fault = "twice the same key" if before == after else "out of order"
    raise ContractError(
        f"table {table.name!r} must ascend in {', '.join(table.order)} with no key twice; "
        f"row {row} (counting from 0) is {fault}: {after} after {before}"
    )


def _key(keys: list[pa.Array], row: int) -> tuple[Any, ...]:
    return tuple(key[row].as_py() for key in keys)
