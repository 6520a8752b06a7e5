"""docs/readers.md: the snippets give what the table holds, and its table is what was found."""

import re
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse import Lakehouse, registry
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT
from ecommerce_lakehouse.storage.delta_log import Provenance

PAGE = (PROJECT / "docs" / "readers.md").read_text(encoding="utf-8")
SNIPPETS = dict(re.findall(r"^### (.+?)\n.*?^```python\n(.*?)^```$", PAGE, re.M | re.S))


def revenue(found: Any) -> dict[str, str]:
    """USD by segment, whatever kind of table a reader has."""
    if isinstance(found, pd.Series):
        found = found.reset_index()
    if hasattr(found, "to_pandas"):
        found = found.to_pandas()
    rows = found.rename(columns={"usd": "monetary_value"})
    return {
        str(row.customer_segment): f"{row.monetary_value:.2f}"
        for row in rows.groupby("customer_segment", as_index=False)["monetary_value"]
        .sum()
        .itertuples()
    }


@pytest.fixture(scope="module")
def segments(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `lakehouse/gold/dim_customer_segments` in it, written as lessons do."""
    here = tmp_path_factory.mktemp("readers")
    table = registry.get("dim_customer_segments")
    lake = Lakehouse(spark, here / "lakehouse", EXAMPLE_DATA, sql_names=False)
    rows = spark.sql(
        "SELECT * FROM VALUES (1, 'Champions', 247.92BD), (2, 'Champions', 0.08BD), "
        "(3, 'Lost', 12.50BD) AS rows (customer_id, customer_segment, monetary_value)"
    ).withColumn("monetary_value", F.col("monetary_value").cast("DECIMAL(38,2)"))
    lake.writer.replace(table, rows, Provenance({}))
    return here


@pytest.mark.parametrize("reader", SNIPPETS)
def test_a_snippet_reads_what_spark_wrote(
    segments: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(segments)
    names: dict[str, Any] = {}
    exec(SNIPPETS[reader], names)
    assert revenue(names["result"]) == {"Champions": "248.00", "Lost": "12.50"}


def test_every_reader_has_a_snippet() -> None:
    assert list(SNIPPETS) == ["pandas", "Polars", "DuckDB", "A BI tool, by Parquet"]


@pytest.mark.nightly
def test_the_table_of_readers_is_what_was_found(spark: SparkSession) -> None:
    script = runpy.run_path(str(PROJECT / "scripts" / "generate_readers.py"))
    assert script["page"](script["table_of_readers"](spark)) == PAGE, (
        "python scripts/generate_readers.py"
    )
