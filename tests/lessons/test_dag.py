"""The Airflow DAG, as Airflow itself reads it (in its own environment)."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import Template

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.lessons.airflow import DagFacts, parse_dag
from ecommerce_lakehouse.paths import PROJECT

ORDER = [
    "ingest_bronze",
    "build_silver",
    "build_gold",
    "check_quality",
    "build_ml_features",
    "score_customers",
]


@pytest.fixture(scope="module")
def facts() -> DagFacts:
    return parse_dag("dags/ecommerce_pyspark_pipeline.py")


def broken(folder: Path, text: str) -> Path:
    path = folder / "broken_dag.py"
    path.write_text(text)
    return path


def test_six_spark_submits_the_gate_before_the_features(facts: DagFacts) -> None:
    assert facts.dag_id == "ecommerce_pyspark_pipeline"
    assert facts.tasks == [(job, "SparkSubmitOperator", f"src/jobs/{job}.py") for job in ORDER]
    assert facts.edges == list(pairwise(ORDER))


def test_what_is_told_of_its_nights_is_of_these_tasks() -> None:
    """Two good nights, and one that silver's gate ended."""
    told = (PROJECT / "docs" / "airflow.md").read_text(encoding="utf-8")
    ran = re.findall(r"^(\w+)\n(?:  (?!->).*\n)*  -> (\w+)$", told, re.MULTILINE)
    good = [(job, "success") for job in ORDER]
    assert ran == [*good, *good, good[0], ("build_silver", "failed")]


def test_every_task_runs_a_job_that_exists(facts: DagFacts) -> None:
    assert [app for _, _, app in facts.tasks if not (PROJECT / app).is_file()] == []


def test_daily_at_two_and_missed_days_stay_missed(facts: DagFacts) -> None:
    assert facts.schedule == "0 2 * * *"
    assert facts.catchup is False


def test_every_job_is_told_the_run_s_own_date_and_folders(facts: DagFacts) -> None:
    """A job that took today's date instead could not be backfilled."""
    for task in ORDER:
        given = facts.arguments[task]
        assert given[:2] == ["--date", "{{ ds }}"]
        assert given[2::2] == ["--data-dir", "--lakehouse-dir", "--artifacts-dir"]


def test_an_empty_variable_is_handed_on_and_not_replaced(facts: DagFacts) -> None:
    """A job refuses an empty folder; the demo's in its place would be somebody else's shop."""
    variables = {"value": {"lakehouse_data_dir": "", "lakehouse_lakehouse_dir": "/lake"}}
    own = {"ds": "2024-07-02", "var": variables, "defaults": {"artifacts_dir": "/charts"}}
    given = [Template(text).render(own) for text in facts.arguments["ingest_bronze"]]
    assert given[1::2] == ["2024-07-02", "", "/lake", "/charts"]


def test_facts_name_no_machine(facts: DagFacts) -> None:
    """They are shown in a notebook whose outputs are compared."""
    assert str(PROJECT) not in str(facts)
    assert str(Path.home()) not in str(facts)


def test_a_missing_import_is_named_with_its_line(tmp_path: Path) -> None:
    path = broken(tmp_path, "from airflow.sdk import DAG\nimport no_such_module\n")
    with pytest.raises(LakehouseError, match="no_such_module") as caught:
        parse_dag(path)
    assert 'File "broken_dag.py", line 2' in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from airflow.sdk import DAG\nwith DAG('x'\n", "SyntaxError"),
        ("from airflow.sdk import DAG\n", "0 DAGs"),
        (
            "from airflow.sdk import DAG\n"
            "from airflow.providers.standard.operators.empty import EmptyOperator\n"
            "with DAG('ring'):\n"
            "    a, b = EmptyOperator(task_id='a'), EmptyOperator(task_id='b')\n"
            "    a >> b >> a\n",
            "[Cc]ycle",
        ),
    ],
    ids=["syntax", "no DAG", "cycle"],
)
def test_a_file_airflow_would_not_schedule_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LakehouseError, match=said):
        parse_dag(broken(tmp_path, text))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(LakehouseError, match="no such DAG file"):
        parse_dag("dags/nowhere.py")
