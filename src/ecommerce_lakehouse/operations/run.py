"""A run over a lakehouse: table after table, one run at a time, and a record of what it did.

The records are tables too, in the folder's `ops` layer; see `run_records`.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import Row

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.layers.quality import QualityError
from ecommerce_lakehouse.operations.change import Change, Outcome, rebuild
from ecommerce_lakehouse.operations.gate import Gate
from ecommerce_lakehouse.operations.run_records import RunRecords
from ecommerce_lakehouse.operations.update import update
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.stop import SPARK_ERRORS
from ecommerce_lakehouse.storage.delta_log import Provenance
from ecommerce_lakehouse.tables.lakehouse import Lakehouse

DAMAGE = re.compile(r"\[[\w.]*(STATE_RECOVER_ERROR|FILE_NOT_EXIST|TRUNCATED_TRANSACTION_LOG)\].*")
"""The words by which Delta or Spark says that files of a table are not what its log says."""


class Run:
    """One run over a lakehouse. The newest is the only one that goes on.

    Before each table it looks whether a later run has begun, and if so it stops. What it has
    finished stays, and the later run goes on from there; so a run that was killed is in nobody's
    way. A table that it was at may be finished after the later run has passed it: the next run
    finds that by its provenance.

    Args:
        lake: The lakehouse.
        layers: What will be built.
        full_refresh: Whether all rows are computed anew.

    Raises:
        LakehouseError: Another run began at the same moment.

    Examples:
        >>> lake = Lakehouse(spark, scratch / "lakehouse", "data_seeds", sql_names=False)
        >>> Run(lake, ["bronze"]).build(registry.tables("bronze")[:2], say=print)
        bronze.customers                            built, 5 rows
        bronze.orders                               built, 10 rows
    """

    def __init__(
        self, lake: Lakehouse, layers: Iterable[str], *, full_refresh: bool = False
    ) -> None:
        self._lake = lake
        self._full_refresh = full_refresh
        self._id = uuid.uuid4().hex
        self._records = RunRecords(lake.spark, lake.location)
        self._steps: list[tuple[Any, ...]] = []
        self._checks: list[tuple[Any, ...]] = []
        self._published: dict[Table, tuple[int, Provenance | None]] = {}
        begun = datetime.now(UTC)
        run = (self._id, begun, ", ".join(layers), lake.as_of.given, full_refresh)
        self._records.append("runs", [run], self._id)

    def build(
        self, tables: Iterable[Table], say: Callable[[Change], object] = lambda change: None
    ) -> None:
        """Bring tables up to date.

        Args:
            tables: Inputs before what is made from them.
            say: Is told what became of each.

        Raises:
            LakehouseError: Bad input, a missing table, or a later run has begun.
            QualityError: A check of severity `error` is broken. The table was not written, and
                the tables of its layer are again as they were before this run.
        """
        self.each(tables, rebuild if self._full_refresh else update, say)

    def each(
        self,
        tables: Iterable[Table],
        bring: Callable[[Lakehouse, Table], Change],
        say: Callable[[Change], object],
    ) -> None:
        """Do one thing to every table, while no other run goes on.

        Args:
            tables: In this order.
            bring: What to do, given the lakehouse and a table.
            say: Is told what became of each.

        Raises:
            LakehouseError: A later run has begun.
        """
        with self._record_at_end():
            for table in tables:
                say(self._step(table, bring))

    def check(self, tables: Iterable[Table], gate: Gate) -> list[Row]:
        """Check tables as they stand, every row.

        Args:
            tables: Those that are not built yet are left out.
            gate: Its checks.

        Returns:
            One row a check.

        Raises:
            QualityError: A check of severity `error` is broken.
        """
        results: list[Row] = []
        with self._record_at_end():
            for table in tables:
                if self._lake.folder.has(table):
                    found = gate.check(self._lake, table)
                    self._note_checks(table, found)
                    results += found
        if any(row.severity == "error" and row.broken for row in results):
            raise QualityError(results, "Broken in the tables as they stand:")
        return results

    @contextmanager
    def _record_at_end(self) -> Iterator[None]:
        """Write down what was done, also when it ends with an error."""
        try:
            yield
        finally:
            for name, rows in (("steps", self._steps), ("checks", self._checks)):
                if rows:
                    self._records.append(name, rows)
            if self._lake.as_of.known and not self._lake.as_of.given:
                self._records.set_as_of_date(self._id, self._lake.as_of.known)

    def _step(self, table: Table, bring: Callable[[Lakehouse, Table], Change]) -> Change:
        if self._records.newest_run() != self._id:
            raise LakehouseError(
                f"A later run has begun here, so this one stops before {table.full_name}.",
                "What it has built stays, and the later run goes on from there.",
            )
        begun, clock = datetime.now(UTC), time.monotonic()
        log = self._lake.folder.log(table)
        before = log.provenance()
        self._published.setdefault(table, (log.version(), before))
        change = Change(table.full_name, Outcome.FAILED)
        try:
            change = bring(self._lake, table)
        except QualityError:
            self._take_back(table.layer)
            raise
        except SPARK_ERRORS as problem:
            damage = DAMAGE.search(str(problem))
            if damage is None:
                raise
            raise LakehouseError(
                f"The files of {table.full_name}, or of what it reads, are damaged or gone: "
                f"{damage[0]}",
                "If a file was moved meanwhile, run the same command again. Else move the "
                f"damaged table's folder out of {for_message(self._lake.location)} and make it "
                "anew, from the files that are there, with:  lakehouse build",
            ) from problem
        finally:
            read = self._rows_read(table, change, before)
            left = read - change.inserted + change.deleted if _sorts_out(table) else 0
            rows = (read, change.inserted, change.updated, change.deleted, left)
            step = (self._id, table.full_name, str(change.how), *rows, log.version(), begun)
            self._steps.append((*step, time.monotonic() - clock))
            self._note_checks(table, self._lake.writer.gate.pop_results(table))
        return change

    def _note_checks(self, table: Table, rows: Sequence[Row]) -> None:
        version = self._lake.folder.log(table).version()
        self._checks += [
            (self._id, table.full_name, r.check, r.severity, r.rows, r.broken, version)
            for r in rows
        ]

    def _rows_read(self, table: Table, change: Change, before: Provenance | None) -> int:
        if table.layer == "bronze" or change.how not in {Outcome.BUILT, Outcome.MERGED}:
            return change.inserted
        read = 0
        for source in table.input_tables:
            log = self._lake.folder.log(source)
            if change.how == Outcome.MERGED and before is not None:
                read += log.rows_changed(since=int(before.inputs[source.name]))
            else:
                size = log.size()
                read += self._lake.folder.read(source).count() if size is None else size
        return read

    def _take_back(self, layer: str) -> None:
        """Give readers the tables of a layer as they were before this run."""
        for table, (version, provenance) in self._published.items():
            if table.layer != layer or self._lake.folder.log(table).version() == version:
                continue
            if version < 0:
                self._lake.writer.drop(table)
            else:
                self._lake.writer.restore_version(table, version, provenance)


def _sorts_out(table: Table) -> bool:
    """Whether rows that a table does not take are in the quarantine."""
    return table.is_from_raw and not table.rejects
