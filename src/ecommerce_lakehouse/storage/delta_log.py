"""What the log of a Delta table says: which version last changed rows, and from what.

The log is read as the Delta protocol describes it, a JSON file a commit: asking Spark for a
table's history costs as much as a small query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import takewhile
from typing import Any

from ecommerce_lakehouse.storage.files import LocalFiles

ROW_BY_ROW = {"MERGE", "DELETE", "UPDATE"}
"""Operations after which the change feed names the few rows that changed."""


class RowChange(StrEnum):
    """What a commit did to the rows of a table."""

    APPEND = "append"
    BY_KEY = "by key"  # the change feed names those that changed
    ALL = "all"  # it was written anew
    NONE = ""  # OPTIMIZE, VACUUM, or a merge that found nothing to do


@dataclass(frozen=True)
class Provenance:
    """What a table was made from. It stands in the commit that made the table.

    Attributes:
        inputs: The version of each input table; for raw files, what `Storage.state` says.
        as_of_date: The day it looks back from, where that matters.
        code: A fingerprint of the code that made it, None for code of a notebook.
        found_date: Whether the day is that of the last completed order, not one that was given.
            The rows are the same.
    """

    inputs: dict[str, int | str] = field(default_factory=dict)
    as_of_date: str | None = None
    code: str | None = None
    found_date: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Commit:
    """One version of a table.

    Attributes:
        version: Counted from 0.
        change: What it did to the rows.
        metadata: The text that its writer put into it.
        provenance: That, where it says what the table was made from.
        rows: How many rows it inserted, updated and deleted.
        time: When it was made, in UTC.
        operation: What Delta calls it, such as `MERGE` or `OPTIMIZE`.
    """

    version: int
    change: RowChange
    metadata: str
    provenance: Provenance | None
    rows: tuple[int, int, int]
    time: datetime
    operation: str


class DeltaLog:
    """The log of one table.

    Args:
        storage: Reads the files.
        table_folder: The folder that holds `_delta_log`.
    """

    def __init__(self, storage: LocalFiles, table_folder: str) -> None:
        self._storage = storage
        self._folder = f"{table_folder}/_delta_log"

    def versions(self) -> list[int]:
        """The versions whose commit can still be read, newest first."""
        names = self._storage.names(self._folder)
        return sorted(
            (int(n[:20]) for n in names if re.fullmatch(r"\d{20}\.json", n)), reverse=True
        )

    def commits(self, until: int | None = None) -> Iterator[Commit]:
        """The commits that can still be read, newest first.

        Args:
            until: The version to begin with; None for the newest.
        """
        for version in self.versions():
            if until is not None and version > until:
                continue
            text = self._storage.text(f"{self._folder}/{version:020}.json")
            yield _commit(version, text.splitlines())

    def version(self, until: int | None = None) -> int:
        """The newest version in which rows changed, of all or of those up to one."""
        commit = self._last_change(until)
        return commit.version if commit else -1

    def newest_metadata(self) -> str:
        """The text of the newest commit that has one; empty where none has."""
        return next((commit.metadata for commit in self.commits() if commit.metadata), "")

    def last_change(self) -> str:
        """Which version last changed rows, and when: no two states of a table say the same.

        A table that was deleted and built again counts its versions from 0 again.
        """
        commit = self._last_change()
        return f"version {commit.version} of {commit.time.isoformat()}" if commit else "no version"

    def _last_change(self, until: int | None = None) -> Commit | None:
        """The newest commit that changed rows; the oldest that can be read where none did."""
        commit = None
        for commit in self.commits(until):
            if commit.change:
                break
        return commit

    def provenance(self, until: int | None = None) -> Provenance | None:
        """What the table was made from; None when whoever changed it last did not say.

        Args:
            until: As that version has it; None for the newest.
        """
        for commit in self.commits(until):
            if commit.provenance or commit.change:
                return commit.provenance
        return None

    def columns(self) -> list[str] | None:
        """The table's columns; none where there is no table, None where they cannot be told.

        The commits that said so may be gone, once a checkpoint has what they said.
        """
        versions = self.versions()
        for version in versions:
            for line in self._storage.text(f"{self._folder}/{version:020}.json").splitlines():
                if line.startswith('{"metaData"'):
                    schema = json.loads(json.loads(line)["metaData"]["schemaString"])
                    return [column["name"] for column in schema["fields"]]
        return None if versions else []

    def size(self) -> int | None:
        """How many rows the table has; None where the commits do not tell it."""
        rows = 0
        for commit in self.commits():
            inserted, _, deleted = commit.rows
            rows += inserted - deleted
            if commit.operation == "RESTORE":
                return None
            if commit.change == RowChange.ALL or commit.version == 0:
                return rows
        return None

    def rows_changed(self, since: int) -> int:
        """How many rows were inserted, updated or deleted after a version."""
        return sum(sum(c.rows) for c in takewhile(lambda c: c.version > since, self.commits()))

    def changes(self, since: int) -> set[RowChange] | None:
        """What kinds of change came after a version; None if that cannot be told any more."""
        kinds: set[RowChange] = set()
        for commit in self.commits():
            if commit.version <= since:
                return kinds - {RowChange.NONE}
            kinds.add(commit.change)
        return None


def _commit(version: int, lines: list[str]) -> Commit:
    info: dict[str, Any] = {}
    changes_rows = False
    for line in lines:
        if line.startswith('{"commitInfo"'):
            info = json.loads(line)["commitInfo"]
        changes_rows |= '"dataChange":true' in line
    change = RowChange.NONE
    if changes_rows:
        change = RowChange.BY_KEY if info.get("operation") in ROW_BY_ROW else RowChange.ALL
        change = RowChange.APPEND if info.get("isBlindAppend") else change
    # Delta says numbers as text, other writers as numbers.
    counts = {name: str(n) for name, n in info.get("operationMetrics", {}).items()}
    metrics = {name: int(n) for name, n in counts.items() if n.isdigit()}
    metadata = info.get("userMetadata") or ""
    return Commit(
        version,
        change,
        metadata,
        _provenance(metadata),
        (
            metrics.get("numTargetRowsInserted", metrics.get("numOutputRows", 0)),
            metrics.get("numTargetRowsUpdated", 0),
            metrics.get("numTargetRowsDeleted", 0),
        ),
        datetime.fromtimestamp(info.get("timestamp", 0) / 1000, UTC),
        info.get("operation", ""),
    )


def _provenance(metadata: str) -> Provenance | None:
    try:
        return Provenance(**json.loads(metadata))
    except (TypeError, ValueError):  # somebody else's text
        return None
