"""A lakehouse with a gate: rows are checked before they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pyspark.sql import DataFrame, Row

from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.layers.quality import (
    CHECKS,
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


class GuardedLakehouse(Lakehouse):
    """The lakehouse of programs that nobody watches. See `Lakehouse` for its arguments.

    Attributes:
        results: What was checked before the last write, one row a check.
    """

    results: Sequence[Row] = ()

    @contextmanager
    def admitted(self, table: Table, rows: DataFrame) -> Iterator[DataFrame]:
        """Check rows that are about to be written, and keep them until they are.

        Raises:
            QualityError: A check of severity `error` is broken. Nothing is written.
        """
        if table.layer == "bronze":  # what the files say is taken as it is
            yield rows
            return
        kept = rows.persist()
        try:
            mine = [check for check in CHECKS if check.table == table.name]
            if mine:
                self.results = gate(check_table(kept, mine, table.key))
            elif table.name == "quarantine":
                self.results = gate(self._shares(kept))
            yield kept
        except QualityError as error:
            self.results = error.results
            raise
        finally:
            kept.unpersist()

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
