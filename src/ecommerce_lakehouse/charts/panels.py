"""One call from tables to a published chart: panels side by side, each drawn from its rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

import pandas as pd
from matplotlib.axes import Axes

from ecommerce_lakehouse.charts.axes import few_ticks, has_long_ticks
from ecommerce_lakehouse.charts.chart import Chart, publish
from ecommerce_lakehouse.charts.style import figure


class Panel(Protocol):
    """What can stand in a chart: bars, a histogram, a line and so on."""

    @property
    def rows(self) -> pd.DataFrame:
        """What is drawn, a row a mark."""

    @property
    def title(self) -> str:
        """What is written above the panel, nothing where it is the only one."""

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw the rows; `left` is the panel to the left of this one, if there is one."""


def publish_panels(
    *panels: Panel,
    name: str,
    title: str,
    alt: str,
    to: str | os.PathLike[str],
    table: pd.DataFrame | None = None,
    width: float = 8.0,
    height: float = 4.2,
    ratios: Sequence[float] | None = None,
    share_y: bool = False,
) -> Chart:
    """Draw panels side by side and publish them as one chart.

    Args:
        *panels: From left to right.
        name: The file name without an ending.
        title: What the chart finds, as a sentence.
        alt: What somebody who cannot see it should know.
        to: The artifacts folder.
        table: What was drawn; by default the rows of the panels, with the panel's title where
            they have different ones.
        width: Inches.
        height: Inches.
        ratios: How wide the panels are, compared with each other; by default all the same.
        share_y: Whether they have one scale.

    Raises:
        InputError: The folder cannot be written.

    Examples:
        >>> sold = pd.DataFrame({"category": ["Books", "Toys"], "units": [31, 12]})
        >>> units = charts.Bars(sold, "category", "units", xlabel="units sold")
        >>> said = {"title": "Books sell best", "alt": "Bars: units sold by category."}
        >>> publish_panels(units, name="units", **said, to=scratch)
        units.png, drawn from 2 rows of units.csv (...)
    """
    fig, axes = figure(
        width, height, columns=len(panels), squeeze=False, width_ratios=ratios, sharey=share_y
    )
    left = None
    for ax, panel in zip(axes[0], panels, strict=True):
        panel.draw(ax, left)
        ax.set_title(panel.title)
        if len(panels) > 1 and has_long_ticks(ax.xaxis):
            ax.xaxis.set_major_locator(few_ticks())
        left = ax
    drawn = _rows_of(panels) if table is None else table
    return publish(fig, name, table=drawn, title=title, alt=alt, to=to)


def _rows_of(panels: Sequence[Panel]) -> pd.DataFrame:
    first = panels[0].rows
    if all(panel.rows is first for panel in panels):
        return first
    if not any(panel.title for panel in panels):
        return pd.concat([panel.rows for panel in panels], ignore_index=True)
    named = {panel.title: panel.rows for panel in panels}
    return pd.concat(named, names=["panel"]).reset_index("panel")
