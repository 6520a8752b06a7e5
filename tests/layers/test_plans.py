"""What Spark plans: nothing that grows comes to one place, and nothing is read twice."""

import re
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import ExampleLakehouse, registry
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark import settings

BY_PRODUCT = "fct_product_performance"
"""Ranks need all products in one place, and its limits are taken from all: both are few."""


@pytest.fixture(scope="module")
def example(spark: SparkSession) -> Iterator[ExampleLakehouse]:
    """The example, planned as if it were large."""
    lake = ExampleLakehouse(spark)
    for key, value in settings.settings_for(2**30, cores=2).items():
        spark.conf.set(key, value)
    yield lake
    settings.begin(spark, 1000)


def plan(lake: ExampleLakehouse, table: Table) -> str:
    """The plan that Spark would run, without the tables that it starts from."""
    for name in table.inputs:
        if not name.startswith("raw_"):
            lake.read(name)
    frame = lake.compute(table.name)
    return str(frame._jdf.queryExecution().executedPlan().toString())


def tables(*layers: str) -> list[Table]:
    return [table for layer in layers for table in registry.tables(layer)]


@pytest.mark.parametrize("table", tables(*registry.LAYERS), ids=lambda table: table.full_name)
def test_customers_and_orders_never_come_to_one_place(
    example: ExampleLakehouse, table: Table
) -> None:
    assert ("SinglePartition" in plan(example, table)) == (table.name == BY_PRODUCT)


@pytest.mark.parametrize(
    "table", tables("silver", "intermediate", "gold", "ml"), ids=lambda table: table.full_name
)
def test_every_input_is_read_once(example: ExampleLakehouse, table: Table) -> None:
    scans = re.findall(r"Scan ExistingRDD", plan(example, table))
    assert len(scans) == len(table.inputs) + (table.name == BY_PRODUCT)


def test_a_raw_file_is_parsed_once(example: ExampleLakehouse) -> None:
    for table in tables("bronze"):
        assert plan(example, table).count("FileScan csv") == 1


def test_counting_orders_moves_the_lines_of_a_pair_once(example: ExampleLakehouse) -> None:
    found = plan(example, registry.get("int_customer_product_purchases"))
    assert "Expand" not in found
    assert found.count("hashpartitioning(customer_id#") == 1
