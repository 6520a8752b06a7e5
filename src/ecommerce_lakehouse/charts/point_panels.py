"""Panels of lines, dots, boxes and grids: how amounts run, spread and go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import matplotlib.dates as mdates
import pandas as pd
from matplotlib.axes import Axes

from ecommerce_lakehouse.charts.axes import money_axis
from ecommerce_lakehouse.charts.marks import heatmap
from ecommerce_lakehouse.charts.style import ACCENT, AROUND_ZERO, INK, MUTED, SECOND

GREY = "#8A8A8A"
ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "fontsize": 9}
"""A legend above the panel, where no mark is."""


@dataclass(frozen=True)
class Months:
    """USD by month as a line, and the same months of the year before as another.

    Attributes:
        rows: One row a month, in their order, none left out.
        month: The column with the first day of each month, as a date or as ISO text.
        value: The column with the amounts.
        year_before: The column with those of twelve months earlier.
        ylabel: What the amounts are, with the unit.
        title: Above the panel.

    Examples:
        >>> usd = pd.DataFrame({"month": ["2024-01-01", "2024-02-01"], "usd": [5.0, 7.0]})
        >>> line = charts.Months(usd.assign(before=None), "month", "usd", "before", "USD a month")
    """

    rows: pd.DataFrame
    month: str
    value: str
    year_before: str
    ylabel: str
    title: str = ""

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw them, with a legend above."""
        days: Any = pd.to_datetime(self.rows[self.month])
        amounts, before = self.rows[self.value], self.rows[self.year_before]
        last, this = "the same month a year before", "revenue of the month"
        ax.plot(days, before, color=GREY, linewidth=1.6, linestyle="--", label=last)
        ax.plot(
            days,
            amounts,
            color=ACCENT,
            linewidth=2.2,
            marker="o",
            markersize=4,
            label=this,
            clip_on=False,
        )
        ax.margins(x=0)
        ax.set(ylabel=self.ylabel, xlabel="month", ylim=(0, max(1, amounts.max()) * 1.18))
        ax.legend(ncols=2, **ABOVE)
        money_axis(ax.yaxis)
        locator = mdates.AutoDateLocator(minticks=3, maxticks=8)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))


@dataclass(frozen=True)
class Pareto:
    """Which share the best bring together: a line over that of equal parts.

    Attributes:
        rows: One row each, the best first.
        rank: The column with 1, 2, 3 and so on.
        percent: The column with what they bring together up to here, in %.
        enough: As many bring the goal.
        goal: The goal in %.
        things: What they are.
        xlabel: What stands along the line.
        ylabel: What the share is of.
        title: Above the panel.

    Examples:
        >>> sold = pd.DataFrame({"rank": [1, 2], "percent": [85.0, 100.0]})
        >>> said = {"things": "products", "xlabel": "products", "ylabel": "% of revenue"}
        >>> line = charts.Pareto(sold, "rank", "percent", enough=1, goal=80, **said)
    """

    rows: pd.DataFrame
    rank: str
    percent: str
    enough: int
    goal: int
    things: str
    xlabel: str
    ylabel: str
    title: str = ""

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw it, with the goal as a guide."""
        count = len(self.rows)
        ax.plot(
            [0, *self.rows[self.rank]], [0, *self.rows[self.percent]], color=ACCENT, linewidth=2.2
        )
        ax.plot([0, count], [0, 100], color=MUTED, linewidth=1, linestyle="--", gid="guide")
        ax.annotate(
            "if all sold equally well",
            (count * 0.62, 62),
            xytext=(6, -6),
            textcoords="offset points",
            color="#666666",
            size=9,
            va="top",
        )
        corner = ([self.enough, self.enough, 0], [0, self.goal, self.goal])
        ax.plot(*corner, color=SECOND, linewidth=1, gid="guide")
        # A line that rises at once leaves no room to the left of its corner.
        is_steep = self.enough < 0.4 * count
        ax.annotate(
            f"{self.enough:,} of {count:,} {self.things}: {self.goal}%",
            (self.enough, self.goal),
            xytext=(6, -6) if is_steep else (-6, 6),
            textcoords="offset points",
            color=INK,
            size=10,
            ha="left" if is_steep else "right",
            va="top" if is_steep else "baseline",
        )
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel, xlim=(0, count), ylim=(0, 103))


@dataclass(frozen=True)
class Means:
    """Means as dots with a line around each: how far it may be off.

    Attributes:
        rows: One row a dot, from top to bottom; the names stand at the panel to the left.
        value: The column with the means.
        margin: The column with how far the line reaches to each side.
        overall: The mean of all, as a guide.
        xlabel: What the means are, in USD.
        title: Above the panel.

    Examples:
        >>> usd = pd.DataFrame({"mean": [20.0, 30.0], "margin": [4.0, 9.5]})
        >>> dots = charts.Means(usd, "mean", "margin", overall=22.5, xlabel="USD a customer")
    """

    rows: pd.DataFrame
    value: str
    margin: str
    overall: float
    xlabel: str
    title: str = ""

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw them, each as high as its bar to the left."""
        places = range(len(self.rows))
        ax.errorbar(
            self.rows[self.value],
            places,
            xerr=self.rows[self.margin],
            fmt="o",
            color=INK,
            ecolor=GREY,
            elinewidth=1.6,
            markersize=5,
        )
        ax.axvline(self.overall, color=ACCENT, linewidth=1, linestyle="--", gid="guide")
        ax.set(xlabel=self.xlabel, yticks=places, yticklabels=[], xlim=(0, None))
        if left is not None:
            ax.set_ylim(left.get_ylim())
        money_axis(ax.xaxis)


@dataclass(frozen=True)
class Pairs:
    """Two amounts each as dots with a line between: what was expected and what came.

    Attributes:
        rows: One row each, from top to bottom.
        label: The column with the names.
        expected: The column with the amounts expected, in USD.
        real: The column with those that came; all 0 where that is not known yet.
        legend: What the two are.
        xlabel: What the amounts are.
        title: Above the panel.

    Examples:
        >>> usd = pd.DataFrame({"segment": ["Lost"], "expected": [50.0], "spent": [12.5]})
        >>> dots = charts.Pairs(usd, "segment", "expected", "spent", ("expected", "spent"), "USD")
    """

    rows: pd.DataFrame
    label: str
    expected: str
    real: str
    legend: tuple[str, str]
    xlabel: str
    title: str = ""

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw them, with a legend above."""
        names, expected, real = (self.rows[each] for each in (self.label, self.expected, self.real))
        hollow: dict[str, Any] = {"facecolors": "white", "edgecolors": INK}
        ax.scatter(expected, names, s=60, zorder=2, label=self.legend[0], **hollow)
        if real.any():
            ax.hlines(names, expected, real, color=MUTED, linewidth=2, zorder=1)
            ax.scatter(real, names, s=60, color=ACCENT, zorder=2, label=self.legend[1])
        ax.invert_yaxis()
        ax.set(xlabel=self.xlabel)
        ax.set_xlim(left=-0.02 * max(1, expected.max(), real.max()))
        ax.tick_params(axis="y", length=0)
        money_axis(ax.xaxis)
        ax.legend(ncols=2, handletextpad=0.2, **ABOVE)


@dataclass(frozen=True)
class Boxes:
    """How a measure is spread in each group: a box holds the middle half, lines reach 5 and 95 %.

    Attributes:
        values: One row each.
        measure: The column with the numbers; empty ones do not count.
        group: The column with the group.
        colours: The groups from left to right, and their colours.
        ylabel: What the numbers are, with the unit.
        title: Above the panel.

    Examples:
        >>> days = pd.DataFrame({"days": [1.0, 2.0, 9.0], "group": ["stayed", "stayed", "left"]})
        >>> colours = {"stayed": charts.ACCENT, "left": charts.SECOND}
        >>> charts.Boxes(days, "days", "group", colours, "days").rows["p50"].tolist()
        [1.5, 9.0]
    """

    values: pd.DataFrame
    measure: str
    group: str
    colours: Mapping[str, str]
    ylabel: str
    title: str = ""

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The quantiles that are drawn, a row each group that has a number."""
        found = []
        for name in self.colours:
            numbers = self.values.loc[self.values[self.group] == name, self.measure].dropna()
            if len(numbers):
                quantiles = numbers.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).round(2)
                found.append([self.measure, name, *quantiles])
        return pd.DataFrame(found, columns=["feature", "group", "p05", "p25", "p50", "p75", "p95"])

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw them; nothing where there are no numbers."""
        ax.set(ylabel=self.ylabel)
        if self.rows.empty:
            ax.set(xticks=[], yticks=[])
            return
        boxes = [
            {
                "med": row.p50,
                "q1": row.p25,
                "q3": row.p75,
                "whislo": row.p05,
                "whishi": row.p95,
                "label": row.group,
            }
            for row in self.rows.itertuples()
        ]
        ax.bxp(
            boxes,
            showfliers=False,
            patch_artist=True,
            widths=0.55,
            medianprops={"color": "white", "linewidth": 2},
        )
        for patch, name in zip(ax.patches, self.rows["group"], strict=True):
            patch.set(facecolor=self.colours[name], edgecolor="none")
        ax.set_ylim(bottom=0)


@dataclass(frozen=True)
class Grid:
    """A heat map: a colour a cell, with its number.

    Attributes:
        rows: The index and the columns have the names; empty cells stay empty.
        number: How a number is written, as in `format`.
        label: What the colours mean, with the unit.
        xlabel: What stands along the lower side.
        ylabel: What stands along the left side.
        title: Above the panel.
        options: More for `seaborn.heatmap`.

    Examples:
        >>> kept = pd.DataFrame([[100, 40]], index=["2024 Q1"], columns=[0, 1])
        >>> grid = charts.Grid(kept, ".0f", "% of the cohort that bought")
    """

    rows: pd.DataFrame
    number: str
    label: str
    xlabel: str = ""
    ylabel: str = ""
    title: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw it."""
        heatmap(ax, self.rows, self.number, self.label, **self.options)
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel)


@dataclass(frozen=True)
class Correlations:
    """A heat map of how columns go together, from -1 over 0 to 1.

    Attributes:
        rows: The correlations; names of columns along both sides.
        label: What is measured.
        title: Above the panel.

    Examples:
        >>> together = pd.DataFrame([[-0.7]], index=["frequency"], columns=["recency_days"])
        >>> grid = charts.Correlations(together, "rank correlation (Spearman)")
    """

    rows: pd.DataFrame
    label: str
    title: str = ""

    def draw(self, ax: Axes, left: Axes | None) -> None:
        """Draw it, the names without underscores."""
        heatmap(
            ax,
            self.rows,
            ".2f",
            self.label,
            cmap=AROUND_ZERO,
            vmin=-1,
            vmax=1,
            yticklabels=[name.replace("_", " ") for name in self.rows.index],
            xticklabels=[name.replace("_", "\n") for name in self.rows.columns],
        )
        ax.tick_params(axis="x", labelsize=8)
