"""Answers as plain values: whatever a learner hands in, in one form that can be compared."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from pyspark.sql import DataFrame

from ecommerce_lakehouse.lessons.exercises.words import Prose, Said, say
from ecommerce_lakehouse.lessons.show import AUDIT, Shown, reason

MOST_ROWS = 100_000
"""An answer with more rows is none: no exercise has so many."""


class NoAnswer(Exception):
    """What was handed in cannot be looked at; says why, for the learner."""

    def __init__(self, said: Said) -> None:
        self.said = said
        super().__init__(said)


@dataclass(frozen=True)
class Rows:
    """A table.

    Attributes:
        columns: Names, in lower case: Spark takes no notice of it either.
        rows: Values without pandas' or numpy's types; None where there is none.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Drawing:
    """What can be read off a chart.

    Attributes:
        marks: What is drawn: the name or place along one axis, and the value along the other.
        words: The title and the texts of the axes; those that are there.
    """

    marks: Rows
    words: frozenset[str]


def to_plain(answer: object) -> Any:
    """An answer as Rows, Drawing, text, number, date or None.

    Raises:
        NoAnswer: It is of a kind that no exercise asks for.
    """
    if isinstance(answer, DataFrame):
        return _from_spark(answer)
    if isinstance(answer, pd.Series):
        answer = answer.to_frame(answer.name or "value")
    if isinstance(answer, pd.DataFrame):
        return _from_pandas(answer)
    if isinstance(answer, Figure):
        if len(answer.axes) != 1:
            number = len(answer.axes)
            raise NoAnswer(say("One chart is asked for, and yours has {number}.", number=number))
        answer = answer.axes[0]
    if isinstance(answer, Axes):
        return _from_chart(answer)
    if isinstance(answer, Shown):
        raise NoAnswer(say("That is a table as text. Hand in the table itself, without `show`."))
    plain = _plain(answer)
    if plain is None or isinstance(plain, (str, int, float, Decimal, datetime.date)):
        return plain
    kind = type(answer).__name__
    raise NoAnswer(say("No exercise takes an answer of the type `{type}`.", type=kind))


def to_results(answer: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """What an answer makes of each input, by the input's name.

    Args:
        answer: A function, or what a trial takes.
        inputs: The arguments of the function, or a trial: what is to be done with the answer.

    Raises:
        NoAnswer: It fails, or returns something that no exercise asks for.
    """

    def blame(problem: Said) -> NoAnswer:
        return NoAnswer(Said("{input}: {problem}", {"input": Prose(name), "problem": problem}))

    results = {}
    for name, tried in inputs.items():
        try:
            results[name] = to_plain(try_on(answer, tried))
        except NoAnswer as problem:
            raise blame(problem.said) from None
        except Exception as problem:
            raise blame(say_error(problem)) from problem
        if results[name] is None:
            raise blame(say("your function returns nothing. Is its `return` missing?"))
    return results


def try_on(answer: Any, tried: Any) -> Any:
    """What an answer makes of one input. A pandas table is lent as a copy: it can be changed."""
    if callable(tried):
        return tried(answer)
    return answer(*(value.copy() if isinstance(value, pd.DataFrame) else value for value in tried))


def sorted_letters(answer: Any) -> Any:
    """Of a text the single letters, in order: `b, a` and `A B` are one choice."""
    if not isinstance(answer, str):
        return answer
    text = answer.strip().lower()
    letters = list(text) if re.fullmatch(r"[a-e]{2,5}", text) else re.findall(r"\b[a-z]\b", text)
    return " ".join(sorted(set(letters)))


def is_same(one: FunctionType, other: object) -> bool:
    """Whether two functions do the same, step by step."""
    return isinstance(other, FunctionType) and _is_same_code(one.__code__, other.__code__)


def _is_same_code(one: CodeType, other: CodeType) -> bool:
    """Wherever the two stand, and however they are spaced."""
    if (one.co_code, one.co_names) != (other.co_code, other.co_names):
        return False
    pairs = zip_longest(one.co_consts, other.co_consts)
    return all(
        _is_same_code(a, b) if isinstance(a, CodeType) and isinstance(b, CodeType) else a == b
        for a, b in pairs
    )


def say_error(problem: BaseException) -> Said:
    """Of which kind an error is, and its first sentence."""
    kind = type(problem).__name__
    return say("it stops with {error}: {reason}", error=kind, reason=reason(problem))


def _from_spark(table: DataFrame) -> Rows:
    kept = [place for place, name in enumerate(table.columns) if name not in AUDIT]
    rows = [tuple(row[place] for place in kept) for row in table.limit(MOST_ROWS + 1).collect()]
    return _rows([table.columns[place] for place in kept], rows)


def _from_pandas(table: pd.DataFrame) -> Rows:
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    return _rows([str(name) for name in table.columns], table.itertuples(index=False, name=None))


def _rows(columns: list[str], rows: Any) -> Rows:
    plain = [tuple(_plain(value) for value in row) for row in rows]
    if len(plain) > MOST_ROWS:
        raise NoAnswer(
            say(
                "It has more than {number} rows. Is a condition missing in a join?",
                number=f"{MOST_ROWS:,}",
            )
        )
    return Rows(tuple(name.lower() for name in columns), plain)


def _from_chart(ax: Axes) -> Drawing:
    """Bars by the name below or beside them, lines and points by their place."""
    marks: list[tuple[Any, ...]] = []
    for bars in ax.containers:
        if isinstance(bars, BarContainer):
            marks += [_read_bar(ax, bar, lies=bars.orientation == "horizontal") for bar in bars]
    for line in ax.lines:
        if line.get_gid() == "guide":
            continue
        marks += zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    title = "".join(ax.get_title(loc=place) for place in ("left", "center", "right"))
    figure = ax.get_figure(root=True)
    title += figure.get_suptitle() if figure else ""
    texts = {"title": title, "x": ax.get_xlabel(), "y": ax.get_ylabel()}
    plain = [tuple(_plain(value) for value in mark) for mark in marks]
    return Drawing(
        Rows(("name", "value"), plain),
        frozenset(name for name, text in texts.items() if text.strip()),
    )


def _read_bar(ax: Axes, bar: Any, *, lies: bool) -> tuple[Any, ...]:
    if lies:
        return _name_at(ax.yaxis, bar.get_y() + bar.get_height() / 2), bar.get_width()
    return _name_at(ax.xaxis, bar.get_x() + bar.get_width() / 2), bar.get_height()


def _name_at(axis: Any, place: float) -> Any:
    """The text of the tick at a place; the place itself, where there is none."""
    for tick, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True):
        if math.isclose(tick, place, abs_tol=0.01) and label.get_text():
            return label.get_text()
    return place


def _plain(value: Any) -> Any:
    """A value without pandas' and numpy's types, and None for what is missing."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, datetime.datetime):
        value = value.replace(tzinfo=None)
        return value.date() if value.time() == datetime.time() else value
    if isinstance(value, bool):
        return int(value)
    return value
