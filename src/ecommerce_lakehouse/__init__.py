"""The lakehouse curriculum: what the nine notebooks share.

A name is loaded when it is first asked for: `lakehouse --help` starts without Spark or pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ecommerce_lakehouse.paths import require_python

if TYPE_CHECKING:
    from ecommerce_lakehouse import charts, lineage
    from ecommerce_lakehouse.lessons import facts
    from ecommerce_lakehouse.lessons.desk import check, hint, pick, progress, solution
    from ecommerce_lakehouse.lessons.show import reason, show
    from ecommerce_lakehouse.registry import table
    from ecommerce_lakehouse.spark.session import get_spark
    from ecommerce_lakehouse.tables.in_memory import ExampleLakehouse, MemoryLakehouse
    from ecommerce_lakehouse.tables.lakehouse import Lakehouse

__all__ = [
    "ExampleLakehouse",
    "Lakehouse",
    "MemoryLakehouse",
    "charts",
    "check",
    "facts",
    "get_spark",
    "hint",
    "lineage",
    "pick",
    "progress",
    "reason",
    "show",
    "solution",
    "table",
]

_HOMES = {
    "ExampleLakehouse": "tables.in_memory",
    "Lakehouse": "tables.lakehouse",
    "MemoryLakehouse": "tables.in_memory",
    **dict.fromkeys(("check", "hint", "pick", "progress", "solution"), "lessons.desk"),
    "get_spark": "spark.session",
    "reason": "lessons.show",
    "show": "lessons.show",
    "table": "registry",
}
"""The module that each name comes from."""
_MODULES = {"charts": "charts", "facts": "lessons.facts", "lineage": "lineage"}


def __getattr__(name: str) -> Any:
    if name in __all__:
        require_python()
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
