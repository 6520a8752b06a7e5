"""The same tables without notebooks: what `spark-submit src/pipeline.py` and the jobs run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.artifacts import artifacts_folder
from ecommerce_lakehouse.dates import parse_date
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.evolution import new_columns
from ecommerce_lakehouse.exports import is_written_from, note_source, write_parquet
from ecommerce_lakehouse.guarded import GuardedLakehouse
from ecommerce_lakehouse.merging import Change
from ecommerce_lakehouse.paths import typed
from ecommerce_lakehouse.preflight import check_data, check_writable, raw_bytes
from ecommerce_lakehouse.registry import LAYERS
from ecommerce_lakehouse.runs import Run
from ecommerce_lakehouse.session import get_spark, is_this_machine

FOLDERS = {
    "--data-dir": "data_seeds/shop",
    "--lakehouse-dir": "lakehouse",
    "--artifacts-dir": "artifacts",
}


def options(name: str, description: str) -> argparse.ArgumentParser:
    """The flags every job has, with the same names and defaults as everywhere."""
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--date", default="", help="as_of_date (default: last completed order)")
    parser.add_argument("--full-refresh", action="store_true", help="compute all rows anew")
    parser.add_argument(
        "--evolve", action="store_true", help="take new columns of the raw files into bronze"
    )
    for flag, default in FOLDERS.items():
        told = f"a folder (default: the project's {default})"
        parser.add_argument(flag, type=typed, default=argparse.SUPPRESS, help=told)
    parser.add_argument(
        "--master", default="", help="a Spark master (default: spark-submit's, or all cores)"
    )
    return parser


def build_layers(
    layers: Sequence[str],
    kind: type[GuardedLakehouse] = GuardedLakehouse,
    /,
    *,
    date: str = "",
    full_refresh: bool = False,
    evolve: bool = False,
    data_dir: str = "data_seeds/shop",
    lakehouse_dir: str = "lakehouse",
    artifacts_dir: str = "artifacts",
    master: str = "",
) -> list[Change]:
    """Bring the tables of some layers up to date with the files and the earlier layers.

    Args:
        layers: Layer names, in order.
        kind: The lakehouse that writes the tables.
        date: The as-of date; empty for the last completed order's.
        full_refresh: Compute all rows anew, not only those that new deliveries touch.
        evolve: Take columns into bronze that the contract does not name.
        data_dir: The folder of raw files.
        lakehouse_dir: The folder of tables.
        artifacts_dir: Where the features are exported to.
        master: A Spark master; empty for spark-submit's, or every core of this machine.

    Returns:
        What became of each table.

    Raises:
        LakehouseError: Bad input, a table of an earlier layer is missing, or a later run began.
    """
    parse_date(date)
    if "bronze" in layers:
        check_data(data_dir, lakehouse_dir, evolve=evolve)
    check_writable(lakehouse_dir, "--lakehouse-dir FOLDER")
    if "ml" in layers:
        check_writable(artifacts_dir, "--artifacts-dir FOLDER")
    spark = get_spark("lakehouse-job", master, raw_bytes(data_dir))
    lake = kind(
        spark,
        lakehouse_dir,
        data_dir,
        date,
        sql_names=False,  # nobody asks this session for gold.x, and naming it takes time
        evolve=evolve,
    )
    if "bronze" in layers:
        # Every header is checked before the first table is written.
        for sentence in new_columns(lake):
            print(sentence, flush=True)
    tables = [table for layer in layers for table in registry.tables(layer)]
    built = {table.name for table in tables}
    for name in (name for table in tables for name in table.inputs):
        if name not in built and not name.startswith("raw_"):
            lake.read(name)  # a clear message now, if it is missing
    changes: list[Change] = []

    def say(change: Change) -> None:
        changes.append(change)
        print(change, flush=True)

    Run(lake, layers, full_refresh=full_refresh).build(tables, say)
    if "ml" in layers:
        print(_export(lake, "ml_customer_features", artifacts_dir), flush=True)
    return changes


def _export(lake: GuardedLakehouse, name: str, artifacts_dir: str) -> str:
    """Write a table of customers as one file, unless it is the one that is there already.

    Returns:
        A line that says which.
    """
    source = f"{lake.path(name)}, {lake.log(name).changed()}"
    file = artifacts_folder(artifacts_dir) / f"{name}.parquet"
    if is_written_from(file, source):
        return f"{file.name} is up to date"
    by_way_of = "" if is_this_machine(lake.spark.sparkContext.master) else lake.location
    write_parquet(
        lake.read(name), name, order_by="customer_id", to=artifacts_dir, by_way_of=by_way_of
    )
    note_source(file, source)
    return f"exported {file.name}"


def check_tables(
    *, date: str = "", lakehouse_dir: str = "lakehouse", master: str = "", **_: object
) -> None:
    """Check every table that is built, whole, and print what is broken.

    Args:
        date: The as-of date of the run, for its record.
        lakehouse_dir: The folder of tables.
        master: A Spark master; empty for spark-submit's, or every core of this machine.
        **_: The other flags that all jobs have; they mean nothing here.

    Raises:
        QualityError: A check of severity `error` is broken.
    """
    parse_date(date)
    spark = get_spark("lakehouse-check", master)
    lake = GuardedLakehouse(spark, lakehouse_dir, as_of_date=date, sql_names=False)
    results = Run(lake, ["quality"], full_refresh=False).check(registry.tables())
    broken = [row for row in results if row.broken]
    for row in broken:
        print(f"{row.severity}: {row.table}: {row.check}: {row.broken:,} of {row.rows:,} rows")
    print(f"{len(results)} checks, {len(broken)} broken", flush=True)


def main(description: str, *layers: str) -> None:
    """Run a job that builds layers.

    Args:
        description: What the job builds, for its --help.
        *layers: The layers to build; every one where none is named.
    """
    run_job(description, partial(build_layers, layers or LAYERS))


def run_job(description: str, job: Callable[..., object]) -> None:
    """Run a job; an error the reader can mend is one message on stderr and exit code 2.

    Args:
        description: What the job does, for its --help.
        job: Takes the flags as keywords.
    """
    try:
        job(**vars(options(os.path.basename(sys.argv[0]), description).parse_args()))
    except LakehouseError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
