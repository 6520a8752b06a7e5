"""The whole chain without notebooks: programs and the oracle agree on every cell."""

import json
import runpy
import shutil
from functools import partial
from pathlib import Path

import pytest
from oracle.agree import assert_agrees
from oracle.compare import read_delta
from pyspark.sql import SparkSession

from ecommerce_lakehouse import Lakehouse, registry
from ecommerce_lakehouse.lineage.declared import edges
from ecommerce_lakehouse.lineage.events import write_events
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.storage.folder import TableFolder

SHOP = PROJECT / "data_seeds" / "shop"


def tables() -> list[str]:
    return [table.full_name for table in registry.tables()]


def assert_agrees_with_the_oracle(lakehouse: Path, data: Path) -> None:
    assert_agrees(partial(read_delta, lakehouse), tables(), data)


def run_here(program: str, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run a program file as it stands, in this process and its session."""
    monkeypatch.setattr("sys.argv", [program, *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(PROJECT / program), run_name="__main__")
    assert ended.value.code == 0


def test_the_four_jobs_agree_with_the_oracle_on_the_shop(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = ("--lakehouse-dir", tmp_path, "--artifacts-dir", tmp_path)
    for job in ("ingest_bronze", "build_silver", "build_gold", "build_ml_features"):
        run_here(f"src/jobs/{job}.py", monkeypatch, *folders)
    assert_agrees_with_the_oracle(tmp_path, SHOP)
    assert (tmp_path / "ml_customer_features.parquet").is_file()
    assert_lineage_is_the_declared_one(
        write_events(Lakehouse(spark, tmp_path, sql_names=False), tmp_path)
    )


def assert_lineage_is_the_declared_one(events: Path, *, scored: bool = False) -> None:
    """Every table has one event, whose inputs are the parameters of its function."""
    told = {}
    for line in events.read_text().splitlines():
        event = json.loads(line)
        told[event["outputs"][0]["name"]] = {dataset["name"] for dataset in event["inputs"]}
    declared = edges(scored=scored).groupby("target")["source"].agg(set).to_dict()
    assert told == declared
    assert told["gold.fct_customer_metrics"] == {
        "silver.stg_customers",
        "intermediate.int_customer_rfm",
    }


def test_the_pipeline_agrees_with_the_oracle_on_the_example_and_scores_follow_once(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Five customers are too few for models, and get the most popular products."""
    folders = ("--lakehouse-dir", tmp_path, "--artifacts-dir", tmp_path)
    run_here("src/pipeline.py", monkeypatch, "--data-dir", "data_seeds", *folders)
    assert_agrees_with_the_oracle(tmp_path, PROJECT / "data_seeds")
    for how in ("built", "unchanged"):
        capsys.readouterr()
        run_here("src/jobs/score_customers.py", monkeypatch, *folders)
        told = capsys.readouterr().out.splitlines()
        assert [line.split()[1].rstrip(",") for line in told[:5]] == [how] * 5
        assert "churn: 3 rows; too few to fit it, so there are no scores" in told
    lake = Lakehouse(spark, tmp_path, sql_names=False)
    assert_lineage_is_the_declared_one(write_events(lake, tmp_path), scored=True)


def test_a_night_with_nothing_new_writes_nothing(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nor does it read orders to find the day. But a file that somebody changed is exported."""
    folders = ("--lakehouse-dir", tmp_path, "--artifacts-dir", tmp_path)

    def night() -> list[str]:
        run_here("src/pipeline.py", monkeypatch, "--data-dir", "data_seeds", *folders)
        return capsys.readouterr().out.splitlines()

    exported = "exported ml_customer_features.parquet"
    assert exported in night()
    file = tmp_path / "ml_customer_features.parquet"
    written = file.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(TableFolder, "read", lambda *_: pytest.fail("a table was read"))
        told = night()
    assert [line.split()[-1] for line in told[:17]] == ["unchanged"] * 17
    assert told[17:] == [
        "ml_customer_features.parquet is up to date",
        "Looked back from 2023-07-20, the day of the last completed order.",
        "No file was new.",
    ]
    file.write_bytes(b"")
    assert exported in night()
    assert file.read_bytes() == written
    shutil.rmtree(tmp_path / "ml")
    assert exported in night()
