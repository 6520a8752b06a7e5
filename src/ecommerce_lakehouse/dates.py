"""Days and moments, as parameters give them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from ecommerce_lakehouse.errors import InputError


def parse_date(value: str | date | None) -> date | None:
    """Read the `as_of_date` parameter; empty means "not given".

    Raises:
        InputError: Not a day of the calendar written yyyy-mm-dd.
    """
    if value is None or isinstance(value, date):
        return value
    if not value.strip():
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
            raise ValueError
        return date.fromisoformat(value.strip())
    except ValueError:
        raise InputError(
            f'as_of_date is "{value}", expected a day written yyyy-mm-dd.',
            "For example:  2024-06-30   (leave it out for the last completed order)",
        ) from None


def parse_moment(value: str | date) -> datetime:
    """Read a moment in UTC; a day means its end.

    Args:
        value: A day, `2024-06-30`, or a time of a day, `2024-06-30 18:00`; in UTC unless it
            names another zone.

    Raises:
        InputError: Neither of the two.
    """
    try:
        if isinstance(value, str):
            value = _day_or_time(value.strip())
    except ValueError:
        raise InputError(
            f'The moment is "{value}", expected a day or a time of a day, in UTC.',
            'For example:  2024-06-30   or   "2024-06-30 18:00"',
        ) from None
    if not isinstance(value, datetime):
        return datetime.combine(value, time.max, UTC)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _day_or_time(text: str) -> date:
    day = r"\d{4}-\d{2}-\d{2}"
    if re.fullmatch(day, text):
        return date.fromisoformat(text)
    if not re.match(rf"{day}[T ]\d{{2}}:\d{{2}}", text):
        raise ValueError
    return datetime.fromisoformat(text)
