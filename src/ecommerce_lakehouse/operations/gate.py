"""The gate: no row that breaks a check comes into a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.contracts import Contract, contract_of
from ecommerce_lakehouse.layers.quality import (
    CHECKS,
    Check,
    QualityError,
    check_all,
    check_columns,
    check_quarantine,
    check_table,
    gate,
)
from ecommerce_lakehouse.operations.account import count_by_file
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.stop import SPARK_ERRORS, value_or_stop, was_stopped_with
from ecommerce_lakehouse.storage.folder import TableFolder, stamp_of
from ecommerce_lakehouse.storage.writing import OpenGate
from ecommerce_lakehouse.tables.lakehouse import Lakehouse

MAX_QUARANTINED = {"warning": 0.1, "error": 0.9}
"""The share of a file's rows that may be: dirty rows are welcome, another format is a mistake."""
MIN_ROWS_JUDGED = 100
"""In a smaller file a large share may be chance."""
CHECK_BROKEN = "A_CHECK_IS_BROKEN"
"""What Spark's error says when a row on its way breaks a check."""
NULL_IN = "NULL in "
"""How the check of a column begins that its contract requires."""


def stop_at_broken(rows: DataFrame, checks: Sequence[Check], key: tuple[str, ...]) -> DataFrame:
    """The same rows; to read one that must not be written raises an error with `CHECK_BROKEN`.

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
    numbered = rows.withColumn("_with_key", F.count(F.lit(1)).over(so_far))
    return numbered.where(value_or_stop(good, F.lit(True), CHECK_BROKEN)).drop("_with_key")


class Gate(OpenGate):
    """Checks rows before they are written, and keeps what it found. Bronze is taken as it is.

    Where a table has a contract, its columns are compared with that too.

    Args:
        checks: What must be true of the rows; of each table those that name it.

    Examples:
        >>> shop = Lakehouse(spark, scratch, "data_seeds", sql_names=False, gate=Gate(CHECKS))
        >>> for name in ("customers", "stg_customers"):
        ...     rows = shop.build(name)
        >>> [row.check for row in shop.writer.gate.pop_results(registry.get("stg_customers"))]
        ['email looks valid', 'key is present', 'key is unique']
    """

    def __init__(self, checks: Sequence[Check] = CHECKS) -> None:
        self._checks = checks
        self._results: dict[str, list[Row]] = {}

    def pop_results(self, table: Table) -> list[Row]:
        """What was checked with the last write of a table, one row a check; once."""
        return self._results.pop(table.name, [])

    @contextmanager
    def admit(
        self, table: Table, rows: DataFrame, folder: TableFolder, *, whole: bool
    ) -> Iterator[DataFrame]:
        """Check rows that are about to be written: on their way, or first where they are few.

        Args:
            table: Their table.
            rows: All of them, or those of the keys that are merged.
            folder: Where they are written.
            whole: Whether they are written as the whole table, which reads them once.

        Raises:
            ContractError: The columns are not those of the contract.
            QualityError: A check of severity `error` is broken, or a value is missing that the
                contract requires. The table stays as it was in both cases.
        """
        self.pop_results(table)
        contract = contract_of(table.full_name)
        if contract:
            check_columns(_known_columns(table, rows, contract), contract, but=stamp_of(table))
        checks, promises = self._checks_of(table), _promises(table, contract)
        if table.rejects:
            shares = _shares if whole else _shares_of_files
            way = self._check_first(table, rows, partial(shares, table, folder))
        elif table.layer == "bronze" or not (checks or promises):  # files are taken as they are
            way = super().admit(table, rows, folder, whole=whole)
        elif whole:
            way = self._check_on_the_way(table, rows, folder, checks, promises)
        else:
            every = partial(check_table, checks=[*checks, *promises], key=table.key)
            way = self._check_first(table, rows, every)
        try:
            with way as admitted:
                yield admitted
        except QualityError as error:
            self._results[table.name] = error.results
            if table.rejects:
                error.message, error.remedy = _explain(error.message, rows, folder)
            raise error from None  # the count says it all: no error of Java's beside it

    @contextmanager
    def _check_first(
        self, table: Table, rows: DataFrame, check: Callable[[DataFrame], DataFrame]
    ) -> Iterator[DataFrame]:
        """Rows that have been checked, and are kept until they are written."""
        kept = rows.persist()
        try:
            self._results[table.name] = _without_promises(gate(check(kept)))
            yield kept
        finally:
            kept.unpersist()

    @contextmanager
    def _check_on_the_way(
        self,
        table: Table,
        rows: DataFrame,
        folder: TableFolder,
        checks: list[Check],
        promises: list[Check],
    ) -> Iterator[DataFrame]:
        """Rows that are checked while they are written, so that many need not be kept for it.

        The first that breaks a check of severity `error` stops the write before Delta commits it;
        then all are computed again, to count those that do. Warnings are counted afterwards.
        """
        try:
            yield stop_at_broken(rows, [*checks, *promises], table.key)
        except SPARK_ERRORS as problem:
            if was_stopped_with(CHECK_BROKEN, problem):
                gate(check_table(rows, [*checks, *promises], table.key))
            raise
        warnings = [check for check in checks if check.severity == "warning"]
        written = folder.read(table)
        counted = check_table(written, warnings).collect() if warnings else []
        self._results[table.name] = [
            *_unbroken(checks, table, folder.log(table).size()),
            *counted,
        ]

    def constraints(self, table: Table) -> dict[str, str]:
        """The checks of severity `error`, as Delta's table properties."""
        return {
            f"delta.constraints.{check.name.replace(' ', '_')}": check.holds
            for check in self._checks_of(table)
            if check.severity == "error"
        }

    def check(self, lake: Lakehouse, table: Table) -> list[Row]:
        """Every check of a table as it stands, also beside the tables it refers to.

        Returns:
            One row a check; none where nothing is declared.
        """
        if table.rejects:
            found = _shares(table, lake.folder, lake.folder.read(table))
        elif self._checks_of(table):
            found = check_all(table.name, lake.read, lake.as_of_date, self._checks)
        else:
            return []
        return found.collect()

    def _checks_of(self, table: Table) -> list[Check]:
        return [check for check in self._checks if check.table == table.name]


def _known_columns(table: Table, rows: DataFrame, contract: Contract) -> DataFrame:
    """The rows as the contract has to have them: files may bring bronze further columns of text."""
    if table.layer != "bronze":
        return rows
    known = {column.name for column in contract.columns}
    return rows.drop(
        *[name for name, kind in rows.dtypes if kind == "string" and name not in known]
    )


def _promises(table: Table, contract: Contract | None) -> list[Check]:
    """A check for each column in which the contract has no NULL; the key has checks of its own."""
    others = (*table.key, stamp_of(table))
    return [
        Check(
            table.name,
            f"{NULL_IN}{column.name}, which is required",
            f"`{column.name}` IS NOT NULL",
        )
        for column in (contract.columns if contract else ())
        if column.required and column.name not in others
    ]


def _without_promises(results: list[Row]) -> list[Row]:
    """The results without those of the contract: none is broken, and nobody declared them."""
    return [row for row in results if not row.check.startswith(NULL_IN)]


def _shares(table: Table, folder: TableFolder, rejected: DataFrame) -> DataFrame:
    raw = {source.name: folder.read(source) for source in table.input_tables}
    return check_quarantine(raw, rejected, MAX_QUARANTINED, MIN_ROWS_JUDGED)


def _shares_of_files(table: Table, folder: TableFolder, added: DataFrame) -> DataFrame:
    """The shares of the files that may be too bad now that rows are added to the quarantine.

    All rejected rows of a new file are among them. An earlier file only lost rows to a later one,
    and those do not count.
    """
    replaced = F.col("reason") == "duplicate_key"
    files: dict[str, set[str]] = {source.name: set() for source in table.input_tables}
    for row in added.select("source_table", "_source_file", replaced).distinct().collect():
        entity, file, is_replaced = row
        newest = max(folder.files_in(registry.get(entity)))
        files[entity] |= {newest} if is_replaced else {newest, file}
    raw = {
        entity: folder.read(registry.get(entity)).where(F.col("_source_file").isin(*names))
        for entity, names in files.items()
    }
    return check_quarantine(raw, added, MAX_QUARANTINED, MIN_ROWS_JUDGED)


def _explain(message: str, rejected: DataFrame, folder: TableFolder) -> tuple[str, str]:
    """Say of each file that is too bad what is wrong with it, and keep what was rejected."""
    files = [
        str(account)
        for account in count_by_file(folder, rejected)
        if account.rows >= MIN_ROWS_JUDGED
        and sum(account.reasons.values()) > MAX_QUARANTINED["error"] * account.rows
    ]
    refused = f"{folder.location}/ops/refused"
    rejected.write.format("delta").mode("overwrite").save(folder.storage.uri(refused))
    return (
        "\n".join([message, *files]),
        f"The rejected rows are in the Delta table {for_message(refused).rstrip('/')}.\n"
        "Mend the file, then read all files that are there anew with:  "
        "lakehouse build --full-refresh",
    )


def _unbroken(checks: Sequence[Check], table: Table, rows: int | None) -> list[Row]:
    """The results, as `check_table` has them, of the checks that no written row can break."""
    names = [check.name for check in checks if check.severity == "error"]
    return [
        Row(table=table.name, check=name, severity="error", rows=rows, broken=0)
        for name in [*names, "key is present", "key is unique"]
    ]
