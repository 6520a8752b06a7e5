"""Charts: one style, one way out, and the checks that every chart has to pass."""

from ecommerce_lakehouse.charts.axes import count_axis, few_ticks, money, money_axis
from ecommerce_lakehouse.charts.bar_panels import Bars, Columns, Histogram, StackedBars
from ecommerce_lakehouse.charts.chart import Chart, publish
from ecommerce_lakehouse.charts.graph import draw_graph, two_lines
from ecommerce_lakehouse.charts.line_panels import Bands, Curves
from ecommerce_lakehouse.charts.marks import bars, heatmap, stacked_bars
from ecommerce_lakehouse.charts.panels import publish_panels
from ecommerce_lakehouse.charts.point_panels import (
    Boxes,
    Correlations,
    Grid,
    Means,
    Months,
    Pairs,
    Pareto,
)
from ecommerce_lakehouse.charts.style import (
    ACCENT,
    AMOUNTS,
    AROUND_ZERO,
    INK,
    MUTED,
    SECOND,
    figure,
)

__all__ = [
    "ACCENT",
    "AMOUNTS",
    "AROUND_ZERO",
    "INK",
    "MUTED",
    "SECOND",
    "Bands",
    "Bars",
    "Boxes",
    "Chart",
    "Columns",
    "Correlations",
    "Curves",
    "Grid",
    "Histogram",
    "Means",
    "Months",
    "Pairs",
    "Pareto",
    "StackedBars",
    "bars",
    "count_axis",
    "draw_graph",
    "few_ticks",
    "figure",
    "heatmap",
    "money",
    "money_axis",
    "publish",
    "publish_panels",
    "stacked_bars",
    "two_lines",
]
