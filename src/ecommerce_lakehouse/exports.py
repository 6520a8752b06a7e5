"""Files for people and programs outside the lakehouse."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from ecommerce_lakehouse.artifacts import artifacts_folder, write_whole
from ecommerce_lakehouse.storage import Storage


def write_parquet(
    frame: DataFrame,
    name: str,
    *,
    order_by: str,
    to: str | os.PathLike[str],
    by_way_of: str = "",
) -> Path:
    """Write a table as one Parquet file, in order; Spark streams it, whatever its size.

    Args:
        frame: The table, without audit columns.
        name: The file's name without its ending.
        order_by: The column that orders the rows.
        to: The artifacts folder.
        by_way_of: A folder or URI that every machine of a cluster reaches, where Spark may
            write first; empty where Spark runs on this machine only.

    Returns:
        The file.
    """
    folder = artifacts_folder(to)
    target = folder / f"{name}.parquet"
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}.") as scratch:
        parts = Path(scratch) / "parts"
        one = frame.repartition(1).sortWithinPartitions(order_by)
        if by_way_of:
            storage = Storage(frame.sparkSession)
            shared = f"{by_way_of}/{parts.parent.name}"
            try:
                one.write.parquet(storage.uri(shared))
                storage.fetch(shared, parts)
            finally:
                storage.delete(shared)
        else:
            one.write.parquet(f"file:{parts}")
        whole = Path(scratch) / "whole.parquet"
        _rewrite(next(parts.glob("part-*.parquet")), whole)
        os.replace(whole, target)
    return target


def note_source(file: Path, source: str) -> None:
    """Note beside a file, in a hidden one, what it was written from.

    Args:
        file: The file as it is now.
        source: What tells this source from any other, such as a table's version and its time.
    """
    told = json.dumps({"source": source, "file": _looks(file)})
    write_whole(_note_of(file), told.encode())


def is_written_from(file: Path, source: str) -> bool:
    """Whether a file is still the one that was written from a source: see `note_source`."""
    try:
        return bool(
            json.loads(_note_of(file).read_text()) == {"source": source, "file": _looks(file)}
        )
    except (OSError, ValueError):  # one of the two is not there, or somebody else's
        return False


def _note_of(file: Path) -> Path:
    return file.with_name(f".{file.name}.source")


def _looks(file: Path) -> str:
    found = file.stat()
    return f"{found.st_size} bytes, {found.st_mtime_ns}"


def _rewrite(part: Path, whole: Path) -> None:
    """Copy a Parquet file piece by piece. Spark notes a column's encodings in a chance order."""
    with pq.ParquetFile(part) as source, pq.ParquetWriter(whole, source.schema_arrow) as target:
        for batch in source.iter_batches(batch_size=1_000_000):
            target.write_batch(batch)


def write_csv(table: pd.DataFrame, name: str, *, to: str | os.PathLike[str]) -> Path:
    """Write a small table as CSV that is safe to open in a spreadsheet.

    A text that begins with `=`, `+`, `-`, `@`, a tab or a line end would be run as a formula
    there; it gets an apostrophe in front. The byte-order mark tells spreadsheets it is UTF-8.

    Args:
        table: The rows.
        name: The file's name without its ending.
        to: The artifacts folder.

    Returns:
        The file.
    """
    safe = table.copy()
    for column in safe.columns:
        safe[column] = [
            f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r\n" and cell else cell
            for cell in safe[column]
        ]
    path = artifacts_folder(to) / f"{name}.csv"
    write_whole(path, ("\ufeff" + safe.to_csv(index=False, lineterminator="\n")).encode())
    return path
