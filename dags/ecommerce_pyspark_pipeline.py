"""The nightly build of the lakehouse: bronze >> silver >> gold >> check >> ml >> scores.

Every day at 02:00 UTC Airflow starts the jobs of ``src/jobs`` one after the
other, each with its own ``spark-submit``. A job that fails is tried again
twice, five minutes apart; if it still fails, what comes after it does not run.
Every job checks a table before it writes it; ``check_quality`` looks once more
at all of them, whole, before features are made from them, and scores from those.
Days that were missed are not caught up (``airflow backfill create`` does that
on demand). A pool with one slot keeps tasks apart, also those of a backfill.

``{{ ds }}`` is the run's date, so a backfill rebuilds the tables as of that day.
Airflow 3 dates a run by the moment it starts: the run of 2 July, 02:00, has
``ds`` 2024-07-02.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import DAG

PROJECT = Path(os.environ.get("LAKEHOUSE_PROJECT") or Path(__file__).resolve().parents[1])

# Where a job reads and writes when there is no Airflow Variable of that name.
DEFAULTS = {
    "data_dir": os.environ.get("LAKEHOUSE_DATA_DIR", str(PROJECT / "data_seeds" / "shop")),
    "lakehouse_dir": os.environ.get("LAKEHOUSE_LAKEHOUSE_DIR", str(PROJECT / "lakehouse")),
    "artifacts_dir": os.environ.get("LAKEHOUSE_ARTIFACTS_DIR", str(PROJECT / "artifacts")),
}

# Templates, filled in when a task starts: reading a Variable here, at the top
# level, would ask Airflow's database every time the scheduler parses the file.
ARGUMENTS = [
    "--date",
    "{{ ds }}",
    "--data-dir",
    "{{ var.value.get('lakehouse_data_dir', defaults.data_dir) }}",
    "--lakehouse-dir",
    "{{ var.value.get('lakehouse_lakehouse_dir', defaults.lakehouse_dir) }}",
    "--artifacts-dir",
    "{{ var.value.get('lakehouse_artifacts_dir', defaults.artifacts_dir) }}",
]

DOC = """
### The lakehouse, every night
`ingest_bronze` >> `build_silver` >> `build_gold` >> `check_quality` >> `build_ml_features` >>
`score_customers`, daily at 02:00 UTC. The tasks share the pool `lakehouse`; make it once, with one
slot:

`airflow pools set lakehouse 1 "one job at a time writes to the lakehouse"`

| Airflow Variable | or environment | default |
|---|---|---|
| | `LAKEHOUSE_PROJECT` | the project this file is in |
| `lakehouse_data_dir` | `LAKEHOUSE_DATA_DIR` | `data_seeds/shop` |
| `lakehouse_lakehouse_dir` | `LAKEHOUSE_LAKEHOUSE_DIR` | `lakehouse` |
| `lakehouse_artifacts_dir` | `LAKEHOUSE_ARTIFACTS_DIR` | `artifacts` |
| | `LAKEHOUSE_POOL` | `lakehouse` |
| | `LAKEHOUSE_RETRIES` | 2 |

Give absolute paths. The connection `spark_default` names the cluster; for one machine:
`AIRFLOW_CONN_SPARK_DEFAULT='spark://local?deploy-mode=client'`. The project's own
`spark-submit` has to come first on the worker's `PATH`.
"""


def job(name: str, timeout: timedelta) -> SparkSubmitOperator:
    """Run ``src/jobs/<name>.py``, which finds its JARs and settings by itself."""
    return SparkSubmitOperator(
        task_id=name,
        name=f"lakehouse-{name}",
        application=str(PROJECT / "src" / "jobs" / f"{name}.py"),
        application_args=ARGUMENTS,
        execution_timeout=timeout,
    )


with DAG(
    dag_id="ecommerce_pyspark_pipeline",
    description="Raw CSVs to scores: bronze >> silver >> gold >> check >> ml >> scores",
    doc_md=DOC,
    schedule="0 2 * * *",
    # The shop's first day: Airflow calls a run of an earlier date a success without a task run.
    start_date=datetime(2022, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=4),
    default_args={
        "retries": int(os.environ.get("LAKEHOUSE_RETRIES") or 2),
        "retry_delay": timedelta(minutes=5),
        "pool": os.environ.get("LAKEHOUSE_POOL") or "lakehouse",
    },
    user_defined_macros={"defaults": DEFAULTS},
    tags=["lakehouse", "pyspark"],
) as dag:
    bronze = job("ingest_bronze", timeout=timedelta(minutes=30))
    silver = job("build_silver", timeout=timedelta(hours=1))
    gold = job("build_gold", timeout=timedelta(hours=1))
    quality = job("check_quality", timeout=timedelta(minutes=30))
    ml = job("build_ml_features", timeout=timedelta(hours=1))
    scores = job("score_customers", timeout=timedelta(hours=1))

    bronze >> silver >> gold >> quality >> ml >> scores
