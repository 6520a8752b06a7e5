"""The flags of every program, and what the spark-submit programs run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from ecommerce_lakehouse.errors import InputError, LakehouseError, NotebookFailed
from ecommerce_lakehouse.paths import FOLDERS, ensure_home, from_shell, require_python

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C has ended."""


def refuse_empty(param: typer.CallbackParam, value: str | None) -> str | None:
    """The text of an option. One that is given and empty is no missing one.

    Raises:
        InputError: It is empty, as from a variable that is not set.
    """
    if value is not None and not value.strip():
        name = " or ".join(param.opts) or param.name
        raise InputError(f"{name} is given and empty.", "Give it a value, or leave it out.")
    return value


def read_folder(param: typer.CallbackParam, value: str | None) -> str | None:
    """The folder of an option, which starts where the command was typed."""
    text = refuse_empty(param, value)
    return None if text is None else from_shell(text)


def option(*flags: str, metavar: str, text: str, default: str) -> Any:
    """An option of text that must not be empty; --help tells its default."""
    check = read_folder if metavar == "FOLDER" else refuse_empty
    return typer.Option(*flags, metavar=metavar, help=text, callback=check, show_default=default)


def folder_option(name: str, text: str) -> Any:
    """An option for one of the folders that every command has."""
    default = f"the project's {FOLDERS[name]}"
    return option(f"--{name.replace('_', '-')}", metavar="FOLDER", text=text, default=default)


DataDir = Annotated[str | None, folder_option("data_dir", "The folder of raw CSV files.")]
LakehouseDir = Annotated[str | None, folder_option("lakehouse_dir", "Where the tables go.")]
ArtifactsDir = Annotated[str | None, folder_option("artifacts_dir", "Where charts and exports go.")]
DAY = "Look back from this day (yyyy-mm-dd)."
AsOfDate = Annotated[
    str | None,
    option("--as-of", "--date", metavar="DAY", text=DAY, default="the last completed order's"),
]
FullRefresh = Annotated[
    bool, typer.Option("--full-refresh", help="Compute all rows, not only what is touched.")
]
Evolve = Annotated[
    bool, typer.Option("--evolve", help="Take new columns of the raw files into bronze.")
]
KeepModels = Annotated[
    bool, typer.Option("--keep-models", help="Score with the models as they are; fit none.")
]
ALL_CORES = "spark-submit's, or every core of this machine"
Master = Annotated[
    str | None, option("--master", metavar="URL", text="A Spark master.", default=ALL_CORES)
]


def given_options(context: typer.Context) -> dict[str, Any]:
    """The options of a command, without those that were not given."""
    return {name: value for name, value in context.params.items() if value is not None}


def job_command(work: Callable[..., object]) -> Callable[..., None]:
    """A command with the flags of every program, which hands on those that were given."""

    def command(
        context: typer.Context,
        data_dir: DataDir = None,
        lakehouse_dir: LakehouseDir = None,
        artifacts_dir: ArtifactsDir = None,
        as_of_date: AsOfDate = None,
        full_refresh: FullRefresh = False,
        evolve: Evolve = False,
        master: Master = None,
    ) -> None:
        work(**given_options(context))

    return command


def score(
    context: typer.Context,
    data_dir: DataDir = None,
    lakehouse_dir: LakehouseDir = None,
    artifacts_dir: ArtifactsDir = None,
    as_of_date: AsOfDate = None,
    full_refresh: FullRefresh = False,
    evolve: Evolve = False,
    keep_models: KeepModels = False,
    master: Master = None,
) -> None:
    """Fit the models on what the day knew, and write their scores of every customer."""
    from ecommerce_lakehouse.operations.score import score_customers

    score_customers(**given_options(context))


def main(description: str, *layers: str) -> None:
    """Run a job that builds layers; every one where none is named. It says so in its --help."""

    def build(**given: Any) -> None:
        from ecommerce_lakehouse.operations.build import build_layers
        from ecommerce_lakehouse.registry import LAYERS

        build_layers(layers or LAYERS, **given)

    run_job(description, job_command(build))


def run_job(description: str, command: Callable[..., object]) -> None:
    """Run a program of one command; the description is for its --help."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(help=description)(command)
    run_app(app)


def run_app(app: typer.Typer) -> None:
    """Run a program; an error that the reader can mend is one message and exit code 2.

    What the machine does not give (disk, memory, files, threads) is such an error, too.
    """
    logging.getLogger().addFilter(_is_no_broken_call)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may not know every letter
            stream.reconfigure(errors="replace")
    try:
        require_python()
        ensure_home()
        app()
    except LakehouseError as error:
        print(error, file=sys.stderr)
        sys.exit(1 if isinstance(error, NotebookFailed) else 2)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            print("Interrupted. To go on, run the same command again.", file=sys.stderr)
        raise
    except Exception as problem:
        from ecommerce_lakehouse.spark.causes import cause_of

        cause = cause_of(problem)
        if cause is None:
            raise
        print(cause, file=sys.stderr)
        sys.exit(2)


def _is_no_broken_call(record: logging.LogRecord) -> bool:
    """Whether a log record is none of Py4J's traces of a call that broke off, as by Ctrl-C.

    Whoever called Java gets an error for it.
    """
    return not str(record.msg).endswith("while sending command.")
