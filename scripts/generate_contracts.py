"""Fill contracts/*.yaml with what the declarations say: key, grain, checks, references.

People write the type, unit, nullability and meaning of each column, and relationships that no
check counts. A table that has no contract yet gets one, with empty meanings to fill in.

Run it with:  python scripts/generate_contracts.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from pyspark.sql.types import StructType

from ecommerce_lakehouse import ExampleLakehouse, get_spark, registry
from ecommerce_lakehouse.contracts import FOLDER, ODCS_VERSION, read
from ecommerce_lakehouse.layers.quality import CHECKS, REFERENCES, Reference
from ecommerce_lakehouse.operations.run_records import GRAINS
from ecommerce_lakehouse.registry import LAYERS, Table
from ecommerce_lakehouse.storage.writing import stamp

HEADER = """\
# The contract of one layer, in the Open Data Contract Standard: https://bitol.io
# By hand: of each column physicalType, required (true: never NULL), unit, classification and
# description, and relationships without a limit. The rest is filled in from the declarations by
# `python scripts/generate_contracts.py`, which also begins the contract of a new table.
"""
LOGICAL = {
    "string": "string",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "int": "integer",
    "bigint": "integer",
    "double": "number",
    "decimal": "number",
}
"""The standard's types by Spark's."""
LIMIT = "limit"
"""The custom property of a relationship that a check counts."""
OF_CONTRACT = (
    *("apiVersion", "kind", "id", "name", "version", "status", "domain"),
    *("description", "schema", "slaProperties"),
)
OF_TABLE = (
    *("id", "name", "description", "logicalType", "physicalType", "physicalName"),
    *("dataGranularityDescription", "properties", "quality"),
)
OF_COLUMN = (
    *("id", "name", "description", "logicalType", "physicalType", "required"),
    *("primaryKey", "primaryKeyPosition", "classification", "customProperties", "relationships"),
)


def fill(layer: str, contract: dict[str, Any]) -> str:
    """The text of a contract whose hand-written part is given.

    Args:
        layer: One of `LAYERS`, or `ops`.
        contract: What is in the file now.
    """
    given = {
        "apiVersion": ODCS_VERSION,
        "kind": "DataContract",
        "id": f"ecommerce-lakehouse-{layer}",
        "name": layer,
        "status": "active",
        "domain": "shop",
    }
    tables = [_table(layer, found) for found in contract["schema"]]
    filled = _ordered({**contract, **given, "schema": tables}, OF_CONTRACT)
    return HEADER + yaml.safe_dump(filled, sort_keys=False, width=100, allow_unicode=True)


def begin(table: Table, columns: StructType) -> dict[str, Any]:
    """The contract of a new table: its columns, each with a meaning to write."""
    properties = [
        {
            "name": column.name,
            "description": "",
            "physicalType": column.dataType.simpleString(),
            "required": column.name in table.key or not column.nullable,
        }
        for column in columns
    ]
    return {"name": table.name, "properties": properties}


def _table(layer: str, found: dict[str, Any]) -> dict[str, Any]:
    name = found["name"]
    given = {
        "id": name,
        "logicalType": "object",
        "physicalType": "table",
        "physicalName": f"{layer}.{name}",
        "properties": [_column(layer, name, column) for column in found["properties"]],
    }
    if layer in LAYERS:
        table = registry.get(name)
        given["description"] = (table.function.__doc__ or "").strip().partition("\n")[0]
        given["dataGranularityDescription"] = f"{table.grain}."
        given["quality"] = list(_quality(table))
    else:
        given["dataGranularityDescription"] = GRAINS[name]
    return _ordered({**found, **given}, OF_TABLE)


def _column(layer: str, table: str, found: dict[str, Any]) -> dict[str, Any]:
    name, kind = found["name"], str(found["physicalType"])
    given: dict[str, Any] = {"logicalType": LOGICAL[kind.partition("(")[0]]}
    if layer in LAYERS:
        key = registry.get(table).key
        found = {k: v for k, v in found.items() if not k.startswith("primaryKey") and k != "id"}
        if name in key:
            given |= {"id": name, "primaryKey": True, "primaryKeyPosition": key.index(name) + 1}
        others = [r for r in found.get("relationships", []) if not r.get("customProperties")]
        given["relationships"] = [*_checked_relationships(table, name), *others]
    return _ordered({**found, **given}, OF_COLUMN)


def _checked_relationships(table: str, column: str) -> Iterator[dict[str, Any]]:
    for reference in REFERENCES:
        if (reference.table, reference.column) == (table, column) and _is_to_key(reference):
            limit = {"property": LIMIT, "value": reference.limit}
            yield {"to": f"{reference.to}.{column}", "customProperties": [limit]}


def _is_to_key(reference: Reference) -> bool:
    return registry.get(reference.to).key == (reference.column,)


def _quality(table: Table) -> Iterator[dict[str, Any]]:
    for check in CHECKS:
        if check.table == table.name:
            broken = f"NOT coalesce({check.holds}, false)"
            yield {
                "name": check.name,
                "type": "sql",
                "query": f"SELECT count(*) FROM ${{table}} WHERE {broken}",
                "mustBe": 0,
                "unit": "rows",
                "severity": check.severity,
            }
    for reference in REFERENCES:
        if reference.table == table.name:
            yield {
                "name": f"{reference.column} is in {reference.to}",
                "type": "text",
                "description": f"A warning; an error above {reference.limit:.0%} of the rows, "
                "where there are a hundred or more.",
                "severity": "warning",
            }


def _ordered(given: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    """The same in one order, without what is empty; what is not named comes last."""
    names = [*order, *(name for name in given if name not in order)]
    return {name: given[name] for name in names if given.get(name) not in (None, [])}


def main() -> None:
    """Fill every file; Spark is started only where a table has no contract yet."""
    lake = None
    for layer in (*LAYERS, "ops"):
        contract = read(layer)
        known = {found["name"] for found in contract["schema"]}
        for table in registry.tables(layer, scored=True):
            if table.name not in known:
                lake = lake or ExampleLakehouse(get_spark("contracts"))
                contract["schema"].append(begin(table, stamp(table, lake.read(table)).schema))
                print(f"{table.full_name} is new: write what its columns mean")
        (FOLDER / f"{layer}.yaml").write_text(fill(layer, contract), encoding="utf-8")
        print(f"contracts/{layer}.yaml")


if __name__ == "__main__":
    main()
