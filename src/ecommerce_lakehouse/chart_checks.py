"""What must be true of a drawn chart: its marks are its table, and people can read it.

`charts.export` runs these checks where `LAKEHOUSE_CHECK_CHARTS` is set: while notebooks are
validated. Marks are read back from the figure, so a chart cannot show other data than its table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, PathPatch
from matplotlib.text import Text

from ecommerce_lakehouse.colours import EYES, READABLE, contrast, distance

GUIDE = "guide"
"""The gid of what is drawn to help the eye, and is no data."""
APART = 12.0
"""The least distance of two fills (CIELAB), also for colour-blind eyes and in grey."""
WORDS = {"bar": "bar", "line": "line", "scatter": "plot", "grid": "heat map", "box": "box"}
"""What the alt text has to call a kind of chart."""

Series = tuple[str, np.ndarray]


class ChartProblem(AssertionError):
    """A chart that must not be published."""


def check(fig: Figure, name: str, table: pd.DataFrame, alt: str) -> None:
    """Check a finished figure.

    Args:
        fig: The figure, with its title.
        name: What to call it.
        table: The values that it draws.
        alt: The words that stand for it.

    Raises:
        ChartProblem: It names everything that is wrong.
    """
    fig.draw_without_rendering()
    fig.set_layout_engine("none")  # nothing moves from here on
    problems = [*_data(fig, table), *_words(fig, alt), *_layout(fig), *_colours(fig)]
    if problems:
        raise ChartProblem("\n".join([f"{name}:", *problems]))


# ── The marks are the table ──────────────────────────────────────────────────────────────────────


def _data(fig: Figure, table: pd.DataFrame) -> Iterator[str]:
    columns = list(_columns(table))
    drawn = 0
    for ax in _panels(fig):
        if set(table.columns) == {"source", "target"}:
            yield from _graph(ax, table)
            drawn += 1
            continue
        for kind, values in marks(ax):
            drawn += 1
            if not any(_same(values, column) for column in columns):
                yield f"{kind} {_shortly(values)}: no column of the table has these values"
        yield from _labels(ax, table)
    if not drawn:
        yield "nothing is drawn"


def marks(ax: Axes) -> Iterator[Series]:
    """What is drawn in a panel: the kind of mark, and its values in order."""
    in_containers: set[Any] = set()
    for container in ax.containers:
        if isinstance(container, BarContainer):
            wide = container.orientation == "horizontal"
            yield (
                "bar",
                np.array([bar.get_width() if wide else bar.get_height() for bar in container]),
            )
        elif isinstance(container, ErrorbarContainer):
            line, _, whiskers = container.lines
            in_containers.update([line, *whiskers])
            yield "line", np.asarray(line.get_xdata(), dtype=float)
            for whisker in whiskers:
                ends = np.array([segment[:, 0] for segment in whisker.get_segments()])
                yield "line", (ends[:, 1] - ends[:, 0]) / 2
    boxes = any(isinstance(patch, PathPatch) for patch in ax.patches)
    for line in ax.lines:
        if line.get_gid() == GUIDE or line in in_containers:
            continue
        heights = np.asarray(line.get_ydata(), dtype=float)
        if boxes:  # whiskers, caps and medians: every end is a value
            yield from (("box", np.array([height])) for height in heights)
        else:
            yield "line", heights
    for artist in ax.collections:
        if artist.get_gid() == GUIDE or artist in in_containers:
            continue
        if isinstance(artist, PathCollection):
            across, up = np.ma.filled(artist.get_offsets(), np.nan).astype(float).T
            yield "scatter", across
            if not np.array_equal(up, np.arange(len(up))):  # else the names, one below the other
                yield "scatter", up
        elif isinstance(artist, QuadMesh):
            cells: np.ndarray = np.ma.filled(np.ma.asarray(artist.get_array(), dtype=float), np.nan)
            yield from (("grid", column) for column in cells.T)
        elif isinstance(artist, LineCollection):
            ends = np.array([segment[:, 0] for segment in artist.get_segments()])
            yield from (("line", ends[:, side]) for side in (0, 1))


def _columns(table: pd.DataFrame) -> Iterator[np.ndarray]:
    """What a mark may show: a column, or the part of it that belongs to one name."""
    parts = [table]
    for name in table.columns:
        few = 2 if pd.api.types.is_numeric_dtype(table[name]) else 20
        if table[name].nunique() <= few:
            parts += [part for _, part in table.groupby(name, sort=False)]
    for part in parts:
        for name in part.columns:
            if pd.api.types.is_numeric_dtype(part[name]):
                values = part[name].to_numpy(dtype=float)
                yield values
                if len(part) <= 20:
                    yield from (np.array([value]) for value in values)


def _same(drawn: np.ndarray, column: np.ndarray) -> bool:
    """Equal in order, but for a NULL that is not drawn and a zero from which a line starts."""
    for values in (column, column[~np.isnan(column)]):
        if len(drawn) == len(values) and np.allclose(drawn, values, rtol=1e-9, equal_nan=True):
            return True
    return bool(len(drawn) == len(column) + 1 and drawn[0] == 0 and _same(drawn[1:], column))


def _labels(ax: Axes, table: pd.DataFrame) -> Iterator[str]:
    """The names along a bar chart are those of the table, in its order."""
    texts = [column.astype(str).tolist() for _, column in table.items() if column.dtype == object]
    for axis, wide in ((ax.yaxis, "horizontal"), (ax.xaxis, "vertical")):
        bars = [c for c in ax.containers if isinstance(c, BarContainer) and c.orientation == wide]
        names = [label.get_text() for label in axis.get_ticklabels() if label.get_text()]
        if not bars or len(names) != len(bars[0]) or all(_is_number(name) for name in names):
            continue
        lined_up = (
            any(
                all(name.startswith(value) for name, value in zip(names, part, strict=True))
                for part in _runs(text, len(names))
            )
            for text in texts
        )
        if not any(lined_up):
            yield f"the names {names} are in no column of the table, in this order"


def _runs(values: list[str], length: int) -> Iterator[list[str]]:
    for start in range(len(values) - length + 1):
        yield values[start : start + length]


def _graph(ax: Axes, table: pd.DataFrame) -> Iterator[str]:
    nodes = {*table["source"], *table["target"]}
    wanted = [{node, node.rpartition(".")[2]} for node in nodes]  # its layer may be a colour
    written = [text.get_text().replace("\n", "") for text in ax.texts]
    for names in wanted:
        if not names.intersection(written):
            yield f"{max(names, key=len)} has no box"
    if len(written) != len(nodes):
        yield f"{len(written)} boxes, {len(nodes)} names"
    arrows = sum(isinstance(patch, FancyArrowPatch) for patch in ax.patches)
    if arrows != len(table):
        yield f"{arrows} arrows, {len(table)} rows"


# ── People can read it ───────────────────────────────────────────────────────────────────────────


def _words(fig: Figure, alt: str) -> Iterator[str]:
    if len(alt.split()) < 5:
        yield "the alt text is missing, or says next to nothing"
    for ax in _panels(fig):
        for kind in {kind for kind, _ in marks(ax)}:
            if kind != "line" and WORDS[kind] not in alt.lower():
                yield f'the alt text does not say that there is a "{WORDS[kind]}"'
        if ax.axison:
            for axis in (ax.xaxis, ax.yaxis):
                ticks = [label.get_text() for label in axis.get_ticklabels() if label.get_text()]
                bare = not axis.get_label_text() and not _shares_label(ax, axis)
                if ticks and all(_is_number(tick) for tick in ticks) and bare:
                    yield f"the numbers along the {axis.axis_name} axis have no label"


def _layout(fig: Figure) -> Iterator[str]:
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
        if len(spot) and (found := contrast(text.get_color(), np.median(spot, axis=0))) < READABLE:
            yield f'"{text.get_text()}" has a contrast of {found:.1f}, needed: {READABLE}'


def _colours(fig: Figure) -> Iterator[str]:
    """The fills of a panel stay apart for every eye; a hatch or another shape is as good."""
    for ax in _panels(fig):
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
                if shape == its and (gap := distance(one, other, matrix)) < APART:
                    yield f"two fills are {gap:.0f} apart{f' in {eye}' if eye else ''}"


# ── Parts of a figure ────────────────────────────────────────────────────────────────────────────


def _panels(fig: Figure) -> list[Axes]:
    """The panels that hold data, without colour bars."""
    return [ax for ax in fig.axes if ax.get_label() != "<colorbar>"]


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


def _shortly(values: np.ndarray) -> str:
    first = ", ".join(f"{value:g}" for value in values[:4])
    return f"[{first}{', …' if len(values) > 4 else ''}]"


def _is_number(text: str) -> bool:
    return any(letter.isdigit() for letter in text) and not any(
        letter.isalpha() for letter in text.strip("$kM%").replace("−", "-")
    )
