"""What the log of a Delta table says: which version last changed rows, and from what.

The log is read as the Delta protocol describes it, a JSON file a commit: asking Spark for a
table's history costs as much as a small query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from ecommerce_lakehouse.storage import Storage

ROW_BY_ROW = {"MERGE", "DELETE", "UPDATE"}
"""Operations after which the change feed names the few rows that changed."""


@dataclass(frozen=True)
class Note:
    """What a table was made from. It stands in the commit that made the table.

    Attributes:
        inputs: The version of each input table; for raw files, what `Storage.state` says.
        as_of_date: The day it looks back from, where that matters.
        code: A fingerprint of the code that made it, None for code of a notebook.
    """

    inputs: dict[str, int | str] = field(default_factory=dict)
    as_of_date: str | None = None
    code: str | None = None

    def __str__(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Commit:
    """One version of a table.

    Attributes:
        version: Counted from 0.
        change: `append`, `rows` (those that the change feed names), `all` (it was written
            anew), or empty: OPTIMIZE, VACUUM and a merge that found nothing to do.
        note: What its writer noted.
        rows: How many rows it inserted, updated and deleted.
    """

    version: int
    change: str
    note: Note | None
    rows: tuple[int, int, int]


class DeltaLog:
    """The log of one table.

    Args:
        storage: Reads the files.
        table_folder: The folder that holds `_delta_log`.
    """

    def __init__(self, storage: Storage, table_folder: str) -> None:
        self._storage = storage
        self._folder = f"{table_folder}/_delta_log"

    def versions(self) -> list[int]:
        """The versions whose commit can still be read, newest first."""
        names = self._storage.names(self._folder)
        return sorted(
            (int(n[:20]) for n in names if re.fullmatch(r"\d{20}\.json", n)), reverse=True
        )

    def commits(self) -> Iterator[Commit]:
        """The commits that can still be read, newest first."""
        for version in self.versions():
            text = self._storage.text(f"{self._folder}/{version:020}.json")
            yield _commit(version, text.splitlines())

    def version(self) -> int:
        """The newest version in which rows changed."""
        version = -1
        for commit in self.commits():
            version = commit.version
            if commit.change:
                break
        return version

    def note(self) -> Note | None:
        """What the table was made from; None when it was changed by somebody who left no note."""
        for commit in self.commits():
            if commit.note or commit.change:
                return commit.note
        return None

    def changes(self, since: int) -> set[str] | None:
        """What kinds of change came after a version; None if that cannot be told any more."""
        kinds: set[str] = set()
        for commit in self.commits():
            if commit.version <= since:
                return kinds - {""}
            kinds.add(commit.change)
        return None


def _commit(version: int, lines: list[str]) -> Commit:
    info: dict[str, Any] = {}
    changes_rows = False
    for line in lines:
        if line.startswith('{"commitInfo"'):
            info = json.loads(line)["commitInfo"]
        changes_rows |= '"dataChange":true' in line
    change = ""
    if changes_rows:
        change = "rows" if info.get("operation") in ROW_BY_ROW else "all"
        change = "append" if info.get("isBlindAppend") else change
    metrics = {name: int(n) for name, n in info.get("operationMetrics", {}).items() if n.isdigit()}
    return Commit(
        version,
        change,
        _note(info.get("userMetadata")),
        (
            metrics.get("numTargetRowsInserted", metrics.get("numOutputRows", 0)),
            metrics.get("numTargetRowsUpdated", 0),
            metrics.get("numTargetRowsDeleted", 0),
        ),
    )


def _note(told: str | None) -> Note | None:
    try:
        return Note(**json.loads(told or ""))
    except (TypeError, ValueError):  # somebody else's words
        return None
