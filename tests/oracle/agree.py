"""All tables at once: does an implementation agree with the oracle?"""

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa

from .build import KEYS, build_oracle
from .compare import assert_same_bronze, assert_same_quarantine, assert_same_table


def assert_same(name: str, actual: pa.Table, expected: pa.Table) -> None:
    """Fails unless a table is the expected one.

    Args:
        name: `layer.table`.
        actual: The table under test.
        expected: The oracle's, or another implementation's.
    """
    if name.startswith("bronze."):
        assert_same_bronze(actual, expected, name)
    elif name == "silver.quarantine":
        assert_same_quarantine(actual, expected)
    else:
        assert_same_table(actual, expected, KEYS[name], name)


def assert_agrees(
    read: Callable[[str], pa.Table],
    names: Iterable[str],
    data: Path,
    as_of_date: date | None = None,
) -> None:
    """Fails unless all tables are those the oracle builds from the same folder.

    Args:
        read: Gives the table of a name, `layer.table`.
        names: Every table under test.
        data: The folder of raw files.
        as_of_date: The day to look back from; by default the last completed order's date.
    """
    oracle = build_oracle(data, as_of_date)
    assert set(oracle.tables) == set(names)
    for name in names:
        assert_same(name, read(name), oracle.table(name))
