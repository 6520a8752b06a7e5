"""Days, as the `as_of_date` parameter gives them."""

from __future__ import annotations

import re
from datetime import date

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
