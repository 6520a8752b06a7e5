"""The README's commands, flags and files are the project's."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ecommerce_lakehouse.jobs import options
from ecommerce_lakehouse.notebooks import notebooks
from ecommerce_lakehouse.paths import PROJECT

TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
BLOCKS = re.findall(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line]


def help_of(*command: str) -> str:
    environment = {"COLUMNS": "200", "TERM": "dumb", "PATH": f"{BIN}:/usr/bin:/bin"}
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_shows_commands() -> None:
    assert "make run" in COMMANDS
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("lakehouse ")])
def test_a_lakehouse_command_has_the_flags_it_is_shown_with(command: str) -> None:
    _, name, *rest = shlex.split(command)
    told = help_of(str(BIN / "lakehouse"), name)
    for flag in (word for word in rest if word.startswith("--")):
        assert flag in told


@pytest.mark.parametrize("command", [c for c in COMMANDS if re.match("spark-submit|python", c)])
def test_a_program_exists_and_has_the_flags_it_is_shown_with(command: str) -> None:
    _, program, *rest = shlex.split(command)
    assert (PROJECT / program).is_file()
    if program.startswith("src/"):
        options(program, "").parse_args(rest)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|\n)make ([a-z]+)", TEXT))))
def test_a_make_target_exists(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_flag_of_the_commands_table_is_real() -> None:
    """`lakehouse run` and `lakehouse generate` name their flags in the table."""
    row = next(line for line in TEXT.splitlines() if line.startswith("| `make run`"))
    told = help_of(str(BIN / "lakehouse"), "run")
    for flag in re.findall(r"--[a-z-]+", row):
        assert flag in told


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", TEXT))
def test_a_link_leads_to_a_file(path: str) -> None:
    assert (PROJECT / path).exists()


def test_the_table_of_notebooks_has_their_titles() -> None:
    for path in notebooks():
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
        question = title.split(". ", 1)[1]
        assert f"[{path.stem[:2]}](notebooks/{path.name}) | {question} |" in TEXT
