"""What happened in one block of customers, as arrays, before it is numbered and written down."""

from dataclasses import dataclass

from numpy.random import Generator

from ecommerce_lakehouse.shop.calendar import Floats, Ints

#: Customers registered by the as-of date in a whole block.
BLOCK = 1000
#: For so many of them one registers later.
GROUP = 5

#: Each block counts its customers, orders and items from its number times these; what it
#: counts to is a thing's place, until it has its number. No block has more.
STRIDE = {"customers": 1_500, "orders": 100_000, "order_items": 400_000}

COMPLETED, CANCELLED, RETURNED, PENDING = range(4)


@dataclass(frozen=True)
class Customers:
    """The customers of a block, in no order.

    Attributes:
        day: Day of registration.
        country: Index into `names.COUNTRIES`.
        first, last: Indexes into the name pools.
        domain: Index into `names.DOMAINS`.
        left_day: Day of the last order of those who left, else after the end.
        typical: Typical order value in cents.
        cluster: Taste cluster.
        coming: Of each order after the last day: position of the customer, and its day.
    """

    day: Ints
    country: Ints
    first: Ints
    last: Ints
    domain: Ints
    left_day: Ints
    typical: Floats
    cluster: Ints
    coming: tuple[Ints, Ints]


@dataclass(frozen=True)
class Orders:
    """The orders of a block, by customer, then by date.

    Attributes:
        customer: Position of the customer in the block.
        day: Day of the order.
        subtotal, shipping: In cents.
        start: Position of the first item; one entry more than orders.
        delivery: The delivery that first brings the order (0: the main files).
        due: The delivery its date belongs to; a late order has delivery > due.
        status: Status as known at each delivery, one row an order.
    """

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
