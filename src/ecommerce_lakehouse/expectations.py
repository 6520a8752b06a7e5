"""Great Expectations on Spark DataFrames, quiet and repeatable, with its Data Docs."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame

from ecommerce_lakehouse.charts import artifacts_folder

os.environ["GX_ANALYTICS_ENABLED"] = "false"

Expectation = tuple[str, dict[str, Any]]


def not_null(column: str) -> Expectation:
    """Every row has a value."""
    return "ExpectColumnValuesToNotBeNull", {"column": column}


def unique(column: str) -> Expectation:
    """No value occurs twice."""
    return "ExpectColumnValuesToBeUnique", {"column": column}


def between(column: str, low: float | None, high: float | None) -> Expectation:
    """Every value lies between two limits, which belong to it; None is no limit."""
    return "ExpectColumnValuesToBeBetween", {
        "column": column,
        "min_value": low,
        "max_value": high,
    }


def in_set(column: str, allowed: str) -> Expectation:
    """Every value is one of a SQL list such as `('a', 'b')`."""
    values = re.findall(r"'([^']*)'", allowed)
    return "ExpectColumnValuesToBeInSet", {"column": column, "value_set": values}


def validate_tables(
    tables: dict[str, DataFrame],
    expected: dict[str, list[Expectation]],
    to: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Validate tables against what is expected of them.

    Args:
        tables: DataFrames by name.
        expected: Expectations by the same names.
        to: The artifacts folder for the Data Docs; None builds no report.

    Returns:
        One row per expectation: table, column, expectation, rows, unexpected, result.
    """
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    source = context.data_sources.add_or_update_spark("lakehouse", persist=False)
    rows = []
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        warnings.simplefilter("ignore")
        if to is not None:
            context.delete_data_docs_site("local_site")
            context.add_data_docs_site("data_docs", _site(scratch))  # type: ignore[arg-type]
        for name, frame in tables.items():
            batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
            suite = context.suites.add_or_update(gx.ExpectationSuite(name=name))
            for kind, arguments in expected[name]:
                suite.add_expectation(getattr(gx.expectations, kind)(**arguments))
            definition = context.validation_definitions.add_or_update(
                gx.ValidationDefinition(name=name, data=batch, suite=suite)
            )
            checkpoint = context.checkpoints.add_or_update(
                gx.Checkpoint(name=name, validation_definitions=[definition])
            )
            run = checkpoint.run(batch_parameters={"dataframe": frame})
            results = next(iter(run.run_results.values())).results
            rows += [_row(name, result) for result in results]
        if to is not None:
            context.build_data_docs()
            target = artifacts_folder(to) / "data_docs"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(Path(scratch) / "docs", target)
    return pd.DataFrame(rows)


def _site(scratch: str) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": f"{scratch}/docs",
        },
    }


def _row(table: str, result: Any) -> dict[str, Any]:
    kind = result.expectation_config.type.removeprefix("expect_column_values_to_")
    return {
        "table": table,
        "column": result.expectation_config.kwargs["column"],
        "expectation": kind.replace("_", " "),
        "rows": result.result["element_count"],
        "unexpected": result.result["unexpected_count"],
        "result": "met" if result.success else "not met",
    }
