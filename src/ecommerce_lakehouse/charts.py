"""One style for every chart, and one way out: a picture, the table behind it, a digest."""

from __future__ import annotations

import hashlib
import io
import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator, NullFormatter, ScalarFormatter

from ecommerce_lakehouse.artifacts import artifacts_folder, write_whole
from ecommerce_lakehouse.colours import READABLE, contrast

INK = "#333333"
ACCENT = "#0072B2"
SECOND = "#DD7A2E"
MUTED = "#B8B8B8"
"""One accent, a second where two things are compared, greys for the rest.

Blue, orange and grey differ in lightness too, so they stay apart for colour-blind eyes and in
grey print; `chart_checks` measures it.
"""
LETTERS_AN_INCH = 9.0
"""How wide a title may grow before it breaks into two lines."""
AMOUNTS = "cividis_r"
"""A sequential map for amounts, even in lightness."""
AROUND_ZERO = "RdBu_r"
"""A diverging map, for values around a real zero only."""


def use_style() -> None:
    """Set the shared style; drawing into memory, never to a window."""
    matplotlib.use("Agg")
    sns.set_theme(
        style="white",
        rc={
            "font.family": "DejaVu Sans",
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#888888",
            "axes.labelcolor": INK,
            "axes.labelsize": 10,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": 9.5,
            "ytick.labelsize": 9.5,
            "legend.frameon": False,
            # A dollar is a dollar, not the start of a formula.
            "text.parse_math": False,
        },
    )


def figure(
    width: float = 8.0, height: float = 4.2, columns: int = 1, rows: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """A figure in the shared style.

    Args:
        width: Inches.
        height: Inches.
        columns: Panels side by side.
        rows: Panels below each other.
        **options: Passed to `plt.subplots`.

    Returns:
        The figure and its axes (an array where there are several panels).
    """
    use_style()
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def money(value: float) -> str:
    """An amount as people write it: `$950`, `$12.4k`, `$3.1M`."""
    divisor, unit = _unit(value)
    amount = f"{value / divisor:,.1f}".removesuffix(".0") if unit else f"{value:,.0f}"
    return _with_sign(amount + unit)


def _unit(amount: float) -> tuple[float, str]:
    return (1e6, "M") if abs(amount) >= 1e6 else (1e3, "k") if abs(amount) >= 1e4 else (1, "")


def _with_sign(amount: str) -> str:
    return f"-${amount[1:]}" if amount.startswith("-") else f"${amount}"


class _Money(Formatter):
    """The ticks of an axis as money: not rounded, and in one unit unless some are tiny in it."""

    def __call__(self, value: float, _: int | None = None) -> str:
        return money(value)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        divisor, unit = _unit(max(values, key=abs, default=0))
        if any(0 < abs(value) < divisor / 10 for value in values):  # an axis of powers of ten
            return [money(value) for value in values]
        return [_with_sign(f"{value / divisor:,.10g}{unit if value else ''}") for value in values]


def money_axis(axis: Any) -> None:
    """Write an axis' ticks as money."""
    axis.set_major_formatter(_Money())
    axis.set_minor_formatter(NullFormatter())  # a log axis would name its small ticks as powers


def count_axis(axis: Any) -> None:
    """Write an axis' ticks as whole numbers with thousands separated, and none between them."""
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if abs(value - round(value)) < 1e-6 else "")
    )


def few_ticks() -> MaxNLocator:
    """A handful of round ticks, for narrow panels."""
    return MaxNLocator(nbins=4, steps=[1, 2, 5, 10])


def bars(
    ax: Axes,
    labels: list[str],
    values: list[float],
    *,
    text: list[str] | None = None,
    highlight: set[str] | None = None,
) -> None:
    """Horizontal bars from top to bottom, each with its value written at its end.

    Args:
        ax: Where to draw.
        labels: One a bar, in the order to draw them.
        values: The lengths.
        text: What to write at the end of each bar; the value by default.
        highlight: Labels in the accent colour; by default all.
    """
    colours = [ACCENT if highlight is None or name in highlight else MUTED for name in labels]
    places = list(range(len(labels)))
    ax.barh(places, values, color=colours, height=0.72)
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
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
) -> None:
    """Horizontal bars from top to bottom, each made of parts, with a legend above them.

    Args:
        ax: Where to draw.
        parts: A row a bar, in the order to draw them, and a column a part.
        colours: The parts to draw, from left to right, and their colours.
        text: How a number is written in its part.
        least: Parts below it are too short to be written in.
        title: Of the legend.
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
        )
        for place, (start, value) in enumerate(zip(left, parts[name], strict=True)):
            if value >= least:
                middle, ink = start + value / 2, ink_on(colour)
                note = text.format(value)
                ax.text(middle, place, note, ha="center", va="center", size=8.5, color=ink)
        left = left + parts[name]
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
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


def ink_on(colour: Any) -> str:
    """The ink for letters on a colour: the usual one where it can be read, else black or white."""
    if contrast(colour, INK) >= READABLE:
        return INK
    return max("black", "white", key=lambda ink: contrast(colour, ink))


class Chart:
    """A drawn chart: what Jupyter shows, and a digest that a text comparison can check."""

    def __init__(self, png: bytes, name: str, table: pd.DataFrame, digest: str, alt: str) -> None:
        self._png = png
        self._alt = alt
        self._text = f"{name}.png, drawn from {len(table):,} rows of {name}.csv ({digest})"

    def __repr__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = {"image/png": self._png, "text/plain": self._text}
        return bundle, {"image/png": {"alt": self._alt}}


def export(
    fig: Figure,
    name: str,
    *,
    table: pd.DataFrame,
    title: str,
    alt: str,
    to: str | os.PathLike[str],
) -> Chart:
    """Write a chart as `<name>.png`, the table behind it as `<name>.csv`, and show it.

    Args:
        fig: The figure; it is closed afterwards.
        name: The file name without an ending.
        table: Exactly the values that were drawn.
        title: What the chart finds, as a sentence.
        alt: What somebody who cannot see it should know.
        to: The artifacts folder.

    Raises:
        InputError: The folder cannot be written.
    """
    _separate_thousands(fig)
    lines = textwrap.fill(title, int(fig.get_figwidth() * LETTERS_AN_INCH))
    fig.suptitle(lines, x=0.01, ha="left", fontsize=12.5, fontweight="bold", color=INK)
    folder = artifacts_folder(to)
    text = table.to_csv(index=False, lineterminator="\n")
    picture = io.BytesIO()
    fig.savefig(picture, format="png", metadata={"Software": None})
    if os.environ.get("LAKEHOUSE_CHECK_CHARTS"):
        from ecommerce_lakehouse import chart_checks

        chart_checks.check(fig, name, table, alt)
    plt.close(fig)
    write_whole(folder / f"{name}.csv", text.encode())
    write_whole(folder / f"{name}.png", picture.getvalue())
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Chart(picture.getvalue(), name, table, digest, alt)


def _separate_thousands(fig: Figure) -> None:
    """Write `1,000` at the ticks for which nobody chose how."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            usual = isinstance(axis.get_major_formatter(), ScalarFormatter)
            if usual and max(map(abs, axis.get_view_interval())) >= 1000:
                count_axis(axis)
