"""What was in each order: products by taste and habit, prices to the cent."""

import numpy as np
from numpy.random import Generator

from ecommerce_lakehouse.shop.calendar import Floats, Ints
from ecommerce_lakehouse.shop.catalogue import CATEGORIES, MAX_UNIT_CENTS, ladder
from ecommerce_lakehouse.shop.history import Customers, Items, Orders

# Favourite first, second favourite, and a quarter for everything else.
_FIRST_SHARE, _SECOND_SHARE = 0.48, 0.28
#: Products each customer keeps coming back to, their prices as a share of the
#: customer's typical order, and how often an item is one of them if its price fits.
_STAPLE_PRICES = (0.28, 0.4, 0.5, 0.7)
_STAPLE_SHARE = 0.45


def _split(rng: Generator, orders: Orders, order: Ints) -> tuple[Ints, Ints]:
    """Split each order's subtotal into quantity and unit price, to the cent."""
    n = len(order)
    first = np.zeros(n, dtype=bool)
    first[orders.start[:-1][np.diff(orders.start) > 0]] = True
    weight = 0.6 + 0.8 * rng.random(n)
    total = np.bincount(order, weights=weight, minlength=len(orders.day))
    share = orders.subtotal[order] * (weight / total[order])
    u = rng.random(n)
    # One of the first item, which takes the cents that are left over.
    quantity = 1 + ((u < 0.16) & ~first) + ((u < 0.04) & ~first)
    unit = np.floor(share / quantity).astype(np.int64)
    spent = np.bincount(order, weights=unit * quantity, minlength=len(orders.day)).astype(np.int64)
    unit[first] += (orders.subtotal - spent)[order[first]]
    return quantity.astype(np.int64), unit


def fill_baskets(rng: Generator, customers: Customers, orders: Orders) -> Items:
    """Draw what was in each order.

    Returns:
        The items; line totals add up to each order's subtotal, to the cent.
    """
    count = np.diff(orders.start)
    order = np.repeat(np.arange(len(count)), count)
    n = len(order)
    quantity, unit = _split(rng, orders, order)
    assert n == 0 or unit.max() <= MAX_UNIT_CENTS

    shelf = ladder()
    who = orders.customer[order]
    u = rng.random((4, n))
    category = _category(customers.cluster[who], u[0])
    at = np.searchsorted(shelf.key, category * 100_000 + unit, side="left")
    at = np.minimum(at + (u[1] < 0.30) + (u[1] < 0.08), shelf.last[category])

    # Four products each customer keeps coming back to, where the price fits.
    m = len(customers.day)
    likes = _category(np.repeat(customers.cluster, 4), rng.random(4 * m))
    about = (np.minimum(customers.typical, 70_000)[:, None] * _STAPLE_PRICES).ravel()
    price = np.minimum(about.astype(np.int64), MAX_UNIT_CENTS)
    staples = np.searchsorted(shelf.key, likes * 100_000 + price, side="left")
    staple = staples[who * 4 + (u[2] * 4).astype(np.int64)]
    fits = (shelf.list_price[staple] >= unit) & (shelf.list_price[staple] * 55 <= unit * 100)
    at = np.where(fits & (u[3] < _STAPLE_SHARE), staple, at)

    # Nobody puts the same thing into a basket twice: take the next dearer one.
    for _ in range(2):
        for back in (1, 2, 3):
            again = np.flatnonzero((at[back:] == at[:-back]) & (order[back:] == order[:-back]))
            again += back
            at[again] = np.minimum(at[again] + 1, shelf.last[shelf.key[at[again]] // 100_000])

    # The items of a late order may arrive before it does.
    early = np.arange(len(orders.day)) % 2 == 1
    delivery = np.where(early, orders.due, orders.delivery)[order]
    return Items(order, shelf.product_id[at], quantity, unit, delivery)


def _category(cluster: Ints, u: Floats) -> Ints:
    """Draw a category by taste: two favourites take three items of four."""
    n = len(CATEGORIES)
    favourite = np.where(u < _FIRST_SHARE, cluster, (cluster + 2) % n)
    rest = (u - _FIRST_SHARE - _SECOND_SHARE) / (1 - _FIRST_SHARE - _SECOND_SHARE)
    other = np.clip((rest * n).astype(np.int64), 0, n - 1)
    result: Ints = np.where(rest < 0, favourite, other)
    return result
