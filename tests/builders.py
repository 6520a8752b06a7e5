"""Small tables for tests: only the cells a test is about are written, the others are plain.

Dates and money are written as text ("2023-06-30", "19.99"); the column's type says what they are.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DateType, DecimalType, StructType

Cells = dict[str, Any]

STG_CUSTOMERS = """
    customer_id BIGINT, email STRING, first_name STRING, last_name STRING, country STRING,
    customer_created_at DATE, is_valid_email BOOLEAN
"""
STG_ORDERS = """
    order_id BIGINT, customer_id BIGINT, order_date DATE, order_status STRING,
    shipping_cost DECIMAL(10,2), order_year INT, order_month INT, order_quarter INT,
    order_day_of_week STRING, is_completed BOOLEAN
"""
STG_ORDER_ITEMS = """
    order_item_id BIGINT, order_id BIGINT, product_id BIGINT, quantity INT,
    unit_price DECIMAL(10,2), line_total DECIMAL(18,2)
"""
STG_PRODUCTS = """
    product_id BIGINT, product_name STRING, category STRING, cost_price DECIMAL(10,2),
    list_price DECIMAL(10,2), profit_margin DECIMAL(10,2), profit_margin_pct DECIMAL(12,2)
"""
INT_CUSTOMER_ORDERS = """
    order_id BIGINT, customer_id BIGINT, order_date DATE, shipping_cost DECIMAL(10,2),
    order_subtotal DECIMAL(38,2), order_total DECIMAL(38,2), items_count BIGINT
"""
INT_CUSTOMER_RFM = """
    customer_id BIGINT, recency_days INT, frequency BIGINT, monetary_value DECIMAL(38,2),
    avg_order_value DECIMAL(38,6), first_order_date DATE, last_order_date DATE,
    customer_tenure_days INT, recency_score INT, frequency_score INT, monetary_score INT,
    rfm_total_score INT, rfm_segment_code STRING
"""
INT_CUSTOMER_PRODUCT_PURCHASES = """
    customer_id BIGINT, product_id BIGINT, orders_count BIGINT, units BIGINT,
    revenue DECIMAL(38,2), prices_sum DECIMAL(38,2), prices_count BIGINT, first_order_date DATE,
    last_order_date DATE
"""
INT_PRODUCT_METRICS = f"""{STG_PRODUCTS},
    orders_count BIGINT, customers_count BIGINT, units_sold BIGINT, revenue DECIMAL(38,2),
    avg_selling_price DECIMAL(16,6), total_profit DECIMAL(38,2), first_sale_date DATE,
    last_sale_date DATE
"""
FCT_CUSTOMER_METRICS = """
    customer_id BIGINT, email STRING, first_name STRING, last_name STRING, country STRING,
    customer_created_at DATE, recency_days INT, frequency BIGINT, monetary_value DECIMAL(38,2),
    avg_order_value DECIMAL(38,6), first_order_date DATE, last_order_date DATE,
    customer_tenure_days INT, recency_score INT, frequency_score INT, monetary_score INT,
    rfm_total_score INT, rfm_segment_code STRING, current_clv DECIMAL(38,2),
    predicted_clv_12m DECIMAL(38,2), churn_risk STRING
"""

RAW: dict[str, Cells] = {
    "customers": {
        "customer_id": "1",
        "email": "john@shop.com",
        "first_name": "John",
        "last_name": "Doe",
        "country": "US",
        "created_at": "2023-01-15",
    },
    "orders": {
        "order_id": "1",
        "customer_id": "1",
        "order_date": "2023-02-01",
        "status": "completed",
        "shipping_cost": "5.99",
    },
    "order_items": {
        "order_item_id": "1",
        "order_id": "1",
        "product_id": "1",
        "quantity": "2",
        "unit_price": "10.00",
    },
    "products": {
        "product_id": "1",
        "product_name": "Mouse",
        "category": "Electronics",
        "cost_price": "15.00",
        "list_price": "29.99",
    },
}
"""A good row of every raw file."""


def frame(spark: SparkSession, columns: str, *rows: Cells) -> DataFrame:
    """A DataFrame of these columns; a cell that is not written is NULL."""
    schema = StructType.fromDDL(columns)
    assert isinstance(schema, StructType)
    unknown = {name for row in rows for name in row} - set(schema.names)
    assert not unknown, f"no such column: {unknown}"
    cells = [{f.name: _typed(row.get(f.name), f.dataType) for f in schema} for row in rows]
    return spark.createDataFrame(pa.Table.from_pylist(cells, schema=to_arrow_schema(schema)))


def _typed(value: Any, kind: Any) -> Any:
    if isinstance(kind, DecimalType) and value is not None:
        assert isinstance(value, (str, Decimal)), f"write money as text, not as {value!r}"
        return Decimal(value)
    if isinstance(kind, DateType) and isinstance(value, str):
        return date.fromisoformat(value)
    return value


def raw(spark: SparkSession, entity: str, *rows: Cells) -> DataFrame:
    """A bronze table: good rows, with these cells in place of theirs."""
    plain = {**RAW[entity], "_source_file": f"raw_{entity}.csv"}
    columns = ", ".join(f"{name} STRING" for name in [*plain, "_corrupt_record"])
    return frame(spark, columns, *[{**plain, **row} for row in rows])


def customers(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`stg_customers`."""
    plain = {
        "customer_id": 1,
        "email": "john@shop.com",
        "first_name": "John",
        "last_name": "Doe",
        "country": "US",
        "customer_created_at": "2023-01-15",
        "is_valid_email": True,
    }
    return frame(spark, STG_CUSTOMERS, *[{**plain, **row} for row in rows])


def orders(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`stg_orders`: completed on 1 February 2023, shipped for free."""
    plain = {
        "order_id": 1,
        "customer_id": 1,
        "order_date": "2023-02-01",
        "order_status": "completed",
        "shipping_cost": "0.00",
        "is_completed": True,
    }
    return frame(spark, STG_ORDERS, *[{**plain, **row} for row in rows])


def order_items(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`stg_order_items`: one piece at 10.00; the line total follows from the cells given."""
    plain = {
        "order_item_id": 1,
        "order_id": 1,
        "product_id": 1,
        "quantity": 1,
        "unit_price": "10.00",
    }
    lines = [{**plain, **row} for row in rows]
    totals = [{"line_total": line["quantity"] * Decimal(line["unit_price"])} for line in lines]
    return frame(spark, STG_ORDER_ITEMS, *[{**t, **r} for t, r in zip(totals, lines, strict=True)])


def products(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`stg_products`: bought for 6.00, sold for 10.00."""
    plain = {
        "product_id": 1,
        "product_name": "Mouse",
        "category": "Electronics",
        "cost_price": "6.00",
        "list_price": "10.00",
        "profit_margin": "4.00",
        "profit_margin_pct": "40.00",
    }
    return frame(spark, STG_PRODUCTS, *[{**plain, **row} for row in rows])


def customer_orders(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`int_customer_orders`: one line of 10.00, shipped for free, on 1 February 2023."""
    plain = {
        "order_id": 1,
        "customer_id": 1,
        "order_date": "2023-02-01",
        "shipping_cost": "0.00",
        "order_subtotal": "10.00",
        "order_total": "10.00",
        "items_count": 1,
    }
    return frame(spark, INT_CUSTOMER_ORDERS, *[{**plain, **row} for row in rows])


def rfm(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`int_customer_rfm`: came once, today, and spent 10.00."""
    return frame(spark, INT_CUSTOMER_RFM, *[{**ONE_ORDER, **row} for row in rows])


ONE_ORDER: Cells = {
    "customer_id": 1,
    "recency_days": 0,
    "frequency": 1,
    "monetary_value": "10.00",
    "avg_order_value": "10.000000",
    "first_order_date": "2023-02-01",
    "last_order_date": "2023-02-01",
    "customer_tenure_days": 0,
    "recency_score": 5,
    "frequency_score": 1,
    "monetary_score": 1,
    "rfm_total_score": 7,
    "rfm_segment_code": "511",
}

NO_ORDER: Cells = {
    **dict.fromkeys(ONE_ORDER),
    "frequency": 0,
    "monetary_value": "0.00",
    "current_clv": "0.00",
    "predicted_clv_12m": "0.00",
    "churn_risk": "No Purchases",
}
"""What `fct_customer_metrics` says of a customer who never bought."""


def metrics(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`fct_customer_metrics`: a customer of 15 January 2023 who came once and spent 10.00."""
    plain = {
        **ONE_ORDER,
        "email": "john@shop.com",
        "first_name": "John",
        "last_name": "Doe",
        "country": "US",
        "customer_created_at": "2023-01-15",
        "current_clv": "10.00",
        "predicted_clv_12m": "12.00",
        "churn_risk": "Very Low",
    }
    return frame(spark, FCT_CUSTOMER_METRICS, *[{**plain, **row} for row in rows])


def customer_purchases(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`int_customer_product_purchases`: one piece for 10.00 in one order."""
    plain = {
        "customer_id": 1,
        "product_id": 1,
        "orders_count": 1,
        "units": 1,
        "revenue": "10.00",
        "prices_sum": "10.00",
        "prices_count": 1,
        "first_order_date": "2023-02-01",
        "last_order_date": "2023-02-01",
    }
    return frame(spark, INT_CUSTOMER_PRODUCT_PURCHASES, *[{**plain, **row} for row in rows])


def product_metrics(spark: SparkSession, *rows: Cells) -> DataFrame:
    """`int_product_metrics`: a product that was never sold."""
    plain = {
        "product_id": 1,
        "product_name": "Mouse",
        "category": "Electronics",
        "cost_price": "6.00",
        "list_price": "10.00",
        "profit_margin": "4.00",
        "profit_margin_pct": "40.00",
        "orders_count": 0,
        "customers_count": 0,
        "units_sold": 0,
        "revenue": "0.00",
        "avg_selling_price": "0",
        "total_profit": "0.00",
    }
    return frame(spark, INT_PRODUCT_METRICS, *[{**plain, **row} for row in rows])


def values(
    spark: SparkSession, function: Callable[[Column], Column], texts: list[str]
) -> dict[str, Any]:
    """What a function of one column makes of every text."""
    column = frame(spark, "text STRING", *[{"text": text} for text in texts])
    return {row[0]: row[1] for row in column.select("text", function(F.col("text"))).collect()}


def row(table: DataFrame, **key: Any) -> Row:
    """The one row of a table with this key."""
    condition = F.lit(True)
    for name, value in key.items():
        condition = condition & (F.col(name) == value)
    found = table.where(condition).collect()
    assert len(found) == 1, f"{len(found)} rows with {key}"
    return found[0]


def by_key(table: DataFrame, *columns: str) -> dict[Any, Any]:
    """The first column as keys; the next one, or a tuple of the next ones, as values."""
    found = table.select(*columns).collect()
    keys = [row[0] for row in found]
    assert len(set(keys)) == len(keys), f"a key stands twice: {keys}"
    if len(columns) == 2:
        return {row[0]: row[1] for row in found}
    return {row[0]: tuple(row[1:]) for row in found}
