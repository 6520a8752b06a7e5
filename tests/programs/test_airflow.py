"""The DAG, run by a real Airflow with a real spark-submit. Long: make airflow-test"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from deliveries import AUGUST, SEPTEMBER, copy_example, deliver
from oracle.agree import assert_same
from oracle.compare import read_delta
from processes import NAMES, assert_right, on_this_machine

from ecommerce_lakehouse.lessons.airflow import ensure_airflow
from ecommerce_lakehouse.paths import PROJECT

pytestmark = pytest.mark.airflow
DAG = "ecommerce_pyspark_pipeline"
REPORT = PROJECT / "docs" / "airflow.md"
NOISE = re.compile(r"\d\d/\d\d/\d\d |Spark-Submit cmd: |WARNING: |Using Spark's default ")
"""How the lines begin that Spark and Airflow print beside what the jobs say."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, and an Airflow of its own with the pool."""
    folder = tmp_path_factory.mktemp("airflow")
    copy_example(folder / "data")
    for command in (["db", "migrate"], ["pools", "set", "lakehouse", "1", "one at a time"]):
        done = airflow(folder, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def airflow(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run Airflow's command, with the project's spark-submit first on the PATH."""
    own = Path(sys.executable).parent
    environment = on_this_machine() | {
        "PATH": f"{own}{os.pathsep}{os.environ['PATH']}",
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


def told(done: "subprocess.CompletedProcess[str]") -> str:
    """What a night did: each task, how it ended, and what its job printed."""
    lines = []
    for line in (done.stdout + done.stderr).splitlines():
        if task := re.search(r"\[DAG TEST\] starting task_id=(\w+)", line):
            lines.append(task[1])
        elif state := re.search(r"new_state=(success|failed)", line):
            lines.append(f"  -> {state[1]}")
        elif "SparkSubmitHook]" in line:
            said = line.split("] ", 1)[1].rpartition(" [airflow.task.hooks")[0].strip()
            lines += [f"  {said}"] * (not NOISE.match(said))
    return "\n".join(lines)


def write_report(folder: Path, nights: dict[str, str]) -> None:
    """Keep what the nights did, in a form that is the same every time."""
    version = airflow(folder, "version").stdout.split()[-1]
    text = (
        "# The DAG in a real Airflow\n\n"
        f"Written by `make airflow-test`, with Airflow {version}: `airflow dags test` runs the DAG "
        "on the example, each task a real `spark-submit`. Shown is what each task's job printed, "
        "and how Airflow says that it ended. After each good night every table is compared with "
        "`lakehouse build`'s and with the independent implementation.\n"
    )
    for title, said in nights.items():
        text += f"\n## {title}\n\n```\n{said.replace(str(folder), '…')}\n```\n"
    REPORT.write_text(text, encoding="utf-8")


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

    before = {name: read_delta(home / "lake", name) for name in NAMES}
    bad = [f"{n},c{n}@shop.com,C,Lee,US,4.1.2023" for n in range(100, 200)]
    deliver(home / "data", "2023-10", {"customers": bad})
    third = night(home, "2023-07-31")
    assert third.returncode != 0
    assert "no file with more than 90% quarantined: 100 of 100 rows" in third.stdout + third.stderr
    for name in NAMES[4:]:
        assert_same(name, read_delta(home / "lake", name), before[name])

    write_report(
        home,
        {
            "A night on an empty lakehouse, as of 31 May 2023": told(first),
            "Two deliveries later, as of 31 July 2023": told(second),
            "A customers' file of 100 rows with dates like 4.1.2023": told(third),
        },
    )
