"""The way out for a chart: a picture, the table behind it, a digest."""

from __future__ import annotations

import hashlib
import io
import os
import textwrap
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from ecommerce_lakehouse.artifacts import artifacts_folder, write_whole
from ecommerce_lakehouse.charts.axes import separate_thousands
from ecommerce_lakehouse.charts.letters import draw_unknown_letters_as_boxes, shorten_labels
from ecommerce_lakehouse.charts.style import INK

LETTERS_AN_INCH = 9.0
"""How wide a title may grow before it breaks into two lines."""


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


def publish(
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

    Examples:
        >>> sold = pd.DataFrame({"category": ["Books", "Toys"], "units": [31, 12]})
        >>> fig, ax = charts.figure()
        >>> charts.bars(ax, list(sold["category"]), list(sold["units"]))
        >>> said = {"title": "Books sell best", "alt": "Bars: units sold by category."}
        >>> publish(fig, "units", table=sold, **said, to=scratch)
        units.png, drawn from 2 rows of units.csv (...)
    """
    separate_thousands(fig)
    lines = textwrap.fill(title, int(fig.get_figwidth() * LETTERS_AN_INCH))
    fig.suptitle(lines, x=0.01, ha="left", fontsize=12.5, fontweight="bold", color=INK)
    shorten_labels(fig)
    folder = artifacts_folder(to)
    text = table.to_csv(index=False, lineterminator="\n")
    picture = io.BytesIO()
    with draw_unknown_letters_as_boxes(fig):
        # The picture carries its own words, under the names that PNG has for them.
        words = {"Software": None, "Title": title, "Description": alt}
        fig.savefig(picture, format="png", metadata=words)
        if os.environ.get("LAKEHOUSE_CHECK_CHARTS"):
            from ecommerce_lakehouse.charts import checks

            checks.check(fig, name, table, alt)
    plt.close(fig)
    write_whole(folder / f"{name}.csv", text.encode())
    write_whole(folder / f"{name}.png", picture.getvalue())
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Chart(picture.getvalue(), name, table, digest, alt)
