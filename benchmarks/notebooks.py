"""The nine notebooks: ours, each with a cold session of its own, and their code without notebooks.

python -m benchmarks.notebooks
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat

from benchmarks.measure import Command, Sample, keep, of_runs, side_by_side
from ecommerce_lakehouse.lessons.notebook import find_lessons

HERE = Path(__file__).parent
PROJECT = HERE.parent
OUT = PROJECT / "build" / "benchmarks" / "notebooks"
BIN = Path(sys.executable).parent
PLAIN = {
    "IPYTHONDIR": str(OUT / "ipython"),
    "PYTHONPATH": str(PROJECT),
    "PYSPARK_SUBMIT_ARGS": "--conf spark.ui.showConsoleProgress=false "
    f"--conf 'spark.sql.warehouse.dir={OUT / 'spark-warehouse'}' pyspark-shell",
}


def ways() -> dict[str, Command]:
    """Every way to run the nine notebooks in order, and to compare them with their outputs."""

    def folders(name: str) -> dict[str, str]:
        return {folder: str(OUT / name / folder) for folder in ("lakehouse", "artifacts")}

    ours, one_by_one = folders("lakehouse run"), folders("papermill")
    run = [str(BIN / "lakehouse"), "run", "--output-dir", str(OUT / "executed")]
    for folder, path in ours.items():
        run += [f"--{folder}-dir", path]
    each = [
        f'"{BIN}/papermill" --no-progress-bar --cwd "{path.parent}" "{path}" "{OUT}/{path.name}" '
        + " ".join(f'-p {folder}_dir "{where}"' for folder, where in one_by_one.items())
        for path in find_lessons()
    ]

    def clean(name: str) -> list[list[str]]:
        return [["rm", "-rf", str(OUT / name)], ["mkdir", "-p", str(OUT / name / "artifacts")]]

    cells = [sys.executable, str(HERE / "peers" / "cells.py"), str(OUT / "cells")]
    return {
        "lakehouse run": Command(run, before=clean("lakehouse run")),
        "papermill, one by one": Command(
            ["bash", "-ec", "\n".join(each)], PLAIN, before=clean("papermill")
        ),
        "cells alone": Command(cells, {"PYTHONPATH": str(PROJECT)}, before=clean("cells")),
        "lakehouse validate": Command([str(BIN / "lakehouse"), "validate"]),
    }


def first_table() -> dict[str, Command]:
    """From the start of a kernel to the first table on the screen."""
    words = [sys.executable, str(HERE / "peers" / "first_table.py")]
    return {"first table": Command(words), "first table, plain": Command(words, PLAIN)}


def cells_of(folder: Path) -> list[dict[str, Any]]:
    """The seconds of every cell of the executed notebooks."""
    return [
        {
            "notebook": path.stem,
            "cell": cell.id,
            "seconds": round(cell.metadata.papermill.duration, 2),
        }
        for path in sorted(folder.glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("duration")
    ]


def main() -> None:
    """Measure and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="some of the ways")
    parser.add_argument("--name", default="notebooks", help="of the file in results/")
    asked = parser.parse_args()
    # IPython keeps its history beside what it reads at the start.
    shutil.copytree(HERE / "peers" / "ipython", OUT / "ipython", dirs_exist_ok=True)
    commands = {**first_table(), **ways()}
    chosen = {name: way for name, way in commands.items() if name in asked.only or not asked.only}

    def keep_so_far(samples: dict[str, list[Sample]]) -> None:
        rows = [{"way": name, **of_runs(runs)} for name, runs in samples.items()]
        if "lakehouse run" in chosen:
            rows[list(chosen).index("lakehouse run")]["cells"] = cells_of(OUT / "executed")
        keep(asked.name, rows)

    # Half an hour a time: who stops it keeps what was measured.
    side_by_side(chosen, asked.repetitions, after_each=keep_so_far)


if __name__ == "__main__":
    main()
