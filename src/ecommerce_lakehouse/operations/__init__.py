"""What keeps the tables of a lakehouse up to date, checked and in order."""

from ecommerce_lakehouse.operations.gate import Gate
from ecommerce_lakehouse.operations.run import Run
from ecommerce_lakehouse.operations.update import update

__all__ = ["Gate", "Run", "update"]
