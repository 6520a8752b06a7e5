"""Files for people and programs outside the lakehouse, each written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import for_message, local_folder, resolve

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

SOURCE = b"ecommerce_lakehouse.source"
"""The key in a Parquet file's own metadata under which it says what it was written from."""


def artifacts_folder(location: str | os.PathLike[str]) -> Path:
    """The folder for charts and exports, made if it is not there.

    Raises:
        InputError: It is at another machine, or cannot be made or written.
    """
    folder = local_folder(resolve(location).removeprefix("file:"), "--artifacts-dir")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError
    except OSError:
        raise InputError(
            f"{for_message(str(folder))} cannot be written.",
            "Name a folder of your own with:  --artifacts-dir FOLDER",
        ) from None
    return folder


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there: never half a file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    os.replace(beside, path)


def write_parquet(
    frame: DataFrame,
    name: str,
    *,
    order_by: str,
    to: str | os.PathLike[str],
    by_way_of: str = "",
    source: str = "",
) -> Path:
    """Write a table as one Parquet file, in order; Spark streams it, whatever its size.

    Args:
        frame: The table, without audit columns.
        name: The file's name without its ending.
        order_by: The column that orders the rows.
        to: The artifacts folder.
        by_way_of: A folder or URI that every machine of a cluster reaches, where Spark may
            write first; empty where Spark runs on this machine only.
        source: What tells this source from any other, such as a table's version and its time;
            a digest of it goes into the file. See `is_written_from`.

    Returns:
        The file.

    Examples:
        >>> path = write_parquet(spark.range(3), "ids", order_by="id", to=scratch)
        >>> path.name
        'ids.parquet'
    """
    from ecommerce_lakehouse.storage.files import Storage

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
        _rewrite(next(parts.glob("part-*.parquet")), whole, source)
        os.replace(whole, target)
    return target


def is_written_from(file: Path, source: str) -> bool:
    """Whether a Parquet file says of itself that it was written from a source."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(file).metadata or {}
    except (OSError, pa.ArrowInvalid):  # it is not there, or no such file
        return False
    return bool(metadata.get(SOURCE) == _digest(source))


def _digest(source: str) -> bytes:
    return hashlib.sha256(source.encode()).hexdigest().encode()


def _rewrite(part: Path, whole: Path, source: str) -> None:
    """Copy a Parquet file piece by piece. Spark notes a column's encodings in a chance order."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(part) as read:
        schema = read.schema_arrow
        if source:
            schema = schema.with_metadata({**(schema.metadata or {}), SOURCE: _digest(source)})
        with pq.ParquetWriter(whole, schema) as target:
            for batch in read.iter_batches(batch_size=1_000_000):
                target.write_batch(batch)


def keep_as_text(cell: str) -> str:
    """The form of a text that a spreadsheet does not run as a formula: see `write_csv`."""
    return f"'{cell}" if cell and cell[0] in "=+-@\t\r\n" else cell


def write_csv(
    table: pd.DataFrame, name: str, *, to: str | os.PathLike[str], about: str = ""
) -> Path:
    """Write a small table as CSV that is safe to open in a spreadsheet.

    A text that begins with `=`, `+`, `-`, `@`, a tab or a line end would be run as a formula
    there; it gets an apostrophe in front. The byte-order mark tells spreadsheets it is UTF-8.

    Args:
        table: The rows.
        name: The file's name without its ending.
        to: The artifacts folder.
        about: What whoever opens it has to know; goes beside it, into `<name>.README.txt`.

    Returns:
        The file.

    Examples:
        >>> path = write_csv(pd.DataFrame({"name": ["=1+1"]}), "names", to=scratch)
        >>> path.read_text("utf-8-sig").splitlines()
        ['name', "'=1+1"]
    """
    safe = table.copy()
    for column in safe.columns:
        safe[column] = [
            keep_as_text(cell) if isinstance(cell, str) else cell for cell in safe[column]
        ]
    path = artifacts_folder(to) / f"{name}.csv"
    if about:
        write_whole(path.with_name(f"{name}.README.txt"), about.encode())
    write_whole(path, ("\ufeff" + safe.to_csv(index=False, lineterminator="\n")).encode())
    return path
