"""What happened in one block of customers, as arrays, before it is written down."""

from dataclasses import dataclass

from numpy.random import Generator

from ecommerce_lakehouse.shop.calendar import Floats, Ints

#: Customers registered by the as-of date, and later, in one block.
BLOCK = 1000
LATER = 200
# Every sixth customer is one of the later ones.
GROUP = BLOCK // LATER

#: Ids each block may use. Fixed, so a block's ids do not depend on other blocks.
CUSTOMER_STRIDE = 1_500
ORDER_STRIDE = 20_000
ITEM_STRIDE = 100_000

COMPLETED, CANCELLED, RETURNED, PENDING = range(4)


@dataclass(frozen=True)
class Customers:
    """The customers of a block, in the order of the files.

    Attributes:
        customer_id: BIGINT.
        day: Day of registration.
        country: Index into `names.COUNTRIES`.
        first, last: Indexes into the name pools.
        domain: Index into `names.DOMAINS`.
        left_day: Day of the last order of those who left, else after the end.
        typical: Typical order value in cents.
        cluster: Taste cluster.
    """

    customer_id: Ints
    day: Ints
    country: Ints
    first: Ints
    last: Ints
    domain: Ints
    left_day: Ints
    typical: Floats
    cluster: Ints


@dataclass(frozen=True)
class Orders:
    """The orders of a block, by customer, then by date.

    Attributes:
        order_id: BIGINT.
        customer: Position of the customer in the block.
        day: Day of the order.
        subtotal, shipping: In cents.
        start: Position of the first item; one entry more than orders.
        delivery: The delivery that first brings the order (0: the main files).
        due: The delivery its date belongs to; a late order has delivery > due.
        status: Status as known at each delivery, one row an order.
    """

    order_id: Ints
    customer: Ints
    day: Ints
    subtotal: Ints
    shipping: Ints
    start: Ints
    delivery: Ints
    due: Ints
    status: Ints


@dataclass(frozen=True)
class Items:
    """The items of a block, by order; unit_price in cents."""

    item_id: Ints
    order: Ints
    product_id: Ints
    quantity: Ints
    unit_price: Ints
    delivery: Ints


@dataclass(frozen=True)
class Block:
    """One block of the shop's history, and the random numbers left for its text."""

    number: int
    customers: Customers
    orders: Orders
    items: Items
    rng: Generator


def cut(customers: int) -> int:
    """Position before which a block keeps its rows to have that many customers."""
    return customers // GROUP * (GROUP + 1) + customers % GROUP
