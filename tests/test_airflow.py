"""The DAG, run by a real Airflow with a real spark-submit. Long: make airflow-test"""

import os
import shutil
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

import pyspark
import pytest
from oracle.agree import assert_agrees, assert_same
from oracle.compare import read_delta
from test_incremental import AUGUST, SEPTEMBER, deliver

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.airflow_env import ensure_airflow
from ecommerce_lakehouse.java import ensure_java
from ecommerce_lakehouse.jobs import build_layers
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT
from ecommerce_lakehouse.session import without_a_jvm

pytestmark = pytest.mark.airflow
DAG = "ecommerce_pyspark_pipeline"
NAMES = [table.full_name for table in registry.tables()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, and an Airflow of its own with the pool."""
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "data").mkdir()
    for file in EXAMPLE_DATA.glob("raw_*.csv"):
        shutil.copy(file, folder / "data")
    for command in (["db", "migrate"], ["pools", "set", "lakehouse", "1", "one at a time"]):
        done = airflow(folder, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def airflow(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run Airflow's command, with the project's spark-submit first on the PATH."""
    own = Path(sys.executable).parent
    environment = without_a_jvm() | {
        "PATH": f"{own}{os.pathsep}{os.environ['PATH']}",
        "SPARK_HOME": pyspark.__path__[0],
        "JAVA_HOME": str(ensure_java().resolve().parents[1]),
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SPARK_DEFAULT": "spark://local?deploy-mode=client",
        "LAKEHOUSE_DATA_DIR": str(folder / "data"),
        "LAKEHOUSE_LAKEHOUSE_DIR": str(folder / "lake"),
        "LAKEHOUSE_ARTIFACTS_DIR": str(folder / "charts"),
        "LAKEHOUSE_RETRIES": "0",
    }
    return subprocess.run(
        [str(ensure_airflow().parent / "airflow"), *command],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )


def night(folder: Path, day: str) -> "subprocess.CompletedProcess[str]":
    return airflow(folder, "dags", "test", DAG, day)


def assert_right(folder: Path, day: str) -> None:
    """The tables are those of `lakehouse build`, and of the oracle."""
    by_build = folder / f"by build {day}"
    build_layers(
        registry.LAYERS,
        date=day,
        data_dir=str(folder / "data"),
        lakehouse_dir=str(by_build),
        artifacts_dir=str(by_build),
    )
    for name in NAMES:
        assert_same(name, read_delta(folder / "lake", name), read_delta(by_build, name))
    as_of = date.fromisoformat(day)
    assert_agrees(partial(read_delta, folder / "lake"), NAMES, folder / "data", as_of)


@pytest.mark.usefixtures("spark")
def test_two_nights_and_a_bad_delivery(home: Path) -> None:
    first = night(home, "2023-05-31")
    assert first.returncode == 0, first.stdout + first.stderr
    assert_right(home, "2023-05-31")

    deliver(home / "data", "2023-08", AUGUST)
    deliver(home / "data", "2023-09", SEPTEMBER)
    second = night(home, "2023-07-31")
    assert second.returncode == 0, second.stdout + second.stderr
    assert_right(home, "2023-07-31")
    assert (home / "charts" / "ml_customer_features.parquet").is_file()

    before = {name: read_delta(home / "lake", name) for name in NAMES}
    bad = [f"{n},c{n}@shop.com,C,Lee,US,4.1.2023" for n in range(100, 200)]
    deliver(home / "data", "2023-10", {"customers": bad})
    third = night(home, "2023-07-31")
    assert third.returncode != 0
    assert "no file with more than 90% quarantined: 100 of 107 rows" in third.stdout + third.stderr
    for name in NAMES[4:]:
        assert_same(name, read_delta(home / "lake", name), before[name])
