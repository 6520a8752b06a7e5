"""Raw CSV files as Spark reads them: a large one by many tasks at once where that can be.

A row of a CSV file may span lines, so Spark has one task read the whole file. Where no row does,
the file can be cut at any line end, and each line is a row. Whether that is so is seen while the
lines are read: one that may be part of a longer row stops the work, and the file has to be read
the other way.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial, reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse.layers import bronze
from ecommerce_lakehouse.spark.stop import value_or_stop
from ecommerce_lakehouse.storage.files import Storage

LARGE_FILE = 16 * 2**20
"""Bytes from which a file is worth cutting."""
LINE_IS_NO_ROW = "LINE_IS_NO_WHOLE_ROW"
"""What Spark's error says when a line cannot be read by itself."""

_FIELD = r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",]*+)'
WHOLE_ROW = rf"\A{_FIELD}(?:,{_FIELD})*+\z"
"""A line in which every quote that opens a field also closes it."""
COUNTER_BITS = 2**33 - 1
"""The bits of `monotonically_increasing_id` that count the rows of one task."""


def read_files(
    spark: SparkSession,
    storage: Storage,
    files: Mapping[str, tuple[str, ...]],
    *,
    by_lines: bool,
) -> DataFrame:
    """The rows of an entity's files, each file read by its own header.

    Returns:
        What `bronze.read_raw` promises; NULL in a column that a file does not have.
    """
    frames = []
    by_header: dict[tuple[str, ...], list[str]] = {}
    for file, columns in files.items():
        if by_lines and storage.size(file) >= LARGE_FILE:
            header = storage.first_line(file).removeprefix("\ufeff")
            lines = read_lines(spark, storage.glob_escaped(file), header, list(columns))
            frames.append(bronze.as_they_stand(lines, list(columns)))
        else:
            by_header.setdefault(columns, []).append(storage.glob_escaped(file))
    frames += [bronze.read_raw(spark, same, list(header)) for header, same in by_header.items()]
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=True), frames)


def read_lines(spark: SparkSession, file: str, header: str, columns: list[str]) -> DataFrame:
    """What Spark's CSV reader gives for a file, if each of its lines is a row.

    The header is the file's first line, without its end.

    Returns:
        The columns as text, `_corrupt_record` and `_file_name`. Reading the rows raises an error
        that says `LINE_IS_NO_ROW` where a line is none.
    """
    place = F.monotonically_increasing_id().bitwiseAND(COUNTER_BITS)
    lines = (
        spark.read.option("lineSep", "\n")
        .text(file)
        .select(
            "value",
            F.col("_metadata.file_name").alias("_file_name"),
            ((F.col("_metadata.file_block_start") == 0) & (place == 0)).alias("is_first"),
        )
    )
    text = F.col("value")
    is_header = F.rtrim(F.ltrim(text, F.lit("\ufeff")), F.lit("\r")) == header
    is_whole = ~F.contains(text, F.lit('"')) | text.rlike(WHOLE_ROW)
    # The header is known by its place; a row that says the same makes the place doubtful.
    # Read by itself, a line that begins with a byte-order mark would be taken for a file that does.
    has_mark = F.startswith(text, F.lit("\ufeff")) & ~F.col("is_first")
    is_clear = is_whole & (is_header == F.col("is_first")) & ~has_mark
    schema = ", ".join(f"{name} STRING" for name in [*columns, "_corrupt_record"])
    options = {
        **{"escape": '"', "lineSep": "\n", "columnNameOfCorruptRecord": "_corrupt_record"},
        "maxColumns": str(bronze.MAX_COLUMNS),
    }
    return (
        lines.where(value_or_stop(is_clear, ~F.col("is_first"), LINE_IS_NO_ROW))
        .where(~text.isin("", "\r"))
        .select(F.from_csv("value", schema, options).alias("row"), "_file_name")
        .select("row.*", "_file_name")
    )
