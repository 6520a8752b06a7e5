"""The data dictionary: every table and column, from the declarations."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql.pandas.types import from_arrow_type
from pyspark.sql.types import DataType

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.guarded import IN_QUARANTINE, JUDGED_FROM
from ecommerce_lakehouse.lakehouse import Lakehouse
from ecommerce_lakehouse.layers.quality import CHECKS, REFERENCES, check_days
from ecommerce_lakehouse.records import GRAINS, SCHEMAS
from ecommerce_lakehouse.registry import Table


def text(lake: Lakehouse) -> str:
    """The dictionary as Markdown.

    Args:
        lake: Has all tables; their columns and types are told as they are.
    """
    lines = [
        "# Data dictionary",
        "",
        "Every table, from its declaration, its checks and its schema, and what programs keep of "
        "their runs (`ops`). Made by "
        "`python scripts/generate_dictionary.py`; money is in USD, times are UTC.",
    ]
    for table in registry.tables():
        lines += ["", *_table(lake, table)]
    for name, columns in SCHEMAS.items():
        kinds = {column: from_arrow_type(kind) for column, kind in columns.items()}
        lines += ["", f"## ops.{name}", "", GRAINS[name], "", *_columns(kinds)]
    return "\n".join(lines) + "\n"


def _table(lake: Lakehouse, table: Table) -> Iterator[str]:
    yield f"## {table.full_name}"
    yield ""
    yield f"{table.grain}. {_said(table)}"
    yield ""
    yield f"- **Key:** {', '.join(table.key) or 'none: rows have no identity'}"
    yield f"- **Made from:** {', '.join(table.inputs)}"
    yield ""
    schema = lake.stamped(table, lake.read(table.name)).schema
    yield from _columns({column.name: column.dataType for column in schema})
    checks = list(_checks(lake, table))
    if checks:
        yield ""
        yield "| check | severity | must hold |"
        yield "|---|---|---|"
        yield from checks


def _columns(kinds: dict[str, DataType]) -> Iterator[str]:
    yield "| column | type |"
    yield "|---|---|"
    for column, kind in kinds.items():
        yield f"| `{column}` | {kind.simpleString()} |"


def _said(table: Table) -> str:
    """The first sentence of the function's docstring."""
    return (table.function.__doc__ or "").strip().partition("\n")[0]


def _checks(lake: Lakehouse, table: Table) -> Iterator[str]:
    for check in CHECKS:
        if check.table == table.name:
            yield f"| {check.name} | {check.severity} | `{check.holds}` |"
    if table.key and any(check.table == table.name for check in CHECKS):
        yield f"| key is present and unique | error | `{', '.join(table.key)}` |"
    for reference in REFERENCES:
        if reference.table == table.name:
            limit = f"warning; error above {reference.limit:.0%} of 100 rows or more"
            yield f"| {reference.column} is in {reference.to} | {limit} | |"
            if reference.holds != "true":
                fits = f"{reference.column} fits {reference.to}"
                yield f"| {fits} | warning | `{reference.holds}` |"
    if table.name == "stg_orders":
        for found in check_days(lake.read(table.name), lake.as_of_date).collect():
            yield f"| {found.check} | {found.severity}, of the last four weeks | |"
    if table.name == "quarantine":
        for severity, share in IN_QUARANTINE.items():
            limit = f"{severity}, for files of {JUDGED_FROM} rows or more"
            yield f"| no file with more than {share:.0%} quarantined | {limit} | |"
