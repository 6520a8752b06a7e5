"""Panels of lines: what was forecast and what came, how much of a whole is found, how far off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ecommerce_lakehouse.charts.axes import money_axis
from ecommerce_lakehouse.charts.style import ACCENT, INK, MUTED

DASHES = ("-", "--", ":", "-.")
"""Lines differ in their dashes as well as in colour: grey print has no colours."""


@dataclass(frozen=True)
class Curves:
    """A line for each name, over places from left to right, up to 100 %.

    Attributes:
        rows: One row a point, those of a name in their order.
        name: The column with the names.
        x: The column with the places from left to right: from 0 to 100 % over a diagonal, else
            whole numbers from 0.
        y: The column with the heights, in %.
        colours: The names to draw, and their colours.
        diagonal: What the diagonal is, for the legend; empty for none.
        xlabel: What x is, with the unit.
        ylabel: What y is, with the unit.
        title: Above the panel.
        with_dots: Whether each point is marked.
        with_legend: Whether the names are written, to the right of the panel.

    Examples:
        >>> found = pd.DataFrame({"by": ["rule"] * 2, "called": [0, 100], "found": [0.0, 100.0]})
        >>> said = {"diagonal": "at random", "xlabel": "% called", "ylabel": "% found"}
        >>> lines = charts.Curves(found, "by", "called", "found", {"rule": charts.ACCENT}, **said)
    """

    rows: pd.DataFrame
    name: str
    x: str
    y: str
    colours: Mapping[str, str]
    diagonal: str
    xlabel: str
    ylabel: str
    title: str = ""
    with_dots: bool = False
    with_legend: bool = True

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw them, those named first on top."""
        right = 100 if self.diagonal else max(self.rows[self.x].max(), 1)
        if self.diagonal:
            (guide,) = ax.plot([0, 100], [0, 100], color=MUTED, linewidth=1.2, gid="guide")
            guide.set_label(self.diagonal)
        marks: dict[str, Any] = {"marker": "o", "markersize": 4.5} if self.with_dots else {}
        for place, (name, colour) in enumerate(self.colours.items()):
            points = self.rows[self.rows[self.name] == name]
            ax.plot(
                points[self.x],
                points[self.y],
                color=colour,
                linestyle=DASHES[place % len(DASHES)],
                linewidth=2,
                label=name,
                zorder=4 - place / len(self.colours),
                clip_on=False,
                **marks,
            )
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel, xlim=(0, right), ylim=(0, 103))
        if self.with_legend:
            lines, names = ax.get_legend_handles_labels()
            guides = 1 if self.diagonal else 0  # the diagonal is named last
            order = [*range(guides, len(lines)), *range(guides)]
            ax.legend(
                [lines[i] for i in order],
                [names[i] for i in order],
                loc="center left",
                bbox_to_anchor=(1.02, 0.5),
                fontsize=9,
            )


@dataclass(frozen=True)
class Bands:
    """A line of amounts with a band around it: how far it may be off.

    Attributes:
        rows: One row a point, from left to right.
        x: The column with the places from left to right, in USD.
        y: The column with the heights, in USD.
        low: The column with the lower edge of the band.
        high: The column with its upper edge.
        at: A place on x to read the line at, dotted.
        limit: A height to compare it with.
        xlabel: What x is, with the unit, and what is dotted.
        ylabel: What y is, with the unit, and what the limit is; the leftmost panel shows it.
        title: Above the panel.

    Examples:
        >>> usd = pd.DataFrame({"margin": [0, 40], "gain": [-1.0, 3.0], "low": [-2, 1]})
        >>> said = {"xlabel": "margin, USD", "ylabel": "gain, USD", "at": 20, "limit": 0.5}
        >>> band = charts.Bands(usd.assign(high=[0, 5]), "margin", "gain", "low", "high", **said)
    """

    rows: pd.DataFrame
    x: str
    y: str
    low: str
    high: str
    at: float
    limit: float
    xlabel: str
    ylabel: str
    title: str = ""

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw the band, its edges, the two guides and the line."""
        x, low, high = (self.rows[name] for name in (self.x, self.low, self.high))
        ax.fill_between(x, low, high, color=MUTED, alpha=0.35, linewidth=0, gid="guide")
        for edge in (low, high):
            ax.plot(x, edge, color=MUTED, linewidth=1)
        ax.axhline(self.limit, color=INK, linewidth=1.2, gid="guide")
        ax.axvline(self.at, color=INK, linewidth=1.2, linestyle=":", gid="guide")
        ax.plot(x, self.rows[self.y], color=ACCENT, linewidth=2)
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel if left is None else "")
        money_axis(ax.xaxis)
        money_axis(ax.yaxis)
