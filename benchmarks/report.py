"""The tables and plots of what was measured: from `results/*.json` to `*.md` and `*.png`.

python -m benchmarks.report
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal, get_args

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.measure import RESULTS
from benchmarks.scale import ORIGINAL
from ecommerce_lakehouse import charts

COLOURS = {
    "ours": charts.ACCENT,
    "plain PySpark": charts.SECOND,
    # The purple of Okabe and Ito, and below their green: told apart by colour-blind eyes, too.
    ORIGINAL: "#CC79A7",
    "DuckDB": charts.INK,
    "Polars": "#009E73",
}
Rows = list[dict[str, Any]]
CLOSE = 1.4
"""Two lines whose last seconds differ by less than this factor have their names above and below."""
Above = Literal["top", "bottom", "center"]
"""Which part of a name stands at the height of its point: `bottom` puts the name above it."""


def scale(rows: Rows) -> Figure:
    """Seconds by the number of order items, a line for each way on a machine."""
    runs = pd.DataFrame(rows)
    done = runs[runs["outcome"] == "done"]
    machine = done["machine"].mode()[0]  # of most rows
    fig, ax = charts.figure(height=4.6)
    too_large = set(runs[runs["outcome"] == "too much memory"]["way"])
    ends = done.groupby(["way", "machine"]).last()
    for way, points in done.groupby("way", sort=False):
        for number, there in points.groupby("machine"):
            x, y = there["order_items"], there["seconds_median"]
            ax.plot(x, y, marker="o", color=COLOURS[str(way)])
            elsewhere = number != machine
            name = f"{way}, on another machine" if elsewhere else str(way)
            name += ", then more than 4 GB" if way in too_large else ""
            # To the right of the plain way's last point our line may go on.
            left = elsewhere or way in ("plain PySpark", ORIGINAL)
            beside = ends[ends["order_items"] == x.iloc[-1]]["seconds_median"].div(y.iloc[-1])
            near = beside[beside.between(1 / CLOSE, CLOSE) & (beside != 1)]
            above: Above = "center" if near.empty else "top" if near.iloc[0] > 1 else "bottom"
            _name(ax, name, x.iloc[-1], y.iloc[-1], COLOURS[str(way)], above, left)
    ways = done.groupby("order_items")["way"].count()
    by_all = ways[ways == ways.max()].index.max()
    largest = done[done["order_items"] == by_all].set_index("way")
    told = {"ours": "our build", **{way: way for way in ("plain PySpark", "DuckDB", "Polars")}}
    seconds = [
        f"{largest.loc[way, 'seconds_median']:,.0f} s with {name}"
        for way, name in told.items()
        if way in largest.index
    ]
    items = largest["order_items"].iloc[0] / 1e6
    ax.set(xscale="log", yscale="log", xlabel="order items in the raw files", ylabel="seconds")
    ax.set_title(f"{items:,.1f} million order items:\n{', '.join(seconds)}")
    for axis in (ax.xaxis, ax.yaxis):
        charts.count_axis(axis)
    ax.margins(x=0.22)
    return fig


def _name(
    ax: Axes,
    text: str,
    x: float,
    y: float,
    colour: str,
    above: Above = "center",
    left: bool = False,
) -> None:
    ha: Literal["left", "right"] = "right" if left else "left"
    offset = (-8 if left else 6, 0)
    ax.annotate(text, (x, y), offset, textcoords="offset points", va=above, ha=ha, color=colour)


def notebooks(rows: Rows) -> Figure:
    """Seconds of the nine notebooks, each way."""
    told = pd.DataFrame(rows).set_index("way")
    names = [
        n for n in ("papermill, one by one", "lakehouse run", "cells alone") if n in told.index
    ]
    seconds = told.loc[names, "seconds_median"].tolist()
    fig, ax = charts.figure(height=2.8)
    text = [f"{value:,.0f} s" for value in seconds]
    charts.bars(ax, names, seconds, text=text, highlight={"lakehouse run"})
    ax.set(xlabel="seconds for nine notebooks")
    share = told.loc["lakehouse run", "seconds_median"] / max(seconds)
    ax.set_title(
        f"One warm Java, set for little data: the nine notebooks take {share:.0%}\n"
        "of what they take with a cold one each, at Spark's defaults"
    )
    charts.count_axis(ax.xaxis)
    return fig


def incremental(rows: Rows) -> Figure:
    """Seconds by the share of the customers of the largest shop that a delivery touches."""
    told = pd.DataFrame(rows)
    told = told[told["customers"] == told["customers"].max()]
    fig, ax = charts.figure(height=4.2)
    colours = {"all anew": charts.INK, "same day": charts.ACCENT, "next day": charts.SECOND}
    by_seconds = told[told["share"] == told["share"].max()].sort_values("seconds_median")["way"]
    shares = told["share"].drop_duplicates().tolist()
    for way, above in zip(by_seconds, get_args(Above), strict=False):  # the names keep apart
        points = told[told["way"] == way]
        for _, there in points.groupby("machine"):
            places = [shares.index(share) for share in there["share"]]
            ax.plot(places, there["seconds_median"], marker="o", color=colours[way])
        last = points["seconds_median"].iloc[-1]
        _name(ax, way, len(points) - 1, last, colours[way], above)
    ax.set_xticks(range(len(shares)), [f"{share:.1%}" if share else "none" for share in shares])
    ax.set(xlabel="customers in the delivery", ylabel="seconds", ylim=(0, None))
    seconds = told.pivot(index="share", columns="way", values="seconds_median")
    of_all = seconds["same day"] / seconds["all anew"]
    of_each = ", ".join(
        f"{of_all[share]:.0%} with {f'{share:.1%}' if share else 'nothing new'}" for share in shares
    )
    ax.set_title(
        f"{told['customers'].iloc[0]:,} customers: of the seconds of building all anew,\n"
        f"a run takes {of_each} of them in a delivery"
    )
    ax.margins(x=0.16)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return fig


def history(rows: Rows) -> Figure:
    """Seconds of the same night by the size of the shop, beside building all anew."""
    told = pd.DataFrame(rows).sort_values("customers")
    fig, ax = charts.figure(height=4.2)
    colours = {"all anew": charts.INK, "one night": charts.ACCENT, "nothing new": charts.SECOND}
    for way, colour in colours.items():
        points = told[told["way"] == way]
        x, y = points["customers"] / 1000, points["seconds_median"]
        ax.plot(x, y, marker="o", color=colour)
        near_the_axis = y.iloc[-1] < 0.05 * told["seconds_median"].max()
        _name(ax, way, x.iloc[-1], y.iloc[-1], colour, "bottom" if near_the_axis else "center")
    seconds = told.pivot(index="customers", columns="way", values="seconds_median")
    night = seconds["one night"]
    ax.set(xlabel="thousand customers in the shop", ylabel="seconds", ylim=(0, None))
    ax.set_title(
        f"The same thousand orders take {night.iloc[0]:,.0f} s with {night.index[0]:,} customers "
        f"and {night.iloc[-1]:,.0f} s\nwith {night.index[-1]:,}: "
        f"{night.iloc[-1] / seconds['all anew'].iloc[-1]:.0%} of the time of building all anew"
    )
    ax.margins(x=0.16)
    for axis in (ax.xaxis, ax.yaxis):
        charts.count_axis(axis)
    return fig


PLOTS: dict[str, Callable[[Rows], Figure]] = {
    "scale": scale,
    "notebooks": notebooks,
    "incremental": incremental,
    "history": history,
}


def table(told: dict[str, Any]) -> str:
    """The figures as a Markdown table, and the machines under it."""
    rows = [
        {
            **{k: v for k, v in row.items() if k not in ("samples", "cells")},
            "seconds_min": f"{row['seconds_min']:,.1f}",
            "seconds_median": f"{row['seconds_median']:,.1f}",
            "seconds_max": f"{row['seconds_max']:,.1f}",
            "peak_mb": f"{row['peak_mb']:,.0f}",
        }
        for row in told["rows"]
    ]
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *[[row[c] for c in columns] for row in rows]]
    text = "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
    return (
        text
        + "\n"
        + "".join(
            f"\nMachine {number}: {_machine(about)}\n"
            for number, about in enumerate(told["machines"], start=1)
        )
    )


def _machine(about: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"{about['cores']} cores of {about['processor']}, {about['memory_gb']} GB, "
        f"{about['system']}, Python {about['python']}, Java {about['java']}; {versions}."
    )


def cells(rows: Rows) -> str:
    """Where the time of `lakehouse run` goes: every notebook, and its cells that take a second."""
    of_run = next(row["cells"] for row in rows if "cells" in row)
    lines = ["| notebook | seconds in cells | the longest |", "| --- | --- | --- |"]
    for notebook, mine in pd.DataFrame(of_run).groupby("notebook"):
        long = mine[mine["seconds"] >= 1].sort_values("seconds", ascending=False)
        named = ", ".join(f"`{c.cell}` {c.seconds:.1f}" for c in long.itertuples())
        lines.append(f"| {notebook} | {mine['seconds'].sum():.1f} | {named} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write a table for every result, and the plots."""
    for file in sorted(RESULTS.glob("*.json")):
        told = json.loads(file.read_text())
        text = table(told)
        if any("cells" in row for row in told["rows"]):
            text += "\n" + cells(told["rows"])
        file.with_suffix(".md").write_text(text)
        if file.stem in PLOTS:
            fig = PLOTS[file.stem](told["rows"])
            fig.savefig(file.with_suffix(".png"), metadata={"Software": None})


if __name__ == "__main__":
    main()
