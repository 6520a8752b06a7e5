"""Airflow in an environment of its own, and what it makes of our DAG.

Airflow's Spark provider wants ``pyspark-client``, which clashes with the
project's pyspark. So Airflow lives in ``.venv-airflow``, made on first use from
``orchestration/requirements.lock``, and is only ever spoken to in a subprocess.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.paths import PROJECT

REMEDY = "make airflow"


@dataclass(frozen=True)
class DagFacts:
    """What Airflow read in a DAG file.

    Attributes:
        dag_id: The DAG's name.
        schedule: Its cron expression, None when it only runs by hand.
        catchup: Whether missed runs are made up for.
        tasks: Task id, operator, and application relative to the project, a task each.
        edges: Upstream and downstream task id of every arrow.
        arguments: By task id, the application's arguments before templates are filled in.
    """

    dag_id: str
    schedule: str | None
    catchup: bool
    tasks: list[tuple[str, str, str]]
    edges: list[tuple[str, str]]
    arguments: dict[str, list[str]]


def ensure_airflow() -> Path:
    """Make ``.venv-airflow`` if it is missing, or its lock or Python has changed.

    Returns:
        The environment's Python.

    Raises:
        LakehouseError: It could not be made, most often for want of a network.
    """
    lock, venv = PROJECT / "orchestration" / "requirements.lock", PROJECT / ".venv-airflow"
    python, stamp = venv / "bin" / "python", venv / "requirements.sha256"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not lock.is_file():
        raise LakehouseError(f"{lock} is missing. Airflow is installed from a clone only.", REMEDY)
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {version}\n"

    def ready() -> bool:
        return python.exists() and stamp.is_file() and stamp.read_text() == wanted

    if not ready():
        with _one_at_a_time():
            if not ready():  # Another process may have made it while we waited.
                stamp.unlink(missing_ok=True)
                if not (python.exists() and (venv / "lib" / version).is_dir()):
                    _uv("venv", "--clear", "--python", sys.executable, str(venv))
                _uv("pip", "sync", str(lock), "--require-hashes", "--python", str(python))
                stamp.write_text(wanted)
    return python


def parse_dag(path: str | Path) -> DagFacts:
    """Load a DAG file with Airflow's own DagBag and say what is in it.

    Args:
        path: The file; relative paths start at the project's folder.

    Returns:
        The facts of the one DAG in the file, with no path or time of this machine in them.

    Raises:
        LakehouseError: The file is missing, does not load, or does not hold exactly one DAG.

    Examples:
        >>> parse_dag("dags/ecommerce_pyspark_pipeline.py").schedule
        '0 2 * * *'
    """
    dag_file = (PROJECT / path).resolve()
    if not dag_file.is_file():
        raise LakehouseError(f"{path}: there is no such DAG file.")
    shown = dag_file.relative_to(PROJECT) if dag_file.is_relative_to(PROJECT) else dag_file.name
    script = PROJECT / "orchestration" / "describe_dag.py"
    command = [str(ensure_airflow()), str(script), str(dag_file), str(PROJECT)]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True)
    if done.returncode or not done.stdout:
        last = [f"exit code {done.returncode}", *done.stderr.strip().splitlines()][-1]
        raise LakehouseError(f"Airflow stopped while it read {shown}: {last}")
    answer = json.loads(done.stdout)
    if errors := answer.get("errors"):
        raise LakehouseError(f"{shown} does not load in Airflow:\n" + "\n".join(errors))
    if len(answer["dags"]) != 1:
        raise LakehouseError(f"{shown} holds {len(answer['dags'])} DAGs, expected one.")
    facts = answer["dags"][0]
    pairs = {name: [tuple(row) for row in facts[name]] for name in ("tasks", "edges")}
    return DagFacts(**facts | pairs)


def _environment() -> dict[str, str]:
    """Ours without what would leak into Airflow, and with settings that stay in ``build``."""
    leaks = ("AIRFLOW", "LAKEHOUSE_", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(leaks)}
    return kept | {
        "AIRFLOW_HOME": str(PROJECT / "build" / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH": "50",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "LAKEHOUSE_PROJECT": str(PROJECT),
    }


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let a second process wait until the first has made the environment."""
    (PROJECT / "build").mkdir(exist_ok=True)
    with (PROJECT / "build" / "airflow.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _uv(*arguments: str) -> None:
    done = subprocess.run([find_uv_bin(), *arguments], capture_output=True, text=True)
    if done.returncode:
        reasons = re.findall(r"(?:error|cause|Caused by): (.+)", done.stderr)
        reason = [f"uv stopped with exit code {done.returncode}", *reasons][-1]
        raise LakehouseError(
            f"Airflow's own environment, .venv-airflow, could not be made:\n{reason}.\n"
            "Installing it needs the network once. The notebooks' tables do not need Airflow.",
            REMEDY,
        )


if __name__ == "__main__":
    try:
        print(f"Airflow is ready: {ensure_airflow()}")
    except LakehouseError as error:
        sys.exit(str(error))
