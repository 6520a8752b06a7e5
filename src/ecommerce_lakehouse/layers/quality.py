"""The quality layer.

Exported from notebooks/07_data_quality.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.contracts import Contract
from ecommerce_lakehouse.errors import LakehouseError


@dataclass(frozen=True)
class Check:
    """What must be true of every row of a table.

    Attributes:
        table: The table's name.
        name: What is checked, in words.
        holds: A SQL condition; a row for which it is false or NULL breaks the rule.
        severity: the gate stops at an `error`; a `warning` is only counted.
    """

    table: str
    name: str
    holds: str
    severity: str = "error"


SCORE = "{0} BETWEEN 1 AND 5 OR ({0} IS NULL AND {1} = 0)"
RISKS = "('High', 'Medium', 'Low', 'Very Low', 'No Purchases')"
SEGMENTS = (
    "('Prospects', 'Champions', 'Loyal Customers', 'New Customers', 'Big Spenders', "
    "'At Risk', 'Cant Lose Them', 'Hibernating', 'Lost', 'Others')"
)
TIERS = "('Star', 'Performer', 'Average', 'Underperformer')"
ADDS_UP = "order_total = order_subtotal + shipping_cost"

CHECKS = [
    Check("stg_customers", "email looks valid", "email RLIKE '^[^@ ]+@[^@ ]+[.][^@ ]+$'"),
    Check("stg_orders", "order has a day", "order_date IS NOT NULL"),
    Check(
        "stg_orders",
        "day is plausible",
        "order_date BETWEEN '1990-01-01' AND '2100-01-01'",
        "warning",
    ),
    Check(
        "stg_orders",
        "status is known",
        "order_status IN ('completed', 'cancelled', 'returned', 'pending')",
        "warning",
    ),
    Check("stg_order_items", "quantity above zero", "quantity > 0"),
    Check("stg_order_items", "line adds up", "line_total = quantity * unit_price"),
    Check("stg_products", "price is not below cost", "list_price >= cost_price", "warning"),
    Check("int_customer_orders", "total adds up", ADDS_UP),
    Check("int_customer_orders", "total not negative", "order_total >= 0"),
    Check(
        "int_customer_rfm",
        "scores add up",
        "rfm_total_score = recency_score + frequency_score + monetary_score",
    ),
    Check(
        "int_customer_product_purchases",
        "no order without a line",
        "orders_count BETWEEN 1 AND prices_count",
    ),
    Check(
        "int_product_metrics", "profit adds up", "total_profit = revenue - units_sold * cost_price"
    ),
    Check("fct_customer_metrics", "value not negative", "current_clv >= 0"),
    Check("fct_customer_metrics", "expected value not negative", "predicted_clv_12m >= 0"),
    Check(
        "fct_customer_metrics", "recency not in the future", "recency_days >= 0 OR frequency = 0"
    ),
    Check("fct_customer_metrics", "risk is known", f"churn_risk IN {RISKS}"),
    Check(
        "dim_customer_segments",
        "recency score 1 to 5",
        SCORE.format("recency_score", "total_orders"),
    ),
    Check(
        "dim_customer_segments",
        "frequency score 1 to 5",
        SCORE.format("frequency_score", "total_orders"),
    ),
    Check(
        "dim_customer_segments",
        "monetary score 1 to 5",
        SCORE.format("monetary_score", "total_orders"),
    ),
    Check("dim_customer_segments", "segment is known", f"customer_segment IN {SEGMENTS}"),
    Check(
        "fct_product_performance",
        "share between 0 and 1",
        "category_revenue_share BETWEEN 0 AND 1.000001",
    ),
    Check("fct_product_performance", "tier is known", f"performance_tier IN {TIERS}"),
    Check("fct_product_performance", "revenue not negative", "revenue >= 0"),
    Check("ml_customer_features", "risk is 0 or 1", "is_churn_risk IN (0, 1)"),
    Check("churn_scores", "probability 0 to 1", "leaves_probability BETWEEN 0 AND 1"),
    Check("customer_value", "probability 0 to 1", "p_alive BETWEEN 0 AND 1"),
    Check("customer_value", "spend not negative", "expected_spend_12m >= 0"),
    Check("recommendations", "ten places", "place BETWEEN 1 AND 10"),
]


def check_table(table: DataFrame, checks: list[Check], key: tuple[str, ...] = ()) -> DataFrame:
    """Run all checks of a table in one pass over it.

    Args:
        table: The rows.
        checks: Its checks.
        key: The columns that must identify a row, if the table has a key.

    Returns:
        One row per check: table, check, severity, rows, broken.
    """
    names = [(c.table, c.name, c.severity) for c in checks]
    counts = [F.count_if(~F.coalesce(F.expr(c.holds), F.lit(False))) for c in checks]
    if key:
        name = checks[0].table
        names += [(name, "key is present", "error"), (name, "key is unique", "error")]
        empty = F.col(key[0]).isNull()
        for column in key[1:]:
            empty = empty | F.col(column).isNull()
        counts += [F.count_if(empty), F.count_if(~empty) - F.count_distinct(*key)]
    result = F.explode(
        F.array(
            *[
                F.struct(
                    F.lit(table_name).alias("table"),
                    F.lit(check).alias("check"),
                    F.lit(severity).alias("severity"),
                    F.col("rows"),
                    F.col(f"broken_{i}").alias("broken"),
                )
                for i, (table_name, check, severity) in enumerate(names)
            ]
        )
    ).alias("result")
    return (
        table.agg(
            F.count(F.lit(1)).alias("rows"),
            *[count.alias(f"broken_{i}") for i, count in enumerate(counts)],
        )
        .select(result)
        .select("result.*")
    )


@dataclass(frozen=True)
class Reference:
    """A column whose values should be found in another table.

    Attributes:
        table: The table's name.
        column: Its column, which the other table has too. NULL refers to nothing.
        to: The other table.
        holds: A SQL condition on a row and its partner, if there is one to keep.
        limit: The share (0 to 1) of rows without partner above which it is an error. With
            fewer than a hundred rows it never is an error: it may be chance.
    """

    table: str
    column: str
    to: str
    holds: str = "true"
    limit: float = 0.05


REFERENCES = [
    Reference("stg_orders", "customer_id", "stg_customers", "order_date >= customer_created_at"),
    Reference("stg_orders", "order_id", "stg_order_items"),
    Reference("stg_order_items", "order_id", "stg_orders"),
    Reference(
        "stg_order_items",
        "product_id",
        "stg_products",
        "unit_price BETWEEN list_price / 20 AND list_price * 2",
    ),
]


def check_reference(rows: DataFrame, reference: Reference, others: DataFrame) -> DataFrame:
    """Count the rows without partner, and those that do not fit theirs.

    Args:
        rows: The rows of the reference's table.
        reference: What should hold.
        others: The rows of the table it refers to.

    Returns:
        Two rows, as `check_table` has them. Rows without partner are a warning up to the
        reference's limit and an error above; rows that do not fit are a warning.
    """
    column = reference.column
    partners = others.dropDuplicates([column]).withColumn("_found", F.lit(True))
    refers, found = F.col(column).isNotNull(), F.col("_found").isNotNull()
    counted = rows.join(partners, column, "left").agg(
        F.count_if(refers).alias("rows"),
        F.count_if(refers & ~found).alias("lost"),
        F.count_if(found & ~F.coalesce(F.expr(reference.holds), F.lit(True))).alias("unfit"),
    )
    too_many = (F.col("lost") > F.col("rows") * reference.limit) & (F.col("rows") >= 100)
    checks = F.array(
        F.struct(
            F.lit(f"{column} is in {reference.to}").alias("check"),
            F.when(too_many, "error").otherwise("warning").alias("severity"),
            F.col("lost").alias("broken"),
        ),
        F.struct(
            F.lit(f"{column} fits {reference.to}").alias("check"),
            F.lit("warning").alias("severity"),
            F.col("unfit").alias("broken"),
        ),
    )
    table = F.lit(reference.table).alias("table")
    told = counted.select(table, "rows", F.inline(checks))
    return told.select("table", "check", "severity", "rows", "broken")


def check_days(orders: DataFrame, as_of_date: date) -> DataFrame:
    """Do orders arrive every day, up to the last, and as many as before?

    Args:
        orders: `stg_orders`.
        as_of_date: The last day that should be there.

    Returns:
        Three warnings, as `check_table` has them. `rows` counts the orders of four weeks.
        `broken` counts the days without an order, the days since the last order (if it is more
        than one), and how many orders are missing to six tenths of the four weeks before.
    """
    ago = F.date_diff(F.lit(as_of_date), F.col("order_date"))
    lately, before = ago.between(0, 27), ago.between(28, 55)
    counted = orders.agg(
        F.count_if(lately).alias("rows"),
        F.count_if(before).alias("before"),
        F.coalesce(F.min(F.when(ago >= 0, ago)), F.lit(0)).alias("age"),
        F.count_distinct(F.when(lately, ago)).alias("days"),
    )
    # A day has no order by chance once in 22,000 if there are ten on most days.
    often = F.greatest("rows", "before") >= 280
    lacking = F.ceil(F.col("before") * 0.6) - F.col("rows")
    checks = {
        "no day without orders": F.when(often, 28 - F.col("days")),
        "last order is of today or yesterday": F.when(often & (F.col("age") > 1), F.col("age")),
        "not far fewer orders than before": F.when(often & (lacking > 0), lacking),
    }
    found = F.array(
        *[
            F.struct(F.lit(check).alias("check"), F.coalesce(broken, F.lit(0)).alias("broken"))
            for check, broken in checks.items()
        ]
    )
    return counted.select(F.lit("stg_orders").alias("table"), "rows", F.inline(found)).select(
        "table", "check", F.lit("warning").alias("severity"), "rows", "broken"
    )


class QualityError(LakehouseError):
    """A check of severity `error` is broken, so nothing may be published.

    Args:
        results: All results, one row a check.
        outcome: What this means.
    """

    def __init__(self, results: list[Row], outcome: str = "Not published.") -> None:
        self.results = results
        broken = [row for row in results if row.severity == "error" and row.broken]
        lines = [f"{row.table}: {row.check}: {row.broken:,} of {row.rows:,} rows" for row in broken]
        super().__init__("\n".join([outcome, *lines]))


def gate(results: DataFrame) -> list[Row]:
    """Stop the chain when a check of severity `error` is broken.

    Args:
        results: What `check_table` returned, for one table or several.

    Returns:
        The results, one row a check.

    Raises:
        QualityError: It names every broken check and the number of rows.
    """
    rows = results.orderBy("table", "check").collect()
    if any(row.severity == "error" and row.broken for row in rows):
        raise QualityError(rows)
    return rows


def check_quarantine(
    raw: dict[str, DataFrame],
    quarantine: DataFrame,
    limits: dict[str, float],
    at_least: int = 1,
) -> DataFrame:
    """Is the share of every file's rows that were quarantined within a limit?

    Args:
        raw: Bronze tables by entity: `orders`, `customers` …
        quarantine: The rejected rows of all entities.
        limits: By severity, the largest share (0 to 1) that is allowed.
        at_least: Files with fewer rows are not judged.

    Returns:
        One row per entity and limit, as `check_table` has them; broken are the rejected rows of
        files over the limit. Duplicates count in an entity's newest file only: those of an
        earlier file were replaced by a later one. Entities without a row have no result.
    """
    taken_in = [
        rows.select(F.lit(entity).alias("entity"), "_source_file", F.lit("").alias("reason"))
        for entity, rows in raw.items()
    ]
    rejected = quarantine.where(F.col("source_table").isin(*raw)).select(
        "source_table", "_source_file", "reason"
    )
    reason = F.col("reason")
    newest = F.max("_source_file").over(Window.partitionBy("entity"))
    replaced = F.when(F.col("_source_file") < newest, F.col("duplicates")).otherwise(0)
    files = (
        reduce(DataFrame.unionAll, [*taken_in, rejected])
        .groupBy("entity", "_source_file")
        .agg(
            F.count_if(reason == "").alias("rows"),
            F.count_if(reason != "").alias("rejected"),
            F.count_if(reason == "duplicate_key").alias("duplicates"),
        )
        .withColumn("rejected", F.col("rejected") - replaced)
    )
    checks = [
        F.struct(
            F.lit(f"no file with more than {share:.0%} quarantined").alias("check"),
            F.lit(severity).alias("severity"),
            F.lit(share).alias("share"),
        )
        for severity, share in limits.items()
    ]
    over = (F.col("rejected") > F.col("rows") * F.col("share")) & (F.col("rows") >= at_least)
    return (
        files.select("*", F.inline(F.array(*checks)))
        .groupBy(F.concat(F.lit("stg_"), "entity").alias("table"), "check", "severity")
        .agg(
            F.sum("rows").alias("rows"),
            F.sum(F.when(over, F.col("rejected")).otherwise(0)).alias("broken"),
        )
    )


class ContractError(QualityError):
    """A table has other columns than its contract says, so it may not be written."""


def check_columns(rows: DataFrame, contract: Contract, but: str = "") -> None:
    """Stop the chain when the columns of a table are not those of its contract.

    Args:
        rows: The rows.
        contract: The contract of their table.
        but: A column of the contract that the rows get when they are written.

    Raises:
        ContractError: It names every column with the type that was expected and found.
    """
    expected = {column.name: column.type for column in contract.columns if column.name != but}
    found = dict(rows.dtypes)
    differences = [
        f"{name}: expected {expected.get(name, 'no column')}, found {found.get(name, 'none')}"
        for name in {**expected, **found}
        if expected.get(name) != found.get(name)
    ]
    if differences:
        file = f"contracts/{contract.table.partition('.')[0]}.yaml"
        outcome = f"{contract.table} is not as {file} says. Mend one of the two. Not published."
        raise ContractError([], "\n".join([outcome, *differences]))


def check_all(
    name: str,
    read: Callable[[str], DataFrame],
    as_of_date: date,
    checks: Sequence[Check] = CHECKS,
) -> DataFrame:
    """Every check of a table, alone and beside the tables it refers to.

    Args:
        name: A table that has checks.
        read: Gives a table by its name.
        as_of_date: The last day that should be there.
        checks: What must be true of the rows of each table.

    Returns:
        One row a check, as `check_table` has them.
    """
    rows, mine = read(name), [check for check in checks if check.table == name]
    found = [check_table(rows, mine, registry.get(name).key)]
    found += [check_reference(rows, r, read(r.to)) for r in REFERENCES if r.table == name]
    if name == "stg_orders":
        found.append(check_days(rows, as_of_date))
    return reduce(DataFrame.unionAll, found)
