"""Score customers: fit the models on what a day knew, and write what they say of everybody.

The scores are tables like all others, with a declaration and a provenance. They are brought up to
date by a job of their own, since a model takes longer than a table, and need not be new each night.
"""

from __future__ import annotations

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.operations.change import Change
from ecommerce_lakehouse.operations.gate import Gate
from ecommerce_lakehouse.operations.run import Run
from ecommerce_lakehouse.paths import FOLDERS
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.session import get_spark
from ecommerce_lakehouse.tables.as_of import parse_date
from ecommerce_lakehouse.tables.lakehouse import Lakehouse, provenance_of
from ecommerce_lakehouse.tables.preflight import check_writable


def score_customers(
    *,
    as_of_date: str = "",
    full_refresh: bool = False,
    keep_models: bool = False,
    lakehouse_dir: str = FOLDERS["lakehouse_dir"],
    master: str = "",
    **_: object,
) -> list[Change]:
    """Fit the models and write the scores, where their inputs have changed since they were made.

    Args:
        as_of_date: The day to look back from; empty for the last completed order's.
        full_refresh: Write all rows anew.
        keep_models: Score with the models as they are, and do not fit them.
        lakehouse_dir: The folder of tables.
        master: A Spark master; empty for spark-submit's, or every core of this machine.
        **_: The other flags that all jobs have; they mean nothing here.

    Returns:
        What became of each table.

    Raises:
        LakehouseError: An input is missing or of another day, the models that should be kept
            have seen what came later, or a later run began.
        QualityError: A score breaks a check. The scores are as they were before.
    """
    day = parse_date(as_of_date)
    check_writable(lakehouse_dir, "--lakehouse-dir FOLDER")
    spark = get_spark("lakehouse-score", master)
    lake = Lakehouse(spark, lakehouse_dir, None, day, sql_names=False, gate=Gate())
    tables = score_tables()
    for source in (source for table in tables for source in table.input_tables):
        if source not in tables:
            lake.folder.read(source)  # a clear message now, if it is missing
            lake.as_of.check(source)
    if keep_models:
        for fitted in (table for table in tables if table.own_day):
            _refuse_foresight(lake, fitted)
        tables = [table for table in tables if not table.own_day]
    changes: list[Change] = []

    def say(change: Change) -> None:
        changes.append(change)
        print(change, flush=True)

    Run(lake, ["scores"], full_refresh=full_refresh).build(tables, say)
    for line in tell_models(lake):
        print(line, flush=True)
    return changes


def score_tables() -> list[Table]:
    """The tables of this job, inputs before what is made from them."""
    return [table for table in registry.tables("ml", scored=True) if table.scored]


def tell_models(lake: Lakehouse) -> list[str]:
    """A line for each model: what it learnt from, and how well it did; then their age."""
    models, methods = (registry.get(name) for name in ("models", "offer_methods"))
    numbers = lake.folder.read(models).orderBy("model", "kind", "name").collect()
    lines = []
    for model in dict.fromkeys(row.model for row in numbers):
        of_it = [row for row in numbers if row.model == model]
        told = [f"{row.name} {row.value:,.5g}" for row in of_it if row.kind == "metric"]
        (rows,) = [row.value for row in of_it if row.kind == "learnt from"]
        is_fitted = any(row.kind == "parameter" for row in of_it)
        how = ", ".join(told) or "nobody to judge it by"
        if not is_fitted:
            how = "too few to fit it, so there are no scores"
        lines.append(f"{model}: {rows:,.0f} rows; {how}")
    for row in lake.folder.read(methods).orderBy("kind").collect():
        lines.append(f"offers, {row.kind}: {row.because}")
    fitted_on = _day_of(lake, models)
    if fitted_on != lake.as_of_date.isoformat():
        lines.append(
            f"Warning: the models are of {fitted_on}, older than what they score "
            f"({lake.as_of_date}). Fit them anew with:  lakehouse score"
        )
    return lines


def tell_old_scores(lake: Lakehouse) -> list[str]:
    """A line that names the scores, if there are any, that are older than the tables they read."""
    names = lake.folder.storage.names(f"{lake.location}/ml")
    if {*names} <= {table.name for table in registry.tables("ml")}:
        return []
    old = [table for table in score_tables() if lake.has(table) and _is_old(lake, table)]
    if not old:
        return []
    return [
        f"Older than the data: {', '.join(table.full_name for table in old)} "
        f"(as of {_day_of(lake, old[0])}). Score anew with:  lakehouse score"
    ]


def _is_old(lake: Lakehouse, table: Table) -> bool:
    before = lake.folder.log(table).provenance()
    return before is None or before.inputs != provenance_of(lake, table).inputs


def _day_of(lake: Lakehouse, table: Table) -> str | None:
    provenance = lake.folder.log(table).provenance()
    return provenance.as_of_date if provenance else None


def _refuse_foresight(lake: Lakehouse, models: Table) -> None:
    """Refuse models that have seen what came after the day of the scores."""
    lake.folder.read(models)  # a clear message, if there are none
    day = lake.as_of_date.isoformat()
    fitted_on = _day_of(lake, models)
    if fitted_on is None or fitted_on > day:
        raise LakehouseError(
            f"The models are of {fitted_on}: they have seen what came after {day}.",
            f"Fit them on what that day knew with:  lakehouse score --as-of {day}",
        )
