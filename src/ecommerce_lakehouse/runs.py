"""A run over a lakehouse: table after table, one run at a time, and a record of what it did.

The records are tables too, in the folder's `ops` layer; see `records`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import Row

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.delta_log import DeltaLog, Note
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.guarded import GuardedLakehouse
from ecommerce_lakehouse.incremental import rebuild, update
from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.layers.quality import QualityError
from ecommerce_lakehouse.merging import Change, go_back
from ecommerce_lakehouse.records import append
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.storage import Storage


class Run:
    """One run over a lakehouse. The newest is the only one that goes on.

    A run has a number: the version of `ops.runs` in which it appears. Before each table it looks
    whether a later run has appeared, and if so it stops. What it has finished stays, and the
    later run goes on from there; so a run that was killed is in nobody's way.

    Args:
        lake: The lakehouse.
        layers: What will be built.
        full_refresh: Whether all rows are computed anew.

    Raises:
        LakehouseError: Another run began at the same moment.
    """

    def __init__(
        self, lake: GuardedLakehouse, layers: Iterable[str], *, full_refresh: bool
    ) -> None:
        self._lake = lake
        self._full_refresh = full_refresh
        self._id = uuid.uuid4().hex
        self._log = DeltaLog(Storage(lake.spark), f"{lake.location}/ops/runs")
        self._steps: list[tuple[Any, ...]] = []
        self._checks: list[tuple[Any, ...]] = []
        self._published: dict[str, tuple[int, Note | None]] = {}
        run = (self._id, datetime.now(UTC), ", ".join(layers), lake.given_date, full_refresh)
        self._record("runs", [run], self._id)
        self._number = self._log.version_that_says(self._id)

    def build(self, tables: Sequence[Table], say: Callable[[Change], object]) -> None:
        """Bring tables up to date.

        Args:
            tables: Inputs before what is made from them.
            say: Is told what became of each.

        Raises:
            LakehouseError: Bad input, a missing table, or a later run has begun.
            QualityError: A check of severity `error` is broken. The table was not written, and
                the tables of its layer are again as they were before this run.
        """
        with self._recorded():
            for table in tables:
                say(self._step(table, rebuild if self._full_refresh else update))
            for table in tables:
                # A run that this one made stop may still have finished the table it was at.
                if (again := self._step(table, update)).how == "unchanged":
                    self._steps.pop()
                else:
                    say(again)

    def each(
        self,
        tables: Iterable[Table],
        bring: Callable[[Lakehouse, str], Change],
        say: Callable[[Change], object],
    ) -> None:
        """Do one thing to every table, while no other run goes on.

        Args:
            tables: In this order.
            bring: What to do, given the lakehouse and a table's name.
            say: Is told what became of each.

        Raises:
            LakehouseError: A later run has begun.
        """
        with self._recorded():
            for table in tables:
                say(self._step(table, bring))

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Write down what was done, also when it ends with an error."""
        try:
            yield
        finally:
            self._record("steps", self._steps)
            self._record("checks", self._checks)

    def check(self, tables: Sequence[Table]) -> list[Row]:
        """Check tables as they stand, every row.

        Args:
            tables: Those that are not built yet are left out.

        Returns:
            One row a check.

        Raises:
            QualityError: A check of severity `error` is broken.
        """
        results: list[Row] = []
        for table in tables:
            if not self._lake.has(table.name):
                continue
            found = self._lake.check(table)
            rows = found.collect() if found is not None else []
            self._note_checks(table, rows)
            results += rows
        self._record("checks", self._checks)
        if any(row.severity == "error" and row.broken for row in results):
            raise QualityError(results, "Broken in the tables as they stand:")
        return results

    def _note_checks(self, table: Table, rows: Sequence[Row]) -> None:
        version = self._lake.log(table.name).version()
        self._checks += [
            (self._id, table.full_name, r.check, r.severity, r.rows, r.broken, version)
            for r in rows
        ]

    def _step(self, table: Table, bring: Callable[[Lakehouse, str], Change]) -> Change:
        # Not the newest version of all: OPTIMIZE and VACUUM of `ops.runs` are no runs.
        if self._log.version() != self._number:
            raise LakehouseError(
                f"A later run has begun here, so this one stops before {table.full_name}.",
                "What it has built stays, and the later run goes on from there.",
            )
        begun, clock = datetime.now(UTC), time.monotonic()
        log = self._lake.log(table.name)
        before = log.note()
        self._published.setdefault(table.name, (log.version(), before))
        self._lake.results = []
        change = Change(table.full_name, "failed")
        try:
            change = bring(self._lake, table.name)
        except QualityError:
            self._take_back(table.layer)
            raise
        finally:
            read = self._rows_read(table, change, before)
            left = read - change.inserted + change.deleted if _sorts_out(table) else 0
            rows = (read, change.inserted, change.updated, change.deleted, left)
            told = (self._id, table.full_name, change.how, *rows, log.version(), begun)
            self._steps.append((*told, time.monotonic() - clock))
            self._note_checks(table, self._lake.results)
        return change

    def _rows_read(self, table: Table, change: Change, before: Note | None) -> int:
        if table.layer == "bronze" or change.how not in {"built", "merged"}:
            return change.inserted
        read = 0
        for name in table.inputs:
            log = self._lake.log(name)
            if change.how == "merged" and before is not None:
                read += log.rows_changed(since=int(before.inputs[name]))
            else:
                size = log.size()
                read += self._lake.read(name).count() if size is None else size
        return read

    def _take_back(self, layer: str) -> None:
        """Give readers the tables of a layer as they were before this run."""
        for name, (version, note) in self._published.items():
            table = registry.get(name)
            if table.layer != layer or self._lake.log(name).version() == version:
                continue
            if version < 0:
                self._lake.drop(table)
                continue
            go_back(self._lake, table, version, note)

    def _record(self, name: str, rows: list[tuple[Any, ...]], words: str = "") -> None:
        """Write down rows, and words in the commit."""
        if rows:
            append(self._lake.spark, self._lake.location, name, rows, words)


def _sorts_out(table: Table) -> bool:
    """Whether rows that a table does not take are in the quarantine."""
    return table.layer == "silver" and len(table.inputs) == 1
