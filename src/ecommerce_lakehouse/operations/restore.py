"""Go back: tables as they stood at a moment, through the versions that Delta keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from pyspark.errors import PySparkException

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import InputError, LakehouseError, MissingTableError
from ecommerce_lakehouse.operations.change import Change, Outcome
from ecommerce_lakehouse.operations.run import Run
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.registry import Table, TableFunction
from ecommerce_lakehouse.storage.delta_log import Commit, Provenance
from ecommerce_lakehouse.tables.lakehouse import Lakehouse


def parse_moment(value: str | date) -> datetime:
    """Read a moment in UTC; a day means its end.

    Args:
        value: A day, `2024-06-30`, or a time of a day, `2024-06-30 18:00`; in UTC unless it
            names another zone.

    Raises:
        InputError: Neither of the two.
    """
    try:
        if isinstance(value, str):
            value = _day_or_time(value.strip())
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # in UTC it may be before the first year
        raise InputError(
            f'The moment is "{value}", expected a day or a time of a day, in UTC.',
            'For example:  2024-06-30   or   "2024-06-30 18:00"',
        ) from None
    return datetime.combine(value, time.max, UTC)


def _day_or_time(text: str) -> date:
    day = r"\d{4}-\d{2}-\d{2}"
    if re.fullmatch(day, text):
        return date.fromisoformat(text)
    if not re.match(rf"{day}[T ]\d{{2}}:\d{{2}}", text):
        raise ValueError
    return datetime.fromisoformat(text)


@dataclass(frozen=True)
class Then:
    """A table as it stood at a moment.

    Attributes:
        commit: The last one of that time.
        rows_of: The version in which its rows had last changed by then.
        provenance: What it was made from.
    """

    commit: Commit
    rows_of: int
    provenance: Provenance | None


def restore(
    lake: Lakehouse,
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
    tables = [registry.get(table)] if table else registry.tables(scored=True)
    if table:
        lake.folder.read(tables[0])  # a clear message, if it is not built
    tables = [each for each in tables if lake.folder.has(each)]
    if not tables:
        raise MissingTableError(
            f"There is no table in {for_message(lake.location)} yet.",
            "Build them with:  lakehouse build",
        )
    then = _find_then(lake, tables, moment)

    def bring(_: Lakehouse, table: Table) -> Change:
        return _take_back(lake, table, then)

    # A run of its own: a build that still goes on stops, so that days are not mixed.
    Run(lake, [f"restore to {_text(moment)}"]).each(tables, bring, say)


def _take_back(lake: Lakehouse, table: Table, then: dict[str, Then]) -> Change:
    wanted, log = then[table.name], lake.folder.log(table)
    provenance = _renumber(lake, wanted.provenance, then)
    if log.version() != wanted.rows_of:
        lake.writer.restore_version(table, wanted.commit.version, provenance)
        return Change(table.full_name, Outcome.RESTORED)
    if provenance and log.provenance() != provenance:
        # The rows are those of then, and their old files need not be there.
        lake.writer.write_provenance(table, provenance)
    return Change(table.full_name, Outcome.UNCHANGED)


def _renumber(
    lake: Lakehouse, provenance: Provenance | None, then: dict[str, Then]
) -> Provenance | None:
    """A provenance of then, with the numbers that the versions of its inputs have now.

    An input that went back has the rows of its old version under a new number.
    """
    if provenance is None:
        return None
    inputs = {
        name: lake.folder.log(registry.get(name)).version()
        if name in then and then[name].rows_of == version
        else version
        for name, version in provenance.inputs.items()
    }
    return replace(provenance, inputs=inputs)


def _find_then(lake: Lakehouse, tables: Sequence[Table], moment: datetime) -> dict[str, Then]:
    """Find out how tables stood at a moment, and that their files are still there."""
    found = {}
    too_young = []
    for table in tables:
        for commit in lake.folder.log(table).commits():
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
                f" from {_text(commit.time)} on, not at {_text(moment)}."
                for table, commit in too_young
            )
            + "\nNothing was restored.",
            f'Go back to a later moment:  --to "{_text(first)}"   (or name one table)',
        )
    then = {}
    for table in tables:
        log, commit = lake.folder.log(table), found[table.name]
        then[table.name] = Then(commit, log.version(commit.version), log.provenance(commit.version))
        if then[table.name].rows_of != log.version():
            _check_files(lake, table, commit.version, moment)
    return then


def _check_files(lake: Lakehouse, table: Table, version: int, moment: datetime) -> None:
    """Refuse a version of which VACUUM, or the end of its history, has left only a part.

    Raises:
        LakehouseError: It has.
    """
    reader = lake.spark.read.format("delta").option("versionAsOf", version)
    there = set(lake.folder.storage.names(lake.folder.path(table)))
    try:
        files = reader.load(lake.folder.path(table)).inputFiles()
        gone = [file for file in files if file.rpartition("/")[2] not in there]
        what = f"{len(gone)} of its {len(files)} files of then are"
    except PySparkException:
        gone, what = ["all"], "the list of its files of then is"
    if gone:
        raise LakehouseError(
            f"{table.full_name} cannot go back to {_text(moment)}: {what} deleted.\n"
            "Nothing was restored.",
            "Go back to a later moment, or compute that day from the raw files:  "
            f"lakehouse build --full-refresh --as-of {moment:%Y-%m-%d}",
        )


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
