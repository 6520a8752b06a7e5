"""The package as a wheel, in an environment of its own, without the project beside it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from deltalake import DeltaTable
from oracle.agree import assert_agrees
from oracle.compare import read_delta
from processes import NAMES, built_wheel

from ecommerce_lakehouse.contracts import contracts
from ecommerce_lakehouse.paths import EXAMPLE_DATA, PROJECT
from ecommerce_lakehouse.spark.java import without_a_jvm

UV = [sys.executable, "-m", "uv"]
pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the programs in an environment that has the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    python = folder / "env" / "bin" / "python"
    wheel, lock = built_wheel(folder / "wheel"), PROJECT / "requirements.lock"
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder / "env")],
        ["pip", "install", "--quiet", "--python", str(python), "-c", str(lock), str(wheel)],
    ):
        done = subprocess.run([*UV, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    yield python.parent


def lakehouse(installed: Path, here: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = without_a_jvm()
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        environment.pop(name, None)
    program = os.fspath(installed / "lakehouse")
    return subprocess.run(
        [program, *words], cwd=here, env=environment, capture_output=True, text=True
    )


def test_it_builds_the_tables_from_any_folder(installed: Path, tmp_path: Path) -> None:
    """Relative folders start where the command is typed; nothing else is written there."""
    folders = ["--lakehouse-dir", "my lake", "--artifacts-dir", "charts"]
    done = lakehouse(installed, tmp_path, "build", "--data-dir", str(EXAMPLE_DATA), *folders)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_agrees(partial(read_delta, tmp_path / "my lake"), NAMES, EXAMPLE_DATA)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["charts", "my lake"]
    schema = DeltaTable(tmp_path / "my lake/gold/dim_customer_segments").schema()
    comments = {field.name: field.metadata["comment"] for field in schema.fields}
    contract = contracts("gold")["gold.dim_customer_segments"]
    assert comments == {column.name: column.comment for column in contract.columns}, "it has them"


def test_without_data_it_asks_for_some(installed: Path, tmp_path: Path) -> None:
    done = lakehouse(installed, tmp_path, "build")
    assert done.returncode == 2
    assert f"There is no folder {tmp_path}/data_seeds/shop." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_it_writes_a_report_of_any_charts(installed: Path, tmp_path: Path) -> None:
    """Its pages are made from templates, which are in the wheel."""
    charts = ["--artifacts-dir", str(PROJECT / "artifacts")]
    done = lakehouse(installed, tmp_path, "report", *charts, "--out", "a report")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(f"Open {tmp_path}/a report/index.html")
    assert list(tmp_path.iterdir()) == [tmp_path / "a report"]


@pytest.mark.parametrize("command", ["run", "lab", "validate", "tidy", "export"])
def test_what_needs_the_notebooks_says_so(installed: Path, tmp_path: Path, command: str) -> None:
    done = lakehouse(installed, tmp_path, command)
    assert done.returncode == 2
    assert f"lakehouse {command} works on the notebooks" in done.stderr
    assert "Traceback" not in done.stderr
