"""Panels of bars: amounts by name, parts of a whole, how often a value occurs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from pandas.api.types import is_integer_dtype

from ecommerce_lakehouse.charts.axes import count_axis, money, money_axis
from ecommerce_lakehouse.charts.marks import bars, stacked_bars
from ecommerce_lakehouse.charts.style import ACCENT, MUTED


@dataclass(frozen=True)
class Bars:
    """Horizontal bars, one a row, from top to bottom.

    Attributes:
        rows: One row a bar, in the order to draw them.
        label: The column with the names.
        value: The column with the lengths.
        xlabel: What the lengths are, with the unit.
        title: Above the panel.
        text: What is written at the end of a bar, as in `format`, with the columns of its row and
            `{shown}`, its value. By default that.
        highlight: Names in the accent colour; by default all.
        is_money: Whether the values are USD.
        room: How long the axis is, compared with the longest bar.
        inner: A column of amounts to draw inside the bars, in the accent colour.

    Examples:
        >>> sold = pd.DataFrame({"category": ["Books", "Toys"], "usd": [310.0, 12.5]})
        >>> bars = charts.Bars(sold, "category", "usd", xlabel="USD", is_money=True)
    """

    rows: pd.DataFrame
    label: str
    value: str
    xlabel: str
    title: str = ""
    text: str = "{shown}"
    highlight: Collection[str] | None = None
    is_money: bool = False
    room: float = 1.16
    inner: str = ""

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw them; without names where the panel to the left has the same."""
        names, values = self.rows[self.label].tolist(), self.rows[self.value]
        bars(ax, names, values.tolist(), text=self._texts(), highlight=self.highlight)
        if self.inner:
            ax.barh(range(len(names)), self.rows[self.inner], color=ACCENT, height=0.72)
        ax.set(xlabel=self.xlabel, xlim=(0, max(0.1, values.max()) * self.room))
        if left is not None and [tick.get_text() for tick in left.get_yticklabels()] == names:
            ax.set_yticklabels([])
        if self.is_money:
            money_axis(ax.xaxis)
        elif is_integer_dtype(values):
            count_axis(ax.xaxis)

    def _texts(self) -> list[str]:
        write = money if self.is_money else "{:,.0f}".format
        records: list[Any] = self.rows.to_dict("records")
        return [self.text.format(**row, shown=write(row[self.value])) for row in records]


@dataclass(frozen=True)
class StackedBars:
    """Horizontal bars, one a row, each made of parts.

    Attributes:
        rows: The index has the names, a column each part, in the order to draw them.
        colours: The parts to draw, from left to right, and their colours.
        xlabel: What the lengths are, with the unit.
        title: Above the panel.
        ylabel: What the names are.
        text: How a number is written in its part.
        least: Parts below it are too short to be written in.
        legend: Its title.
        total: What is written at the end of a bar, as in `format`, with its parts and `{total}`.
            The parts then have no numbers.
        hatched: Parts with stripes.
        xlim: The ends of the axis.

    Examples:
        >>> checks = pd.DataFrame({"passed": [7, 8], "failed": [1, 0]}, index=["orders", "items"])
        >>> colours = {"passed": charts.MUTED, "failed": charts.SECOND}
        >>> bars = charts.StackedBars(checks, colours, xlabel="checks")
    """

    rows: pd.DataFrame
    colours: Mapping[str, str]
    xlabel: str
    title: str = ""
    ylabel: str = ""
    text: str = "{:,.0f}"
    least: float = 1
    legend: str = ""
    total: str = ""
    hatched: Collection[str] = ()
    xlim: tuple[float, float] | None = None

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw them, with a legend above."""
        parts = self.rows[[*self.colours]]
        least = np.inf if self.total else self.least
        stacked_bars(
            ax,
            parts,
            self.colours,
            text=self.text,
            least=least,
            title=self.legend,
            hatched=self.hatched,
        )
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel)
        if all(map(is_integer_dtype, parts.dtypes)):
            count_axis(ax.xaxis)
        if self.xlim:
            ax.set_xlim(self.xlim)
        if self.total:
            ends = parts.sum(axis=1)
            ax.set_xlim(0, max(1, ends.max()) * 1.3)
            records: list[Any] = parts.to_dict("records")
            for place, (end, row) in enumerate(zip(ends, records, strict=True)):
                ax.annotate(
                    self.total.format(total=end, **row),
                    (end, place),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    size=9,
                )


@dataclass(frozen=True)
class Columns:
    """Upright bars along whole numbers, each with its value above it.

    Attributes:
        rows: One row a bar.
        at: The column that says where a bar stands.
        value: The column with the heights.
        places: Where bars stand; 0 high where there is no row.
        xlabel: What the places are.
        ylabel: What the heights are, with the unit; written at the first panel.
        title: Above the panel.
        highlight: Places in the accent colour.

    Examples:
        >>> scores = pd.DataFrame({"score": [1, 3], "customers": [20, 7]})
        >>> columns = charts.Columns(
        ...     scores, "score", "customers", range(1, 6), "score (5 is best)", "customers"
        ... )
    """

    rows: pd.DataFrame
    at: str
    value: str
    places: range
    xlabel: str
    ylabel: str
    title: str = ""
    highlight: Collection[int] = ()

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw them."""
        heights = self.rows.set_index(self.at)[self.value].reindex(self.places, fill_value=0)
        colours = [ACCENT if place in self.highlight else MUTED for place in heights.index]
        ax.bar(heights.index, heights.to_numpy(), color=colours)
        for place, height in heights.items():
            ax.annotate(
                f"{height:,}",
                (place, height),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                size=9,
            )
        ax.set(xlabel=self.xlabel, xticks=self.places)
        if left is None:
            ax.set_ylabel(self.ylabel)


@dataclass(frozen=True)
class Histogram:
    """How many values fall between each two edges.

    Attributes:
        values: A column of numbers.
        measure: Its name for people.
        unit: What the numbers are.
        counted: What is counted.
        step: The width of a bar; by default a round one, so that 99 % of the values are in.
        start: The first edge.
        count: How many bars there are. What is beyond the last edge counts in the last bar, and
            the label says so: nobody is left out. By default as many as it takes.
        is_money: Whether the numbers are USD.
        title: Above the panel.

    Examples:
        >>> days = pd.Series([3, 40, 41, 200])
        >>> recency = charts.Histogram(days, "Recency", "days since the last order", step=30)
        >>> recency.rows["customers"].tolist()
        [1, 2, 0, 0, 0, 0, 1]
    """

    values: pd.Series
    measure: str
    unit: str
    counted: str = "customers"
    step: float | None = None
    start: float = 0
    count: int | None = None
    is_money: bool = False
    title: str = ""

    @cached_property
    def rows(self) -> pd.DataFrame:
        """How many values there are between each two edges."""
        # Where there are no values, max() and quantile() say NaN: not more than the number before.
        step = self.step or max(5, np.ceil(self.values.quantile(0.99) / 1000) * 50)
        count = self.count or int(max(step, self.values.max()) // step) + 1
        edges = self.start + step * np.arange(count + 1)
        inside = self.values.clip(upper=edges[-1]) if self.count else self.values
        counts, _ = np.histogram(inside, bins=edges)
        label = self.unit
        if self.count:
            last = np.ceil(edges[-2])
            label += f"; last bar: {money(last) if self.is_money else f'{last:,.0f}'} or more"
        columns = {"from": edges[:-1], "to": edges[1:], self.counted: counts}
        return pd.DataFrame({"measure": f"{self.measure} ({label})", **columns})

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw it."""
        ax.bar(
            self.rows["from"],
            self.rows[self.counted],
            width=(self.rows["to"] - self.rows["from"]).tolist(),
            align="edge",
            color=ACCENT,
            edgecolor="white",
            linewidth=0.6,
        )
        ax.set(xlabel=self.rows["measure"].iloc[0], ylabel=self.counted)
        if self.is_money:
            money_axis(ax.xaxis)
