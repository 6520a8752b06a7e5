"""Panels of lines in %: what was forecast and what came, how much of a whole is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ecommerce_lakehouse.charts.style import MUTED

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
