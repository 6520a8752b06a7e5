"""The whole chain on data it has never seen: notebooks, jobs and the oracle agree on every cell."""

import json
import runpy
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest
from oracle.agree import assert_agrees, assert_same
from oracle.compare import read_delta
from pyspark.sql import SparkSession

from ecommerce_lakehouse import Lakehouse, registry
from ecommerce_lakehouse.lineage import edges, write_events
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.shop import generate

SHOP = PROJECT / "data_seeds" / "shop"


def tables() -> list[str]:
    return [table.full_name for table in registry.tables()]


def assert_agrees_with_the_oracle(lakehouse: Path, data: Path) -> None:
    assert_agrees(partial(read_delta, lakehouse), tables(), data)


def assert_same_lakehouse(actual: Path, expected: Path) -> None:
    for name in tables():
        assert_same(name, read_delta(actual, name), read_delta(expected, name))


def run_here(program: str, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run a program file as it stands, in this process and its session."""
    monkeypatch.setattr("sys.argv", [program, *map(str, arguments)])
    runpy.run_path(str(PROJECT / program), run_name="__main__")


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


def assert_lineage_is_the_declared_one(events: Path) -> None:
    """Every table has one event, whose inputs are the parameters of its function."""
    told = {}
    for line in events.read_text().splitlines():
        event = json.loads(line)
        told[event["outputs"][0]["name"]] = {dataset["name"] for dataset in event["inputs"]}
    declared = edges().groupby("target")["source"].agg(set).to_dict()
    assert told == declared
    assert told["gold.fct_customer_metrics"] == {
        "silver.stg_customers",
        "intermediate.int_customer_rfm",
    }


@pytest.mark.usefixtures("spark")
def test_the_pipeline_agrees_with_the_oracle_on_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = ("--lakehouse-dir", tmp_path, "--artifacts-dir", tmp_path)
    run_here("src/pipeline.py", monkeypatch, "--data-dir", "data_seeds", *folders)
    assert_agrees_with_the_oracle(tmp_path, PROJECT / "data_seeds")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team's own folder, with a space in its name: small, dirty, no truth and no next/."""
    folder = tmp_path_factory.mktemp("whole chain") / "a team's shop"
    generate(80, folder, seed=3)
    (folder / "truth.json").unlink()
    shutil.rmtree(folder / "next")
    return folder


@pytest.fixture(scope="module")
def by_pipeline(team: Path, spark: SparkSession) -> Path:
    """What `src/pipeline.py` makes of the team's folder."""
    out = team.parent / "by pipeline"
    folders = ("--data-dir", team, "--lakehouse-dir", out, "--artifacts-dir", out)
    with pytest.MonkeyPatch.context() as monkeypatch:
        run_here("src/pipeline.py", monkeypatch, *folders)
    return out


def test_the_pipeline_agrees_with_the_oracle_on_dirty_data(by_pipeline: Path, team: Path) -> None:
    assert_agrees_with_the_oracle(by_pipeline, team)


# From here on the notebooks use the JVM: a kernel that starts ends the session of the tests above.


@pytest.fixture(scope="module")
def by_notebooks(team: Path, jvm: None) -> Path:
    """What `lakehouse run` leaves behind when all nine notebooks are given the team's folder."""
    out = team.parent / "by notebooks"
    before = {path: path.read_bytes() for path in PROJECT.glob("notebooks/*.ipynb")}
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "lakehouse"), "run"),
            *("--data-dir", str(team), "--lakehouse-dir", str(out / "lakehouse")),
            *("--artifacts-dir", str(out / "charts"), "--output-dir", str(out / "executed")),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=team,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(out / "charts") in done.stdout
    assert before == {path: path.read_bytes() for path in PROJECT.glob("notebooks/*.ipynb")}
    return out


def test_all_nine_notebooks_run_on_a_teams_own_folder(by_notebooks: Path) -> None:
    executed = sorted(path.name for path in (by_notebooks / "executed").glob("*.ipynb"))
    assert executed == sorted(path.name for path in PROJECT.glob("notebooks/*.ipynb"))
    assert len(executed) == 9


def test_a_lesson_that_needs_planted_truth_says_that_there_is_none(by_notebooks: Path) -> None:
    texts = [
        output.get("text", "")
        for path in (by_notebooks / "executed").glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    assert sum("no truth.json" in text for text in texts) >= 2
    assert sum("no later deliveries" in text for text in texts) == 1


def test_every_chart_has_the_table_behind_it(by_notebooks: Path) -> None:
    charts = {path.stem for path in (by_notebooks / "charts").glob("*.png")}
    committed = {path.stem for path in (PROJECT / "artifacts").glob("*.png")}
    assert charts == committed
    for name in charts:
        assert (by_notebooks / "charts" / f"{name}.csv").read_text().count("\n") >= 1


def test_the_notebooks_agree_with_the_oracle_on_dirty_data(by_notebooks: Path, team: Path) -> None:
    assert_agrees_with_the_oracle(by_notebooks / "lakehouse", team)


def test_the_notebooks_make_the_tables_of_the_pipeline(
    by_pipeline: Path, by_notebooks: Path
) -> None:
    assert_same_lakehouse(by_notebooks / "lakehouse", by_pipeline)
