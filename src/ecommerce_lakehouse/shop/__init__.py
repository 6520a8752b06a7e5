"""A shop that never was, with known answers: customers, orders, items, products.

`generate` writes raw CSV files as a shop would hand them over, dirt included, and
truth.json, which says what is in them.
"""

from ecommerce_lakehouse.shop.generator import generate

__all__ = ["generate"]
