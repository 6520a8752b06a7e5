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

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.artifacts import artifacts_folder
from ecommerce_lakehouse.layers.quality import CHECKS, Check

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


def expectations_of(table: str) -> list[Expectation]:
    """What the declarations say of a table: its key, and its checks.

    Args:
        table: The table's name.
    """
    key = registry.get(table).key
    together = ("ExpectCompoundColumnsToBeUnique", {"column_list": list(key)})
    return [
        *[not_null(column) for column in key],
        unique(key[0]) if len(key) == 1 else together,
        *[_rule(check) for check in CHECKS if check.table == table],
    ]


def _rule(check: Check) -> Expectation:
    """A check in SQL. As in our own, a condition that comes out NULL is broken."""
    broken = f"SELECT * FROM {{batch}} WHERE NOT coalesce({check.holds}, false)"
    severity = "critical" if check.severity == "error" else "warning"
    described = {"description": check.name, "severity": severity}
    return "UnexpectedRowsExpectation", {**described, "unexpected_rows_query": broken}


def validate_tables(
    tables: dict[str, DataFrame],
    expected: dict[str, list[Expectation]],
    to: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Validate tables against what is expected of them.

    Args:
        tables: DataFrames by name.
        expected: Expectations by the same names; of each table at least one of a column.
        to: The artifacts folder for the Data Docs; None builds no report.

    Returns:
        One row per expectation: table, expectation, rows, unexpected, result.

    Examples:
        >>> report = validate_tables({"ids": spark.range(3)}, {"ids": [("ExpectColumnValuesToBe"
        ...     "Unique", {"column": "id"})]})
        >>> list(report["result"])
        ['met']
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
            counts = [r.result["element_count"] for r in results if "element_count" in r.result]
            rows += [_row(name, counts[0], result) for result in results]
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


def _row(table: str, rows: int, result: Any) -> dict[str, Any]:
    """What became of one expectation. A rule in SQL has a description instead of a column."""
    asked = result.expectation_config
    kind = re.sub("expect_(column_values|compound_columns)_to_", "", asked.type)
    column = asked.kwargs.get("column", ", ".join(asked.kwargs.get("column_list", [])))
    told = result.result
    return {
        "table": table,
        "expectation": asked.description or f"{column}: {kind.replace('_', ' ')}",
        "rows": rows,
        "unexpected": told["unexpected_count" if "unexpected_count" in told else "observed_value"],
        "result": "met" if result.success else "not met",
    }
