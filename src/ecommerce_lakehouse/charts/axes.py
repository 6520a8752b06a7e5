"""How the numbers along an axis are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import (
    AutoLocator,
    Formatter,
    FuncFormatter,
    MaxNLocator,
    NullFormatter,
    ScalarFormatter,
)


def money(value: float) -> str:
    """An amount as people write it.

    Examples:
        >>> [money(amount) for amount in (950, 12_400, -3_100_000)]
        ['$950', '$12.4k', '-$3.1M']
    """
    divisor, unit = _unit(value)
    amount = f"{value / divisor:,.1f}".removesuffix(".0") if unit else f"{value:,.0f}"
    return _with_sign(amount + unit)


def _unit(amount: float) -> tuple[float, str]:
    return (1e6, "M") if abs(amount) >= 1e6 else (1e3, "k") if abs(amount) >= 1e4 else (1, "")


def _with_sign(amount: str) -> str:
    return f"-${amount[1:]}" if amount.startswith("-") else f"${amount}"


class _Money(Formatter):
    """The ticks of an axis as money: not rounded, and in one unit unless some are tiny in it."""

    def __call__(self, value: float, _: int | None = None) -> str:
        return money(value)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        divisor, unit = _unit(max(values, key=abs, default=0))
        if any(0 < abs(value) < divisor / 10 for value in values):  # an axis of powers of ten
            return [money(value) for value in values]
        return [_with_sign(f"{value / divisor:,.10g}{unit if value else ''}") for value in values]


def money_axis(axis: Any) -> None:
    """Write an axis' ticks as money."""
    axis.set_major_formatter(_Money())
    axis.set_minor_formatter(NullFormatter())  # a log axis would name its small ticks as powers


def has_long_ticks(axis: Any) -> bool:
    """Whether an axis' ticks take room: money, and numbers from 10,000 on."""
    if isinstance(axis.get_major_formatter(), _Money):
        return True
    # Days are numbers, too, of 20,000 and more; their axis has a locator of its own.
    is_usual = isinstance(axis.get_major_locator(), AutoLocator)
    return is_usual and bool(max(map(abs, axis.get_view_interval())) >= 10_000)


def count_axis(axis: Any) -> None:
    """Write an axis' ticks as whole numbers with thousands separated, and none between them."""
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if abs(value - round(value)) < 1e-6 else "")
    )


def few_ticks() -> MaxNLocator:
    """A handful of round ticks, for narrow panels."""
    return MaxNLocator(nbins=4, steps=[1, 2, 5, 10])


def separate_thousands(fig: Figure) -> None:
    """Write `1,000` at the ticks for which nobody chose how."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            usual = isinstance(axis.get_major_formatter(), ScalarFormatter)
            if usual and max(map(abs, axis.get_view_interval())) >= 1000:
                count_axis(axis)
