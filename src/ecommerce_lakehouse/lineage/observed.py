"""What a run really read and wrote: the listener's events, with the names of this project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.lineage.declared import edges
from ecommerce_lakehouse.lineage.listener import STAGING

Event = dict[str, Any]
Cell = tuple[str, str]
"""A dataset and one of its columns."""
Ways = dict[Cell, set[tuple[str, str]]]
"""Where something comes from, and how: (`DIRECT`, `AGGREGATION`), (`INDIRECT`, `FILTER`) …"""


@dataclass
class Write:
    """What an event says of the table it wrote.

    Attributes:
        table: `gold.x`, or the place where rows wait for their MERGE.
        event: As the listener told it.
        inputs: What was read, each with its facets.
        columns: Where each column comes from.
        rows: Where it comes from which rows there are: what joins, filters and groups.
    """

    table: str
    event: Event
    inputs: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Ways] = field(default_factory=dict)
    rows: Ways = field(default_factory=dict)


def read_writes(raw: Path) -> list[Write]:
    """Every table that was written, in that order."""
    found: list[Write] = []
    waiting: dict[str, list[Write]] = {}
    known = {table.full_name for table in registry.tables()}
    for line in raw.read_text().splitlines() if raw.exists() else []:
        event = json.loads(line)
        if event["eventType"] != "COMPLETE" or not event["outputs"]:
            continue
        write = _parse(event)
        if write.table.startswith(STAGING):
            waiting.setdefault(write.table, []).append(write)
        elif write.table in known:
            for staged in [name for name in write.inputs if name in waiting]:
                _see_through(write, staged, waiting.pop(staged))
            found.append(_without_itself(write))
    return found


def _parse(event: Event) -> Write:
    output = event["outputs"][0]
    lineage = output.get("facets", {}).get("columnLineage", {})
    write = Write(_name(output["name"]), event)
    write.columns = {
        column: _ways(origin["inputFields"]) for column, origin in lineage.get("fields", {}).items()
    }
    write.rows = _ways(lineage.get("dataset", []))
    origins = [*lineage.get("dataset", [])]
    for origin in lineage.get("fields", {}).values():
        origins += origin["inputFields"]
    # Of several files in one folder the event names the folder; the columns name the files.
    folders = {origin["name"].rpartition("/")[0] for origin in origins}
    write.inputs = {_name(origin["name"]): {} for origin in origins}
    for dataset in event["inputs"]:
        if dataset["name"] not in folders:
            write.inputs[_name(dataset["name"])] = dataset.get("facets", {})
    return write


def _name(path: str) -> str:
    """What we call a dataset that the listener calls by its path; a stranger keeps its own."""
    above, _, last = path.rpartition("/")
    if last.startswith(STAGING):
        return last
    name = f"{above.rpartition('/')[2]}.{last}"
    if name in {table.full_name for table in registry.tables()}:
        return name
    raw = re.fullmatch(r"raw_(customers|orders|order_items|products)(_.+)?\.csv", last)
    return f"raw.{raw[1]}" if raw else path


def _ways(origins: Iterable[Any]) -> Ways:
    found: Ways = {}
    for origin in origins:
        how = {(step["type"], step["subtype"]) for step in origin["transformations"]}
        found.setdefault((_name(origin["name"]), origin["field"]), set()).update(how)
    return found


def _see_through(write: Write, staged: str, before: list[Write]) -> None:
    """Say of rows that waited in a table where they came from before."""
    del write.inputs[staged]
    for earlier in before:
        write.inputs |= earlier.inputs
        _merge(write.rows, earlier.rows)
    for ways in (*write.columns.values(), write.rows):
        for cell in [cell for cell in ways if cell[0] == staged]:
            del ways[cell]
            for earlier in before:
                _merge(ways, earlier.columns.get(cell[1], {}))


def _merge(ways: Ways, others: Ways) -> None:
    for cell, how in others.items():
        ways.setdefault(cell, set()).update(how)


def _without_itself(write: Write) -> Write:
    """A table that is merged into is read too; it is not made from itself."""
    write.inputs.pop(write.table, None)
    for ways in (*write.columns.values(), write.rows):
        for cell in [cell for cell in ways if cell[0] == write.table]:
            del ways[cell]
    write.columns = {column: ways for column, ways in write.columns.items() if ways}
    return write


def graph(found: Iterable[Write]) -> pd.DataFrame:
    """Every arrow that was seen, in the order of `declared.edges()`; what is not there, last.

    Returns:
        Columns `source` and `target`.
    """
    seen = {(source, write.table) for write in found for source in write.inputs}
    declared = list(edges().itertuples(index=False, name=None))
    ordered = [edge for edge in declared if edge in seen] + sorted(seen - set(declared))
    return pd.DataFrame(ordered, columns=["source", "target"])


def differences(found: Iterable[Write], tables: Iterable[str]) -> list[str]:
    """Where what was seen and what is declared disagree.

    Returns:
        A sentence for each arrow that one has and the other lacks; none where they agree.
    """
    declared = set(edges()[edges()["target"].isin(set(tables))].itertuples(index=False, name=None))
    seen = set(graph(found).itertuples(index=False, name=None))
    missed = [f"{target} names {source}, which was not seen." for source, target in declared - seen]
    extra = [
        f"{target} was made from {source}, which is not declared."
        for source, target in seen - declared
    ]
    return sorted(missed + extra)


def columns(found: Iterable[Write]) -> pd.DataFrame:
    """Which columns every column was made from.

    Returns:
        Columns `source`, `source_column`, `target`, `target_column` and `how`: the steps in
        between, such as `aggregation`. Tables in build order, their columns as they stand there.
    """
    last = {write.table: write for write in found}
    rows = [
        (*cell, table.full_name, column, ", ".join(sorted({how.lower() for _, how in steps})))
        for table in registry.tables()
        if table.full_name in last
        for column, ways in _in_order(last[table.full_name])
        for cell, steps in sorted(ways.items())
    ]
    names = ["source", "source_column", "target", "target_column", "how"]
    return pd.DataFrame(rows, columns=names)


def _in_order(write: Write) -> Iterator[tuple[str, Ways]]:
    schema = write.event["outputs"][0]["facets"]["schema"]["fields"]
    for column in [told["name"] for told in schema]:
        if column in write.columns:
            yield column, write.columns[column]


def origins(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The arrows that lead to a column, from one column to the next, back to the raw files.

    Args:
        table: What `columns` found.
        column: `gold.fct_customer_metrics.current_clv`, say.

    Returns:
        Columns `source` and `target`; no row where nothing was seen that leads to it.
    """
    leads = pd.DataFrame(
        {
            "source": table["source"] + "." + table["source_column"],
            "target": table["target"] + "." + table["target_column"],
        }
    )
    wanted = {column}
    while not wanted >= (more := wanted | set(leads[leads["target"].isin(wanted)]["source"])):
        wanted = more
    return leads[leads["target"].isin(wanted)].reset_index(drop=True)
