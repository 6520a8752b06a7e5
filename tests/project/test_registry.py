"""The one list of tables, and the order in which they are built."""

from datetime import date

import pytest
from pyspark.sql import DataFrame

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.layers.gold import dim_customer_segments


def test_the_tables_of_the_contract() -> None:
    """Every one with its layer and the column that identifies a row."""
    assert {table.full_name: ",".join(table.key) for table in registry.tables()} == {
        "bronze.customers": "",
        "bronze.orders": "",
        "bronze.order_items": "",
        "bronze.products": "",
        "silver.stg_customers": "customer_id",
        "silver.stg_orders": "order_id",
        "silver.stg_order_items": "order_item_id",
        "silver.stg_products": "product_id",
        "silver.quarantine": "",
        "intermediate.int_customer_orders": "order_id",
        "intermediate.int_customer_rfm": "customer_id",
        "intermediate.int_customer_product_purchases": "customer_id,product_id",
        "intermediate.int_product_metrics": "product_id",
        "gold.fct_customer_metrics": "customer_id",
        "gold.dim_customer_segments": "customer_id",
        "gold.fct_product_performance": "product_id",
        "ml.ml_customer_features": "customer_id",
    }


def test_inputs_are_built_before_what_is_made_from_them() -> None:
    """The names of a function's parameters are its inputs, so there is no second list."""
    built: set[str] = set()
    for table in registry.tables():
        assert all(name in built or name.startswith("raw_") for name in table.inputs)
        built.add(table.name)


def test_layer_by_layer() -> None:
    layers = [table.layer for table in registry.tables()]
    assert layers == sorted(layers, key=registry.LAYERS.index)


def test_the_tables_of_one_layer() -> None:
    assert [table.name for table in registry.tables("ml")] == ["ml_customer_features"]
    assert {table.layer for table in registry.tables("gold")} == {"gold"}


def test_the_as_of_date_is_a_parameter_but_no_input() -> None:
    features = registry.get("ml_customer_features")
    assert features.inputs == ("fct_customer_metrics", "int_customer_orders")
    assert features.parameters == (*features.inputs, "as_of_date")


def test_a_table_is_found_by_its_name_its_sql_name_and_its_function() -> None:
    segments = registry.get("dim_customer_segments")
    assert segments.full_name == "gold.dim_customer_segments"
    assert registry.get("gold.dim_customer_segments") is segments
    assert registry.get(dim_customer_segments) is segments


def test_an_unknown_table_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(LakehouseError) as unknown:
        registry.get("gold.customers_of_the_month")
    assert unknown.value.message == "There is no table called gold.customers_of_the_month."
    with pytest.raises(LakehouseError, match=r"no table called bronze\.stg_orders"):
        registry.get("bronze.stg_orders")  # it is in silver
    assert "silver.quarantine" in unknown.value.remedy


def test_a_layer_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"platinum.*expected one of bronze, silver"):
        registry.table("platinum", grain="One row per dream")


@pytest.mark.usefixtures("own_tables")
def test_declaring_again_replaces() -> None:
    """A cell that was edited and run again is the one that counts."""

    @registry.table("gold", key=("customer_id", "day"), grain="One row per customer and day")
    def dim_customer_segments(stg_orders: DataFrame, as_of_date: date) -> DataFrame:
        return stg_orders

    declared = registry.get("gold.dim_customer_segments")
    assert declared.function is dim_customer_segments
    assert (declared.key, declared.inputs) == (("customer_id", "day"), ("stg_orders",))
    assert [table.name for table in registry.tables()].count("dim_customer_segments") == 1


@pytest.mark.usefixtures("own_tables")
def test_a_new_table_takes_its_place_in_the_order() -> None:
    """Before a table of its layer that reads it, whatever was declared first."""

    @registry.table("gold", grain="One row per country")
    def a_last_one(z_first_one: DataFrame) -> DataFrame:
        return z_first_one

    @registry.table("gold", grain="One row per country")
    def z_first_one(fct_customer_metrics: DataFrame) -> DataFrame:
        return fct_customer_metrics

    names = [table.name for table in registry.tables()]
    places = [names.index(n) for n in ("fct_customer_metrics", "z_first_one", "a_last_one")]
    assert places == sorted(places)
    assert names.index("a_last_one") < names.index("ml_customer_features")


def test_the_decorator_leaves_the_function_as_it_is() -> None:
    assert dim_customer_segments.__name__ == "dim_customer_segments"
    assert registry.get("dim_customer_segments").function is dim_customer_segments


def test_every_table_says_what_one_row_is_and_what_builds_it() -> None:
    for table in registry.tables():
        assert table.grain.startswith("One row per ")
        assert table.layer in registry.NOTEBOOKS
