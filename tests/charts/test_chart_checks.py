"""A chart that shows other data than its table, or that people cannot read, is refused."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecommerce_lakehouse import charts
from ecommerce_lakehouse.charts.check_values import GUIDE
from ecommerce_lakehouse.charts.checks import ChartProblem, check
from ecommerce_lakehouse.charts.contrast import EYES, contrast, distance
from ecommerce_lakehouse.charts.graph import draw_graph

TABLE = pd.DataFrame({"segment": ["Champions", "Lost", "Others"], "revenue": [30.0, 20.0, 10.0]})
ALT = "Bar chart of revenue in USD by segment."
Break = Callable[[Figure, Axes], object]


@pytest.fixture(autouse=True)
def figures_are_closed() -> object:
    yield
    plt.close("all")


def bar_chart(
    names: list[str] | None = None, values: list[float] | None = None
) -> tuple[Figure, Axes]:
    fig, ax = charts.figure(width=6, height=3)
    charts.bars(ax, names or TABLE["segment"].tolist(), values or TABLE["revenue"].tolist())
    ax.set(xlabel="USD")
    fig.suptitle("Champions bring half")
    return fig, ax


def test_a_chart_that_is_its_table_passes() -> None:
    fig, _ = bar_chart()
    check(fig, "revenue", TABLE, ALT)


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (None, [30.0, 20.0, 10.01]),
        (None, [30.0, 10.0, 20.0]),
        (None, [10.0, 20.0, 30.0]),
        (["Champions", "Others", "Lost"], None),
        (["Champions", "Lost", "Othes"], None),
        (["Champions", "Lost"], [30.0, 20.0]),
    ],
    ids=["a value", "two values swapped", "the order", "two names swapped", "a name", "a row less"],
)
def test_other_data_than_the_table_is_seen(
    names: list[str] | None, values: list[float] | None
) -> None:
    fig, _ = bar_chart(names, values)
    with pytest.raises(ChartProblem, match=r"no column of the table|in no column"):
        check(fig, "revenue", TABLE, ALT)


def test_stacked_bars_show_a_column_each() -> None:
    table = TABLE.assign(profit=[3.0, 2.0, 1.0])
    fig, ax = bar_chart()
    bars = ax.barh(range(3), table["profit"], color=charts.SECOND, hatch="//")
    check(fig, "revenue", table, ALT)
    bars[1].set_width(2.5)
    with pytest.raises(ChartProblem, match="bar"):
        check(fig, "revenue", table, ALT)


def line_chart(values: list[float]) -> Figure:
    fig, ax = charts.figure(width=6, height=3)
    ax.plot(range(3), values, color=charts.ACCENT)
    ax.set(xlabel="month", ylabel="USD")
    return fig


def test_a_line_shows_a_column_and_a_guide_shows_nothing() -> None:
    fig = line_chart([30, 20, 10])
    fig.axes[0].plot([0, 2], [15, 15], gid=GUIDE)
    check(fig, "months", TABLE, "A line of revenue by month.")
    with pytest.raises(ChartProblem, match="line"):
        check(line_chart([30, 20, 11]), "months", TABLE, "A line of revenue by month.")


def test_dots_and_their_whiskers_show_a_column_each() -> None:
    table = pd.DataFrame({"name": ["a", "b"], "mean": [5.0, 7.0], "margin": [1.0, 2.0]})
    for margin in ([1.0, 2.0], [1.0, 2.5]):
        fig, ax = charts.figure(width=6, height=3)
        ax.errorbar(table["mean"], range(2), xerr=margin, fmt="o")
        ax.set(xlabel="USD", yticks=range(2), yticklabels=table["name"])
        if margin[1] == 2.0:
            check(fig, "means", table, "Dots with a line each by name.")
        else:
            with pytest.raises(ChartProblem, match="line"):
                check(fig, "means", table, "Dots with a line each by name.")


def test_a_heat_map_shows_the_tables_columns() -> None:
    table = pd.DataFrame({"row": ["x", "y"], "1": [1.0, 2.0], "2": [3.0, np.nan]})
    fig, ax = charts.figure(width=6, height=3)
    charts.heatmap(ax, table.set_index("row"), ".0f", "customers")
    ax.set_xlabel("quarters")
    alt = "Heat map of customers by row and column."
    check(fig, "grid", table, alt)
    with pytest.raises(ChartProblem, match="grid"):
        check(fig, "grid", table.assign(**{"1": [2.0, 1.0]}), alt)


def test_dots_show_two_columns() -> None:
    table = pd.DataFrame({"days": [1.0, 5.0, 9.0], "usd": [4.0, 8.0, 2.0]})
    fig, ax = charts.figure(width=6, height=3)
    ax.scatter(table["days"], table["usd"], color=charts.ACCENT)
    ax.set(xlabel="days", ylabel="USD")
    alt = "Scatter plot of days against USD."
    check(fig, "dots", table, alt)
    with pytest.raises(ChartProblem, match="scatter"):
        check(fig, "dots", table.assign(usd=[4.0, 8.0, 3.0]), alt)


def test_a_graph_has_the_tables_boxes_and_arrows() -> None:
    edges = [("bronze", "silver"), ("silver", "gold")]
    table = pd.DataFrame(edges, columns=["source", "target"])
    fig, ax = charts.figure(width=6, height=2)
    draw_graph(ax, edges)
    alt = "Graph of three tables in a row."
    check(fig, "graph", table, alt)
    for other in (table.head(1), table.replace("gold", "ml")):
        with pytest.raises(ChartProblem, match=r"has no box|arrows"):
            check(fig, "graph", other, alt)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda fig, ax: fig.text(0.95, 0.5, "too far right"), "is partly outside"),
        (lambda fig, ax: ax.annotate("here too", (30, 0)), "overlaps"),
        (lambda fig, ax: ax.set_xlabel("USD", color="#CCCCCC"), "has a contrast of"),
        (lambda fig, ax: ax.texts[0].set_color("#EEEEEE"), "has a contrast of"),
        (lambda fig, ax: ax.set_xlabel(""), "the numbers along the x axis have no label"),
        (lambda fig, ax: ax.patches[1].set_facecolor("#0A78B8"), "two fills are"),
        (lambda fig, ax: ax.set_visible(False), "the chart is blank"),
        (lambda fig, ax: ax.containers.clear(), "nothing is drawn"),
    ],
    ids=["outside", "overlap", "pale label", "pale number", "no unit", "fills", "blank", "empty"],
)
def test_what_people_cannot_read_is_named(spoil: Break, said: str) -> None:
    fig, ax = bar_chart()
    spoil(fig, ax)
    with pytest.raises(ChartProblem, match=said):
        check(fig, "revenue", TABLE, ALT)


@pytest.mark.parametrize("alt", ["", "Revenue.", "A line of revenue in USD by segment."])
def test_the_words_for_a_picture_have_to_be_true(alt: str) -> None:
    fig, _ = bar_chart()
    with pytest.raises(ChartProblem, match="alt text"):
        check(fig, "revenue", TABLE, alt)


def test_red_and_green_are_one_colour_for_some_eyes() -> None:
    red, green = "#D62728", "#7F7F00"
    assert distance(red, green) > 40
    assert min(distance(red, green, eye) for eye in EYES.values()) < 20
    assert distance(charts.ACCENT, charts.SECOND, EYES["deuteranopia"]) > 40
    assert contrast("black", "white") == pytest.approx(21)


def test_an_export_checks_only_where_it_is_asked_to(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who tries something out is not stopped by a label that overlaps."""
    other = TABLE.assign(revenue=[1.0, 2.0, 3.0])
    monkeypatch.delenv("LAKEHOUSE_CHECK_CHARTS", raising=False)
    charts.publish(bar_chart()[0], "a", table=other, title="A", alt=ALT, to=str(tmp_path))
    monkeypatch.setenv("LAKEHOUSE_CHECK_CHARTS", "1")
    with pytest.raises(ChartProblem, match="no column"):
        charts.publish(bar_chart()[0], "a", table=other, title="A", alt=ALT, to=str(tmp_path))
