"""Two runs that write one table: Delta lets one through, and the other is told so plainly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from delta import exceptions

from ecommerce_lakehouse.errors import LakehouseError

CONFLICTS = tuple(getattr(exceptions, name) for name in exceptions.__all__)
"""Delta's errors of two writers in each other's way; they have no class in common."""


@contextmanager
def only_writer(table: str) -> Iterator[None]:
    """Say it plainly when another run has written the same table meanwhile; nothing is mixed."""
    try:
        yield
    except CONFLICTS:
        raise in_the_way(table) from None


def in_the_way(table: str) -> LakehouseError:
    """What to raise when another run has written the same table."""
    return LakehouseError(
        f"{table} was changed by another run while this one wrote it.",
        "Wait until the other has ended, then run this one again.",
    )
