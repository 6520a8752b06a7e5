"""The contract of every table: what its columns are, and what they mean.

The files are in `contracts/`, one a layer, in the Open Data Contract Standard; an installed
package has them beside this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ecommerce_lakehouse.paths import IS_CHECKOUT, PROJECT

ODCS_VERSION = "v3.1.0"
"""Of the Open Data Contract Standard: https://bitol-io.github.io/open-data-contract-standard/"""
FOLDER = PROJECT / "contracts" if IS_CHECKOUT else Path(__file__).parent / "contract_files"
"""Where the contracts are."""
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, ten times as fast, where PyYAML was built with it."""


@dataclass(frozen=True)
class Column:
    """What a contract says of a column.

    Attributes:
        name: Its name.
        type: Spark's name of its type, such as `decimal(38,2)`.
        required: Whether it is never NULL.
        meaning: What a reader needs to know.
        unit: What it counts, such as `USD` or `days`; empty where it counts nothing.
    """

    name: str
    type: str
    required: bool
    meaning: str
    unit: str

    @property
    def comment(self) -> str:
        """Its meaning and unit, as a table's schema shows them."""
        return f"{self.meaning} Unit: {self.unit}." if self.unit else self.meaning


@dataclass(frozen=True)
class Contract:
    """What is promised of a table.

    Attributes:
        table: Its full name.
        comment: What it holds, and what one of its rows is.
        columns: In the table's order.
    """

    table: str
    comment: str
    columns: tuple[Column, ...]


def contract_of(full_name: str) -> Contract | None:
    """The contract of a table; None where it has none.

    Args:
        full_name: Such as `gold.fct_customer_metrics`.

    Examples:
        >>> contract_of("silver.stg_orders").columns[4].comment
        'What the customer paid for shipping. 0.00 where the file had none. Unit: USD.'
    """
    return contracts(full_name.partition(".")[0]).get(full_name)


@cache
def contracts(layer: str) -> dict[str, Contract]:
    """All contracts of a layer by the full names of their tables; none where it has no file.

    Args:
        layer: Such as `gold`.

    Examples:
        >>> list(contracts("ops"))
        ['ops.runs', 'ops.steps', 'ops.checks']
    """
    if not (FOLDER / f"{layer}.yaml").is_file():
        return {}
    return {
        found["physicalName"]: Contract(
            found["physicalName"],
            f"{found['description']} {found['dataGranularityDescription']}",
            tuple(_column(column) for column in found["properties"]),
        )
        for found in read(layer)["schema"]
    }


def read(layer: str) -> dict[str, Any]:
    """The contract of a layer as it stands in its file.

    Args:
        layer: Such as `gold`.

    Examples:
        >>> read("gold")["kind"]
        'DataContract'
    """
    loaded: dict[str, Any] = yaml.load(
        (FOLDER / f"{layer}.yaml").read_text(encoding="utf-8"),
        Loader,
    )
    return loaded


def _column(found: dict[str, Any]) -> Column:
    units = [p["value"] for p in found.get("customProperties", []) if p["property"] == "unit"]
    return Column(
        found["name"],
        found["physicalType"],
        found.get("required", False),
        found.get("description", ""),
        units[0] if units else "",
    )
