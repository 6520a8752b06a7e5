"""A shop that never was, with known answers: customers, orders, items, products.

`generate` writes raw CSV files as a shop would hand them over, dirt included, and
truth.json, which says what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecommerce_lakehouse.shop.planted import campaign, deliveries, planted

if TYPE_CHECKING:
    from ecommerce_lakehouse.shop.generator import generate

__all__ = ["campaign", "deliveries", "generate", "planted"]


def __getattr__(name: str) -> Any:
    if name == "generate":  # numpy and Arrow are loaded for it only
        from ecommerce_lakehouse.shop.generator import generate

        return generate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
