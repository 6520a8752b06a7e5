"""What really happens in the shop: people come, buy, and one day stay away.

Buying follows the BG/NBD model (Fader, Hardie and Lee, 2005): each customer has a
rate of buying of their own, and after each order may leave for good with a
probability of their own. Order values follow the gamma-gamma model (Fader and
Hardie, 2013). Everything is drawn for a block of 1,000 customers at once, so any
block can be made without the ones before it. Numbers are given when all are made.
"""

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from ecommerce_lakehouse.shop import names
from ecommerce_lakehouse.shop.baskets import fill_baskets
from ecommerce_lakehouse.shop.calendar import (
    AS_OF_DAY,
    CUTS,
    DAYS,
    Floats,
    Ints,
    busyness,
    registrations,
)
from ecommerce_lakehouse.shop.catalogue import CATEGORIES
from ecommerce_lakehouse.shop.history import (
    COMPLETED,
    GROUP,
    PENDING,
    RETURNED,
    Block,
    Customers,
    Orders,
)

_MAX_ORDERS = 64
_SHIPPING = np.array([499, 599, 799, 999, 1299], dtype=np.int64)
_FREE_SHIPPING_CENTS = 15_000


def simulate(seed: int, number: int, size: int) -> Block:
    """Play one block from the first day to the last.

    Args:
        seed: The shop's.
        number: The block's, from 0.
        size: How many of its customers register by the as-of date.

    Returns:
        What happened, before it is written down.
    """
    rng = Generator(PCG64(SeedSequence([seed, number])))
    customers, order_days = _draw_customers(rng, number, size)
    orders = _orders(rng, number, customers, order_days)
    items = fill_baskets(rng, customers, orders)
    return Block(number, customers, orders, items, rng)


def _draw_customers(rng: Generator, number: int, size: int) -> tuple[Customers, Ints]:
    """Draw the customers and the days they buy on (-1 after the last)."""
    n = size + size // GROUP
    at = np.arange(n)
    later = at % (GROUP + 1) == GROUP

    u = rng.random((8, n))
    day = np.where(
        later,
        AS_OF_DAY + 1 + (u[0] * (DAYS - AS_OF_DAY - 1)).astype(np.int64),
        np.searchsorted(registrations(), u[0], side="right"),
    )
    rate = rng.standard_gamma(1.15, n) / 24.0
    leave = rng.beta(0.85, 3.0, n)
    orders = np.minimum(rng.geometric(np.clip(leave, 1e-6, 1.0), n), _MAX_ORDERS)
    orders[u[1] < 0.10] = 0
    if number == 0:
        # The shop's first customer is its most faithful, and the reason why the
        # as-of date has a completed order in a shop of any size.
        day[0], rate[0], orders[0] = 40, 1 / 40, _MAX_ORDERS

    clock = busyness()
    waits = rng.standard_exponential((n, _MAX_ORDERS))
    waits[:, 0] *= 12.0
    waits[:, 1:] /= np.maximum(rate, 1e-9)[:, None]
    begin = clock[day] + u[2] * (clock[day + 1] - clock[day])
    times = np.cumsum(waits, axis=1) + begin[:, None]
    never = np.arange(_MAX_ORDERS)[None, :] >= orders[:, None]
    times[never | (times >= clock[-1])] = np.inf
    bought = np.isfinite(times)
    days = np.full(times.shape, -1, dtype=np.int64)
    days[bought] = np.searchsorted(clock, times[bought], side="right") - 1
    who, nth = np.nonzero(days >= DAYS)
    coming = who, days[who, nth]
    days[days >= DAYS] = -1
    if number == 0:
        nearest = int(np.argmax((days[0] >= AS_OF_DAY) | (days[0] < 0)))
        days[0, nearest] = AS_OF_DAY

    last = days[at, np.maximum(orders - 1, 0)]
    left_day = np.where((orders > 0) & (last >= 0), last, DAYS)
    country = np.searchsorted(np.cumsum(names.COUNTRY_SHARE), u[3] * 100, side="right")
    pool = names.NAMES_PER_COUNTRY
    typical = 100 * 76.0 / np.maximum(rng.standard_gamma(2.0, n), 0.05)
    customers = Customers(
        day=day,
        country=country.astype(np.int64),
        first=country * pool + (u[4] * pool).astype(np.int64),
        last=country * pool + (u[5] * pool).astype(np.int64),
        domain=(u[6] * len(names.DOMAINS)).astype(np.int64),
        left_day=left_day,
        typical=typical,
        cluster=(u[7] * len(CATEGORIES)).astype(np.int64),
        coming=coming,
    )
    return customers, days


def draw_subtotals(rng: Generator, typical: Floats, u: Floats) -> tuple[Ints, Ints]:
    """Draw the subtotal of each order in cents, and how many items it has."""
    value = rng.standard_gamma(6.0, len(typical)) / 6.0 * typical
    subtotal = np.clip(np.rint(value), 800, 88_000).astype(np.int64)
    items = np.searchsorted((0.16, 0.46, 0.79), u, side="right") + 1
    # Dear orders need more items, as no product is above $400; tiny ones fewer.
    fewest = 1 + (subtotal > 38_000) + (subtotal > 54_000) + (subtotal > 72_000)
    return subtotal, np.minimum(np.maximum(items, fewest), subtotal // 400)


def charge_shipping(subtotal: Ints, u: Floats) -> Ints:
    """The shipping of each order in cents; dear orders are sent for nothing."""
    shipping = _SHIPPING[(u * len(_SHIPPING)).astype(np.int64)]
    result: Ints = np.where(subtotal >= _FREE_SHIPPING_CENTS, 0, shipping)
    return result


def _orders(rng: Generator, number: int, customers: Customers, days: Ints) -> Orders:
    """Draw value, items count, status and delivery of every order."""
    customer, nth = np.nonzero(days >= 0)
    day = days[customer, nth]
    n = len(day)
    u = rng.random((9, n))

    subtotal, items = draw_subtotals(rng, customers.typical[customer], u[0])
    empty = u[1] < 0.004
    faithful = (number == 0) & (customer == 0) & (day == AS_OF_DAY)
    items[empty & ~faithful] = 0
    subtotal[items == 0] = 0
    start = np.concatenate([[0], np.cumsum(items)]).astype(np.int64)
    shipping = charge_shipping(subtotal, u[2])

    # Two orders in five take a few days to settle; a few are forgotten.
    lag = np.where(u[3] < 0.40, 1 + (u[4] * 12).astype(np.int64), 0)
    lag = np.where(u[3] > 0.993, 60 + (u[4] * 140).astype(np.int64), lag)
    final = np.searchsorted((0.875, 0.94), u[5], side="right")
    lag[faithful], final[faithful] = 0, COMPLETED
    settled = (day + lag)[:, None]
    back = settled + 5 + (u[6] * 40).astype(np.int64)[:, None]
    outcome = np.broadcast_to(final[:, None], (n, len(CUTS)))
    known = np.where((outcome == RETURNED) & (back > CUTS), COMPLETED, outcome)
    status = np.where(settled > CUTS, PENDING, known).astype(np.int64)

    due = np.searchsorted(CUTS, day, side="left").astype(np.int64)
    late = (u[7] < 0.03) & (day > AS_OF_DAY - 90) & ~faithful
    wait = np.where(late, 1 + (u[8] * 2.5).astype(np.int64), 0)
    delivery = np.minimum(due + wait, len(CUTS) - 1)
    return Orders(customer, day, subtotal, shipping, start, delivery, due, status)
