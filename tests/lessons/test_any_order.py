"""Any notebook may be opened first, run twice, run beside another, or be killed."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from copy import deepcopy
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from oracle.agree import assert_agrees, assert_same
from oracle.build import build_oracle
from oracle.compare import read_delta

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.lessons.exercises.book import exercises
from ecommerce_lakehouse.lessons.notebook import find_lessons
from ecommerce_lakehouse.lessons.run import run_notebook
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT
from ecommerce_lakehouse.spark.java import without_a_jvm

BIN = Path(sys.executable).parent
NAMES = [table.full_name for table in registry.tables()]
AFTER_THE_FIRST = [path.stem for path in find_lessons()][1:]


def a_run(folder: Path, *flags: str) -> list[str]:
    """`lakehouse run` on the example, with everything it writes below a folder unless told."""
    return [
        *(str(BIN / "lakehouse"), "run", "--data-dir", str(EXAMPLE_DATA)),
        *("--lakehouse-dir", str(folder / "lakehouse"), "--artifacts-dir", str(folder / "charts")),
        *("--output-dir", str(folder / "executed"), *flags),
    ]


def build_in(folder: Path) -> None:
    """All tables of the example, by the jobs' program."""
    lakehouse = ["--lakehouse-dir", str(folder / "lakehouse"), "--artifacts-dir", str(folder)]
    command = [sys.executable, "src/pipeline.py", "--data-dir", str(EXAMPLE_DATA), *lakehouse]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)


def assert_right(folder: Path) -> None:
    assert_agrees(partial(read_delta, folder / "lakehouse"), NAMES, EXAMPLE_DATA)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name[:2] in ("04", "08") else pytest.mark.nightly)
        for name in AFTER_THE_FIRST
    ],
)
@pytest.mark.usefixtures("jvm")
def test_a_notebook_that_is_opened_first_names_the_one_command(name: str, tmp_path: Path) -> None:
    command = a_run(tmp_path, "--from", name, "--to", name)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"is not in {tmp_path}/lakehouse/ yet." in done.stderr
    assert "Build it now with:  lakehouse run --to 0" in done.stderr
    assert "Traceback" not in done.stderr


def kill_when(command: list[str], appears: Path, pattern: str) -> None:
    """Start a program and kill it, with all it started, as soon as a file is there."""
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=without_a_jvm(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.returncode is None and not any(appears.glob(pattern)):
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
    assert process.returncode is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.usefixtures("jvm")
def test_a_job_that_is_killed_while_it_writes_ends_in_the_same_tables(tmp_path: Path) -> None:
    """Data files without an entry in the log are no table."""
    lakehouse = tmp_path / "lakehouse"
    job = [sys.executable, "src/jobs/ingest_bronze.py", "--data-dir", str(EXAMPLE_DATA)]
    job += ["--lakehouse-dir", str(lakehouse)]
    kill_when(job, lakehouse / "bronze" / "orders", "*.parquet")
    subprocess.run(job, cwd=PROJECT, check=True, capture_output=True)
    expected = build_oracle(EXAMPLE_DATA)
    for name in [table.full_name for table in registry.tables("bronze")]:
        assert_same(name, read_delta(lakehouse, name), expected.table(name))


@pytest.mark.nightly
@pytest.mark.usefixtures("jvm")
@pytest.mark.parametrize(
    ("notebook", "table"),
    [
        ("01", "bronze/orders"),
        ("02", "silver/stg_customers"),
        ("02", "silver/quarantine"),
        ("03", "intermediate/int_customer_rfm"),
        ("04", "gold/dim_customer_segments"),
        ("05", "ml/ml_customer_features"),
    ],
)
def test_a_notebook_that_is_killed_and_run_again_ends_in_the_same_tables(
    notebook: str, table: str, tmp_path: Path
) -> None:
    """Killed while a table is written for the first time."""
    if notebook != "01":
        build_in(tmp_path)
        shutil.rmtree(tmp_path / "lakehouse" / table)
    command = a_run(tmp_path, "--from", notebook, "--to", notebook)
    kill_when(command, tmp_path / "lakehouse" / table, "*")
    rest = a_run(tmp_path, "--from", notebook, "--to", "05")
    subprocess.run(rest, cwd=PROJECT, check=True, capture_output=True)
    assert_right(tmp_path)


@pytest.mark.nightly
@pytest.mark.usefixtures("jvm")
def test_run_twice_and_two_at_a_time(tmp_path: Path) -> None:
    """The second reads what the first has written; neither leaves anything half done."""
    build_in(tmp_path)
    before = {name: read_delta(tmp_path / "lakehouse", name) for name in NAMES}
    same_lakehouse = ("--lakehouse-dir", str(tmp_path / "lakehouse"))
    both = [
        subprocess.Popen(
            a_run(tmp_path / part, "--from", "04", "--to", "06", *same_lakehouse),
            cwd=tmp_path,
            env=without_a_jvm(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for part in ("one", "other")
    ]
    for process in both:
        said, _ = process.communicate()
        assert (
            process.returncode == 0 or "was changed by another run while this one wrote it" in said
        ), said
    for name in NAMES:
        assert_same(name, read_delta(tmp_path / "lakehouse", name), before[name])


def twice(cell: NotebookNode) -> list[NotebookNode]:
    """A cell, and if it is code the same again; the parameters once, they are set after it."""
    if cell.cell_type != "code" or "parameters" in cell.metadata.get("tags", []):
        return [cell]
    again = deepcopy(cell)
    again.id = f"{cell.id}-again"
    return [cell, again]


@pytest.mark.nightly
@pytest.mark.usefixtures("jvm")
def test_every_cell_can_be_run_twice(tmp_path: Path) -> None:
    """As readers do, who change a cell and run it again in the same kernel."""
    where = {name: str(tmp_path / name) for name in ("lakehouse_dir", "artifacts_dir")}
    for path in find_lessons():
        book = nbformat.read(path, as_version=4)
        book.cells = [each for cell in book.cells for each in twice(cell)]
        doubled = tmp_path / path.name
        nbformat.write(book, doubled)
        run_notebook(doubled, tmp_path / "executed" / path.name, where, lambda done, total: None)


@pytest.mark.usefixtures("jvm")
@pytest.mark.parametrize("last", ["01", pytest.param("09", marks=pytest.mark.nightly)])
def test_notebooks_in_which_every_exercise_is_solved(last: str, tmp_path: Path) -> None:
    where = {name: str(tmp_path / name) for name in ("lakehouse_dir", "artifacts_dir")}
    for path in find_lessons("01", last):
        book = nbformat.read(path, as_version=4)
        numbers = [number for number in exercises() if number[:2] == path.stem[:2]]
        ids = [f"exercise-{number.replace('.', '-')}" for number in numbers]
        for number, name in zip(numbers, ids, strict=True):
            (cell,) = (cell for cell in book.cells if cell.id == name)
            one = exercises()[number]
            cell.source = f'{one.solution.code}\n\ncheck("{number}", {one.answer})'
        nbformat.write(book, tmp_path / path.name)
        done = tmp_path / "executed" / path.name
        run_notebook(tmp_path / path.name, done, where, lambda done, total: None)
        told = {cell.id: cell.get("outputs") for cell in nbformat.read(done, as_version=4).cells}
        said = ["".join(o.get("text", "") for o in told[name]) for name in ids]
        assert said == [f"{number} correct.\n" for number in numbers]


@pytest.mark.nightly
def test_without_a_network(tmp_path: Path) -> None:
    """Once set up, nothing is fetched: the first notebook in a network of its own."""
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a network of their own")
    words = shlex.join(a_run(tmp_path, "--to", "01"))
    done = subprocess.run(
        [*alone, "sh", "-c", f"ip link set lo up; exec {words}"],
        env=without_a_jvm(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
