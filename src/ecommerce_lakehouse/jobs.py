"""The flags of every program, and what the spark-submit programs run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ecommerce_lakehouse.errors import InputError, LakehouseError, NotebookFailed
from ecommerce_lakehouse.paths import FOLDERS, from_shell


def given(param: typer.CallbackParam, value: str | None) -> str | None:
    """The text of an option. One that is given and empty is no missing one.

    Raises:
        InputError: It is empty, as from a variable that is not set.
    """
    if value is not None and not value.strip():
        name = param.opts[0] if param.opts else param.name
        raise InputError(f"{name} is given and empty.", "Give it a value, or leave it out.")
    return value


def given_folder(param: typer.CallbackParam, value: str | None) -> str | None:
    """The folder of an option, which starts where the command was typed."""
    text = given(param, value)
    return None if text is None else from_shell(text)


def _folder_option(name: str, text: str) -> Any:
    flag = f"--{name.replace('_', '-')}"
    default = f"the project's {FOLDERS[name]}"
    return typer.Option(
        flag, metavar="FOLDER", help=text, callback=given_folder, show_default=default
    )


DataDir = Annotated[str | None, _folder_option("data_dir", "The folder of raw CSV files.")]
LakehouseDir = Annotated[str | None, _folder_option("lakehouse_dir", "Where the tables go.")]
ArtifactsDir = Annotated[
    str | None, _folder_option("artifacts_dir", "Where charts and exports go.")
]
AsOfDate = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        "--date",
        metavar="DAY",
        help="Look back from this day (yyyy-mm-dd).",
        callback=given,
        show_default="the last completed order's",
    ),
]
FullRefresh = Annotated[
    bool, typer.Option("--full-refresh", help="Compute all rows, not only what is touched.")
]
Evolve = Annotated[
    bool, typer.Option("--evolve", help="Take new columns of the raw files into bronze.")
]
Master = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A Spark master.",
        callback=given,
        show_default="spark-submit's, or every core of this machine",
    ),
]


def without_missing(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def build_command(*layers: str, before: Callable[[], object] = tuple) -> Callable[..., None]:
    """A command that brings tables up to date.

    Args:
        *layers: The layers to build; every one where none is named.
        before: What is done first.
    """

    def build(
        data_dir: DataDir = None,
        lakehouse_dir: LakehouseDir = None,
        artifacts_dir: ArtifactsDir = None,
        as_of_date: AsOfDate = None,
        full_refresh: FullRefresh = False,
        evolve: Evolve = False,
        master: Master = None,
    ) -> None:
        from ecommerce_lakehouse.operations.build import build_layers
        from ecommerce_lakehouse.registry import LAYERS

        before()
        build_layers(
            layers or LAYERS,
            full_refresh=full_refresh,
            evolve=evolve,
            **without_missing(
                data_dir=data_dir,
                lakehouse_dir=lakehouse_dir,
                artifacts_dir=artifacts_dir,
                as_of_date=as_of_date,
                master=master,
            ),
        )

    return build


def check_command(
    data_dir: DataDir = None,
    lakehouse_dir: LakehouseDir = None,
    artifacts_dir: ArtifactsDir = None,
    as_of_date: AsOfDate = None,
    full_refresh: FullRefresh = False,
    evolve: Evolve = False,
    master: Master = None,
) -> None:
    """Check every table that is built. The flags that all jobs have mean nothing here but three."""
    from ecommerce_lakehouse.operations.build import check_tables

    check_tables(
        **without_missing(lakehouse_dir=lakehouse_dir, as_of_date=as_of_date, master=master)
    )


def main(description: str, *layers: str) -> None:
    """Run a job that builds layers.

    Args:
        description: What the job builds, for its --help.
        *layers: The layers to build; every one where none is named.
    """
    run_job(description, build_command(*layers))


def run_job(description: str, command: Callable[..., object]) -> None:
    """Run a program of one command.

    Args:
        description: What it does, for its --help.
        command: Takes the flags as keywords.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(help=description)(command)
    run_app(app)


def run_app(app: typer.Typer) -> None:
    """Run a program; an error that the reader can mend is one message and exit code 2."""
    try:
        app()
    except LakehouseError as error:
        print(error, file=sys.stderr)
        sys.exit(1 if isinstance(error, NotebookFailed) else 2)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(130)
