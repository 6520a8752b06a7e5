"""The analysis layer.

Exported from notebooks/06_analysis_visualization.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ecommerce_lakehouse.layers.gold import dim_customer_segments, fct_customer_metrics
from ecommerce_lakehouse.layers.intermediate import int_customer_rfm


def activity_after(segments: DataFrame, int_customer_orders: DataFrame, day: date) -> DataFrame:
    """What the customers of each segment did after a day.

    Args:
        segments: One row per customer, with the segment on that day.
        int_customer_orders: One row per completed order.
        day: Only orders after this day count.

    Returns:
        One row per segment, the one with the highest spend first: how many customers it has,
        which percentage of them bought, orders and USD per customer, and half of the 95%
        interval of the latter (NULL for a single customer).
    """
    return segments.sparkSession.sql(
        """
        WITH later AS (
            SELECT customer_id, count(*) AS orders, sum(order_total) AS usd
            FROM {orders}
            WHERE order_date > DATE'{day}'
            GROUP BY customer_id
        )
        SELECT s.customer_segment,
               count(*) AS customers,
               round(100 * count(l.orders) / count(*), 1) AS bought_percent,
               round(coalesce(sum(l.orders), 0) / count(*), 2) AS orders_per_customer,
               CAST(round(coalesce(sum(l.usd), 0) / count(*), 2) AS DOUBLE) AS usd_per_customer,
               round(1.96 * stddev_samp(coalesce(l.usd, 0)) / sqrt(count(*)), 2) AS margin_usd
        FROM {segments} AS s
        LEFT JOIN later AS l ON l.customer_id = s.customer_id
        GROUP BY s.customer_segment
        ORDER BY usd_per_customer DESC, customer_segment
        """,
        orders=int_customer_orders,
        segments=segments,
        day=day,
    )


def segments_on(stg_customers: DataFrame, int_customer_orders: DataFrame, day: date) -> DataFrame:
    """The segments as they were on a day of the past.

    Args:
        stg_customers: One row per customer.
        int_customer_orders: One row per completed order.
        day: Orders and registrations after this day do not count.

    Returns:
        `dim_customer_segments` of that day. Whether an order is completed is known as of today.
    """
    known = stg_customers.where(F.col("customer_created_at") <= F.lit(day))
    return dim_customer_segments(
        fct_customer_metrics(known, int_customer_rfm(int_customer_orders, day))
    )


def migrations(dated_segments: DataFrame) -> DataFrame:
    """How many customers went from each segment to each, from one day to the next.

    Args:
        dated_segments: One row per day and customer: day, customer_id, customer_segment.

    Returns:
        One row per pair of segments that occurs: segment, next_segment, customers, those who
        stayed with them. A customer counts once for each step.
    """
    return dated_segments.sparkSession.sql(
        """
        WITH steps AS (
            SELECT customer_segment AS segment,
                   lead(customer_segment) OVER (PARTITION BY customer_id ORDER BY day)
                       AS next_segment
            FROM {dated}
        )
        SELECT segment, next_segment, count(*) AS customers
        FROM steps
        WHERE next_segment IS NOT NULL
        GROUP BY segment, next_segment
        ORDER BY segment, next_segment
        """,
        dated=dated_segments,
    )


def score_by_rank(int_customer_rfm: DataFrame) -> DataFrame:
    """Scores from 1 to 5 by how many customers are worse; equal customers have equal scores.

    Args:
        int_customer_rfm: One row per customer with a completed order.

    Returns:
        customer_id, the three scores and their sum.
    """
    return int_customer_rfm.sparkSession.sql(
        """
        WITH ranks AS (
            SELECT customer_id,
                   count(*) OVER () AS customers,
                   rank() OVER (ORDER BY recency_days DESC) - 1 AS worse_by_recency,
                   rank() OVER (ORDER BY frequency) - 1 AS worse_by_frequency,
                   rank() OVER (ORDER BY monetary_value) - 1 AS worse_by_money
            FROM {rfm}
        ), scores AS (
            SELECT customer_id,
                   CAST(1 + 5 * worse_by_recency DIV customers AS INT) AS recency_score,
                   CAST(1 + 5 * worse_by_frequency DIV customers AS INT) AS frequency_score,
                   CAST(1 + 5 * worse_by_money DIV customers AS INT) AS monetary_score
            FROM ranks
        )
        SELECT *, recency_score + frequency_score + monetary_score AS rfm_total_score FROM scores
        """,
        rfm=int_customer_rfm,
    )


def spent_by_score(int_customer_orders: DataFrame, day: date, days: int) -> DataFrame:
    """What customers spent after a day, by the scores they had on it.

    Args:
        int_customer_orders: One row per completed order.
        day: Scores are made from the orders up to this day.
        days: How many days after it count as later.

    Returns:
        One row per way to score and score: since (the day), method, score (more is better),
        customers, spent_usd.
    """
    rfm = int_customer_rfm(int_customer_orders, day)
    return int_customer_orders.sparkSession.sql(
        """
        WITH later AS (
            SELECT customer_id, sum(order_total) AS usd
            FROM {orders}
            WHERE order_date > DATE'{day}' AND order_date <= DATE'{until}'
            GROUP BY customer_id
        ), scores AS (
            SELECT r.customer_id,
                   stack(3, 'fixed limits', r.rfm_total_score, 'fifths', f.rfm_total_score,
                         'recency alone', -r.recency_days) AS (method, score)
            FROM {rfm} AS r JOIN {fifths} AS f ON f.customer_id = r.customer_id
        )
        SELECT DATE'{day}' AS since, s.method, s.score, count(*) AS customers,
               CAST(coalesce(sum(l.usd), 0) AS DOUBLE) AS spent_usd
        FROM scores AS s LEFT JOIN later AS l ON l.customer_id = s.customer_id
        GROUP BY s.method, s.score
        """,
        orders=int_customer_orders,
        rfm=rfm,
        fifths=score_by_rank(rfm),
        day=day,
        until=day + timedelta(days=days),
    )


def share_of_best(by_score: pd.DataFrame, part: float = 0.2) -> float:
    """The share of the later spend that the best customers brought.

    Args:
        by_score: One row per score: score (more is better), customers, spent_usd.
        part: Which part of the customers is picked. Equals are picked in proportion.

    Returns:
        Between 0 and 1; 0 where nobody spent anything.
    """
    best_first = by_score.sort_values("score", ascending=False)
    customers, spent = best_first["customers"], best_first["spent_usd"]
    left = part * customers.sum() - (customers.cumsum() - customers)
    picked = (left / customers).clip(0, 1)
    return float((picked * spent).sum() / (spent.sum() or 1))
