"""Any bytes as any raw file: right rows, quarantined rows, or a clear error."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from deliveries import csv_file, write_files
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle.raw import COLUMNS
from pyspark.sql import SparkSession

from ecommerce_lakehouse import MemoryLakehouse
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.storage.files import LocalFiles
from ecommerce_lakehouse.tables.preflight import check_data
from ecommerce_lakehouse.tables.scan import scan

FEW: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],  # to look for the smallest example takes minutes
}
SEPARATORS = [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b" ", b"\t", b"\\", b"," * 9]
WORDS = [b"1", b"2024-01-05", b"completed", b"\xc3\xa9", b"\xff", b"\0", b"\xef\xbb\xbf"]
PIECES = st.lists(st.sampled_from([*SEPARATORS, *WORDS]), max_size=14).map(b"".join)
CONTENTS = st.one_of(PIECES, PIECES, st.binary(max_size=20))


def count_rows(content: bytes) -> int:
    """The rows of a CSV file after its header, read letter by letter; a blank line is none."""
    rows: list[bytes] = []
    row, place = b"", "start"
    for letter in map(chr, content.removesuffix(b"\n") + b"\n"):
        if letter == "\n" and place != "quoted":
            rows.append(row)
            row, place = b"", "start"
            continue
        row += letter.encode("latin-1")
        if letter == '"' and place in ("start", "closed"):
            place = "quoted"
        elif place == "quoted":
            place = "closed" if letter == '"' else "quoted"
        else:
            place = "start" if letter == "," else "bare"
    # Of carriage returns at the end of a line Spark's reader drops one, and bronze another.
    return sum(row not in (b"", b"\r", b"\r\r") for row in rows[1:])


@settings(max_examples=4, **FEW)
@given(
    contents=st.lists(st.tuples(st.sampled_from(list(COLUMNS)), CONTENTS), min_size=60, max_size=60)
)
def test_whatever_stands_in_a_file_every_row_of_it_is_somewhere(
    spark: SparkSession, contents: list[tuple[str, bytes]]
) -> None:
    """Rows in the file = rows in bronze = rows in silver + rows in quarantine."""
    with tempfile.TemporaryDirectory() as name:
        folder = write_files(Path(name))
        expected: dict[str, dict[str, int]] = {entity: {} for entity in COLUMNS}
        for number, (entity, content) in enumerate(contents):
            whole = ",".join(COLUMNS[entity]).encode() + b"\n" + content
            file = folder / f"raw_{entity}_{number:03}.csv"
            file.write_bytes(whole)
            try:
                scan(LocalFiles(), str(file))
            except InputError:
                file.unlink()
                continue
            if count_rows(whole):
                expected[entity][file.name] = count_rows(whole)
        lake = MemoryLakehouse(spark, folder, date(2024, 6, 30))
        for entity, files in expected.items():
            bronze = lake.read(entity)
            assert dict(bronze.groupBy("_source_file").count().collect()) == files
            rejected = lake.read("quarantine").where(f"source_table = '{entity}'").count()
            assert sum(files.values()) == lake.read(f"stg_{entity}").count() + rejected


@settings(max_examples=300, **FEW)
@given(
    name=st.sampled_from(list(COLUMNS)),
    content=st.one_of(PIECES, st.binary(), csv_file("orders")),
)
def test_any_bytes_are_a_raw_file_or_one_clear_error(name: str, content: bytes) -> None:
    """Its header among them."""
    with tempfile.TemporaryDirectory() as folder:
        file = write_files(Path(folder)) / f"raw_{name}.csv"
        file.write_bytes(content)
        try:
            check_data(folder, f"{folder}/lake")
        except InputError as refused:
            assert file.name in refused.message
            assert refused.remedy
