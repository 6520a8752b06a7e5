"""Every check is seen to bite: what is broken on purpose has to turn one of them red.

A few mutations run with all other tests. All of them:  make nightly
"""

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from ecommerce_lakehouse.lessons.committed_form import to_committed_form
from ecommerce_lakehouse.lessons.export import MARK
from ecommerce_lakehouse.paths import PROJECT

LEFT_OUT = (".git", ".venv*", "build", "lakehouse", ".*_cache", "__pycache__")
REPORT = PROJECT / "docs" / "mutations.md"
EXPORT = "from ecommerce_lakehouse.lessons.export import export; export()"

MODELS = {"05": ["churn"], "06": ["analysis"], "09": ["customer_value", "campaign"]}
"""Which tests look at the models of a lesson, and at how they are judged."""


@dataclass(frozen=True)
class Mutation:
    """One change; `mutations.toml` says what each field is."""

    family: str
    name: str
    path: str
    old: str
    new: str
    cell: str = ""
    short: bool = False

    def named_module(self) -> str | None:
        """The module that the cell's mark names, as in `#| export recommendations`."""
        if not self.cell:
            judged = self.path.endswith(("/offers.py", "/measures.py"))
            return "recommendations" if judged else None
        notebook = nbformat.read(PROJECT / self.path, as_version=4)
        mark = MARK.match(cell_of(notebook, self).source)
        return mark[1] if mark else None

    def checks(self) -> list[str]:
        """What to run until one is red: arguments of pytest, or `validate` and a notebook."""
        match self.family:
            case "a raw value":
                which = "shop" if "/shop/" in self.path else "example"
                return [f"tests/shop/test_shop_generator.py -k committed_{which}"]
            case "a chart" if self.path.endswith(".py"):
                which = "exploration" if "exploration" in self.path else "panels"
                lessons = "notebooks/04_gold.ipynb notebooks/06_analysis_visualization.ipynb"
                return [f"tests/charts/test_{which}.py", f"validate {lessons}"]
            case "a chart":
                return ["tests/lessons/test_notebooks.py", f"validate {self.path}"]
            case "an exercise":
                return [f"tests/lessons/test_exercises.py{only}" for only in (" -k 01.5", "")]
            case "a number in the text":
                return ["tests/lessons/test_notebooks.py"]
            case "a committed output" if self.path.endswith(".ipynb"):
                return ["tests/lessons/test_notebooks.py", f"validate {self.path}"]
            case "a committed output":
                return [
                    "tests/lessons/test_notebooks.py",
                    "tests/programs/test_programs.py -k exported",
                ]
            case "a model":
                named = self.named_module()
                modules = [named] if named else MODELS[Path(self.path).stem[:2]]
                return [f"tests/layers/test_{module}.py" for module in modules]
            case _:  # a rule, a join, a limit or a score of a layer
                layer = self.named_module() or Path(self.path).stem[3:]
                layer = {"ml_features": "ml", "business_use_cases": "decisions"}.get(layer, layer)
                return [f"tests/layers/test_{layer}.py", "tests/shop/test_truth.py -k example"]


CATALOGUE = [
    Mutation(**each)
    for each in tomllib.loads((PROJECT / "tests" / "mutations.toml").read_text("utf-8"))["mutation"]
]
Killed = tuple[Mutation, str, float]


def run(project: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run this environment's Python in a copy of the project, on the copy's own package."""
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    return subprocess.run(
        [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True
    )


def is_red(project: Path, check: str) -> bool:
    """Whether a check fails in a copy of the project."""
    words = check.split()
    if words[0] == "validate":
        words = ["-p", "ecommerce_lakehouse.lessons.compare", "--nbval-strict", *words[1:]]
    done = run(project, "-m", "pytest", "-qx", "-p", "no:cacheprovider", *words)
    assert done.returncode in (0, 1), done.stdout + done.stderr  # a check that cannot run is none
    return done.returncode == 1


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, jvm: None) -> Path:
    """A copy of the project with the shop's tables."""
    copy = tmp_path_factory.mktemp("mutations") / "project"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (copy / "lakehouse").mkdir()
    built = run(copy, "src/pipeline.py")
    assert built.returncode == 0, built.stdout + built.stderr
    return copy


@pytest.fixture(scope="module")
def killed() -> Iterator[list[Killed]]:
    """What was caught by which check; the table is written when every mutation was tried."""
    found: list[Killed] = []
    yield found
    if len(found) == len(CATALOGUE):
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(report(found), encoding="utf-8")


def report(found: list[Killed]) -> str:
    """The kill table."""
    lines = [
        "# Mutations",
        "",
        f"Each of these {len(found)} changes was made to a copy of the project, and checks ran "
        "until one was red. All were caught. Written by `make nightly`.",
        "",
        "| family | mutation | file | first check that caught it | seconds |",
        "|---|---|---|---|---|",
    ]
    for mutation, check, seconds in found:
        where = f"`{mutation.path}`" + (f", cell `{mutation.cell}`" if mutation.cell else "")
        lines.append(
            f"| {mutation.family} | {mutation.name} | {where} | `{check}` | {seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def mutated(project: Path, request: pytest.FixtureRequest) -> Iterator[Mutation]:
    """One change, made and taken back."""
    mutation: Mutation = request.param
    layers = project / "src" / "ecommerce_lakehouse" / "layers"
    touched = [project / mutation.path, *layers.glob("*.py")]
    before = {path: path.read_bytes() for path in touched}
    change(project, mutation)
    yield mutation
    for path, content in before.items():
        path.write_bytes(content)


def cell_of(notebook: nbformat.NotebookNode, mutation: Mutation) -> nbformat.NotebookNode:
    """The cell that a mutation changes."""
    (cell,) = [cell for cell in notebook.cells if cell.id == mutation.cell]
    return cell


@pytest.mark.parametrize("mutation", CATALOGUE, ids=lambda mutation: mutation.name)
def test_what_a_mutation_changes_still_stands_there(mutation: Mutation) -> None:
    path = PROJECT / mutation.path
    if mutation.cell:
        assert mutation.old in cell_of(nbformat.read(path, as_version=4), mutation).source
    else:
        assert mutation.old.encode() in path.read_bytes()


def change(project: Path, mutation: Mutation) -> None:
    """Make it."""
    path = project / mutation.path
    if not mutation.cell:
        old, new = mutation.old.encode(), mutation.new.encode()
        path.write_bytes(path.read_bytes().replace(old, new, 1))
        return
    notebook = nbformat.read(path, as_version=4)
    cell = cell_of(notebook, mutation)
    cell.source = cell.source.replace(mutation.old, mutation.new, 1)
    text = to_committed_form(json.loads(nbformat.writes(notebook)), is_fresh=True)
    path.write_text(text, encoding="utf-8")
    if cell.source.startswith("#| export"):
        done = run(project, "-c", EXPORT)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "mutated",
    [
        pytest.param(
            mutation,
            id=f"{mutation.family}: {mutation.name}",
            marks=() if mutation.short else pytest.mark.nightly,
        )
        for mutation in CATALOGUE
    ],
    indirect=True,
)
def test_a_check_turns_red(mutated: Mutation, project: Path, killed: list[Killed]) -> None:
    start = time.monotonic()
    for check in mutated.checks():
        if is_red(project, check):
            killed.append((mutated, check, time.monotonic() - start))
            return
    pytest.fail(f"survived {', '.join(mutated.checks())}")


@pytest.mark.nightly
@pytest.mark.parametrize("check", sorted({check for each in CATALOGUE for check in each.checks()}))
def test_every_check_is_green_where_nothing_is_broken(check: str, project: Path) -> None:
    assert not is_red(project, check)


def test_the_catalogue_has_every_family_and_the_short_form_as_well() -> None:
    families = {mutation.family for mutation in CATALOGUE}
    assert len(families) == 10
    assert len(CATALOGUE) >= 60
    assert {mutation.family for mutation in CATALOGUE if mutation.short} == families
