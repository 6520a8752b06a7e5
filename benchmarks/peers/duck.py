"""The contract's tables with DuckDB, written by delta-rs: one process, no cluster.

The SQL is that of the independent implementation in `tests/oracle/`; in front of it stands
DuckDB's own CSV reader, in place of Python's, and behind it delta-rs.
"""

import csv
import sys
import tempfile
from pathlib import Path

import duckdb
from deltalake import write_deltalake

ORACLE = Path(__file__).parents[2] / "tests" / "oracle"
sys.path.insert(0, str(ORACLE.parent))
from oracle.build import KEYS  # noqa: E402
from oracle.raw import COLUMNS, deliveries  # noqa: E402

PLACES = {"_delivery", "_row"}
"""Columns that the SQL needs and the contract's tables do not have."""


def main(data_dir: str, lakehouse_dir: str) -> None:
    """Build and write every table."""
    with tempfile.TemporaryDirectory(dir=Path(lakehouse_dir).parent) as scratch:
        db = duckdb.connect(f"{scratch}/tables.db")
        # Half of what the whole process may hold: delta-rs wants its share.
        db.execute(f"SET memory_limit = '2GB'; SET temp_directory = '{scratch}/spilled'")
        db.execute("SET preserve_insertion_order = false; CREATE SCHEMA bronze")
        for entity in COLUMNS:
            read(db, Path(data_dir), entity)
        for step in ("macros", "silver"):
            db.execute((ORACLE / f"{step}.sql").read_text())
        db.execute("DROP SCHEMA checked CASCADE")
        db.execute(
            "SET VARIABLE as_of_date = "
            "(SELECT max(order_date) FROM silver.stg_orders WHERE is_completed)"
        )
        for step in ("intermediate", "gold", "ml"):
            db.execute((ORACLE / f"{step}.sql").read_text())
        for name in KEYS:
            rows = db.sql(f"SELECT * FROM {name}")
            rows = rows.select(", ".join(c for c in rows.columns if c not in PLACES))
            write_deltalake(
                f"{lakehouse_dir}/{name.replace('.', '/')}", rows.to_arrow_reader(1 << 17)
            )


def read(db: duckdb.DuckDBPyConnection, data_dir: Path, entity: str) -> None:
    """Read an entity's files as text; what does not fit its columns keeps its whole line."""
    names = COLUMNS[entity]
    types = {name: "VARCHAR" for name in names}
    db.execute(
        f"CREATE TABLE bronze.{entity} ({', '.join(f'{name} VARCHAR' for name in names)}, "
        "_source_file VARCHAR, _corrupt_record VARCHAR, _delivery INTEGER, _row BIGINT)"
    )
    for delivery, file in enumerate(deliveries(data_dir, entity)):
        db.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
        db.execute(
            f"INSERT INTO bronze.{entity} SELECT *, ?, NULL, {delivery}, 0 FROM read_csv("
            f"?, columns = {types}, auto_detect = false, header = true, delim = ',', "
            """quote = '"', escape = '"', store_rejects = true, rejects_limit = 0)""",
            [file.name, str(file)],
        )
        ragged = db.sql("SELECT DISTINCT line, csv_line FROM reject_errors").fetchall()
        for line in (text.strip("\r\n") for _, text in ragged):
            fields = [field or None for field in next(csv.reader([line]))]
            cells = [*fields, *[None] * len(names)][: len(names)]
            row = [*cells, file.name, line, delivery, 0]
            db.execute(f"INSERT INTO bronze.{entity} VALUES ({', '.join('?' * len(row))})", row)


if __name__ == "__main__":
    main(*sys.argv[1:])
