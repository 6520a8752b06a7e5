"""Is a chart its table? Its marks are read back from the figure and looked up there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, PathPatch

GUIDE = "guide"
"""The gid of what is drawn to help the eye, and is no data."""

Series = tuple[str, np.ndarray]


def value_problems(fig: Figure, table: pd.DataFrame) -> Iterator[str]:
    """Marks and names that are not the table's."""
    columns = list(_columns_of(table))
    drawn = 0
    for ax in panels_of(fig):
        if set(table.columns) == {"source", "target"}:
            yield from _graph(ax, table)
            drawn += 1
            continue
        for kind, values in marks(ax):
            drawn += 1
            if not any(_is_same(values, column) for column in columns):
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
                # The mean of one customer has no margin, and so no line.
                drawn = [segment[:, 0] for segment in whisker.get_segments() if len(segment)]
                ends = np.reshape(drawn, (-1, 2))
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


def _columns_of(table: pd.DataFrame) -> Iterator[np.ndarray]:
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


def _is_same(drawn: np.ndarray, column: np.ndarray) -> bool:
    """Equal in order, but for a NULL that is not drawn and a zero from which a line starts."""
    for values in (column, column[~np.isnan(column)]):
        if len(drawn) == len(values) and np.allclose(drawn, values, rtol=1e-9, equal_nan=True):
            return True
    return bool(len(drawn) == len(column) + 1 and drawn[0] == 0 and _is_same(drawn[1:], column))


def _labels(ax: Axes, table: pd.DataFrame) -> Iterator[str]:
    """The names along a bar chart are those of the table, in its order."""
    texts = [column.astype(str).tolist() for _, column in table.items() if column.dtype == object]
    for axis, wide in ((ax.yaxis, "horizontal"), (ax.xaxis, "vertical")):
        bars = [c for c in ax.containers if isinstance(c, BarContainer) and c.orientation == wide]
        names = [label.get_text() for label in axis.get_ticklabels() if label.get_text()]
        if not bars or len(names) != len(bars[0]) or all(is_number(name) for name in names):
            continue
        lined_up = (
            any(
                all(_names(name, value) for name, value in zip(names, part, strict=True))
                for part in _runs(text, len(names))
            )
            for text in texts
        )
        if not any(lined_up):
            yield f"the names {names} are in no column of the table, in this order"


def _names(label: str, value: str) -> bool:
    """Whether a label is a value, perhaps with more behind it, or the beginning of a long one."""
    return label.startswith(value) or (label[1:].endswith("…") and value.startswith(label[:-1]))


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


# ── Parts of a figure ────────────────────────────────────────────────────────────────────────────


def panels_of(fig: Figure) -> list[Axes]:
    """The panels that hold data, without colour bars."""
    return [ax for ax in fig.axes if ax.get_label() != "<colorbar>"]


def _shortly(values: np.ndarray) -> str:
    first = ", ".join(f"{value:g}" for value in values[:4])
    return f"[{first}{', …' if len(values) > 4 else ''}]"


def is_number(text: str) -> bool:
    """Whether a text is a number, with or without its unit."""
    return any(letter.isdigit() for letter in text) and not any(
        letter.isalpha() for letter in text.strip("$kM%").replace("−", "-")
    )
