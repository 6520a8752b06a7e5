"""Which table is made from which: from the declarations, and as OpenLineage events."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from delta.tables import DeltaTable
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from openlineage.client import OpenLineageClient, event_v2, set_producer
from openlineage.client.facet_v2 import (
    documentation_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)
from openlineage.client.transport.file import FileConfig, FileTransport

from ecommerce_lakehouse import charts, registry
from ecommerce_lakehouse.artifacts import artifacts_folder
from ecommerce_lakehouse.graphs import draw_graph, two_lines
from ecommerce_lakehouse.lakehouse import Lakehouse

NAMESPACE = "lakehouse"
PRODUCER = "urn:ecommerce-lakehouse"
LAYER_COLOURS = {
    "raw": "#FFFFFF",
    "bronze": "#E3C9A8",
    "silver": "#E4E4E4",
    "intermediate": "#CFE3F1",
    "gold": "#F6E08F",
    "ml": "#9CC9B5",
}
"""Light fills, dark letters; the legend and the names say the same."""


def edges() -> pd.DataFrame:
    """Every arrow of the lineage graph, in build order.

    Returns:
        Columns `source` and `target`: `raw.orders`, `silver.stg_orders` …
    """
    names = {table.name: table.full_name for table in registry.tables()}
    rows = [
        (names.get(source, source.replace("raw_", "raw.")), table.full_name)
        for table in registry.tables()
        for source in table.inputs
    ]
    return pd.DataFrame(rows, columns=["source", "target"])


def events(lake: Lakehouse) -> Iterator[event_v2.RunEvent]:
    """One COMPLETE event for every table that is built, as its last commit tells it.

    The time is the commit's, and the run's id is made from the table's place and version: the
    same tables give the same events, however often they are asked for.

    Args:
        lake: The lakehouse to tell about.
    """
    sources = edges()
    for table in registry.tables():
        if not lake.has(table.name):
            continue
        commit = DeltaTable.forPath(lake.spark, lake.path(table.name)).history(1).head()
        assert commit is not None  # a Delta table has a first commit
        metrics = commit.operationMetrics
        written = metrics.get("numOutputRows") or metrics.get("numTargetRowsInserted") or "0"
        columns = lake.read(table.name).schema.fields
        output = event_v2.OutputDataset(
            namespace=NAMESPACE,
            name=table.full_name,
            facets={
                "documentation": documentation_dataset.DocumentationDatasetFacet(table.grain),
                "schema": schema_dataset.SchemaDatasetFacet(
                    [
                        schema_dataset.SchemaDatasetFacetFields(c.name, c.dataType.simpleString())
                        for c in columns
                    ]
                ),
            },
            outputFacets={
                "outputStatistics": (
                    output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                        rowCount=int(written)
                    )
                )
            },
        )
        inputs = sources.loc[sources["target"] == table.full_name, "source"]
        version = f"{lake.path(table.name)}@{commit.version}"
        yield event_v2.RunEvent(
            eventTime=commit.timestamp.isoformat() + "Z",
            eventType=event_v2.RunState.COMPLETE,
            run=event_v2.Run(str(uuid.uuid5(uuid.NAMESPACE_URL, version))),
            job=event_v2.Job(namespace=NAMESPACE, name=f"build {table.full_name}"),
            inputs=[event_v2.InputDataset(namespace=NAMESPACE, name=name) for name in inputs],
            outputs=[output],
        )


def write_events(lake: Lakehouse, to: str | os.PathLike[str]) -> Path:
    """Write the events, one JSON line each, with OpenLineage's own client.

    Args:
        lake: The lakehouse to tell about.
        to: The artifacts folder.

    Returns:
        `<artifacts>/lineage/events.ndjson`.
    """
    set_producer(PRODUCER)
    target = artifacts_folder(Path(artifacts_folder(to)) / "lineage") / "events.ndjson"
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    client = OpenLineageClient(
        transport=FileTransport(FileConfig(log_file_path=os.fspath(beside), append=True))
    )
    for event in events(lake):
        client.emit(event)
    beside.touch()
    os.replace(beside, target)
    return target


def draw(to: str | os.PathLike[str], table: pd.DataFrame | None = None) -> charts.Chart:
    """Draw the lineage graph, from the raw files on the left to what is made last.

    Args:
        to: The artifacts folder.
        table: Its arrows, as `edges()` has them; the declared ones by default.
    """
    table = edges() if table is None else table
    every, told = len(registry.tables()), table["target"].nunique()
    layers = "four raw files through the bronze, silver, intermediate, gold and ml tables"
    fig, ax = charts.figure(width=10.2, height=4.8)
    _draw_coloured(ax, table, lambda name: two_lines(name.rpartition(".")[2]))
    return charts.export(
        fig,
        "lineage",
        table=table,
        title=f"Every one of the {every} tables can be traced back to a file"
        if told == every
        else f"This run wrote {told} of the {every} tables",
        alt=f"Graph from {layers if told == every else f'what was read to {told} tables'}; "
        "an arrow for every table read.",
        to=to,
    )


def draw_origins(to: str | os.PathLike[str], arrows: pd.DataFrame, column: str) -> charts.Chart:
    """Draw where a column comes from.

    Args:
        to: The artifacts folder.
        arrows: Columns `source` and `target`, such as `raw.orders.order_date`.
        column: The column they lead to.
    """
    boxes = set(arrows["source"]) | {column}
    raw = sum(name.startswith("raw.") for name in boxes)
    fig, ax = charts.figure(width=11.5, height=1.5 + 0.28 * len(boxes))
    _draw_coloured(ax, arrows, lambda name: "\n".join(name.split(".")[-2:]))
    return charts.export(
        fig,
        "column",
        table=arrows,
        title=f"{column.rpartition('.')[2]} goes back to {raw} columns of the raw files",
        alt=f"Graph from {raw} columns of the raw files to {column}; an arrow for every column "
        "that one was made from.",
        to=to,
    )


def _draw_coloured(ax: Axes, table: pd.DataFrame, label: Callable[[str], str]) -> None:
    """Draw a graph whose boxes have the colours of their layers, and say which is which."""
    layer = {name: name.partition(".")[0] for name in [*table["source"], *table["target"]]}
    draw_graph(
        ax,
        list(table.itertuples(index=False, name=None)),
        label=label,
        fill={name: LAYER_COLOURS.get(told, "white") for name, told in layer.items()},
    )
    swatches = [
        Patch(facecolor=colour, edgecolor=charts.INK, label=name)
        for name, colour in LAYER_COLOURS.items()
    ]
    ax.legend(handles=swatches, ncols=6, loc="upper left", bbox_to_anchor=(0, 1.1), fontsize=9)
