"""The day that everything looks back from: parsed once, or found in the tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.registry import NOTEBOOKS, Table
from ecommerce_lakehouse.storage.delta_log import DeltaLog


def parse_date(value: str | date | None) -> date | None:
    """Read the `as_of_date` parameter; empty means "not given".

    Raises:
        InputError: Not a day of the calendar written yyyy-mm-dd.
    """
    if value is None or isinstance(value, date):
        return value
    if not value.strip():
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
            raise ValueError
        return date.fromisoformat(value.strip())
    except ValueError:
        raise InputError(
            f'as_of_date is "{value}", expected a day written yyyy-mm-dd.',
            "For example:  2024-06-30   (leave it out for the last completed order)",
        ) from None


class AsOf:
    """The as-of date of a lakehouse.

    Args:
        given: The day; None for the default.
        read: Reads a table.
        log: The log of a table; None where tables are kept in memory and have none.
    """

    def __init__(
        self,
        given: date | None,
        read: Callable[[Table], DataFrame],
        log: Callable[[Table], DeltaLog] | None = None,
    ) -> None:
        self.given = given
        self._read = read
        self._log = log
        self._found: date | None = None

    @property
    def day(self) -> date:
        """The day given, or the one that the declaration of a table names as the default.

        Raises:
            InputError: No date was given and there is no completed order to take it from.
        """
        if self.given:
            return self.given
        if self._found is None:
            self._found = self._find_in_logs() or self._find_in_rows()
        return self._found

    @property
    def known(self) -> date | None:
        """The day, where it was given or has been asked for; nothing is looked up."""
        return self.given or self._found

    def forget(self, table: Table) -> None:
        """Look for the default again when it is next asked for: its table has been written."""
        if table.default_as_of:
            self._found = None

    def check(self, table: Table, *, only_read: bool = False) -> None:
        """Refuse to mix two days: a table has to look back from the same one.

        Args:
            table: The table.
            only_read: Whether it is only shown: then the message also says how to see it as of
                its own day.

        Raises:
            LakehouseError: It does not; the message says what builds it anew.
        """
        if self._log is None or not table.depends_on_date or table.own_day:
            return
        provenance = self._log(table).provenance()
        if provenance is None or provenance.as_of_date == self.day.isoformat():
            return
        number, day, its_day = NOTEBOOKS[table.layer][:2], self.day, provenance.as_of_date
        build = f"lakehouse run --from 03 --to {number} --as-of {day}"
        build += f"   (or every table:  lakehouse build --as-of {day})"
        raise LakehouseError(
            f"{table.full_name} is as of {its_day}, this run is as of {day}.",
            f'See it as of its day with:  --as-of {its_day}   (here:  as_of_date = "{its_day}")\n'
            * only_read
            + f"Build it for {day} with:  "
            + (f"lakehouse score --as-of {day}" if table.scored else build),
        )

    def _find_in_logs(self) -> date | None:
        """The default, where a table made from the same rows says what it was.

        To ask the rows again costs seconds where they are many.
        """
        if self._log is None:
            return None
        source = _default_source()
        for table in registry.tables():
            if source.name not in table.inputs or not table.depends_on_date:
                continue
            found = self._log(table).provenance()
            if found is None or not found.found_date or found.as_of_date is None:
                continue
            if found.inputs.get(source.name) == self._log(source).version():
                return date.fromisoformat(found.as_of_date)
        return None

    def _find_in_rows(self) -> date:
        source = _default_source()
        row = self._read(source).agg(F.expr(source.default_as_of).cast("string")).head()
        if row is None or row[0] is None:
            raise InputError(
                "There is no completed order, so there is no day to look back from.",
                "Name one with:  --as-of yyyy-mm-dd",
            )
        return date.fromisoformat(row[0])


def _default_source() -> Table:
    """The one table whose declaration says what the default is."""
    for table in registry.tables():
        if table.default_as_of:
            return table
    raise LakehouseError(
        "No table says what the as-of date is where none is given.",
        "Declare it with default_as_of, as silver.stg_orders in notebooks/02_silver.ipynb.",
    )
