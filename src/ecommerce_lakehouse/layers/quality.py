"""The quality layer.

Exported from notebooks/07_data_quality.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

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
    Check("stg_customers", "email is one", "email RLIKE '^[^@ ]+@[^@ ]+[.][^@ ]+$'"),
    Check("stg_orders", "order has a day", "order_date IS NOT NULL"),
    Check(
        "stg_orders",
        "status is known",
        "order_status IN ('completed', 'cancelled', 'returned', 'pending')",
        "warning",
    ),
    Check("stg_order_items", "quantity above zero", "quantity > 0"),
    Check("stg_order_items", "line adds up", "line_total = quantity * unit_price"),
    Check("stg_products", "sold above cost", "list_price >= cost_price", "warning"),
    Check("int_customer_orders", "total adds up", ADDS_UP),
    Check("int_customer_orders", "total not negative", "order_total >= 0"),
    Check(
        "int_customer_rfm",
        "scores add up",
        "rfm_total_score = recency_score + frequency_score + monetary_score",
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


class QualityError(LakehouseError):
    """A check of severity `error` is broken, so nothing may be published.

    Args:
        results: All results, one row a check.
    """

    def __init__(self, results: list[Row]) -> None:
        self.results = results
        broken = [row for row in results if row.severity == "error" and row.broken]
        lines = [f"{row.table}: {row.check}: {row.broken:,} of {row.rows:,} rows" for row in broken]
        super().__init__("Not published.\n" + "\n".join(lines))


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
    raw: DataFrame,
    quarantine: DataFrame,
    entity: str,
    limit: float,
    severity: str = "error",
    at_least: int = 1,
) -> DataFrame:
    """Is the share of every file's rows that were quarantined within a limit?

    Args:
        raw: The entity's bronze table.
        quarantine: The rejected rows of all entities.
        entity: `customers`, `orders`, `order_items` or `products`.
        limit: The largest share (0 to 1) that is allowed.
        severity: What more than that is: `error` or `warning`.
        at_least: Files with fewer rows are not judged.

    Returns:
        One row, as `check_table` has them; broken are the rejected rows of files over the limit.
    """
    rejected = quarantine.where(F.col("source_table") == entity).groupBy("_source_file")
    files = (
        raw.groupBy("_source_file")
        .agg(F.count("*").alias("rows"))
        .join(rejected.agg(F.count("*").alias("rejected")), "_source_file", "left")
    )
    over = (F.col("rejected") > F.col("rows") * limit) & (F.col("rows") >= at_least)
    return files.select(
        F.lit(f"stg_{entity}").alias("table"),
        F.lit(f"no file with more than {limit:.0%} quarantined").alias("check"),
        F.lit(severity).alias("severity"),
        F.coalesce(F.sum("rows"), F.lit(0)).alias("rows"),
        F.coalesce(F.sum(F.when(over, F.col("rejected"))), F.lit(0)).alias("broken"),
    )
