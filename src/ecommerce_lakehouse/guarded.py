"""A lakehouse with a gate: rows are checked before they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce

from pyspark.sql import DataFrame, Row

from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.layers.quality import (
    CHECKS,
    QualityError,
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
            self.results = self._checked(table, kept)
            yield kept
        except QualityError as error:
            self.results = error.results
            raise
        finally:
            kept.unpersist()

    def _checked(self, table: Table, rows: DataFrame) -> list[Row]:
        mine = [check for check in CHECKS if check.table == table.name]
        if mine:
            return gate(check_table(rows, mine, table.key))
        if table.name != "quarantine":
            return []
        shares = [
            check_quarantine(self.read(entity), rows, entity, limit, severity, JUDGED_FROM)
            for entity in RULES
            for severity, limit in IN_QUARANTINE.items()
        ]
        return gate(reduce(DataFrame.unionAll, shares))
