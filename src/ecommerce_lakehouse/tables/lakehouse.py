"""The lakehouse: raw files in, Delta tables out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import FOLDERS, for_message, resolve
from ecommerce_lakehouse.registry import Table, TableFunction
from ecommerce_lakehouse.spark import settings
from ecommerce_lakehouse.storage.delta_log import Provenance
from ecommerce_lakehouse.storage.folder import TableFolder
from ecommerce_lakehouse.storage.writing import OpenGate, TableWriter
from ecommerce_lakehouse.tables.as_of import AsOf, parse_date
from ecommerce_lakehouse.tables.raw_files import RawFiles


class Lakehouse:
    """A folder that holds `<layer>/<table>`, each a Delta table made from a folder of raw files.

    Args:
        spark: The session to read and write with.
        location: The lakehouse folder or URI; relative to the project folder.
        data_dir: The folder of raw CSV files, relative to the project folder; None where only
            the tables are worked on.
        as_of_date: The day to look back from; empty for the last completed order.
        later: Further files that arrived elsewhere, such as `next/raw_orders_2024-07.csv`.
        sql_names: Whether its tables get their SQL names (`gold.x`). A session has one
            catalog, so only one of several lakehouses should.
        evolve: Whether raw files may bring columns that bronze does not have yet.
        gate: What checks rows before they are written; nothing by default.
        writer: The kind of writer; another one where somebody watches what is written.

    Attributes:
        folder: Where the tables stand.
        raw: The raw files.
        as_of: The day to look back from.
        writer: Writes tables.

    Raises:
        InputError: The date is no date, or the folder cannot be written.

    Examples:
        >>> lake = Lakehouse(spark, scratch / "lakehouse", "data_seeds", sql_names=False)
        >>> lake.build("products").count()
        5
        >>> lake.has("products"), lake.has("stg_products")
        (True, False)
    """

    def __init__(
        self,
        spark: SparkSession,
        location: str | os.PathLike[str] = FOLDERS["lakehouse_dir"],
        data_dir: str | os.PathLike[str] | None = FOLDERS["data_dir"],
        as_of_date: str | date | None = "",
        *,
        later: Sequence[str] = (),
        sql_names: bool = True,
        evolve: bool = False,
        gate: OpenGate | None = None,
        writer: type[TableWriter] = TableWriter,
    ) -> None:
        self.spark = spark
        self.evolve = evolve
        given = parse_date(as_of_date)  # before anything is made
        self.folder = TableFolder(spark, resolve(location), sql_names=sql_names)
        self.as_of = AsOf(given, self.folder.read, self.folder.log)
        self.raw = RawFiles(
            spark,
            None if data_dir is None else resolve(data_dir),
            [resolve(file) for file in later],
            lambda entity, name: evolve or self.folder.has_column(registry.get(entity), name),
        )
        self.writer = writer(self.folder, gate or OpenGate(), self.as_of.forget)
        settings.fit(spark, self.raw.size())

    def __repr__(self) -> str:
        return f"Lakehouse({for_message(self.location)})"

    @property
    def location(self) -> str:
        """The folder or URI of the tables."""
        return self.folder.location

    @property
    def data_dir(self) -> str:
        """The folder or URI of the raw files."""
        return self.raw.data_dir or ""

    @property
    def as_of_date(self) -> date:
        """The day to look back from: the one given, or that of the last completed order.

        Raises:
            InputError: No date was given and there is no completed order to take it from.
        """
        return self.as_of.day

    def path(self, table: str | TableFunction | Table) -> str:
        """The folder (as Spark reads it) of a table, built or not."""
        return self.folder.path(registry.get(table))

    def has(self, table: str | TableFunction | Table) -> bool:
        """Whether a table has been built."""
        return self.folder.has(registry.get(table))

    def read(self, table: str | TableFunction | Table) -> DataFrame:
        """A table without the stamp of when its rows were written.

        Raises:
            MissingTableError: It is not built yet; the message says what builds it.
        """
        return self.folder.read(registry.get(table))

    def raw_files(self) -> dict[str, list[str]]:
        """The addresses of each entity's files in delivery order, their headers checked.

        Raises:
            InputError: A file is missing, or a header is not the contract's.
        """
        return {e: [file.address for file in files] for e, files in self.raw.find().items()}

    def check_rows(self, *tables: str) -> None:
        """See that tables have rows and look back from the same day as this lakehouse.

        Args:
            *tables: Those without which nothing of what follows would make sense.

        Raises:
            MissingTableError: One is not built yet.
            InputError: One is empty.
            LakehouseError: One was built for another day.
        """
        for table in map(registry.get, tables):
            frame, rows = self.folder.read(table), self.folder.log(table).size()
            self.as_of.check(table, only_read=True)
            if frame.isEmpty() if rows is None else not rows:
                raise InputError(
                    f"{table.full_name} has no rows as of {self.as_of_date}, so there "
                    "is nothing to show.",
                    "Look why in silver.quarantine, or name a later day with:  --as-of yyyy-mm-dd",
                )

    def compute(self, table: str | TableFunction | Table) -> DataFrame:
        """The result of a table's function on this lakehouse's tables, not written."""
        return compute(registry.get(table), self.folder.read, self.raw, self.as_of)

    def build(self, table: str | TableFunction | Table) -> DataFrame:
        """Compute a table, write it, and read back what was written.

        Args:
            table: The function that makes it, or its name.

        Returns:
            The table as it now stands in the lakehouse.
        """
        wanted = registry.get(table)
        provenance = provenance_of(self, wanted)
        if wanted.layer == "bronze":
            self.raw.take_in(
                wanted, None, lambda rows: self.writer.replace(wanted, rows, provenance)
            )
        else:
            self.writer.replace(wanted, self.compute(wanted), provenance)
        return self.folder.read(wanted)


def compute(
    table: Table,
    read: Callable[[Table], DataFrame],
    raw: RawFiles,
    as_of: AsOf,
) -> DataFrame:
    """The result of a table's function, whose parameters are tables, raw files and the date.

    Args:
        table: The table.
        read: Reads a table.
        raw: The raw files.
        as_of: The day; tables of another one are refused.
    """
    inputs: dict[str, DataFrame | date] = {}
    for name in table.parameters:
        if name == "as_of_date":
            inputs[name] = as_of.day
            continue
        if name.startswith("raw_"):
            inputs[name] = raw.read(name.removeprefix("raw_"))
        else:
            inputs[name] = read(registry.get(name))
            as_of.check(registry.get(name))
    return table.function(**inputs)


def provenance_of(lake: Lakehouse, table: Table, before: Provenance | None = None) -> Provenance:
    """What a table would be made from now: its inputs as they are, the date, the code."""
    inputs: dict[str, int | str] = {}
    known = before.inputs if before else {}
    for name in table.inputs:
        if not name.startswith("raw_"):
            inputs[name] = lake.folder.log(registry.get(name)).version()
            continue
        for file in lake.raw.find()[name.removeprefix("raw_")]:
            inputs[file.name] = lake.raw.state(file, str(known.get(file.name, "")))
    day = lake.as_of_date.isoformat() if table.depends_on_date else None
    found = day is not None and lake.as_of.given is None
    return Provenance(inputs, day, registry.fingerprint(table), found)
