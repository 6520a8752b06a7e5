"""Write the table of docs/readers.md: which reader gives which Delta feature's values right.

Run it with:  python scripts/generate_readers.py
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from ecommerce_lakehouse import get_spark
from ecommerce_lakehouse.paths import PROJECT

PAGE = PROJECT / "docs" / "readers.md"
ROWS = "SELECT id, concat('name ', id) AS name, CAST(id * 1.25 AS DECIMAL(10,2)) AS amount"
FEATURES = {
    "none, as here": [
        f"CREATE TABLE {{t}} USING delta AS {ROWS} FROM range(1, 6, 1, 1)",
        "DELETE FROM {t} WHERE id = 2",
    ],
    "deletion vectors": [
        "CREATE TABLE {t} USING delta TBLPROPERTIES (delta.enableDeletionVectors = true) "
        f"AS {ROWS} FROM range(1, 6, 1, 1)",
        "DELETE FROM {t} WHERE id = 2",
    ],
    "column mapping": [
        "CREATE TABLE {t} USING delta TBLPROPERTIES "
        "(delta.columnMapping.mode = 'name', delta.enableChangeDataFeed = false) "
        f"AS {ROWS} FROM range(1, 6, 1, 1)",
        "ALTER TABLE {t} RENAME COLUMN name TO title",
        f"INSERT INTO {{t}} {ROWS} FROM range(6, 8, 1, 1)",
    ],
    "liquid clustering": [
        f"CREATE TABLE {{t}} USING delta CLUSTER BY (id) AS {ROWS} FROM range(1, 6, 1, 1)",
        f"INSERT INTO {{t}} {ROWS} FROM range(6, 8, 1, 1)",
        "OPTIMIZE {t}",
    ],
    "v2 checkpoints": [
        "CREATE TABLE {t} USING delta TBLPROPERTIES "
        "(delta.checkpointPolicy = 'v2', delta.checkpointInterval = 2) "
        f"AS {ROWS} FROM range(1, 6, 1, 1)",
        *[f"INSERT INTO {{t}} {ROWS} FROM range({n}, {n + 1}, 1, 1)" for n in range(6, 9)],
    ],
    "type widening": [
        "CREATE TABLE {t} USING delta TBLPROPERTIES (delta.enableTypeWidening = true) "
        f"AS SELECT CAST(id AS INT) AS id, name, amount FROM ({ROWS} FROM range(1, 6, 1, 1))",
        "ALTER TABLE {t} ALTER COLUMN id TYPE BIGINT",
        "INSERT INTO {t} VALUES (5000000000, 'far', 1.00)",
    ],
}
"""How to make a table with each feature, and use it so that the feature matters."""
DUCKDB_WITH_DELTA = ("duckdb==1.4.4", "duckdb-ext-delta==1.4.4.20260205")
"""The newest DuckDB whose extension is in the Python package index."""
ASK_DUCKDB = """
import json, sys, duckdb, duckdb_ext
from pathlib import Path
connection = duckdb.connect(config={"allow_unsigned_extensions": True})
extension = next(Path(duckdb_ext.__path__[0]).rglob("delta.duckdb_extension"))
connection.execute(f"LOAD '{extension}'")
answers = []
for table in sys.argv[1:]:
    try:
        found = connection.execute(f"SELECT * FROM delta_scan('{table}')")
        names = [column[0] for column in found.description]
        texts = [[None if v is None else str(v) for v in row] for row in found.fetchall()]
        rows = [dict(sorted(zip(names, row))) for row in texts]
        answers.append({"rows": rows})
    except Exception as problem:
        answers.append({"error": str(problem)})
print(json.dumps(answers))
"""
"""A program for an environment of its own."""
Rows = list[dict[str, Any]]


def make_tables(spark: SparkSession, folder: Path) -> dict[str, Path]:
    """A table for each feature, by its name."""
    tables = {}
    for name, statements in FEATURES.items():
        tables[name] = folder / re.sub(r"\W+", "_", name)
        for statement in statements:
            spark.sql(statement.format(t=f"delta.`{tables[name]}`"))
    return tables


def through_duckdb(table: Path) -> Any:
    """What DuckDB reads of the dataset that delta-rs makes."""
    rows = DeltaTable(table).to_pyarrow_dataset()  # noqa: F841 (DuckDB finds it by its name)
    found = duckdb.sql("SELECT * FROM rows")
    assert found is not None, "a SELECT has a result"
    return found.to_arrow_table()


def plain_rows(found: Any) -> Rows:
    """Rows as dictionaries of texts, in the order of their names; None for NULL."""
    if isinstance(found, pd.DataFrame):
        records = pa.Table.from_pandas(found).to_pylist()
    else:
        records = found.to_dicts() if isinstance(found, pl.DataFrame) else found.to_pylist()
    return [{k: None if r[k] is None else str(r[k]) for k in sorted(r)} for r in records]


READERS: dict[str, Callable[[Path], Any]] = {
    f"delta-rs {version('deltalake')}, `to_pandas`": lambda t: DeltaTable(t).to_pandas(),
    "delta-rs, `to_pyarrow_table`": lambda t: DeltaTable(t).to_pyarrow_table(),
    f"Polars {version('polars')}, `scan_delta`": lambda t: pl.scan_delta(str(t)).collect(),
    f"DuckDB {version('duckdb')} on delta-rs's dataset": through_duckdb,
}
FILES_ALONE = "the folder's Parquet files, without the log"


def judge(right: Rows, found: Rows) -> str:
    """How the rows that a reader gave differ from those that Spark gives."""
    many = len(found) - len(right)
    if many:
        return f"WRONG: {abs(many)} row{'s' * (abs(many) > 1)} too {'many' if many > 0 else 'few'}"
    if {name for row in found for name in row} != {name for row in right for name in row}:
        return "WRONG: other columns"
    if sorted(map(json.dumps, found)) == sorted(map(json.dumps, right)):
        return "right"
    if any(value is None for row in found for value in row.values()):
        return "WRONG: NULLs"
    return "WRONG: other values"


def first_words(problem: object, table: Path) -> str:
    """What an error says, short, and the same on every machine."""
    said = re.sub(r"\s+", " ", str(problem).replace(str(table), "the table")).strip()
    return re.split(r"\. | This error occurred| LINE 1:", said)[0].removesuffix(".")


def ask_extension(tables: list[Path]) -> list[dict[str, Any]]:
    """What DuckDB's extension reads of each table, in an environment of its own."""
    packages = [word for package in DUCKDB_WITH_DELTA for word in ("--with", package)]
    command = [sys.executable, "-m", "uv", "run", "--quiet", "--no-project", "--isolated"]
    python = ["--python", sys.executable, *packages, "python", "-c", ASK_DUCKDB]
    done = subprocess.run(
        [*command, *python, *map(str, tables)], capture_output=True, text=True, check=True
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def table_of_readers(spark: SparkSession) -> str:
    """The table as Markdown, a line a reader and a column a feature; then what the errors say."""
    with TemporaryDirectory() as folder:
        tables = make_tables(spark, Path(folder))
        right = {
            name: plain_rows(spark.read.format("delta").load(str(table)).toArrow())
            for name, table in tables.items()
        }
        found = {
            reader: [_try(read, table) for table in tables.values()]
            for reader, read in READERS.items()
        }
        found[f"DuckDB {DUCKDB_WITH_DELTA[0].partition('==')[2]}, `delta_scan`"] = [
            first_words(answer["error"], table) if "error" in answer else answer["rows"]
            for answer, table in zip(
                ask_extension([*tables.values()]), tables.values(), strict=True
            )
        ]
        found[FILES_ALONE] = [_try(_read_files, table) for table in tables.values()]
    errors: list[str] = []
    lines = [f"| reader | {' | '.join(tables)} |", "|---" * (len(tables) + 1) + "|"]
    for reader, answers in found.items():
        verdicts = []
        for answer, rows in zip(answers, right.values(), strict=True):
            if isinstance(answer, str) and answer not in errors:
                errors.append(answer)
            verdicts.append(
                f"refuses ({errors.index(answer) + 1})"
                if isinstance(answer, str)
                else judge(rows, answer)
            )
        lines.append(f"| {reader} | {' | '.join(verdicts)} |")
    said = [f"{number}. `{error}`" for number, error in enumerate(errors, start=1)]
    return "\n".join([*lines, "", "What they say when they refuse:", "", *said])


def _try(read: Callable[[Path], Any], table: Path) -> Rows | str:
    """What a reader reads, or its error."""
    try:
        return plain_rows(read(table))
    except Exception as problem:  # whatever a reader says
        return first_words(problem, table)


def _read_files(table: Path) -> Any:
    """What somebody gets who takes the folder for one of Parquet files."""
    files = [f for f in sorted(table.rglob("*.parquet")) if not f.parent.name.startswith("_")]
    return pa.concat_tables([pq.ParquetFile(f).read() for f in files], promote_options="permissive")


def page(table: str) -> str:
    """The page with a table."""
    before, after = PAGE.read_text(encoding="utf-8").split("<!--table-->")
    return f"{before}<!--table-->\n{table}\n<!--/table-->{after.partition('<!--/table-->')[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(table_of_readers(get_spark("readers"))), encoding="utf-8")
    print(PAGE.relative_to(PROJECT))
