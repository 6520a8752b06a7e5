"""Go back: tables as they stood at a moment, through the versions that Delta keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from delta.tables import DeltaTable
from pyspark.errors import PySparkException

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.conflicts import only_writer
from ecommerce_lakehouse.dates import parse_moment
from ecommerce_lakehouse.delta_log import Commit, Note
from ecommerce_lakehouse.errors import InputError, LakehouseError, MissingTableError
from ecommerce_lakehouse.guarded import GuardedLakehouse
from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.merging import Change, go_back, noted
from ecommerce_lakehouse.paths import shown
from ecommerce_lakehouse.registry import Table, TableFunction
from ecommerce_lakehouse.runs import Run
from ecommerce_lakehouse.storage import Storage


@dataclass(frozen=True)
class Then:
    """A table as it stood at a moment.

    Attributes:
        commit: The last one of that time.
        rows_of: The version in which its rows had last changed by then.
        note: What it was made from.
    """

    commit: Commit
    rows_of: int
    note: Note | None


def restore(
    lake: GuardedLakehouse,
    to: str | date,
    table: str | TableFunction | None = None,
    say: Callable[[Change], object] = str,
) -> None:
    """Take one table, or all that are built, back to how they stood at a moment.

    All is checked before the first table is touched. A build afterwards starts from the restored
    tables: what they do not hold any more is new to it again.

    Args:
        lake: The lakehouse.
        to: A day, meaning its end in UTC, or a time of a day. See `parse_moment`.
        table: The one table; None for those of every layer.
        say: Is told what became of each.

    Raises:
        InputError: The moment cannot be read.
        MissingTableError: What should go back is not built.
        LakehouseError: A table did not exist then, or its files are deleted; nothing was
            restored. Or another run wrote a table meanwhile.
    """
    moment = parse_moment(to)
    tables = [registry.get(table)] if table else registry.tables()
    if table:
        lake.read(table)  # a clear message, if it is not built
    tables = [each for each in tables if lake.has(each.name)]
    if not tables:
        raise MissingTableError(
            f"There is no table in {shown(lake.location)} yet.", "Build them with:  lakehouse build"
        )
    then = _as_of(lake, tables, moment)

    def bring(_: Lakehouse, name: str) -> Change:
        return _take_back(lake, registry.get(name), then)

    # A run of its own: a build that still goes on stops, so that days are not mixed.
    Run(lake, [f"restore to {_told(moment)}"], full_refresh=False).each(tables, bring, say)


def _take_back(lake: Lakehouse, table: Table, then: dict[str, Then]) -> Change:
    wanted, log = then[table.name], lake.log(table.name)
    note = _renumbered(lake, wanted.note, then)
    if log.version() != wanted.rows_of:
        go_back(lake, table, wanted.commit.version, note)
        return Change(table.full_name, "restored")
    if note and log.note() != note:
        # The rows are those of then, and their old files need not be there: a commit of a note.
        with only_writer(table.full_name), noted(lake.spark, note):
            DeltaTable.forPath(lake.spark, lake.path(table.name)).delete("false")
    return Change(table.full_name, "unchanged")


def _renumbered(lake: Lakehouse, note: Note | None, then: dict[str, Then]) -> Note | None:
    """A note of then, with the numbers that the versions of its inputs have now.

    An input that went back has the rows of its old version under a new number.
    """
    if note is None:
        return None
    inputs = {
        name: lake.log(name).version()
        if name in then and then[name].rows_of == version
        else version
        for name, version in note.inputs.items()
    }
    return replace(note, inputs=inputs)


def _as_of(lake: Lakehouse, tables: Sequence[Table], moment: datetime) -> dict[str, Then]:
    """Find out how tables stood at a moment, and that their files are still there."""
    found = {}
    too_young = []
    for table in tables:
        for commit in lake.log(table.name).commits():
            if commit.time <= moment:
                found[table.name] = commit
                break
        else:
            too_young.append((table, commit))
    if too_young:
        # Delta keeps thousandths, which a person does not type.
        first = max(commit.time for _, commit in too_young) + timedelta(seconds=1)
        raise InputError(
            "\n".join(
                f"{table.full_name} {'was first built' if commit.version == 0 else 'has a history'}"
                f" from {_told(commit.time)} on, not at {_told(moment)}."
                for table, commit in too_young
            )
            + "\nNothing was restored.",
            f'Go back to a later moment:  --to "{_told(first)}"   (or name one table)',
        )
    then = {}
    for table in tables:
        log, commit = lake.log(table.name), found[table.name]
        then[table.name] = Then(commit, log.version(commit.version), log.note(commit.version))
        if then[table.name].rows_of != log.version():
            _check_files(lake, table, commit.version, moment)
    return then


def _check_files(lake: Lakehouse, table: Table, version: int, moment: datetime) -> None:
    """Refuse a version of which VACUUM, or the end of its history, has left only a part.

    Raises:
        LakehouseError: It has.
    """
    reader = lake.spark.read.format("delta").option("versionAsOf", version)
    there = set(Storage(lake.spark).names(lake.path(table.name)))
    try:
        files = reader.load(lake.path(table.name)).inputFiles()
        gone = [file for file in files if file.rpartition("/")[2] not in there]
        what = f"{len(gone)} of its {len(files)} files of then are"
    except PySparkException:
        gone, what = ["all"], "the list of its files of then is"
    if gone:
        raise LakehouseError(
            f"{table.full_name} cannot go back to {_told(moment)}: {what} deleted.\n"
            "Nothing was restored.",
            "Go back to a later moment, or compute that day from the raw files:  "
            f"lakehouse build --full-refresh --date {moment:%Y-%m-%d}",
        )


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
