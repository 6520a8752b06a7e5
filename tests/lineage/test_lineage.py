"""What a real run read and wrote, as OpenLineage's listener tells it, is what is declared."""

import json
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import Lakehouse
from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.lineage.declared import edges
from ecommerce_lakehouse.lineage.listener import ListenedWriter, listen
from ecommerce_lakehouse.lineage.observed import (
    Write,
    columns,
    differences,
    graph,
    origins,
    read_writes,
)
from ecommerce_lakehouse.operations import Gate
from ecommerce_lakehouse.operations.change import Change, Outcome
from ecommerce_lakehouse.operations.update import update
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT
from ecommerce_lakehouse.spark import jars


def write(table: str, *inputs: str) -> Write:
    return Write(table, event={}, inputs={name: {} for name in inputs})


def made_from(table: pd.DataFrame, target: str) -> set[str]:
    """The columns that a column was made from, `layer.table.column` each."""
    here = table[table["target"] + "." + table["target_column"] == target]
    return set(here["source"] + "." + here["source_column"])


@pytest.fixture(scope="module")
def lakehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="module")
def told(
    spark: SparkSession, lakehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """What the command writes about a run on the example."""
    out = tmp_path_factory.mktemp("told")
    arguments = ["--data-dir", "data_seeds", "--artifacts-dir", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["", *arguments, "--lakehouse-dir", str(lakehouse)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(PROJECT / "scripts/generate_lineage.py"), run_name="__main__")
    assert ended.value.code == 0
    yield out / "lineage"


@pytest.mark.nightly
def test_every_table_of_a_real_run_was_made_from_what_it_names(told: Path) -> None:
    seen = {}
    for line in (told / "observed.ndjson").read_text().splitlines():
        event = json.loads(line)
        (output,) = event["outputs"]
        assert (event["eventType"], output["namespace"]) == ("COMPLETE", "lakehouse")
        assert output["name"] not in seen
        seen[output["name"]] = {dataset["name"] for dataset in event["inputs"]}
    assert seen == edges().groupby("target")["source"].agg(set).to_dict()
    assert seen["bronze.orders"] == {"raw.orders"}
    assert seen["gold.fct_customer_metrics"] == {
        "silver.stg_customers",
        "intermediate.int_customer_rfm",
    }


@pytest.mark.nightly
def test_the_graph_of_a_real_run_is_the_one_that_lesson_8_draws(told: Path) -> None:
    assert (told / "lineage.csv").read_text() == (PROJECT / "artifacts/lineage.csv").read_text()
    assert (told / "lineage.png").stat().st_size > 10_000


@pytest.mark.nightly
def test_the_events_say_from_which_columns_a_column_was_made(told: Path) -> None:
    table = pd.read_csv(told / "columns.csv")
    expected = {
        "gold.fct_customer_metrics.email": {"silver.stg_customers.email"},
        # Half of the customer's value, or twice: the score decides.
        "gold.fct_customer_metrics.predicted_clv_12m": {
            "intermediate.int_customer_rfm.monetary_value",
            "intermediate.int_customer_rfm.rfm_total_score",
        },
        "gold.fct_customer_metrics.churn_risk": {
            "intermediate.int_customer_rfm.frequency",
            "intermediate.int_customer_rfm.recency_days",
        },
        # In WITH clauses, one within the other.
        "intermediate.int_customer_rfm.rfm_total_score": {
            "intermediate.int_customer_orders.order_date",
            "intermediate.int_customer_orders.order_total",
        },
        "intermediate.int_customer_orders.order_total": {
            "silver.stg_order_items.line_total",
            "silver.stg_orders.shipping_cost",
        },
        "silver.stg_order_items.line_total": {
            "bronze.order_items.quantity",
            "bronze.order_items.unit_price",
        },
        "ml.ml_customer_features.max_order_value": {"intermediate.int_customer_orders.order_total"},
        # A count of rows is made from no column, and a time from none.
        "intermediate.int_customer_rfm.frequency": set(),
        "gold.fct_customer_metrics.spark_updated_at": set(),
    }
    assert {target: made_from(table, target) for target in expected} == expected
    how = table[(table["target"] == "intermediate.int_customer_orders")].set_index("target_column")
    assert how.loc["order_subtotal", "how"] == "aggregation"


@pytest.mark.nightly
def test_a_column_is_followed_back_to_the_raw_files(told: Path) -> None:
    table = pd.read_csv(told / "columns.csv")
    arrows = origins(table, "intermediate.int_customer_orders.order_total")
    raw = {name for name in arrows["source"] if name.startswith("raw.")}
    assert raw == {
        *("raw.order_items.quantity", "raw.order_items.unit_price", "raw.orders.shipping_cost"),
        # Whether a row is whole decides what is taken from it.
        *("raw.order_items._corrupt_record", "raw.orders._corrupt_record"),
    }
    drawn = pd.read_csv(told / "column.csv")
    assert "gold.fct_customer_metrics.predicted_clv_12m" in set(drawn["target"])
    assert origins(table, "gold.fct_customer_metrics.frequent").empty


@pytest.mark.nightly
def test_a_merge_tells_of_the_same_inputs_and_columns_as_a_build(
    spark: SparkSession, told: Path, lakehouse: Path, tmp_path: Path
) -> None:
    """Of a MERGE the listener knows what was read only where that is a table: rows are staged."""
    data = tmp_path / "a shop"
    data.mkdir()
    for file in EXAMPLE_DATA.glob("*.csv"):
        shutil.copy2(file, data)
    header = (data / "raw_orders.csv").read_text().splitlines()[0]
    more = "1004,3,2023-04-10,cancelled,5.99\n1011,1,2023-07-19,completed,5.99\n"
    (data / "raw_orders_2.csv").write_text(f"{header}\n{more}")
    lake = Lakehouse(spark, lakehouse, data, sql_names=False, gate=Gate(), writer=ListenedWriter)
    names = ("bronze.orders", "silver.stg_orders", "intermediate.int_customer_orders")
    with listen(spark, str(lakehouse), tmp_path / "events.ndjson"):
        changes = [update(lake, name) for name in names]
    assert changes[1:] == [
        Change("silver.stg_orders", Outcome.MERGED, inserted=1, updated=1),
        Change("intermediate.int_customer_orders", Outcome.MERGED, inserted=1, deleted=1),
    ]
    found = read_writes(tmp_path / "events.ndjson")
    assert [write.table for write in found] == list(names)
    assert "merge" in found[-1].event["job"]["name"]
    assert differences(found, names) == []
    built = pd.read_csv(told / "columns.csv")
    expected = built[built["target"].isin(names)].reset_index(drop=True)
    pd.testing.assert_frame_equal(columns(found), expected)
    assert not list(lakehouse.glob("_staging*"))


def test_a_folder_that_the_listener_cannot_name_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    place = tmp_path / "a lake"
    with (
        pytest.raises(InputError, match="--lakehouse-dir FOLDER"),
        listen(spark, str(place), tmp_path / "events.ndjson"),
    ):
        Lakehouse(spark, place, "data_seeds", sql_names=False, writer=ListenedWriter)
    assert not place.exists()


def test_of_several_files_in_one_folder_the_files_count_and_not_the_folder(tmp_path: Path) -> None:
    """The listener names their folder as the input, and the files only column by column."""
    step = {"type": "DIRECT", "subtype": "IDENTITY"}
    files = [
        {"name": f"/data/raw_orders{more}.csv", "field": "status", "transformations": [step]}
        for more in ("", "_2024-07")
    ]
    facets = {"columnLineage": {"fields": {"status": {"inputFields": files}}}}
    event = {
        "eventType": "COMPLETE",
        "inputs": [{"name": "/data"}, {"name": "/other/rates.csv"}],
        "outputs": [{"name": "/lake/bronze/orders", "facets": facets}],
    }
    (tmp_path / "events.ndjson").write_text(json.dumps(event))
    (found,) = read_writes(tmp_path / "events.ndjson")
    assert set(found.inputs) == {"raw.orders", "/other/rates.csv"}
    assert found.columns["status"] == {("raw.orders", "status"): {("DIRECT", "IDENTITY")}}


def test_a_table_that_was_written_and_not_seen_is_named() -> None:
    assert differences([write("bronze.orders", "raw.orders")], ["bronze.orders"]) == []
    assert differences([], ["bronze.orders"]) == [
        "bronze.orders names raw.orders, which was not seen."
    ]


def test_an_input_that_is_not_declared_is_named_and_drawn_last() -> None:
    found = [write("bronze.orders", "/data/rates.csv", "raw.orders")]
    assert differences(found, ["bronze.orders"]) == [
        "bronze.orders was made from /data/rates.csv, which is not declared."
    ]
    assert list(graph(found)["source"]) == ["raw.orders", "/data/rates.csv"]


def test_without_the_listener_and_the_network_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CACHE", str(tmp_path))
    failed = subprocess.CompletedProcess([], 1, "", "no route to host")
    monkeypatch.setattr(jars.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(LakehouseError) as caught:
        jars.listener_jar(Path("java"))
    assert "openlineage-spark_2.13-1.53.0.jar is not in" in str(caught.value)
    assert "run:  python scripts/generate_lineage.py" in str(caught.value)
