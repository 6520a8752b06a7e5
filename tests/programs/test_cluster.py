"""The whole build on a Spark standalone cluster, one worker killed. Long: make cluster-test"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyspark
import pytest
from deliveries import AUGUST, SEPTEMBER, copy_example, deliver
from processes import (
    FIRST,
    SECOND,
    assert_right,
    built_wheel,
    ended,
    free_port,
    on_this_machine,
    started,
)

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.operations.change import Change, Outcome

pytestmark = pytest.mark.cluster
BIN = Path(sys.executable).parent
NAMES = [table.full_name for table in registry.tables()]
MASTER, WORKER = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"
PATIENT = "-Dspark.worker.timeout=3600"
"""A worker that is held up for a while is not lost; one that is killed is noticed at once."""

Process = subprocess.Popen[bytes]


class Cluster:
    """A master and its workers, each a process with its own group.

    Args:
        folder: For their logs, what executors work with, and the wheel.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._workers: list[Process] = []
        self._all: list[Process] = []
        port, self._page = free_port(), free_port()
        self.url = f"spark://127.0.0.1:{port}"
        self.wheel = built_wheel(folder / "wheel")
        self._start(MASTER, "--port", str(port), "--webui-port", str(self._page))
        self._until(lambda: self.state()["status"] == "ALIVE")

    def _start(self, part: str, *arguments: str) -> Process:
        environment = on_this_machine() | {
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": PATIENT,
        }
        # The code comes with the wheel, or not at all.
        environment.pop("PYTHONPATH", None)
        program = Path(pyspark.__path__[0]) / "bin" / "spark-class"
        with (self._folder / f"{len(self._all)}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(program), part, "--host", "127.0.0.1", *arguments],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._all.append(process)
        return process

    def _until(self, is_so: Callable[[], bool]) -> None:
        """Ask the master until it says so, as long as all who should live do."""
        while True:
            try:
                if is_so():
                    return
            except OSError:  # it does not answer yet
                pass
            living = [*self._all[:1], *self._workers]
            assert all(process.poll() is None for process in living), self._folder
            time.sleep(0.2)

    def state(self) -> dict[str, Any]:
        """What the master's page says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._page}/json/") as page:
            told: dict[str, Any] = json.load(page)
        return told

    def fill(self) -> None:
        """Start workers until there are two, and wait until the master knows them."""
        while len(self._workers) < 2:
            folder = self._folder / f"executors of {len(self._all)}"
            size = ("--cores", "1", "--memory", "700m", "--work-dir", str(folder))
            self._workers.append(self._start(WORKER, *size, "--webui-port", "0", self.url))
        self._until(lambda: self.state()["aliveworkers"] == 2)

    def kill_a_worker(self) -> None:
        """End a worker and its executor, without a word to anybody."""
        worker = self._workers.pop()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def stop(self) -> None:
        """End every process."""
        for process in reversed(self._all):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def only_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(only_one: Cluster) -> Cluster:
    """A master with two living workers."""
    only_one.fill()
    return only_one


def flags(cluster: Cluster) -> list[str]:
    """What spark-submit is told of a small cluster on a busy machine."""
    return [
        *("--py-files", str(cluster.wheel)),
        *("--driver-memory", "512m", "--executor-memory", "600m"),
        *("--conf", "spark.ui.enabled=false", "--conf", "spark.network.timeout=3600s"),
    ]


def submitted(cluster: Cluster, program: Path | str, *arguments: str) -> list[str]:
    command = [str(BIN / "spark-submit"), "--master", cluster.url, *flags(cluster)]
    return [*command, str(program), *arguments]


def folders(folder: Path, day: str) -> list[str]:
    return [
        *("--date", day, "--data-dir", str(folder / "data")),
        *("--lakehouse-dir", str(folder / "lake"), "--artifacts-dir", str(folder / "charts")),
    ]


def kill_a_worker_when(cluster: Cluster, process: Process, appears: Path, log: Path) -> None:
    """In the middle of a program, as soon as a file is there."""
    while process.poll() is None and not appears.exists():
        time.sleep(0.02)
    assert process.returncode is None, f"it ended too early:\n{log.read_text()[-5000:]}"
    cluster.kill_a_worker()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the example."""
    copy_example(tmp_path / "data")
    return tmp_path


WHERE = """
from ecommerce_lakehouse import get_spark

def place(_):
    import ecommerce_lakehouse
    return ecommerce_lakehouse.__file__

spark = get_spark("where")
print("executors have", set(spark.sparkContext.parallelize(range(4), 4).map(place).collect()))
"""


def test_executors_import_the_package_from_the_wheel(cluster: Cluster, tmp_path: Path) -> None:
    """Not from a path that only this machine has."""
    program, log = tmp_path / "where.py", tmp_path / "log"
    program.write_text(WHERE)
    said = ended(started(submitted(cluster, program), log), log)
    assert f"executors have {{'./{cluster.wheel.name}/ecommerce_lakehouse/__init__.py'}}" in said


@pytest.mark.usefixtures("spark")
def test_two_nights_one_by_each_command(cluster: Cluster, shop: Path) -> None:
    log = shop / "log"
    ended(started(submitted(cluster, "src/pipeline.py", *folders(shop, FIRST)), log), log)
    assert_right(shop, FIRST)

    deliver(shop / "data", "2023-08", AUGUST)
    deliver(shop / "data", "2023-09", SEPTEMBER)
    build = [str(BIN / "lakehouse"), "build", "--master", cluster.url, *folders(shop, SECOND)]
    options = " ".join([*flags(cluster), "pyspark-shell"])
    said = ended(started(build, log, PYSPARK_SUBMIT_ARGS=options), log)
    assert str(Change("bronze.customers", Outcome.MERGED, inserted=2)) in said
    assert_right(shop, SECOND)


@pytest.mark.usefixtures("spark")
def test_a_worker_dies_in_each_of_two_nights(cluster: Cluster, shop: Path) -> None:
    """The first builds all; the second only what is new, from keys that executors keep."""
    log, silver = shop / "log", shop / "lake" / "silver" / "stg_customers" / "_delta_log"
    first = started(submitted(cluster, "src/pipeline.py", *folders(shop, FIRST)), log)
    kill_a_worker_when(cluster, first, silver / f"{0:020}.json", log)
    ended(first, log)
    assert_right(shop, FIRST)

    deliver(shop / "data", "2023-08", AUGUST)
    deliver(shop / "data", "2023-09", SEPTEMBER)
    cluster.fill()
    second = started(submitted(cluster, "src/pipeline.py", *folders(shop, SECOND)), log)
    kill_a_worker_when(cluster, second, silver / f"{1:020}.json", log)
    ended(second, log)
    assert_right(shop, SECOND)
