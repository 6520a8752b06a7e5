"""What must be true of a drawn chart: its marks are its table, and people can read it.

`charts.publish` runs these checks where `LAKEHOUSE_CHECK_CHARTS` is set: while notebooks are
validated. Marks are read back from the figure, so a chart cannot show other data than its table.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from ecommerce_lakehouse.charts.check_reading import alt_problems, colour_problems, layout_problems
from ecommerce_lakehouse.charts.check_values import value_problems


class ChartProblem(AssertionError):
    """A chart that must not be published."""


def check(fig: Figure, name: str, table: pd.DataFrame, alt: str) -> None:
    """Check a finished figure.

    Raises:
        ChartProblem: It names everything that is wrong.
    """
    fig.draw_without_rendering()
    fig.set_layout_engine("none")  # nothing moves from here on
    problems = [
        *value_problems(fig, table),
        *alt_problems(fig, alt),
        *layout_problems(fig),
        *colour_problems(fig),
    ]
    if problems:
        raise ChartProblem("\n".join([f"{name}:", *problems]))
