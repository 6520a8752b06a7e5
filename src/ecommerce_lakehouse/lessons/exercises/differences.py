"""The first difference between an answer and the right one, in words a person would use."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from decimal import Decimal
from typing import Any

from ecommerce_lakehouse.lessons.exercises.answers import Drawing, Rows
from ecommerce_lakehouse.lessons.exercises.book import to_nouns
from ecommerce_lakehouse.lessons.exercises.words import Prose, Said, say

NUMBERS = {
    2: say("two"),
    3: say("three"),
    4: say("four"),
    5: say("five"),
    6: say("six"),
    7: say("seven"),
    8: say("eight"),
    9: say("nine"),
    10: say("ten"),
}
NOUNS_OF_MARKS = (say("name"), say("names"))
"""What `to_nouns` calls the marks of a chart; here so that they are found and translated."""
NOISE = {"rel_tol": 1e-9, "abs_tol": 1e-6}
"""What two numbers may differ by: sums of floats, and a division that ends elsewhere."""


def find_difference(
    right: Any, given: Any, key: tuple[str, ...] = (), *, is_ordered: bool = False
) -> Said | None:
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
        kinds = {"wanted": _kind(right), "given": _kind(given).begin_small()}
        return say("{wanted} is asked for, and yours is {given}.", **kinds)
    return _in_values(right, given, say("Yours"))


def _in_tables(right: Rows, given: Rows, key: tuple[str, ...], *, is_ordered: bool) -> Said | None:
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
            subject = Said("{row}: `{column}`", {"row": _named(key, which), "column": name})
            said = _in_values(value, other, subject)
            if said and name.endswith("_id") and other is not None:
                # A number that is a name is not too large.
                said = say("{subject} is {value}.", subject=subject, value=_shown(other))
            if said:
                return said.begin_large()
    if is_ordered:
        for wanted, found in zip(right.rows, rows, strict=True):
            if _key(wanted, keys) != _key(found, keys):
                return say(
                    "The rows are right, their order is not. The first out of place is {row}.",
                    row=_named(key, _key(found, keys)),
                )
    return None


def _in_columns(right: Rows, given: Rows) -> Said | None:
    missing = [name for name in right.columns if name not in given.columns]
    more = [name for name in given.columns if name not in right.columns]
    twice = [name for name, times in Counter(given.columns).items() if times > 1]
    if twice:
        return say("Two columns are called `{column}`.", column=twice[0])
    if missing:
        return say(
            "The column `{column}` is missing: yours has {columns}.",
            column=missing[0],
            columns=", ".join(f"`{name}`" for name in given.columns),
        )
    if more:
        return say("The column `{column}` is one too many.", column=more[0])
    return None


def _in_keys(right: list[Any], given: list[Any], key: tuple[str, ...]) -> Said | None:
    wanted, found = Counter(right), Counter(given)
    missing = sorted(wanted.keys() - found.keys(), key=_sortable)
    more = sorted(found.keys() - wanted.keys(), key=_sortable)
    twice = sorted((k for k, times in found.items() if times != wanted[k]), key=_sortable)
    if not given and right:
        return say("Your table has no rows.")
    if missing:
        return _say_missing(missing, key)
    if more:
        return _say_more(more, key)
    if twice:
        row, times = _named(key, twice[0]), found[twice[0]]
        if times == 2:
            return say("{row} is there twice.", row=row).begin_large()
        return say("{row} is there {times} times.", row=row, times=times).begin_large()
    return None


def _say_missing(missing: list[Any], key: tuple[str, ...]) -> Said:
    row = _named(key, missing[0])
    if len(missing) > 1:
        number, nouns = _count(len(missing), key)
        message = say(
            "{number} {nouns} are missing, for example {row}.",
            number=number,
            nouns=nouns,
            row=row,
        )
        return message.begin_large()
    if len(key) > 1:
        return say("One row is missing, for example {row}.", row=row)
    return say("One {noun} is missing: {row}.", noun=_noun(key), row=row)


def _say_more(more: list[Any], key: tuple[str, ...]) -> Said:
    row = _named(key, more[0])
    if len(more) > 1:
        number, nouns = _count(len(more), key)
        message = say(
            "{number} {nouns} too many, for example {row}.", number=number, nouns=nouns, row=row
        )
        return message.begin_large()
    if len(key) > 1:
        return say("One row too many, for example {row}.", row=row)
    return say("One {noun} too many: {row}.", noun=_noun(key), row=row)


def _in_drawings(right: Drawing, given: Drawing) -> Said | None:
    said = find_difference(right.marks, given.marks, ("name",))
    if said and not given.marks.rows:
        return say("It is empty.")
    if said:
        return say("In the chart: {difference}", difference=said.begin_small())
    lacking = right.words - given.words
    if "title" in lacking:
        return say("The chart has no title.")
    if "x" in lacking:
        return say("The x axis has no label.")
    return say("The y axis has no label.") if "y" in lacking else None


def _in_values(right: Any, given: Any, subject: Said) -> Said | None:
    """What is wrong with a value; never what would be right."""
    if right is None and given is None:
        return None
    if given is None:
        return say("{subject} is NULL.", subject=subject)
    told: dict[str, Any] = {"subject": subject, "value": _shown(given)}
    if right is None:
        return say("{subject} is {value}, where there should be no value (NULL).", **told)
    if _is_number(right):
        if isinstance(given, datetime.date):
            return say("{subject} is the date {value}, not a number.", **told)
        if not _is_number(given):
            return say("{subject} is the text {value}, not a number.", **told)
        return _in_numbers(right, given, told)
    if isinstance(right, datetime.date):
        if _is_number(given):
            return say("{subject} is the number {value}, not a date.", **told)
        if not isinstance(given, datetime.date):
            return say("{subject} is the text {value}, not a date.", **told)
        if right == given:
            return None
        if str(given) > str(right):
            return say("{subject} is {value}, which is too late.", **told)
        return say("{subject} is {value}, which is too early.", **told)
    if str(right).strip().casefold() == str(given).strip().casefold():
        return None
    return say("{subject} is {value}.", **told)


def _in_numbers(right: Any, given: Any, told: dict[str, Any]) -> Said | None:
    if math.isclose(float(right), float(given), **NOISE):
        return None
    digits, wanted = _decimals(given), _decimals(right)
    distance = abs(float(right) - float(given))
    if wanted >= 2 and digits < wanted and distance <= 0.5 * 10**-digits + 1e-9 and float(given):
        return say("{subject} is {value}, which is rounded.", **told)
    if wanted >= 2 and digits > wanted and distance < 10**-wanted:
        return say("{subject} is {value}, which is close, but not the exact value.", **told)
    if wanted >= 2 and digits == wanted and distance < 1.01 * 10**-wanted:
        return say("{subject} is {value}: the last digit is rounded the other way.", **told)
    if float(right) == -float(given):
        return say("{subject} is {value}, which has the wrong sign.", **told)
    if given > right:
        return say("{subject} is {value}, which is too large.", **told)
    return say("{subject} is {value}, which is too small.", **told)


def _decimals(number: Any) -> int:
    """How many digits follow the point, without zeros at the end."""
    shown = f"{number:f}" if isinstance(number, Decimal) else f"{number:.9f}"
    return len(shown.partition(".")[2].rstrip("0"))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal))


def _kind(value: Any) -> Said:
    if isinstance(value, Rows):
        return say("A table")
    if isinstance(value, Drawing):
        return say("A chart")
    if value is None:
        return say("Nothing")
    if isinstance(value, datetime.date):
        return say("A date")
    return say("A number") if _is_number(value) else say("A text")


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


def _noun(key: tuple[str, ...]) -> Prose:
    return Prose(to_nouns(key)[0])


def _count(number: int, key: tuple[str, ...]) -> tuple[str, Prose]:
    return NUMBERS.get(number, f"{number:,}"), Prose(to_nouns(key)[1])


def _named(key: tuple[str, ...], value: tuple[Any, ...]) -> Said:
    if len(key) == 1:
        return Said("{noun} {value}", {"noun": _noun(key), "value": _shown(value[0])})
    parts = (f"{name} {_shown(part)}" for name, part in zip(key, value, strict=True))
    return say("the row with {values}", values=", ".join(parts))


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    return f"'{value}'" if isinstance(value, str) else str(value)
