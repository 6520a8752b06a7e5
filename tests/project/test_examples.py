"""The examples in the docstrings of what a lesson uses: each is there, and it is true."""

import doctest
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

import ecommerce_lakehouse
from ecommerce_lakehouse import (
    artifacts,
    charts,
    facts,
    lineage,
    operations,
    registry,
    report,
    shop,
)
from ecommerce_lakehouse.charts import exploration
from ecommerce_lakehouse.layers.quality import CHECKS
from ecommerce_lakehouse.lessons import airflow, expectations
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.spark import spark_submit

PUBLIC = {
    **{name: getattr(ecommerce_lakehouse, name) for name in ecommerce_lakehouse.__all__},
    **{name: getattr(operations, name) for name in operations.__all__},
    **{name: getattr(shop, name) for name in ("campaign", "deliveries", "planted")},
    **{name: getattr(artifacts, name) for name in ("write_csv", "write_parquet")},
    **{name: getattr(lineage, name) for name in lineage.__all__},
    **{name: getattr(charts, name) for name in ("figure", "bars", "publish", "money")},
    **{name: each for name, each in vars(charts).items() if is_dataclass(each)},
    "publish_panels": charts.publish_panels,
    **{name: getattr(exploration, name) for name in vars(exploration) if name[:8] == "explore_"},
    **{name: getattr(report, name) for name in report.__all__},
    "keep": facts.keep,
    "parse_dag": airflow.parse_dag,
    "validate_tables": expectations.validate_tables,
    "spark_submit": spark_submit,
}
MODULES = ("charts", "facts", "lineage")
"""Of these the functions have the examples."""
NAMES = sorted(set(PUBLIC) - set(MODULES))


@pytest.mark.usefixtures("own_tables")
@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_an_example_that_is_true(
    name: str, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    known: dict[str, Any] = {**PUBLIC, "spark": spark, "scratch": tmp_path, "registry": registry}
    known |= {"charts": charts, "facts": facts, "lineage": lineage, "pd": pd, "CHECKS": CHECKS}
    fig, _ = charts.figure()
    said_of_it: Any = {"table": pd.DataFrame(), "title": "Nothing", "alt": "", "to": tmp_path}
    known["picture"] = charts.publish(fig, "units", **said_of_it)
    examples = doctest.DocTestFinder(recurse=False).find(PUBLIC[name], name, globs=known)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said: list[str] = []
    results = [runner.run(example, out=said.append) for example in examples]
    assert sum(result.attempted for result in results), f"{name} has no example"
    assert not sum(result.failed for result in results), "".join(said)
