"""A lakehouse that writes nothing: for the example, for checks, and for days in the past."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.paths import EXAMPLE_DATA, resolve
from ecommerce_lakehouse.registry import Table, TableFunction
from ecommerce_lakehouse.tables.as_of import AsOf, parse_date
from ecommerce_lakehouse.tables.lakehouse import compute
from ecommerce_lakehouse.tables.raw_files import RawFiles


class MemoryLakehouse:
    """Tables in memory, each built when it is first asked for. Nothing is written.

    Args:
        spark: The session to compute with.
        data_dir: The folder of raw CSV files.
        as_of_date: The day to look back from; empty for the last completed order.
        later: Further files that arrived elsewhere.

    Raises:
        InputError: The date is no date.

    Examples:
        >>> may = MemoryLakehouse(spark, "data_seeds", "2023-05-31")
        >>> may.read("int_customer_orders").count()
        5
    """

    def __init__(
        self,
        spark: SparkSession,
        data_dir: str | os.PathLike[str],
        as_of_date: str | date | None = "",
        *,
        later: Sequence[str] = (),
    ) -> None:
        self.spark = spark
        self.raw = RawFiles(spark, resolve(data_dir), [resolve(file) for file in later])
        self.as_of = AsOf(parse_date(as_of_date), self.read)
        self._frames: dict[str, DataFrame] = {}

    def __repr__(self) -> str:
        return f"MemoryLakehouse({self.data_dir})"

    @property
    def data_dir(self) -> str:
        """The folder or URI of the raw files."""
        return self.raw.data_dir or ""

    @property
    def as_of_date(self) -> date:
        """The day to look back from: the one given, or that of the last completed order."""
        return self.as_of.day

    def has(self, table: str | TableFunction | Table) -> bool:
        """Every table can be had: what is missing is built."""
        return bool(registry.get(table))

    def read(self, table: str | TableFunction | Table) -> DataFrame:
        """A table, built from the raw files now if it has not been yet."""
        wanted = registry.get(table)
        return self._frames[wanted.name] if wanted.name in self._frames else self.build(wanted)

    def compute(self, table: str | TableFunction | Table) -> DataFrame:
        """The result of a table's function, not kept."""
        return compute(registry.get(table), self.read, self.raw, self.as_of)

    def build(self, table: str | TableFunction | Table) -> DataFrame:
        """Compute a table and keep it."""
        wanted = registry.get(table)
        self._frames[wanted.name] = self.compute(wanted).localCheckpoint()
        self.as_of.forget(wanted)
        return self._frames[wanted.name]


class ExampleLakehouse(MemoryLakehouse):
    """The example's five customers.

    Args:
        spark: The session to compute with.

    Examples:
        >>> ExampleLakehouse(spark).read("stg_customers").count()
        5
    """

    def __init__(self, spark: SparkSession) -> None:
        super().__init__(spark, EXAMPLE_DATA)
