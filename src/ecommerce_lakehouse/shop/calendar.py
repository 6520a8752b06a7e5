"""The shop's calendar: its days, its deliveries and how busy each day is."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FIRST_DAY = np.datetime64("2022-01-01", "D")
AS_OF = np.datetime64("2024-06-30", "D")
LAST_DAY = np.datetime64("2024-12-31", "D")

DAYS = int((LAST_DAY - FIRST_DAY).astype(int)) + 1

#: After the last delivery come the days of a campaign, of which `campaign/` tells.
CAMPAIGN_END = np.datetime64("2025-02-28", "D")
ALL_DAYS = int((CAMPAIGN_END - FIRST_DAY).astype(int)) + 1
AS_OF_DAY = int((AS_OF - FIRST_DAY).astype(int))

#: The main files are delivery 0; the monthly files in next/ follow.
DELIVERIES = ("2024-07", "2024-08", "2024-09", "2024-10", "2024-11", "2024-12")

#: The last day each delivery knows about, as a day number.
CUTS: Ints = np.array(
    [AS_OF_DAY]
    + [
        int((np.datetime64(m, "M") + 1).astype("datetime64[D]").astype(int))
        - int(FIRST_DAY.astype(int))
        - 1
        for m in DELIVERIES
    ],
    dtype=np.int64,
)

# Buying by weekday, Monday first, and by month. People shop on Sundays and
# before Christmas; January is for recovering from it.
_WEEKDAY = (1.02, 0.94, 0.93, 0.97, 1.02, 1.04, 1.16)
_MONTH = (0.82, 0.86, 0.95, 0.97, 1.0, 0.98, 0.92, 0.9, 0.98, 1.04, 1.3, 1.45)


@lru_cache(maxsize=1)
def busyness() -> Floats:
    """How much each day counts as buying time.

    Returns:
        For day 0 to the end of the campaign and one more, the buying time that has passed
        when that day begins. An ordinary day is about 1 long, the Friday after
        Thanksgiving nearly 3. Waiting times are drawn in this time and mapped
        back to days, which gives every customer weekday, season and growth.
    """
    dates = FIRST_DAY + np.arange(ALL_DAYS)
    weekday = (dates.astype(np.int64) + 3) % 7
    month = dates.astype("datetime64[M]").astype(np.int64) % 12
    day_of_month = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    weight = np.array(_WEEKDAY)[weekday] * np.array(_MONTH)[month]
    weight *= 1.0 + 0.2 * np.arange(ALL_DAYS) / DAYS
    black_friday = (month == 10) & (weekday == 4) & (day_of_month >= 23)
    weight[black_friday & (day_of_month <= 29)] *= 2.0
    weight[(month == 11) & (day_of_month > 21)] *= 0.6
    return np.concatenate([[0.0], np.cumsum(weight)])


@lru_cache(maxsize=1)
def registrations() -> Floats:
    """Share of the first customers registered by the end of each day.

    Returns:
        A rising table up to 1.0 at the as-of date: four customers a day register
        at the end for every two at the beginning.
    """
    share = np.cumsum(1.0 + np.arange(AS_OF_DAY + 1) / AS_OF_DAY)
    result: Floats = share / share[-1]
    return result


@lru_cache(maxsize=1)
def day_texts() -> tuple[str, ...]:
    """Every day of the calendar as ``yyyy-MM-dd``."""
    return tuple(str(d) for d in FIRST_DAY + np.arange(ALL_DAYS))
