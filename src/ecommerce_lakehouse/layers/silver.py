"""The silver layer.

Exported from notebooks/02_silver.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ecommerce_lakehouse.registry import table

Kind = Callable[[Column], Column]


def is_text(value: Column) -> Column:
    """Any text."""
    return value


def is_id(value: Column) -> Column:
    """A whole number that fits BIGINT."""
    return F.when(value.rlike(r"\A-?[0-9]+\z"), value.try_cast("BIGINT"))


def is_quantity(value: Column) -> Column:
    """A whole number above zero that fits INT."""
    number = value.try_cast("INT")
    return F.when(value.rlike(r"\A-?[0-9]+\z") & (number > 0), number)


def is_money(value: Column) -> Column:
    """An amount of zero or more, rounded half up to cents, that fits DECIMAL(10,2)."""
    amount = value.try_cast("DECIMAL(10,2)")
    return F.when(value.rlike(r"\A-?[0-9]+(\.[0-9]+)?\z") & (amount >= 0), amount)


def is_day(value: Column) -> Column:
    """A real day written yyyy-MM-dd; there is no year 0000."""
    return F.when(
        value.rlike(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z") & ~value.startswith("0000"),
        value.try_cast("DATE"),
    )


def is_email(value: Column) -> Column:
    """Something@something.something, without spaces, in small letters."""
    return F.when(value.rlike(r"\A[^@\s]+@[^@\s]+\.[^@\s]+\z"), F.lower(value))


RULES: dict[str, dict[str, Kind]] = {
    "customers": {
        "customer_id": is_id,
        "email": is_email,
        "first_name": F.initcap,
        "last_name": F.initcap,
        "country": F.upper,
        "created_at": is_day,
    },
    "orders": {
        "order_id": is_id,
        "customer_id": is_id,
        "order_date": is_day,
        "status": F.lower,
        "shipping_cost": is_money,
    },
    "order_items": {
        "order_item_id": is_id,
        "order_id": is_id,
        "product_id": is_id,
        "quantity": is_quantity,
        "unit_price": is_money,
    },
    "products": {
        "product_id": is_id,
        "product_name": is_text,
        "category": F.initcap,
        "cost_price": is_money,
        "list_price": is_money,
    },
}
MAY_BE_EMPTY = {"first_name", "last_name", "country", "shipping_cost", "category"}


def judge(raw: DataFrame, entity: str) -> DataFrame:
    """Type every column of a bronze table, and say what is wrong with each row.

    Args:
        raw: A bronze table.
        entity: Whose rules to apply: a key of `RULES`.

    Returns:
        The typed columns under their raw names, `_source_file`, `_key` (the key as text),
        `_raw` (the row as it stood) and `_reason` (NULL where the row is good).
    """
    rules = RULES[entity]
    # In steps: a recipe that is kept as a column is computed once for each row. Written into
    # several other recipes, it would be computed again in each of them.
    texts = raw.withColumns({f"_text_{name}": F.nullif(F.trim(name), F.lit("")) for name in rules})
    typed = texts.withColumns(
        {f"_typed_{name}": kind(F.col(f"_text_{name}")) for name, kind in rules.items()}
    )
    problems = [
        F.when(
            F.col(f"_text_{name}").isNull(),
            None if name in MAY_BE_EMPTY else F.lit(f"missing_{name}"),
        ).when(F.col(f"_typed_{name}").isNull(), F.lit(f"invalid_{name}"))
        for name in rules
    ]
    if entity == "order_items":
        units = F.col("_typed_quantity").cast("DECIMAL(10,0)")
        typed = typed.withColumn("_total", F.try_multiply(units, F.col("_typed_unit_price")))
        too_large = F.col("_total").isNotNull() & F.col("_total").try_cast("DECIMAL(18,2)").isNull()
        problems.append(F.when(too_large, F.lit("invalid_line_total")))
    corrupt = F.col("_corrupt_record").isNotNull()
    return typed.select(
        *[F.col(f"_typed_{name}").alias(name) for name in rules],
        "_source_file",
        F.col(f"_text_{next(iter(rules))}").alias("_key"),
        F.struct(*rules, "_corrupt_record").alias("_raw"),
        F.when(corrupt, "corrupt_row")
        .otherwise(F.nullif(F.concat_ws(",", *problems), F.lit("")))
        .alias("_reason"),
    )


def first_choice(entity: str) -> list[Column]:
    """The order in which good rows with one key are preferred.

    Args:
        entity: A key of `RULES`.
    """
    others = list(RULES[entity])[1:]
    dates = [name for name in ("created_at", "order_date") if name in others]
    # The file raw_orders.csv sorts before raw_orders_2024-07.csv: names are in delivery order.
    order = ["_source_file", *dates, *[name for name in others if name not in dates]]
    return [F.col(name).desc_nulls_last() for name in order]


def keep_latest(judged: DataFrame, entity: str) -> DataFrame:
    """Mark all but one of the good rows that share a key as `duplicate_key`.

    Args:
        judged: What `judge` returned.
        entity: A key of `RULES`.

    Returns:
        The same rows; the losers now have a reason.
    """
    good = F.col("_reason").isNull()
    key = F.when(good, F.col(next(iter(RULES[entity]))))
    # Bad rows have no key here; their own text spreads them, so that they do not all meet.
    same_key = Window.partitionBy(key, F.when(~good, F.col("_raw"))).orderBy(
        *first_choice(entity), F.col("_raw").desc_nulls_last()
    )
    loses = good & (F.row_number().over(same_key) > 1)
    return judged.withColumn("_reason", F.when(loses, "duplicate_key").otherwise(F.col("_reason")))


def typed_key(entity: str, column: str = "") -> Column:
    """The key of a raw row as silver understands it: ` 007` and `7` are one.

    Args:
        entity: A key of `RULES`.
        column: Where the key stands as text; by default in the entity's own key column.
    """
    name, kind = next(iter(RULES[entity].items()))
    return kind(F.nullif(F.trim(column or name), F.lit("")))


def good_rows(raw: DataFrame, entity: str) -> DataFrame:
    """The rows of a bronze table that keep every rule, typed, one a key."""
    good = judge(raw, entity).where("_reason IS NULL").select(*RULES[entity], "_source_file")
    same_key = Window.partitionBy(next(iter(RULES[entity]))).orderBy(*first_choice(entity))
    return good.withColumn("_place", F.row_number().over(same_key)).where("_place = 1")


@table("silver", key="customer_id", grain="One row per customer", latest_wins=True)
def stg_customers(customers: DataFrame) -> DataFrame:
    """Customers with a usable identity.

    Args:
        customers: The bronze table.

    Returns:
        Names with capital initials, country code in capitals, email in small letters.
    """
    return good_rows(customers, "customers").select(
        "customer_id",
        "email",
        "first_name",
        "last_name",
        "country",
        F.col("created_at").alias("customer_created_at"),
        F.lit(True).alias("is_valid_email"),
    )


@table(
    "silver",
    key="order_id",
    grain="One row per order, whatever became of it",
    default_as_of="max(order_date) FILTER (WHERE is_completed)",
    latest_wins=True,
)
def stg_orders(orders: DataFrame) -> DataFrame:
    """Orders with a real day and a status.

    Args:
        orders: The bronze table.

    Returns:
        Status in small letters, shipping cost in USD (0.00 where it was empty), and the
        parts of the date that reports group by.
    """
    free = F.lit("0.00").cast("DECIMAL(10,2)")
    return good_rows(orders, "orders").select(
        "order_id",
        "customer_id",
        "order_date",
        F.col("status").alias("order_status"),
        F.coalesce("shipping_cost", free).alias("shipping_cost"),
        F.year("order_date").alias("order_year"),
        F.month("order_date").alias("order_month"),
        F.quarter("order_date").alias("order_quarter"),
        F.date_format("order_date", "EEEE").alias("order_day_of_week"),
        (F.col("status") == "completed").alias("is_completed"),
    )


@table(
    "silver", key="order_item_id", grain="One row per product line of an order", latest_wins=True
)
def stg_order_items(order_items: DataFrame) -> DataFrame:
    """What was bought, how many and at what price.

    Args:
        order_items: The bronze table.

    Returns:
        Unit price and line total in USD.
    """
    total = F.col("quantity").cast("DECIMAL(10,0)") * F.col("unit_price")
    return good_rows(order_items, "order_items").select(
        "order_item_id",
        "order_id",
        "product_id",
        "quantity",
        "unit_price",
        total.cast("DECIMAL(18,2)").alias("line_total"),
    )


@table("silver", key="product_id", grain="One row per product", latest_wins=True)
def stg_products(products: DataFrame) -> DataFrame:
    """What the shop sells, with what it earns on each.

    Args:
        products: The bronze table.

    Returns:
        Prices and margin in USD; the margin in percent of the list price, NULL where that
        is zero or the result does not fit.
    """
    margin = (F.col("list_price") - F.col("cost_price")).cast("DECIMAL(10,2)")
    percent = 100 * margin / F.nullif("list_price", F.lit(0))
    return good_rows(products, "products").select(
        "product_id",
        F.trim("product_name").alias("product_name"),
        "category",
        "cost_price",
        "list_price",
        margin.alias("profit_margin"),
        F.round(percent, 2).try_cast("DECIMAL(12,2)").alias("profit_margin_pct"),
    )


def as_json(row: Column, columns: Iterable[str]) -> Column:
    """A raw row as JSON; with its whole line where it did not fit its columns."""
    fields = [row[name].alias(name) for name in columns]
    line = row["_corrupt_record"].alias("_corrupt_record")
    every_field = {"ignoreNullFields": "false"}
    return F.when(line.isNotNull(), F.to_json(F.struct(*fields, line), every_field)).otherwise(
        F.to_json(F.struct(*fields), every_field)
    )


@table(
    "silver",
    grain="One row per rejected raw row",
    rejects=("source_table", "record_key"),
    latest_wins=True,
)
def quarantine(
    customers: DataFrame, orders: DataFrame, order_items: DataFrame, products: DataFrame
) -> DataFrame:
    """Every raw row that broke a rule, with the reason and the row itself.

    Args:
        customers: The bronze table.
        orders: The bronze table.
        order_items: The bronze table.
        products: The bronze table.

    Returns:
        source_table, record_key, reason, record (JSON) and `_source_file`.
    """
    raw = {
        "customers": customers,
        "orders": orders,
        "order_items": order_items,
        "products": products,
    }
    rejected = [
        keep_latest(judge(rows, entity), entity)
        .where("_reason IS NOT NULL")
        .select(
            F.lit(entity).alias("source_table"),
            F.col("_key").alias("record_key"),
            F.col("_reason").alias("reason"),
            as_json(F.col("_raw"), RULES[entity]).alias("record"),
            "_source_file",
        )
        for entity, rows in raw.items()
    ]
    return reduce(DataFrame.unionAll, rejected)
