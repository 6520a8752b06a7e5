"""Write docs/data_dictionary.md: every table, column and check.

Names and types are marked as code, so that a translation leaves them alone.

Run it with:  python scripts/generate_dictionary.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecommerce_lakehouse import ExampleLakehouse, MemoryLakehouse, get_spark, registry
from ecommerce_lakehouse.contracts import Contract, contracts
from ecommerce_lakehouse.layers.quality import CHECKS, REFERENCES, check_days
from ecommerce_lakehouse.operations.gate import MAX_QUARANTINED, MIN_ROWS_JUDGED
from ecommerce_lakehouse.operations.run_records import GRAINS
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.registry import Table


def dictionary(lake: MemoryLakehouse) -> str:
    """The dictionary as Markdown.

    Args:
        lake: Has all tables, for the checks that are made of their rows.
    """
    lines = [
        "# Data dictionary",
        "",
        "Every table, from its declaration, its checks and its contract in "
        "[contracts/](../contracts/), and what programs keep of their runs (`ops`). Made by "
        "`python scripts/generate_dictionary.py`. Money is in USD, times are UTC; a column without "
        "a word under NULL is never NULL.",
    ]
    for table in registry.tables(scored=True):
        lines += ["", *_table(lake, table)]
    for name, contract in contracts("ops").items():
        grain = GRAINS[name.removeprefix("ops.")]
        lines += ["", f"## `{name}`", "", grain, "", *_columns(contract)]
    return "\n".join(lines) + "\n"


def _table(lake: MemoryLakehouse, table: Table) -> Iterator[str]:
    yield f"## `{table.full_name}`"
    yield ""
    yield f"{table.grain}. {_first_sentence(table)}"
    yield ""
    yield "| key | made from |"
    yield "|---|---|"
    yield f"| {_code(table.key) or 'none: rows have no identity'} | {_code(table.inputs)} |"
    yield ""
    yield from _columns(contracts(table.layer)[table.full_name])
    checks = list(_checks(lake, table))
    if checks:
        yield ""
        yield "| check | severity | must hold |"
        yield "|---|---|---|"
        yield from checks


def _columns(contract: Contract) -> Iterator[str]:
    yield "| column | type | unit | meaning | NULL |"
    yield "|---|---|---|---|---|"
    for column in contract.columns:
        # When it is NULL has a place of its own: so it is one sentence to translate, not twenty.
        meaning, _, when = column.meaning.partition(" NULL ")
        null = "" if column.required else when.removesuffix(".") or "may be"
        cells = (f"`{column.name}`", f"`{column.type}`", column.unit, meaning, null)
        yield f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _first_sentence(table: Table) -> str:
    """The first sentence of the function's docstring."""
    return (table.function.__doc__ or "").strip().partition("\n")[0]


def _checks(lake: MemoryLakehouse, table: Table) -> Iterator[str]:
    for check in CHECKS:
        if check.table == table.name:
            yield f"| {check.name} | `{check.severity}` | `{check.holds}` |"
    if table.key and any(check.table == table.name for check in CHECKS):
        yield f"| key is present and unique | `error` | `{', '.join(table.key)}` |"
    for reference in REFERENCES:
        if reference.table == table.name:
            limit = f"`warning`; `error` above {reference.limit:.0%} of 100 rows or more"
            yield f"| `{reference.column}` is in `{reference.to}` | {limit} | |"
            if reference.holds != "true":
                fits = f"`{reference.column}` fits `{reference.to}`"
                yield f"| {fits} | `warning` | `{reference.holds}` |"
    if table.name == "stg_orders":
        for found in check_days(lake.read(table), lake.as_of_date).collect():
            yield f"| {found.check} | `{found.severity}`, of the last four weeks | |"
    if table.rejects:
        for severity, share in MAX_QUARANTINED.items():
            limit = f"`{severity}`, for files of {MIN_ROWS_JUDGED} rows or more"
            yield f"| no file with more than {share:.0%} quarantined | {limit} | |"


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    path = PROJECT / "docs" / "data_dictionary.md"
    path.write_text(dictionary(ExampleLakehouse(get_spark("dictionary"))), encoding="utf-8")
    print(path.relative_to(PROJECT))
