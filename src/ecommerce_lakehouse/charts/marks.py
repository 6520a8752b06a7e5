"""What a chart is drawn with: bars, parts of bars, grids."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ecommerce_lakehouse.charts.style import ACCENT, AMOUNTS, MUTED, ink_on

FEWEST_PLACES = 3
"""A panel has room for so many bars at least: a single one would fill all of it."""


def bars(
    ax: Axes,
    labels: list[str],
    values: list[float],
    *,
    text: list[str] | None = None,
    highlight: Collection[str] | None = None,
) -> None:
    """Horizontal bars from top to bottom, each with its value written at its end.

    Args:
        ax: Where to draw.
        labels: One a bar, in the order to draw them.
        values: The lengths.
        text: What to write at the end of each bar; the value by default.
        highlight: Labels in the accent colour; by default all.

    Examples:
        >>> fig, ax = charts.figure()
        >>> bars(ax, ["Books", "Toys"], [31, 12], highlight={"Books"})
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['Books', 'Toys']
    """
    colours = [ACCENT if highlight is None or name in highlight else MUTED for name in labels]
    places = list(range(len(labels)))
    ax.barh(places, values, color=colours, height=0.72)
    ax.set_yticks(places, labels)
    _from_top_to_bottom(ax, len(labels))
    written = text or [f"{value:,.0f}" for value in values]
    for place, value, note in zip(places, values, written, strict=True):
        ax.annotate(
            note, (value, place), xytext=(4, 0), textcoords="offset points", va="center", size=9
        )
    largest = max(values, default=0)
    if largest > 0:
        ax.set_xlim(0, largest * 1.16)


def stacked_bars(
    ax: Axes,
    parts: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    text: str = "{:,.0f}",
    least: float = 1,
    title: str = "",
    hatched: Collection[str] = (),
) -> None:
    """Horizontal bars from top to bottom, each made of parts, with a legend above them.

    Args:
        ax: Where to draw.
        parts: A row a bar, in the order to draw them, and a column a part.
        colours: The parts to draw, from left to right, and their colours.
        text: How a number is written in its part.
        least: Parts below it are too short to be written in.
        title: Of the legend.
        hatched: Parts with stripes.
    """
    left = pd.Series(0.0, parts.index)
    for name, colour in colours.items():
        ax.barh(
            parts.index,
            parts[name],
            left=left,
            color=colour,
            height=0.7,
            label=name,
            edgecolor="white",
            linewidth=0.5,
            hatch="//" if name in hatched else None,
        )
        for place, (start, value) in enumerate(zip(left, parts[name], strict=True)):
            if value >= least:
                middle, ink = start + value / 2, ink_on(colour)
                note = text.format(value)
                ax.text(middle, place, note, ha="center", va="center", size=8.5, color=ink)
        left = left + parts[name]
    _from_top_to_bottom(ax, len(parts))
    ax.legend(
        ncols=len(colours),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        fontsize=9,
        handlelength=1.2,
        title=title or None,
        title_fontsize=9,
        alignment="left",
    )


def heatmap(ax: Axes, values: pd.DataFrame, fmt: str, label: str, **options: Any) -> None:
    """A grid of colours with the number in each cell, in the ink that reads best there.

    Args:
        ax: Where to draw.
        values: One cell each; empty ones stay empty.
        fmt: How to write a number, as in `format`.
        label: What the colours mean, with the unit.
        **options: Passed to `seaborn.heatmap`.
    """
    options = {"cmap": AMOUNTS, "linewidths": 1, "cbar_kws": {"label": label}, **options}
    sns.heatmap(values, ax=ax, annot=True, fmt=fmt, annot_kws={"size": 9.5}, **options)
    ax.tick_params(axis="both", labelrotation=0, length=0)
    cells = np.reshape(ax.collections[0].get_facecolor(), (*values.shape, 4))
    for number in ax.texts:
        column, row = (int(place) for place in number.get_position())
        number.set_color(ink_on(cells[row, column]))


def _from_top_to_bottom(ax: Axes, count: int) -> None:
    """Let the first of some bars stand at the top."""
    spare = max(0, FEWEST_PLACES - count) / 2
    ax.invert_yaxis()
    if spare:
        ax.set_ylim(count - 0.5 + spare, -0.5 - spare)
    ax.tick_params(axis="y", length=0)
