"""A large raw file, read by many tasks at once.

A row of a CSV file may span lines, so Spark has one task read the whole file. Where no row does,
the file can be cut at any line end, and each line is a row. Whether that is so is seen while the
lines are read: one that may be part of a longer row stops the work, and the file has to be read
the other way.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

LARGE = 16 * 2**20
"""Bytes from which a file is worth cutting."""
SPANS_LINES = "LINE_IS_NO_WHOLE_ROW"
"""What Spark's error says when a line cannot be read by itself."""

_FIELD = r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",]*+)'
WHOLE_ROW = rf"\A{_FIELD}(?:,{_FIELD})*+\z"
"""A line in which every quote that opens a field also closes it."""
IN_ITS_PART = 2**33 - 1
"""The bits of `monotonically_increasing_id` that count the rows of one task."""


def read_lines(spark: SparkSession, file: str, header: str, columns: list[str]) -> DataFrame:
    """What Spark's CSV reader gives for a file, if each of its lines is a row.

    Args:
        spark: The session to read with.
        file: The file's address.
        header: Its first line, without the line's end.
        columns: The names in it.

    Returns:
        The columns as text, `_corrupt_record` and `_file_name`. Reading the rows raises an error
        that says `SPANS_LINES` where a line is none.
    """
    place = F.monotonically_increasing_id().bitwiseAND(IN_ITS_PART)
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
    stop = F.raise_error(F.lit(SPANS_LINES)).cast("BOOLEAN")
    schema = ", ".join(f"{name} STRING" for name in [*columns, "_corrupt_record"])
    options = {"escape": '"', "lineSep": "\n", "columnNameOfCorruptRecord": "_corrupt_record"}
    return (
        lines.where(F.when(is_clear, ~F.col("is_first")).otherwise(stop))
        .where(~text.isin("", "\r"))
        .select(F.from_csv("value", schema, options).alias("row"), "_file_name")
        .select("row.*", "_file_name")
    )
