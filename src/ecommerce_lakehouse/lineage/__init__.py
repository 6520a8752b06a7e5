"""Which table is made from which: as it is declared, and as a run was seen to do it."""

from ecommerce_lakehouse.lineage.drawing import draw
from ecommerce_lakehouse.lineage.events import write_events

__all__ = ["draw", "write_events"]
