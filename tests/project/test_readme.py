"""The README's commands, flags and files are the project's."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import typer
from typer.testing import CliRunner

from ecommerce_lakehouse.cli import app
from ecommerce_lakehouse.jobs import job_command
from ecommerce_lakehouse.lessons.catalogues import make_readme
from ecommerce_lakehouse.lessons.notebook import find_lessons
from ecommerce_lakehouse.paths import PROJECT

TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL)
BIN = Path(sys.executable).parent
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line]


def help_of(command: str) -> str:
    done = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return done.output


def test_the_readme_shows_commands() -> None:
    assert "make run" in COMMANDS
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("lakehouse ")])
def test_a_lakehouse_command_has_the_flags_it_is_shown_with(command: str) -> None:
    _, name, *rest = shlex.split(command)
    told = help_of(name)
    for flag in (word for word in rest if word.startswith("--")):
        assert flag in told


@pytest.mark.parametrize("command", [c for c in COMMANDS if re.match("spark-submit|python", c)])
def test_a_program_exists_and_has_the_flags_it_is_shown_with(command: str) -> None:
    _, program, *rest = shlex.split(command)
    assert (PROJECT / program).is_file()
    if program.startswith("src/"):
        job = typer.Typer()
        job.command()(job_command(print))
        done = CliRunner().invoke(job, [*rest, "--help"])
        assert done.exit_code == 0, done.output


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|\n)make ([a-z-]+)", TEXT))))
def test_a_make_target_exists(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_flag_of_the_commands_table_is_real() -> None:
    """`lakehouse run` and `lakehouse generate` name their flags in the table."""
    row = next(line for line in TEXT.splitlines() if line.startswith("| `make run`"))
    told = help_of("run")
    for flag in re.findall(r"--[a-z-]+", row):
        assert flag in told


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", TEXT))
def test_a_link_leads_to_a_file(path: str) -> None:
    assert (PROJECT / path).exists()


def test_its_twin_says_the_same_in_another_language() -> None:
    """Commands, flags, files and numbers are kept by the check of translations."""
    twin, text = make_readme("id")
    assert twin.read_text(encoding="utf-8") == text, "write it with: lakehouse translate"
    assert TEXT.splitlines()[2] == f"[Bahasa Indonesia]({twin.name})"
    assert text.splitlines()[2] == "[English](README.md)"
    assert re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL) == BLOCKS
    assert sorted(re.findall(r"\]\(([^)]+)\)", text)[1:]) == sorted(
        re.findall(r"\]\(([^)]+)\)", TEXT)[1:]
    )


def test_the_table_of_notebooks_has_their_titles() -> None:
    for path in find_lessons():
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
        question = title.split(". ", 1)[1]
        assert f"[{path.stem[:2]}](notebooks/{path.name}) | {question} |" in TEXT


def test_the_progress_it_shows_has_the_notebooks_cells() -> None:
    shown = re.findall(r"^  (\d\d_\w+) .* (\d+)/(\d+) cells", TEXT, flags=re.MULTILINE)
    assert len(shown) >= 2
    for name, done, total in shown:
        cells = nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        assert done == total == str(sum(cell.cell_type == "code" for cell in cells))


def test_the_hooks_are_a_configuration_that_pre_commit_accepts() -> None:
    config = PROJECT / ".pre-commit-config.yaml"
    done = subprocess.run([BIN / "pre-commit", "validate-config", config], capture_output=True)
    assert done.returncode == 0, done.stderr
    for program, name in re.findall(r"entry: \.venv/bin/(\w+) (\w+)", config.read_text()):
        assert (BIN / program).exists()
        assert program != "lakehouse" or help_of(name)


def test_the_mutations_it_counts_are_those_that_were_tried() -> None:
    counted = re.findall(r"\[(\d+) things were broken on purpose\]", TEXT)
    report = (PROJECT / "docs" / "mutations.md").read_text(encoding="utf-8")
    catalogue = (PROJECT / "tests" / "mutations.toml").read_text(encoding="utf-8")
    assert counted == [str(catalogue.count("[[mutation]]"))]
    assert f"Each of these {counted[0]} changes" in report
