"""Boxes and arrows, from left to right: what is made from what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from ecommerce_lakehouse.charts.style import INK, MUTED

Edge = tuple[str, str]
Place = tuple[float, float]
HALF_WIDTH, HALF_HEIGHT = 0.4, 0.3


def columns(edges: Sequence[Edge]) -> dict[str, int]:
    """The column of every box: one further right than the last thing it is made from."""
    sources: dict[str, list[str]] = {}
    for source, target in edges:
        sources.setdefault(source, [])
        sources.setdefault(target, []).append(source)
    column: dict[str, int] = {}
    for name in TopologicalSorter(sources).static_order():
        column[name] = max((column[s] + 1 for s in sources[name]), default=0)
    return column


def lay_out(edges: Sequence[Edge]) -> tuple[dict[str, Place], dict[Edge, list[Place]]]:
    """Place the boxes, and the points an arrow passes where it crosses a column.

    An arrow that skips a column takes a slot there, as a box does, so that it runs between
    boxes and not behind them. Slots are ordered by the mean height of what leads to them.

    Returns:
        Where each box is, and the way points of each edge.
    """
    column = columns(edges)
    steps: list[tuple[object, object]] = []
    slots: dict[int, list[object]] = {}
    for name, x in column.items():
        slots.setdefault(x, []).append(name)
    for edge in edges:
        before: object = edge[0]
        for x in range(column[edge[0]] + 1, column[edge[1]]):
            slots[x].append((edge, x))
            steps.append((before, (edge, x)))
            before = (edge, x)
        steps.append((before, edge[1]))

    height: dict[object, float] = {}
    for x in sorted(slots):

        def pull(slot: object) -> float:
            found = [height[s] for s, t in steps if t == slot]
            return sum(found) / len(found) if found else 0.0

        ranked = sorted(slots[x], key=pull) if x else slots[x]
        weight = [1.0 if isinstance(slot, str) else 0.5 for slot in ranked]
        top = 0.0
        for slot, share in zip(ranked, weight, strict=True):
            height[slot] = (top + share / 2) / sum(weight)
            top += share
    tallest = max(sum(isinstance(s, str) for s in found) for found in slots.values())
    boxes = {name: (float(x), -tallest * height[name]) for name, x in column.items()}
    ways = {
        edge: [
            (float(x), -tallest * height[(edge, x)])
            for x in range(column[edge[0]] + 1, column[edge[1]])
        ]
        for edge in edges
    }
    return boxes, ways


def draw_graph(
    ax: Axes,
    edges: Sequence[Edge],
    *,
    label: Callable[[str], str] = str,
    fill: Mapping[str, str] | None = None,
) -> None:
    """Draw every box once and an arrow for every edge.

    Args:
        ax: Where to draw.
        edges: (source, target) pairs.
        label: What to write into a box.
        fill: The colour of a box, white where none is given.
    """
    boxes, ways = lay_out(edges)
    for edge in edges:
        (x0, y0), (x1, y1) = boxes[edge[0]], boxes[edge[1]]
        points = [(x0 + HALF_WIDTH, y0)]
        for x, y in ways[edge]:
            points += [(x - HALF_WIDTH, y), (x + HALF_WIDTH, y)]
        points.append((x1 - HALF_WIDTH, y1))
        arrow = FancyArrowPatch(
            path=_curve(points),
            arrowstyle="-|>",
            mutation_scale=9,
            linewidth=1,
            color=MUTED,
            zorder=1,
        )
        ax.add_patch(arrow)
    for name, (x, y) in boxes.items():
        ax.add_patch(
            FancyBboxPatch(
                (x - HALF_WIDTH, y - HALF_HEIGHT),
                2 * HALF_WIDTH,
                2 * HALF_HEIGHT,
                boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=(fill or {}).get(name, "white"),
                edgecolor=INK,
                linewidth=0.8,
                zorder=2,
            )
        )
        ax.text(x, y, label(name), ha="center", va="center", size=8.5, color=INK, zorder=3)
    bottom = min(y for _, y in boxes.values())
    top = max(y for _, y in boxes.values())
    right = max(x for x, _ in boxes.values())
    ax.set(xlim=(-0.5, right + 0.5), ylim=(bottom - 0.45, top + 0.45))
    ax.axis("off")


def _curve(points: list[Place]) -> Path:
    """A line through points that leaves and reaches each of them level."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)


def two_lines(name: str) -> str:
    """Break a long name at the underscore nearest to its middle."""
    breaks = [i + 1 for i, letter in enumerate(name) if letter == "_"]
    if len(name) <= 14 or not breaks:
        return name
    middle = min(breaks, key=lambda i: abs(i - len(name) / 2))
    return f"{name[:middle]}\n{name[middle:]}"
