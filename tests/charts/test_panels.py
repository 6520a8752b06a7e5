"""Panels: what is drawn is what the rows say, and nobody is left out of a chart."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ecommerce_lakehouse import charts
from ecommerce_lakehouse.charts.axes import has_long_ticks

SOLD = pd.DataFrame({"category": ["Books", "Toys"], "usd": [31_000.0, 12_000.0], "units": [3, 1]})
SAID: dict[str, Any] = {
    "name": "chart",
    "title": "Books sell best",
    "alt": "Bar charts of what was sold.",
}


def written(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "chart.csv")


def ticks(axis: object) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chart here is checked as those of the lessons are."""
    monkeypatch.setenv("LAKEHOUSE_CHECK_CHARTS", "1")


def test_panels_of_the_same_rows_have_one_table(tmp_path: Path) -> None:
    left = charts.Bars(SOLD, "category", "units", "units", title="Units")
    right = charts.Bars(SOLD, "category", "usd", "USD", title="Revenue", is_money=True)
    charts.publish_panels(left, right, to=tmp_path, **SAID)
    pd.testing.assert_frame_equal(written(tmp_path), SOLD)


def test_panels_of_different_rows_say_which_row_is_whose(tmp_path: Path) -> None:
    left = charts.Bars(SOLD, "category", "units", "units", title="Units")
    lost = pd.DataFrame({"reason": ["late"], "units": [9]})
    right = charts.Bars(lost, "reason", "units", "units", title="Sent back")
    charts.publish_panels(left, right, to=tmp_path, **SAID)
    found = written(tmp_path)
    assert found["panel"].tolist() == ["Units", "Units", "Sent back"]
    assert found["reason"].fillna("").tolist() == ["", "", "late"]


def test_names_are_written_once_where_both_panels_have_them() -> None:
    _, (left, right) = charts.figure(columns=2)
    bars = charts.Bars(SOLD, "category", "units", "units")
    bars.draw(left, None)
    bars.draw(right, left)
    assert (ticks(left.yaxis), ticks(right.yaxis)) == (["Books", "Toys"], ["", ""])
    charts.Bars(SOLD[::-1], "category", "units", "units").draw(right, left)
    assert ticks(right.yaxis) == ["Toys", "Books"]


def test_numbers_of_five_digits_stand_apart_in_narrow_panels(tmp_path: Path) -> None:
    rows = pd.DataFrame({"file": ["orders", "customers"], "rows": [69_659, 23_570]})
    left = charts.Bars(rows, "file", "rows", "rows", title="Rows")
    right = charts.Bars(rows, "file", "rows", "empty fields", title="Empty fields")
    charts.publish_panels(left, right, to=tmp_path, width=9, **SAID)


def test_a_panel_of_days_keeps_its_days_beside_another_panel() -> None:
    _, ax = charts.figure()
    ax.plot(pd.to_datetime(["2024-01-01", "2024-12-01"]), [1, 2])
    assert not has_long_ticks(ax.xaxis)
    ax.clear()
    ax.plot([0, 20_000], [1, 2])
    assert has_long_ticks(ax.xaxis)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_few_bars_do_not_fill_a_panel(count: int) -> None:
    rows = pd.DataFrame({"name": list("abcd"), "units": [4, 3, 2, 1]}).head(count)
    _, ax = charts.figure()
    charts.Bars(rows, "name", "units", "units").draw(ax, None)
    bottom, top = ax.get_ylim()
    assert bottom > count - 0.7 > -0.3 > top, "the first bar is not at the top"
    assert 0.72 / (bottom - top) <= 0.25


@pytest.mark.parametrize("enough", [1, 30, 60, 95])
def test_the_best_sellers_are_named_inside_the_panel(tmp_path: Path, enough: int) -> None:
    count, goal = 90_000, 80
    best = enough * count // 100
    places = pd.DataFrame({"rank": [1, best, count], "percent": [goal / best, goal, 100]})
    rows = places.set_index("rank").reindex(range(1, count + 1)).interpolate().reset_index()
    said = {"things": "products", "xlabel": "products", "ylabel": "% of revenue, without shipping"}
    line = charts.Pareto(rows, "rank", "percent", enough=best, goal=goal, **said)
    charts.publish_panels(line, to=tmp_path, **SAID | {"alt": "A line: the share of revenue."})


@pytest.mark.parametrize("margins", [[4.0, None], [None, None]])
def test_a_mean_of_one_customer_has_no_interval(
    tmp_path: Path, margins: list[float | None]
) -> None:
    rows = pd.DataFrame({"name": ["many", "one"], "mean": [20.0, 30.0], "margin": margins})
    rows["margin"] = rows["margin"].astype(float)
    left = charts.Bars(rows, "name", "mean", "USD", title="Bars")
    right = charts.Means(rows, "mean", "margin", overall=20, xlabel="USD", title="Means")
    said = SAID | {"alt": "Bars and dots, each with a line around it: means."}
    charts.publish_panels(left, right, to=tmp_path, **said)


def test_what_is_beyond_the_last_edge_counts_in_the_last_bar_and_the_label_says_so() -> None:
    orders = pd.Series([1, 2, 2, 3, 50])
    capped = charts.Histogram(orders, "Frequency", "orders", step=1, start=0.5, count=3)
    assert capped.rows["customers"].tolist() == [1, 2, 2]
    assert capped.rows["measure"].iloc[0] == "Frequency (orders; last bar: 3 or more)"
    open_end = charts.Histogram(orders, "Frequency", "orders", step=10)
    assert open_end.rows["customers"].tolist() == [4, 0, 0, 0, 0, 1]
    assert open_end.rows["measure"].iloc[0] == "Frequency (orders)"


@pytest.mark.parametrize("step", [None, 30])
def test_a_histogram_of_nobody_has_empty_bars(tmp_path: Path, step: float | None) -> None:
    nobody = charts.Histogram(pd.Series(dtype=float), "Spent", "USD", step=step, count=4)
    assert nobody.rows["customers"].tolist() == [0, 0, 0, 0]
    charts.publish_panels(nobody, to=tmp_path, **SAID)


def test_the_end_of_a_stacked_bar_tells_its_sum_and_its_parts(tmp_path: Path) -> None:
    changed = pd.DataFrame({"new": [70, 5], "updated": [7, 0]}, index=["July", "August"])
    colours = {"new": charts.ACCENT, "updated": charts.SECOND}
    bars = charts.StackedBars(changed, colours, "rows", total="{total:,} ({updated} updated)")
    _, ax = charts.figure()
    bars.draw(ax, None)
    assert [text.get_text() for text in ax.texts] == ["77 (7 updated)", "5 (0 updated)"]
    table = changed.reset_index(names="delivery")
    charts.publish_panels(bars, to=tmp_path, table=table, **SAID)


def test_a_group_without_numbers_has_no_box_and_is_no_error(tmp_path: Path) -> None:
    days = pd.DataFrame({"days": [1.0, 2.0, None], "group": ["stayed", "stayed", "left"]})
    colours = {"stayed": charts.ACCENT, "left": charts.SECOND}
    boxes = charts.Boxes(days, "days", "group", colours, "days")
    assert boxes.rows["group"].tolist() == ["stayed"]
    nobody = charts.Boxes(days.head(0), "days", "group", colours, "days")
    assert nobody.rows.empty
    _, ax = charts.figure()
    nobody.draw(ax, None)
    assert ticks(ax.yaxis) == []


def test_a_place_without_a_row_has_a_bar_of_no_height(tmp_path: Path) -> None:
    scores = pd.DataFrame({"score": [1, 3], "customers": [20, 7]})
    columns = charts.Columns(scores, "score", "customers", range(1, 4), "score", "customers")
    _, ax = charts.figure()
    columns.draw(ax, None)
    assert [bar.get_height() for bar in ax.patches] == [20, 0, 7]


def test_curves_have_a_line_for_each_name_and_other_dashes(tmp_path: Path) -> None:
    """Grey print has no colours; the diagonal is a guide and stands in the legend."""
    rows = pd.DataFrame(
        {
            "by": ["rule"] * 3 + ["model"] * 3,
            "called": [0, 50, 100] * 2,
            "found": [0.0, 55.0, 100.0, 0.0, 80.0, 100.0],
        }
    )
    said: Any = {"diagonal": "at random", "xlabel": "called, %", "ylabel": "found, %"}
    colours = {"model": charts.ACCENT, "rule": charts.SECOND}
    curves = charts.Curves(rows, "by", "called", "found", colours, **said)
    charts.publish_panels(curves, to=tmp_path, **SAID)
    _, ax = charts.figure()
    curves.draw(ax, None)
    lines = {str(line.get_label()): line for line in ax.lines}
    assert list(lines["model"].get_ydata()) == [0.0, 80.0, 100.0]
    assert lines["model"].get_linestyle() != lines["rule"].get_linestyle()
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["model", "rule", "at random"]


def test_curves_over_whole_numbers_have_no_diagonal(tmp_path: Path) -> None:
    rows = pd.DataFrame({"year": ["2023"] * 3, "quarter": [0, 1, 2], "came": [100.0, 47.0, 32.0]})
    said: Any = {"diagonal": "", "xlabel": "quarters later", "ylabel": "% who came"}
    curves = charts.Curves(rows, "year", "quarter", "came", {"2023": charts.ACCENT}, **said)
    charts.publish_panels(curves, to=tmp_path, **SAID)
    _, ax = charts.figure()
    curves.draw(ax, None)
    assert [str(line.get_label()) for line in ax.lines] == ["2023"]
    assert ax.get_xlim() == (0, 2)


def test_a_band_has_its_edges_and_is_read_at_two_guides(tmp_path: Path) -> None:
    """Names of the scale stand at the leftmost panel only; nobody is no error."""
    usd = {"margin": [0, 40], "gain": [-1.0, 3.0], "low": [-2.0, 1.0], "high": [0.0, 5.0]}
    said: dict[str, Any] = {"at": 20, "limit": 0.5, "xlabel": "margin", "ylabel": "gain, USD"}
    rows = pd.DataFrame(usd)
    band = charts.Bands(rows, "margin", "gain", "low", "high", **said)
    nobody = charts.Bands(rows.head(0), "margin", "gain", "low", "high", **said)
    for panel in (band, nobody):
        charts.publish_panels(panel, to=tmp_path, **SAID | {"alt": "Line chart of what is gained."})
    _, axes = charts.figure(columns=2)
    band.draw(axes[0], None)
    band.draw(axes[1], axes[0])
    drawn = [list(line.get_ydata()) for line in axes[0].lines if line.get_gid() != "guide"]
    assert drawn == [usd["low"], usd["high"], usd["gain"]]
    assert [ax.get_ylabel() for ax in axes] == ["gain, USD", ""]
