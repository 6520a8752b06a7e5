"""A lakehouse with a gate: no row that breaks a check comes into a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.layers.quality import (
    CHECKS,
    Check,
    QualityError,
    check_all,
    check_quarantine,
    check_table,
    gate,
)
from ecommerce_lakehouse.layers.silver import RULES
from ecommerce_lakehouse.registry import Table

IN_QUARANTINE = {"warning": 0.1, "error": 0.9}
"""The share of a file's rows that may be: dirty rows are welcome, another format is a mistake."""
JUDGED_FROM = 100
"""Rows; in a smaller file a large share may be chance."""


BROKEN = "A_CHECK_IS_BROKEN"
"""What Spark's error says when a row on its way breaks a check."""


def stopping(rows: DataFrame, checks: Sequence[Check], key: tuple[str, ...]) -> DataFrame:
    """The same rows; to read one that must not be written raises an error that says `BROKEN`.

    Args:
        rows: The rows of a table.
        checks: Its checks; those of severity `error` count.
        key: The columns that must identify a row.
    """
    so_far = Window.partitionBy(*key).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    good = F.col("_with_key") == 1
    for column in key:
        good &= F.col(column).isNotNull()
    for check in checks:
        if check.severity == "error":
            good &= F.coalesce(F.expr(check.holds), F.lit(False))
    stop = F.raise_error(F.lit(BROKEN)).cast("BOOLEAN")
    numbered = rows.withColumn("_with_key", F.count(F.lit(1)).over(so_far))
    return numbered.where(F.when(good, True).otherwise(stop)).drop("_with_key")


def passed(checks: Sequence[Check], table: Table, rows: int | None) -> list[Row]:
    """The results, as `check_table` has them, of the checks that no written row can break."""
    names = [check.name for check in checks if check.severity == "error"]
    return [
        Row(table=table.name, check=name, severity="error", rows=rows, broken=0)
        for name in [*names, "key is present", "key is unique"]
    ]


class GuardedLakehouse(Lakehouse):
    """The lakehouse of programs that nobody watches. See `Lakehouse` for its arguments.

    Attributes:
        results: What was checked with the last write, one row a check.
    """

    results: Sequence[Row] = ()

    @contextmanager
    def admitted(self, table: Table, rows: DataFrame, *, once: bool = False) -> Iterator[DataFrame]:
        """Check rows that are about to be written: on their way, or first where they are few.

        Raises:
            QualityError: A check of severity `error` is broken. The table stays as it was.
        """
        if table.layer == "bronze":  # what the files say is taken as it is
            yield rows
            return
        mine = [check for check in CHECKS if check.table == table.name]
        way = self._on_their_way if once and mine else self._first
        try:
            with way(table, rows, mine) as admitted:
                yield admitted
        except QualityError as error:
            self.results = error.results
            raise error from None  # the count says it all: no error of Java's beside it

    @contextmanager
    def _first(self, table: Table, rows: DataFrame, mine: list[Check]) -> Iterator[DataFrame]:
        """Rows that have been checked, and are kept until they are written."""
        kept = rows.persist()
        try:
            if mine:
                self.results = gate(check_table(kept, mine, table.key))
            elif table.name == "quarantine":
                self.results = gate(self._shares(kept))
            yield kept
        finally:
            kept.unpersist()

    @contextmanager
    def _on_their_way(
        self, table: Table, rows: DataFrame, mine: list[Check]
    ) -> Iterator[DataFrame]:
        """Rows that are checked while they are written, so that many need not be kept for it.

        The first that breaks a check of severity `error` stops the write before Delta commits it;
        then all are computed again, to count those that do. Warnings are counted afterwards.
        """
        try:
            yield stopping(rows, mine, table.key)
        except (Py4JJavaError, PySparkException) as problem:
            if BROKEN in str(problem):
                gate(check_table(rows, mine, table.key))
            raise
        warnings = [check for check in mine if check.severity == "warning"]
        counted = check_table(self.read(table.name), warnings).collect() if warnings else []
        self.results = [*passed(mine, table, self.log(table.name).size()), *counted]

    def constraints(self, table: Table) -> dict[str, str]:
        """The checks of severity `error`, as Delta's table properties."""
        return {
            f"delta.constraints.{check.name.replace(' ', '_')}": check.holds
            for check in CHECKS
            if check.table == table.name and check.severity == "error"
        }

    def check(self, table: Table) -> DataFrame | None:
        """Every check of a table as it stands, also beside the tables it refers to.

        Returns:
            One row a check; None where nothing is declared.
        """
        if table.name == "quarantine":
            return self._shares(self.read(table.name))
        if any(check.table == table.name for check in CHECKS):
            return check_all(table.name, self.read, self.as_of_date)
        return None

    def _shares(self, quarantine: DataFrame) -> DataFrame:
        raw = {entity: self.read(entity) for entity in RULES}
        return check_quarantine(raw, quarantine, IN_QUARANTINE, JUDGED_FROM)
