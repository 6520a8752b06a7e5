"""Load one DAG file with Airflow and print what it says, as one line of JSON.

Run by ``ecommerce_lakehouse.lessons.airflow.parse_dag`` with the Python of
``.venv-airflow``; nothing here imports the project.

    python orchestration/describe_dag.py DAG_FILE PROJECT
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any


def readable(trace: str, dag_file: Path, project: Path) -> str:
    """The exception and the lines of the DAG file it came from, without machine paths."""
    kept, keep = [], True
    for line in trace.splitlines():
        if frame := re.match(r'\s+File "(.*?)"', line):
            keep = Path(frame[1]) == dag_file
        elif not line.startswith(" "):
            keep = not line.startswith("Traceback ")
        if keep and line.strip():
            kept.append(line)
    text = "\n".join(kept).replace(str(dag_file), dag_file.name)
    return text.replace(f"{project}/", "")


def in_project(application: str, project: Path) -> str:
    """The application as a path in the project, or its bare name when it lies elsewhere."""
    path = Path(application)
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else path.name


def describe(dag_file: Path, project: Path) -> dict[str, Any]:
    """Parse the file as Airflow's DAG processor does.

    Args:
        dag_file: The file, as an absolute path.
        project: The folder the applications are shown relative to.

    Returns:
        Either ``errors`` (list of texts) or ``dags`` (list of facts).
    """
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_file, safe_mode=False)
    if bag.import_errors:
        return {"errors": [readable(e, dag_file, project) for e in bag.import_errors.values()]}
    return {
        "dags": [
            {
                "dag_id": dag.dag_id,
                "schedule": None if dag.schedule is None else str(dag.schedule),
                "catchup": dag.catchup,
                "tasks": [
                    (t.task_id, t.task_type, in_project(getattr(t, "application", ""), project))
                    for t in dag.tasks
                ],
                "edges": [(t.task_id, d) for t in dag.tasks for d in sorted(t.downstream_task_ids)],
                "arguments": {
                    t.task_id: list(getattr(t, "application_args", None) or []) for t in dag.tasks
                },
            }
            for dag in bag.dags.values()
        ]
    }


if __name__ == "__main__":
    # Airflow logs to stdout: what anything but the last line prints goes to stderr.
    answer = os.dup(1)
    os.dup2(2, 1)
    facts = describe(Path(sys.argv[1]), Path(sys.argv[2]))
    with os.fdopen(answer, "w", encoding="utf-8") as stdout:
        stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
    os._exit(0)  # Airflow's exit handlers close a database that was never opened.
