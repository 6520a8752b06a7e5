"""The lakehouse curriculum: what the nine notebooks share."""

from ecommerce_lakehouse.display import show
from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.memory import ExampleLakehouse, MemoryLakehouse
from ecommerce_lakehouse.registry import table
from ecommerce_lakehouse.session import get_spark, reason

__all__ = [
    "ExampleLakehouse",
    "Lakehouse",
    "MemoryLakehouse",
    "get_spark",
    "reason",
    "show",
    "table",
]
