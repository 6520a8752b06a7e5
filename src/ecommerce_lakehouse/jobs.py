"""The same tables without notebooks: what `spark-submit src/pipeline.py` and the jobs run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.exports import write_parquet
from ecommerce_lakehouse.lakehouse import Lakehouse, parse_date
from ecommerce_lakehouse.preflight import check_data, check_writable
from ecommerce_lakehouse.registry import LAYERS
from ecommerce_lakehouse.session import get_spark


def options(name: str, description: str) -> argparse.ArgumentParser:
    """The flags every job has, with the same names and defaults as everywhere."""
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--date", default="", help="as_of_date (default: last completed order)")
    parser.add_argument("--full-refresh", action="store_true", help="rebuild instead of merging")
    parser.add_argument("--data-dir", default="data_seeds/shop")
    parser.add_argument("--lakehouse-dir", default="lakehouse")
    parser.add_argument("--artifacts-dir", default="artifacts")
    return parser


def build_layers(layers: Sequence[str], arguments: argparse.Namespace) -> None:
    """Build the tables of some layers, in order, from what the lakehouse and the files hold.

    Args:
        layers: Layer names.
        arguments: The parsed flags.

    Raises:
        LakehouseError: Bad input, or a table of an earlier layer is missing.
    """
    parse_date(arguments.date)
    if "bronze" in layers:
        check_data(arguments.data_dir)
    check_writable(arguments.lakehouse_dir, "--lakehouse-dir FOLDER")
    if "ml" in layers:
        check_writable(arguments.artifacts_dir, "--artifacts-dir FOLDER")
    spark = get_spark("lakehouse-job")
    lake = Lakehouse(
        spark,
        arguments.lakehouse_dir,
        arguments.data_dir,
        arguments.date,
        sql_names=False,  # nobody asks this session for gold.x, and naming it takes time
    )
    if "bronze" in layers:
        lake.raw_files()  # every header is checked before the first table is written
    for layer in layers:
        for table in registry.tables(layer):
            (lake.build if arguments.full_refresh else lake.merge)(table.name)
            print(f"{table.full_name:34} done", flush=True)
    if "ml" in layers:
        features = lake.read("ml_customer_features")
        path = write_parquet(
            features, "ml_customer_features", order_by="customer_id", to=arguments.artifacts_dir
        )
        print(f"exported {path.name}", flush=True)


def main(description: str, *layers: str) -> None:
    """Run a job; an error the reader can mend is one message on stderr and exit code 2.

    Args:
        description: What the job builds, for its --help.
        *layers: The layers to build; every one where none is named.
    """
    try:
        arguments = options(os.path.basename(sys.argv[0]), description).parse_args()
        build_layers(layers or LAYERS, arguments)
    except LakehouseError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
