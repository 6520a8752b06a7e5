"""The bronze layer.

Exported from notebooks/01_bronze.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse.registry import table

RAW_COLUMNS = {
    "customers": ["customer_id", "email", "first_name", "last_name", "country", "created_at"],
    "orders": ["order_id", "customer_id", "order_date", "status", "shipping_cost"],
    "order_items": ["order_item_id", "order_id", "product_id", "quantity", "unit_price"],
    "products": ["product_id", "product_name", "category", "cost_price", "list_price"],
}


MAX_COLUMNS = 1_000_000
"""The most fields a row may have. At Spark's default, 20,480, one long row would stop the read."""


def read_raw(spark: SparkSession, files: list[str], columns: list[str]) -> DataFrame:
    """Every row of some CSV files as text, and the file each came from.

    Args:
        spark: The session to read with.
        files: Addresses of files that share one header.
        columns: That header.

    Returns:
        The columns as they stand in the files, `_source_file` (base name), and
        `_corrupt_record`: the whole line where a row has too few or too many fields.
    """
    schema = ", ".join(f"{name} STRING" for name in [*columns, "_corrupt_record"])
    lines = (
        spark.read.schema(schema)
        .option("header", True)
        .option("multiLine", True)
        .option("lineSep", "\n")
        .option("escape", '"')
        .option("maxColumns", MAX_COLUMNS)
        .option("columnNameOfCorruptRecord", "_corrupt_record")
        .csv(files)
        .select("*", F.col("_metadata.file_name").alias("_file_name"))
    )
    return as_they_stand(lines, columns)


def as_they_stand(lines: DataFrame, columns: list[str]) -> DataFrame:
    """Remove what belongs to the file format and not to the text, such as line ends.

    Args:
        lines: What Spark read: the columns, `_corrupt_record` and `_file_name`.
        columns: The columns' names.

    Returns:
        What `read_raw` promises.
    """
    # In a file with \r\n the \r stays at the end of the last field. In a row that is too short
    # this is the last field it has. Of a blank line only the \r is left.
    short = F.col("_corrupt_record").isNotNull()
    ends = [short | F.lit(name == columns[-1]) for name in columns]
    fields = [
        F.nullif(F.when(end, F.regexp_replace(name, r"\r\z", "")).otherwise(F.col(name)), F.lit(""))
        for name, end in zip(columns, ends, strict=True)
    ]
    # Spark gives the file's name as in a URL, where a space is %20.
    source_file = F.url_decode(F.replace(F.col("_file_name"), F.lit("+"), F.lit("%2B")))
    return lines.where("_corrupt_record IS NULL OR _corrupt_record NOT IN ('', '\\r')").select(
        *[field.alias(name) for field, name in zip(fields, columns, strict=True)],
        source_file.alias("_source_file"),
        F.regexp_replace("_corrupt_record", r"\r\z", "").alias("_corrupt_record"),
    )


@table("bronze", grain="One row per row of raw_customers*.csv")
def customers(raw_customers: DataFrame) -> DataFrame:
    """People who registered, as the files have them."""
    return raw_customers


@table("bronze", grain="One row per row of raw_orders*.csv")
def orders(raw_orders: DataFrame) -> DataFrame:
    """Orders, as the files have them."""
    return raw_orders


@table("bronze", grain="One row per row of raw_order_items*.csv")
def order_items(raw_order_items: DataFrame) -> DataFrame:
    """What was bought in each order, as the files have it."""
    return raw_order_items


@table("bronze", grain="One row per row of raw_products*.csv")
def products(raw_products: DataFrame) -> DataFrame:
    """What the shop sells, as the files have it."""
    return raw_products
