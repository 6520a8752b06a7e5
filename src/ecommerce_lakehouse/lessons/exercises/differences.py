"""The first difference between an answer and the right one, in words a person would use."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from decimal import Decimal
from typing import Any

from ecommerce_lakehouse.lessons.exercises.answers import Drawing, Rows

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NOISE = {"rel_tol": 1e-9, "abs_tol": 1e-6}
"""What two numbers may differ by: sums of floats, and a division that ends elsewhere."""


def find_difference(
    right: Any, given: Any, key: tuple[str, ...] = (), *, is_ordered: bool = False
) -> str | None:
    """The first difference, or None.

    Args:
        right: The right answer, as `to_plain` has it.
        given: The learner's.
        key: The columns that tell the rows of a table apart; none to compare rows as a whole.
        is_ordered: Whether the order of rows counts.
    """
    if isinstance(right, Drawing) and isinstance(given, Drawing):
        return _in_drawings(right, given)
    if isinstance(right, Rows) and isinstance(given, Rows):
        return _in_tables(right, given, key, is_ordered=is_ordered)
    if isinstance(right, (Rows, Drawing)) or isinstance(given, (Rows, Drawing)):
        if isinstance(given, Rows) and _is_single(given) and not isinstance(right, Drawing):
            return find_difference(right, given.rows[0][0])
        return f"{_kind(right)} is asked for, and yours is {_kind(given).lower()}."
    said = _in_values(right, given)
    return said and f"Yours {said}."


def _in_tables(right: Rows, given: Rows, key: tuple[str, ...], *, is_ordered: bool) -> str | None:
    said = _in_columns(right, given)
    if said:
        return said
    places = [given.columns.index(name) for name in right.columns]
    rows = [tuple(row[place] for place in places) for row in given.rows]
    if not key or not set(key) <= set(right.columns):
        key = right.columns
    keys = [right.columns.index(name) for name in key]
    by_key = {_key(row, keys): row for row in sorted(right.rows, key=_sortable)}
    said = _in_keys([_key(row, keys) for row in right.rows], [_key(row, keys) for row in rows], key)
    if said:
        return said
    mine = {_key(row, keys): row for row in sorted(rows, key=_sortable)}
    for which, row in sorted(by_key.items(), key=lambda pair: _sortable(pair[0])):
        for name, value, other in zip(right.columns, row, mine[which], strict=True):
            said = _in_values(value, other)
            if said and name.endswith("_id") and other is not None:
                said = f"is {_shown(other)}"  # a number that is a name is not too large
            if said:
                return _sentence(f"{_named(key, which)}: `{name}` {said}")
    if is_ordered:
        for wanted, found in zip(right.rows, rows, strict=True):
            if _key(wanted, keys) != _key(found, keys):
                where = _named(key, _key(found, keys))
                return f"The rows are right, their order is not. The first out of place is {where}."
    return None


def _in_columns(right: Rows, given: Rows) -> str | None:
    missing = [name for name in right.columns if name not in given.columns]
    more = [name for name in given.columns if name not in right.columns]
    twice = [name for name, times in Counter(given.columns).items() if times > 1]
    if twice:
        return f"Two columns are called `{twice[0]}`."
    if missing:
        has = f"yours has {', '.join(f'`{name}`' for name in given.columns)}"
        return f"The column `{missing[0]}` is missing: {has}."
    if more:
        return f"The column `{more[0]}` is one too many."
    return None


def _in_keys(right: list[Any], given: list[Any], key: tuple[str, ...]) -> str | None:
    wanted, found = Counter(right), Counter(given)
    missing = sorted(wanted.keys() - found.keys(), key=_sortable)
    more = sorted(found.keys() - wanted.keys(), key=_sortable)
    twice = sorted((k for k, times in found.items() if times != wanted[k]), key=_sortable)
    if not given and right:
        return "Your table has no rows."
    if missing:
        are = "is" if len(missing) == 1 else "are"
        return _sentence(f"{_count(len(missing), key)} {are} missing{_example(key, missing)}")
    if more:
        return _sentence(f"{_count(len(more), key)} too many{_example(key, more)}")
    if twice:
        times = found[twice[0]]
        often = "twice" if times == 2 else f"{times} times"
        return _sentence(f"{_named(key, twice[0])} is there {often}")
    return None


def _in_drawings(right: Drawing, given: Drawing) -> str | None:
    said = find_difference(right.marks, given.marks, ("name",))
    if said:
        return f"In the chart: {said[0].lower()}{said[1:]}" if given.marks.rows else "It is empty."
    for name, words in {"title": "The chart has no title", "x": "The x axis has no label"}.items():
        if name in right.words - given.words:
            return f"{words}."
    return "The y axis has no label." if "y" in right.words - given.words else None


def _in_values(right: Any, given: Any) -> str | None:
    """What is wrong with a value, as the end of a sentence; never what would be right."""
    if right is None or given is None:
        if right is given:
            return None
        return (
            "is NULL"
            if given is None
            else f"is {_shown(given)}, where there should be no value (NULL)"
        )
    if _is_number(right):
        if not _is_number(given):
            return f"is the {_kind(given).split()[-1]} {_shown(given)}, not a number"
        return _in_numbers(right, given)
    if isinstance(right, datetime.date):
        if not isinstance(given, datetime.date):
            return f"is the {_kind(given).split()[-1]} {_shown(given)}, not a date"
        if right == given:
            return None
        return f"is {given}, which is too {'late' if str(given) > str(right) else 'early'}"
    if str(right).strip().casefold() == str(given).strip().casefold():
        return None
    return f"is {_shown(given)}"


def _in_numbers(right: Any, given: Any) -> str | None:
    if math.isclose(float(right), float(given), **NOISE):
        return None
    digits, wanted = _decimals(given), _decimals(right)
    distance = abs(float(right) - float(given))
    if wanted >= 2 and digits < wanted and distance <= 0.5 * 10**-digits + 1e-9 and float(given):
        return f"is {_shown(given)}, which is rounded"
    if wanted >= 2 and digits > wanted and distance < 10**-wanted:
        return f"is {_shown(given)}, which is close, but not the exact value"
    if wanted >= 2 and digits == wanted and distance < 1.01 * 10**-wanted:
        return f"is {_shown(given)}: the last digit is rounded the other way"
    if float(right) == -float(given):
        return f"is {_shown(given)}, which has the wrong sign"
    return f"is {_shown(given)}, which is too {'large' if given > right else 'small'}"


def _decimals(number: Any) -> int:
    """How many digits follow the point, without zeros at the end."""
    shown = f"{number:f}" if isinstance(number, Decimal) else f"{number:.9f}"
    return len(shown.partition(".")[2].rstrip("0"))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal))


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _kind(value: Any) -> str:
    if isinstance(value, Rows):
        return "A table"
    if isinstance(value, Drawing):
        return "A chart"
    if value is None:
        return "Nothing"
    if isinstance(value, datetime.date):
        return "A date"
    return "A number" if _is_number(value) else "A text"


def _is_single(table: Rows) -> bool:
    """Whether a table has one value only."""
    return len(table.rows) == 1 and len(table.columns) == 1


def _key(row: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
    return tuple(_rounded(row[place]) for place in places)


def _rounded(value: Any) -> Any:
    """A value by which rows can be found: 1, 1.0 and Decimal("1.00") are one."""
    if not _is_number(value):
        return value
    return int(value) if float(value).is_integer() else round(float(value), 6)


def _sortable(key: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """Keys in an order, also where some hold NULL or values of several types."""
    return [
        ("number", float(value)) if _is_number(value) else (type(value).__name__, str(value))
        for value in key
    ]


def _noun(key: tuple[str, ...]) -> str:
    return key[0].removesuffix("_id").replace("_", " ") if len(key) == 1 else "row"


def _count(number: int, key: tuple[str, ...]) -> str:
    noun = _noun(key)
    if number != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{NUMBERS[number] if number <= 10 else f'{number:,}'} {noun}"


def _named(key: tuple[str, ...], value: tuple[Any, ...]) -> str:
    if len(key) == 1:
        return f"{_noun(key)} {_shown(value[0])}"
    return "the row with " + ", ".join(
        f"{name} {_shown(part)}" for name, part in zip(key, value, strict=True)
    )


def _example(key: tuple[str, ...], which: list[Any]) -> str:
    if len(which) == 1 and len(key) == 1:
        return f": {_named(key, which[0])}"
    return f", for example {_named(key, which[0])}"


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    return f"'{value}'" if isinstance(value, str) else str(value)
