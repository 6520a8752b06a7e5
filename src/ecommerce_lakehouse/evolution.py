"""Columns that deliveries have beyond the contract's: which they may have, and how they are read.

A new column stands after the known ones. Bronze takes it in as text, with NULL for the rows of
files that do not have it; silver and all above read the columns they know.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.large_files import LARGE, read_lines
from ecommerce_lakehouse.paths import shown
from ecommerce_lakehouse.storage import LocalFiles, Storage

if TYPE_CHECKING:
    from ecommerce_lakehouse.lakehouse import Lakehouse

MayHave = Callable[[str, str], bool]
"""Whether the files of an entity may have a column that is not the contract's."""


def no_more(entity: str, column: str) -> bool:
    """The contract's columns and no others."""
    return False


def header_of(storage: LocalFiles, file: str) -> list[str]:
    """The column names in the first line of a CSV file.

    Raises:
        InputError: It is no UTF-8 text, or the line has a CR within.
    """
    line = storage.first_line(file)
    if "\0" in line or "\r" in line:
        wrong = "it is not UTF-8 text" if "\0" in line else "its lines do not end in LF or CRLF"
        raise InputError(
            f"{shown(file).rstrip('/')}: {wrong}.\nNothing was written.",
            "Save it as UTF-8, with lines that end in LF or CRLF (in Excel:  CSV UTF-8).",
        )
    return next(csv.reader([line.removeprefix("\ufeff")]), [])


def is_among(column: str, others: Iterable[str]) -> bool:
    """Whether a column is one of some others: in a table, capitals make no difference."""
    return column.lower() in {name.lower() for name in others}


def is_new_name(column: str, others: Iterable[str]) -> bool:
    """Whether a column of this name can stand beside the others in a table."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", column)) and not is_among(column, others)


def read_files(
    spark: SparkSession,
    storage: Storage,
    files: Iterable[str],
    contract: list[str],
    *,
    by_lines: bool,
) -> DataFrame:
    """The rows of an entity's files, each file read by its own header.

    Args:
        spark: The session to read with.
        storage: Reads the headers.
        files: Addresses of files whose headers are checked.
        contract: The columns that all of them have, in order.
        by_lines: Whether to read large files as if each line were a row.
    """
    from ecommerce_lakehouse.layers import bronze

    frames = []
    by_header: dict[tuple[str, ...], list[str]] = {}
    for file in files:
        columns = [*contract, *header_of(storage, file)[len(contract) :]]
        if by_lines and storage.size(file) >= LARGE:
            header = storage.first_line(file).removeprefix("\ufeff")
            lines = read_lines(spark, storage.exactly(file), header, columns)
            frames.append(bronze.as_they_stand(lines, columns))
        else:
            by_header.setdefault(tuple(columns), []).append(storage.exactly(file))
    frames += [bronze.read_raw(spark, same, list(header)) for header, same in by_header.items()]
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=True), frames)


def new_columns(lake: Lakehouse) -> list[str]:
    """One sentence for each column that bronze does not have yet, and the file that brings it."""
    from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS

    storage = Storage(lake.spark)
    told: dict[tuple[str, str], str] = {}
    for entity, files in lake.raw_files().items():
        for file in files:
            for column in header_of(storage, file)[len(RAW_COLUMNS[entity]) :]:
                if not lake.has_column(entity, column):
                    told.setdefault(
                        (entity, column.lower()),
                        f'{file.rpartition("/")[2]} has a new column "{column}": '
                        f"bronze.{entity} takes it in as text.",
                    )
    return list(told.values())
