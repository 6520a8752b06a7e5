"""What became of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.tables.lakehouse import Lakehouse


class Outcome(StrEnum):
    """How a table was brought up to date."""

    BUILT = "built"  # all of its rows were written
    MERGED = "merged"
    UNCHANGED = "unchanged"
    RESTORED = "restored"
    FAILED = "failed"


@dataclass(frozen=True)
class Change:
    """What became of a table.

    Attributes:
        table: Its full name.
        how: How it was brought up to date.
        inserted: Rows; for a table that was built, all of them.
        updated: Rows.
        deleted: Rows.
        why: Why it was built, where that is worth a word.
    """

    table: str
    how: Outcome
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    why: str = field(default="", compare=False)

    def __str__(self) -> str:
        new, changed, gone = self.inserted, self.updated, self.deleted
        rows = {
            Outcome.BUILT: f"built, {new:,} rows",
            Outcome.MERGED: f"{new:,} new, {changed:,} changed, {gone:,} gone",
        }
        text = f"{self.table:43} {rows.get(self.how, self.how)}"
        return f"{text} ({self.why})" if self.why else text


def change_of(lake: Lakehouse, table: Table, how: Outcome, why: str = "") -> Change:
    """What the table's newest commit says it did."""
    inserted, updated, deleted = next(lake.folder.log(table).commits()).rows
    return Change(table.full_name, how, inserted, updated, deleted, why)


def rebuild(lake: Lakehouse, table: Table, why: str = "") -> Change:
    """Compute all of a table and write it anew."""
    lake.build(table)
    return change_of(lake, table, Outcome.BUILT, why)
