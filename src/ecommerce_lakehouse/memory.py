"""A lakehouse that writes nothing: for the example, for checks, and for days in the past."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.paths import EXAMPLE_DATA
from ecommerce_lakehouse.registry import Table, TableFunction


class MemoryLakehouse(Lakehouse):
    """Tables in memory, each built when it is first asked for. Nothing is written.

    Args:
        spark: The session to compute with.
        data_dir: The folder of raw CSV files.
        as_of_date: The day to look back from; empty for the last completed order.
        later: Further files that arrived elsewhere.
    """

    def __init__(
        self,
        spark: SparkSession,
        data_dir: str | os.PathLike[str],
        as_of_date: str | date | None = "",
        *,
        later: Sequence[str] = (),
    ) -> None:
        self._frames: dict[str, DataFrame] = {}
        super().__init__(spark, "in memory", data_dir, as_of_date, later=later, sql_names=False)

    def _open(self) -> None:
        """There is no folder to open."""

    def has(self, table: str | TableFunction) -> bool:
        """Every table can be had: what is missing is built."""
        return True

    def read(self, table: str | TableFunction) -> DataFrame:
        """A table, built from the raw files now if it has not been yet."""
        name = registry.get(table).name
        return self._frames[name] if name in self._frames else self.build(name)

    def build(self, table: str | TableFunction) -> DataFrame:
        """Compute a table and keep it."""
        wanted = registry.get(table)
        self._frames[wanted.name] = self.compute(wanted.name).localCheckpoint()
        self.written(wanted)
        return self._frames[wanted.name]

    def _check_date(self, table: Table, *, only_read: bool = False) -> None:
        """Every table here looks back from the same day."""


class ExampleLakehouse(MemoryLakehouse):
    """The example's five customers.

    Args:
        spark: The session to compute with.
    """

    def __init__(self, spark: SparkSession) -> None:
        super().__init__(spark, EXAMPLE_DATA)
