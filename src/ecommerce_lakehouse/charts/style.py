"""The one style of every chart: its colours, letters and sizes."""

from __future__ import annotations

from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from ecommerce_lakehouse.charts.contrast import MIN_CONTRAST, contrast
from ecommerce_lakehouse.charts.letters import fonts

INK = "#333333"
ACCENT = "#0072B2"
SECOND = "#DD7A2E"
MUTED = "#B8B8B8"
"""One accent, a second where two things are compared, greys for the rest.

Blue, orange and grey differ in lightness too, so they stay apart for colour-blind eyes and in
grey print; `charts.checks` measures it.
"""
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
            "font.family": fonts(),
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

    Examples:
        >>> fig, (left, right) = figure(columns=2)
    """
    use_style()
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def ink_on(colour: Any) -> str:
    """The ink for letters on a colour: the usual one where it can be read, else black or white."""
    if contrast(colour, INK) >= MIN_CONTRAST:
        return INK
    return max("black", "white", key=lambda ink: contrast(colour, ink))
