"""Functions of campaign that no build needs.

Exported from notebooks/09_business_use_cases.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def follow_arms(lots: DataFrame, int_customer_orders: DataFrame) -> DataFrame:
    """What each customer of a campaign did after the letters went out; one row per customer.

    Of lots (customer_id, arm, sent_on of letters) and all orders: arm, percent (100 if they bought,
    else 0), spent (USD, on goods), quiet_days and quiet_for (from the last order to the letters).
    """
    return lots.sparkSession.sql(
        """
        SELECT l.customer_id, l.arm, if(count_if(o.order_date > s.day) > 0, 100, 0) AS percent,
            CAST(coalesce(sum(o.order_subtotal) FILTER (WHERE o.order_date > s.day), 0)
                AS DECIMAL(38,2)) AS spent,
            datediff(s.day, max(o.order_date) FILTER (WHERE o.order_date <= s.day)) AS quiet_days,
            CASE WHEN quiet_days <= 180 THEN '3 to 6 months'
                WHEN quiet_days <= 365 THEN '6 to 12 months' ELSE 'over 12 months' END AS quiet_for
        FROM {lots} AS l CROSS JOIN (SELECT max(sent_on) AS day FROM {lots}) AS s
        LEFT JOIN {orders} AS o ON o.customer_id = l.customer_id
        GROUP BY l.customer_id, l.arm, s.day
        """,
        lots=lots,
        orders=int_customer_orders,
    )


def measure_uplift(followed: DataFrame, outcome: str, by: str) -> pd.DataFrame:
    """What a letter adds to the mean of an outcome, with its 95 % interval; one row per group.

    The outcome is whole or decimal: sums are exact. Columns: the group, letter_n, holdout_n, the
    means letter and holdout, uplift, low, high; NaN where an arm has fewer than two customers.
    """
    x = F.col(outcome)
    sums = F.count(x).alias("n"), F.sum(x).alias("sum"), F.sum(x * x).alias("squares")
    found = followed.groupBy(by).pivot("arm", ["letter", "holdout"]).agg(*sums).toPandas()
    found = found.set_index(by).sort_index().astype(float).fillna(0)
    squared_errors = []
    for arm in ("letter", "holdout"):
        n = found[f"{arm}_n"].where(found[f"{arm}_n"] > 1)
        found[arm], found[f"{arm}_n"] = found.pop(f"{arm}_sum") / n, found[f"{arm}_n"].astype(int)
        squared_errors.append((found.pop(f"{arm}_squares") / n - found[arm] ** 2) / (n - 1))
    reach = 1.96 * (squared_errors[0] + squared_errors[1]) ** 0.5
    found["uplift"] = found["letter"] - found["holdout"]
    return found.assign(low=found["uplift"] - reach, high=found["uplift"] + reach).reset_index()


def expect_gain(uplift: pd.DataFrame, voucher: float) -> pd.DataFrame:
    """The groups of `measure_uplift` (in %) with what a letter brings: gain_usd, low_usd, high_usd.

    Each group has margin_usd, what an order brings. The voucher is in USD. A letter costs extra.
    """
    gains = {}
    for name, end in {"gain_usd": "uplift", "low_usd": "low", "high_usd": "high"}.items():
        caused, anyway = uplift[end] / 100, uplift["holdout"] / 100
        gains[name] = caused * (uplift["margin_usd"] - voucher) - anyway * voucher
    return uplift.assign(**gains)
