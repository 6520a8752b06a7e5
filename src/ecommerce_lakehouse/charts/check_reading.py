"""Can people read a chart? Its words, its places, its colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.text import Text

from ecommerce_lakehouse.charts.check_values import is_number, marks, panels_of
from ecommerce_lakehouse.charts.contrast import EYES, MIN_CONTRAST, contrast, distance

MIN_DISTANCE = 12.0
"""The least distance of two fills (CIELAB), also for colour-blind eyes and in grey."""
WORD_FOR = {"bar": "bar", "line": "line", "scatter": "plot", "grid": "heat map", "box": "box"}
"""What the alt text has to call a kind of chart."""


def alt_problems(fig: Figure, alt: str) -> Iterator[str]:
    """What the alt text and the axes do not say."""
    if len(alt.split()) < 5:
        yield "the alt text is missing, or says next to nothing"
    for ax in panels_of(fig):
        for kind in {kind for kind, _ in marks(ax)}:
            if kind != "line" and WORD_FOR[kind] not in alt.lower():
                yield f'the alt text does not say that there is a "{WORD_FOR[kind]}"'
        if ax.axison:
            for axis in (ax.xaxis, ax.yaxis):
                ticks = [label.get_text() for label in axis.get_ticklabels() if label.get_text()]
                bare = not axis.get_label_text() and not _shares_label(ax, axis)
                if ticks and all(is_number(tick) for tick in ticks) and bare:
                    yield f"the numbers along the {axis.axis_name} axis have no label"


def layout_problems(fig: Figure) -> Iterator[str]:
    """Every text is inside, apart from the others, and has contrast to what is behind it."""
    canvas: Any = fig.canvas
    renderer = canvas.get_renderer()
    placed = [(text, text.get_window_extent(renderer)) for text in _texts(fig)]
    for text, box in placed:
        if box.x0 < -1 or box.y0 < -1 or box.x1 > fig.bbox.x1 + 1 or box.y1 > fig.bbox.y1 + 1:
            yield f'"{text.get_text()}" is partly outside'
    for (one, a), (other, b) in combinations(placed, 2):
        across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > 1.5 and down > 1.5:
            yield f'"{one.get_text()}" overlaps "{other.get_text()}"'
    for text, _ in placed:
        text.set_visible(False)
    canvas.draw()
    behind = np.asarray(canvas.buffer_rgba(), dtype=float)[..., :3] / 255
    if np.ptp(behind, axis=(0, 1)).max() < 0.05:
        yield "the chart is blank"
    for text, box in placed:
        text.set_visible(True)
        rows = slice(int(behind.shape[0] - box.y1), int(behind.shape[0] - box.y0) + 1)
        spot = behind[rows, int(box.x0) : int(box.x1) + 1].reshape(-1, 3)
        if (
            len(spot)
            and (found := contrast(text.get_color(), np.median(spot, axis=0))) < MIN_CONTRAST
        ):
            yield f'"{text.get_text()}" has a contrast of {found:.1f}, needed: {MIN_CONTRAST}'


def colour_problems(fig: Figure) -> Iterator[str]:
    """The fills of a panel stay apart for every eye; a hatch or another shape is as good."""
    for ax in panels_of(fig):
        fills: set[tuple[Any, Any]] = {
            (to_rgb(bar.get_facecolor()), bar.get_hatch())
            for container in ax.containers
            if isinstance(container, BarContainer)
            for bar in container
        }
        boxes = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
        fills |= {(to_rgb(box.get_facecolor()), box.get_hatch()) for box in boxes}
        for dots in ax.collections:
            if isinstance(dots, PathCollection):
                colours: Any = dots.get_facecolor()
                shape = len(dots.get_paths()[0])
                fills |= {(to_rgb(colour), shape) for colour in colours[:1]}
        for (one, shape), (other, its) in combinations(sorted(fills, key=str), 2):
            for eye, matrix in EYES.items():
                if shape == its and (gap := distance(one, other, matrix)) < MIN_DISTANCE:
                    yield f"two fills are {gap:.0f} apart{f' in {eye}' if eye else ''}"


def _shares_label(ax: Axes, axis: Any) -> bool:
    shared: Callable[[], Any] = ax.get_shared_y_axes if axis is ax.yaxis else ax.get_shared_x_axes
    return any(
        (other.get_ylabel() if axis is ax.yaxis else other.get_xlabel())
        for other in shared().get_siblings(ax)
    )


def _texts(fig: Figure) -> Iterator[Text]:
    """Every text that is visible: not a tick label beyond the end of its axis."""
    hidden = set()
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = (high - low) * 1e-6
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                inside = low - slack <= tick.get_loc() <= high + slack
                if not inside or not axis.get_visible() or not ax.axison:
                    hidden.update([tick.label1, tick.label2])
                if not tick.label2.get_visible():
                    hidden.add(tick.label2)
            if not ax.axison:
                hidden.update([axis.label, axis.offsetText])
    for text in fig.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            yield text
