"""Compares a table of the lakehouse with the oracle's, cell by cell."""

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable

Table: TypeAlias = pa.Table | pd.DataFrame

TOLERANCE = 1e-6
QUARANTINE_COLUMNS = ["source_table", "record_key", "reason", "_source_file"]

_WALL_CLOCK = {"spark_loaded_at", "spark_updated_at"}
_SHOWN = 5


def read_delta(lakehouse_dir: Path | str, name: str) -> pa.Table:
    """Reads a table of the lakehouse with delta-rs: no Spark, so any Delta reader can.

    Args:
        lakehouse_dir: The lakehouse folder.
        name: `layer.table`, such as `gold.fct_customer_metrics`.

    Returns:
        The newest version of the table.
    """
    layer, table = name.split(".")
    return DeltaTable(str(Path(lakehouse_dir) / layer / table)).to_pyarrow_table()


def assert_same_table(actual: Table, expected: Table, key: str | Sequence[str], name: str) -> None:
    """Fails unless both tables hold the same columns, rows and cells, in whatever order.

    Audit columns are left out. Floats may differ by 1e-6 (relative or absolute); integers, text,
    dates, booleans and DECIMAL money must be equal and of that kind. NULL equals NULL only.

    Args:
        actual: The table under test.
        expected: The oracle's table.
        key: The column, or columns, that identify a row.
        name: What to call the table in the message.

    Raises:
        AssertionError: Names the table and, for the first five rows that differ, the key, the
            column and both values.
    """
    keys = [key] if isinstance(key, str) else list(key)
    left, right = _arrow(actual), _arrow(expected)
    _assert_same_columns(left, right, name)
    columns = _data_columns(right)
    # Pandas turns an integer column with a NULL into floats, so only Arrow's kinds say anything.
    if isinstance(actual, pa.Table) and isinstance(expected, pa.Table):
        _assert_same_kinds(left, right, columns, name)
    ours, theirs = _by_key(left, keys, columns, name), _by_key(right, keys, columns, name)
    _assert_same_keys(ours, theirs, keys, name)

    inexact = {column for column in columns if pa.types.is_floating(right.field(column).type)}
    different: list[str] = []
    for row_key, wanted in theirs.items():
        got = ours[row_key]
        cells = [
            f"    {column}: actual {a!r}, expected {e!r}"
            for column, a, e in zip(columns, got, wanted, strict=True)
            if not _same(a, e, column in inexact)
        ]
        if cells:
            different.append("\n".join([f"  {_label(keys, row_key)}", *cells]))
    if different:
        first = "\n".join(different[:_SHOWN])
        raise AssertionError(f"{name}: {len(different)} of {len(theirs)} rows differ\n{first}")


def assert_same_rows(actual: Table, expected: Table, columns: Sequence[str], name: str) -> None:
    """Fails unless both tables hold the same rows, each as often, in the named columns.

    For tables without a key: bronze, and the quarantine.

    Args:
        actual: The table under test.
        expected: The oracle's table.
        columns: The columns to compare, exactly.
        name: What to call the table in the message.

    Raises:
        AssertionError: Names the table and the first five rows too few and too many.
    """
    ours, theirs = _counted(actual, columns, name), _counted(expected, columns, name)
    missing, extra = theirs - ours, ours - theirs
    if missing or extra:
        lines = [f"{name}: {ours.total()} rows, expected {theirs.total()}"]
        for what, rows in (("missing", missing), ("unexpected", extra)):
            lines += [
                f"  {what} {count} x {_label(columns, row)}"
                for row, count in list(rows.items())[:_SHOWN]
            ]
        raise AssertionError("\n".join(lines))


def assert_same_quarantine(actual: Table, expected: Table) -> None:
    """Fails unless the same raw rows were turned away, from the same file, for the same reason.

    The JSON text of `record` is not compared: engines format it differently.

    Args:
        actual: The lakehouse's `silver.quarantine`.
        expected: The oracle's.
    """
    assert_same_rows(actual, expected, QUARANTINE_COLUMNS, "silver.quarantine")


def assert_same_bronze(actual: Table, expected: Table, name: str) -> None:
    """Fails unless bronze holds every row of every file as it stands there, and no other.

    Args:
        actual: The lakehouse's bronze table.
        expected: The oracle's.
        name: What to call the table in the message.
    """
    _assert_same_columns(_arrow(actual), _arrow(expected), name)
    columns = [*_data_columns(_arrow(expected)), "_source_file", "_corrupt_record"]
    assert_same_rows(actual, expected, columns, name)


def _arrow(table: Table) -> pa.Table:
    if isinstance(table, pd.DataFrame):
        return pa.Table.from_pandas(table, preserve_index=False)
    return table


def _data_columns(table: pa.Table) -> list[str]:
    """The columns that are not audit columns."""
    return [
        column
        for column in table.column_names
        if not column.startswith("_") and column not in _WALL_CLOCK
    ]


def _assert_same_columns(actual: pa.Table, expected: pa.Table, name: str) -> None:
    ours, theirs = set(_data_columns(actual)), set(_data_columns(expected))
    if ours != theirs:
        raise AssertionError(
            f"{name}: columns differ: missing {sorted(theirs - ours)}, "
            f"unexpected {sorted(ours - theirs)}"
        )


def _kind(kind: pa.DataType) -> str:
    """What a value is, whatever its width."""
    for label, belongs in (
        ("integer", pa.types.is_integer),
        ("decimal", pa.types.is_decimal),
        ("float", pa.types.is_floating),
        ("boolean", pa.types.is_boolean),
        ("date", pa.types.is_date),
    ):
        if belongs(kind):
            return label
    return "text" if "string" in str(kind) else str(kind)


def _assert_same_kinds(actual: pa.Table, expected: pa.Table, columns: list[str], name: str) -> None:
    for column in columns:
        ours, theirs = _kind(actual.field(column).type), _kind(expected.field(column).type)
        # An average may be a DECIMAL with enough decimals or a double: the values will tell.
        if ours != theirs and (ours, theirs) != ("decimal", "float"):
            raise AssertionError(f"{name}: column {column} is {ours}, expected {theirs}")


def _by_key(
    table: pa.Table, keys: list[str], columns: list[str], name: str
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The rows by their key, which must be one."""
    values = {column: table.column(column).to_pylist() for column in {*keys, *columns}}
    row_keys = list(zip(*(values[column] for column in keys), strict=True))
    rows = zip(*(values[column] for column in columns), strict=True)
    found = dict(zip(row_keys, rows, strict=True))
    if len(found) != len(row_keys):
        twice = [key for key, count in Counter(row_keys).items() if count > 1]
        labels = ", ".join(_label(keys, key) for key in twice[:_SHOWN])
        raise AssertionError(f"{name}: {len(row_keys)} rows, more than one for {labels}")
    return found


def _assert_same_keys(
    ours: dict[tuple[Any, ...], Any], theirs: dict[tuple[Any, ...], Any], keys: list[str], name: str
) -> None:
    missing = [_label(keys, key) for key in theirs if key not in ours]
    extra = [_label(keys, key) for key in ours if key not in theirs]
    if missing or extra:
        raise AssertionError(
            f"{name}: {len(ours)} rows, expected {len(theirs)}; "
            f"{len(missing)} missing {missing[:_SHOWN]}, "
            f"{len(extra)} unexpected {extra[:_SHOWN]}"
        )


def _counted(table: Table, columns: Sequence[str], name: str) -> Counter[tuple[Any, ...]]:
    arrow = _arrow(table)
    absent = [column for column in columns if column not in arrow.column_names]
    if absent:
        raise AssertionError(f"{name}: columns differ: missing {absent}")
    values = [arrow.column(column).to_pylist() for column in columns]
    return Counter(zip(*values, strict=True))


def _same(actual: object, expected: object, inexact: bool) -> bool:
    if actual is None or expected is None:
        return actual is expected
    numbers = int | float | Decimal
    if inexact and isinstance(actual, numbers) and isinstance(expected, numbers):
        return math.isclose(float(actual), float(expected), rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(actual == expected)


def _label(keys: Sequence[str], values: tuple[Any, ...]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in zip(keys, values, strict=True))
