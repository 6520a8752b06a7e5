"""Lineage drawn: the tables from the raw files to the features, or one column's origins."""

from __future__ import annotations

import os
from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from ecommerce_lakehouse import charts, registry
from ecommerce_lakehouse.charts.graph import draw_graph, two_lines
from ecommerce_lakehouse.lineage.declared import edges

LAYER_COLOURS = {
    "raw": "#FFFFFF",
    "bronze": "#E3C9A8",
    "silver": "#E4E4E4",
    "intermediate": "#CFE3F1",
    "gold": "#F6E08F",
    "ml": "#9CC9B5",
}
"""Light fills, dark letters; the legend and the names say the same."""


def draw(to: str | os.PathLike[str], table: pd.DataFrame | None = None) -> charts.Chart:
    """Draw the lineage graph, from the raw files on the left to what is made last.

    Args:
        to: The artifacts folder.
        table: Its arrows, as `declared.edges()` has them; the declared ones by default.

    Examples:
        >>> draw(scratch)
        lineage.png, drawn from 25 rows of lineage.csv (...)
    """
    table = edges() if table is None else table
    every, drawn = len(registry.tables()), table["target"].nunique()
    layers = "four raw files through the bronze, silver, intermediate, gold and ml tables"
    fig, ax = charts.figure(width=11.4, height=4.8)
    _draw_coloured(ax, table, lambda name: two_lines(name.rpartition(".")[2]))
    return charts.publish(
        fig,
        "lineage",
        table=table,
        title=f"Every one of the {every} tables can be traced back to a file"
        if drawn == every
        else f"This run wrote {drawn} of the {every} tables",
        alt=f"Graph from {layers if drawn == every else f'what was read to {drawn} tables'}; "
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
    return charts.publish(
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
        fill={name: LAYER_COLOURS.get(its, "white") for name, its in layer.items()},
    )
    swatches = [
        Patch(facecolor=colour, edgecolor=charts.INK, label=name)
        for name, colour in LAYER_COLOURS.items()
    ]
    ax.legend(handles=swatches, ncols=6, loc="upper left", bbox_to_anchor=(0, 1.1), fontsize=9)
