"""The `lakehouse` command."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ecommerce_lakehouse.errors import InputError, LakehouseError, NotebookFailed
from ecommerce_lakehouse.paths import typed

if TYPE_CHECKING:
    from ecommerce_lakehouse.guarded import GuardedLakehouse

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Nine notebooks from a shop's raw CSVs to decisions, with PySpark and Delta Lake.",
)
console = Console(highlight=False)

DataDir = Annotated[str, typer.Option("--data-dir", help="The folder of raw CSV files.")]
LakehouseDir = Annotated[str, typer.Option("--lakehouse-dir", help="Where the tables go.")]
ArtifactsDir = Annotated[str, typer.Option("--artifacts-dir", help="Where charts and exports go.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Look back from this day (yyyy-mm-dd).")]


@app.command()
def run(
    data_dir: DataDir = "",
    lakehouse_dir: LakehouseDir = "",
    artifacts_dir: ArtifactsDir = "",
    as_of: AsOf = "",
    first: Annotated[str, typer.Option("--from", help="Start with this notebook.")] = "",
    last: Annotated[str, typer.Option("--to", help="End with this notebook.")] = "",
    output_dir: Annotated[str, typer.Option(help="Where the executed copies go.")] = "",
    update: Annotated[
        bool, typer.Option("--update", help="Refresh the committed reference outputs.")
    ] = False,
) -> None:
    """Run the notebooks in order."""
    from ecommerce_lakehouse import batch

    given = {
        "data_dir": typed(data_dir),
        "lakehouse_dir": typed(lakehouse_dir),
        "artifacts_dir": typed(artifacts_dir),
        "as_of_date": as_of,
    }
    batch.run(
        {name: value for name, value in given.items() if value},
        first=first,
        last=last,
        output_dir=typed(output_dir),
        update=update,
        console=console,
    )


@app.command()
def build(
    data_dir: DataDir = "",
    lakehouse_dir: LakehouseDir = "",
    artifacts_dir: ArtifactsDir = "",
    as_of: Annotated[
        str, typer.Option("--date", "--as-of", help="Look back from this day (yyyy-mm-dd).")
    ] = "",
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Compute all rows, not only what is touched.")
    ] = False,
    evolve: Annotated[
        bool, typer.Option("--evolve", help="Take new columns of the raw files into bronze.")
    ] = False,
    master: Annotated[str, typer.Option(help="A Spark master; else this machine.")] = "",
) -> None:
    """Bring every table up to date with the raw files, without notebooks."""
    from ecommerce_lakehouse import doctor, jobs, registry

    doctor.quick()
    given = {
        "data_dir": typed(data_dir),
        "lakehouse_dir": typed(lakehouse_dir),
        "artifacts_dir": typed(artifacts_dir),
        "date": as_of,
        "master": master,
    }
    folders = {name: value for name, value in given.items() if value}
    jobs.build_layers(registry.LAYERS, full_refresh=full_refresh, evolve=evolve, **folders)


@app.command()
def maintain(
    lakehouse_dir: LakehouseDir = "",
    apply: Annotated[bool, typer.Option("--apply", help="Do it, not only count.")] = False,
) -> None:
    """Put small files together and delete those that no version of the last week needs."""
    from ecommerce_lakehouse import maintenance

    lake = _open(lakehouse_dir)
    print(maintenance.HEADER)
    maintenance.maintain(lake, apply=apply, say=partial(print, flush=True))
    if not apply:
        print("\nNothing was changed. Do it with:  lakehouse maintain --apply")


@app.command()
def restore(
    to: Annotated[str, typer.Option(help="A day (its end), or a time such as 2024-06-30T18:00.")],
    table: Annotated[str, typer.Argument(help="Only this table, such as gold.x.")] = "",
    lakehouse_dir: LakehouseDir = "",
) -> None:
    """Take the tables back to how they stood at the end of a day (UTC)."""
    from ecommerce_lakehouse import registry, restoring
    from ecommerce_lakehouse.dates import parse_moment

    parse_moment(to)
    if table:
        registry.get(table)
    restoring.restore(_open(lakehouse_dir), to, table or None, say=partial(print, flush=True))
    print("\nTake in again what came later with:  lakehouse build")


def _open(lakehouse_dir: str) -> GuardedLakehouse:
    """The lakehouse of a command that only works on its tables."""
    from ecommerce_lakehouse import doctor, preflight
    from ecommerce_lakehouse.guarded import GuardedLakehouse
    from ecommerce_lakehouse.session import get_spark

    location = typed(lakehouse_dir) or "lakehouse"
    preflight.check_lakehouse(location)
    doctor.quick()
    return GuardedLakehouse(get_spark("lakehouse-job"), location, sql_names=False)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def validate(context: typer.Context) -> None:
    """Compare every cell of the notebooks with its committed output (nbval)."""
    from ecommerce_lakehouse import doctor, notebooks

    doctor.quick()
    raise typer.Exit(notebooks.validate(context.args))


@app.command()
def tidy(
    check: Annotated[bool, typer.Option("--check", help="Write nothing, exit 1.")] = False,
) -> None:
    """Bring the notebooks into their committed form, and name outputs older than their code."""
    from ecommerce_lakehouse import notebooks, reference

    found = {path: reference.tidy(path, check=check) for path in notebooks.notebooks()}
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
    """Write src/ecommerce_lakehouse/layers/ from the notebooks' marked cells."""
    from ecommerce_lakehouse import exporter

    changed = exporter.export(check=check)
    for path in changed:
        console.print(f"{'differs from its notebook' if check else 'written'}: {path}")
    if not changed:
        console.print("Every exported module is as its notebook has it.")
    elif check:
        console.print("Write them with:  lakehouse export")
        raise typer.Exit(1)


@app.command()
def generate(
    customers: Annotated[int, typer.Option(help="How many customers.")] = 2000,
    out: Annotated[str, typer.Option(help="The folder to write.")] = "build/shop",
    seed: Annotated[int, typer.Option(help="Another seed, another shop.")] = 7,
) -> None:
    """Make a shop: raw files with known faults, later deliveries, and the truth about both."""
    from ecommerce_lakehouse.shop import generate as make

    begun = time.monotonic()
    if customers < 1:
        raise InputError(f"--customers is {customers}.", "Ask for one at least.")
    if seed < 0:
        raise InputError(f"--seed is {seed}.", "Any whole number from 0 up will do.")
    try:
        truth = make(customers, Path(typed(out)), seed)
    except OSError as problem:
        raise InputError(
            f"{out} cannot be written ({problem.strerror}).",
            "Name a folder of your own with:  --out FOLDER",
        ) from problem
    rows = truth["rows"]["bronze"]
    console.print(
        f"{rows['customers']:,} customers, {rows['orders']:,} orders, "
        f"{rows['order_items']:,} items in {out} ({time.monotonic() - begun:.1f} s)"
    )


@app.command()
def doctor(
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Fetch Java and Delta's JARs, and make Java's archive."),
    ] = False,
) -> None:
    """Check what the project needs: each [ok], or [fix] with the command that mends it."""
    from ecommerce_lakehouse import doctor as checks

    if fetch:
        checks.fetch()
        return
    raise typer.Exit(checks.report(console))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the notebooks."""
    from ecommerce_lakehouse import doctor as checks
    from ecommerce_lakehouse.notebooks import open_lab

    checks.quick()
    open_lab(context.args)


def main() -> None:
    """Run the command; an error that the reader can mend is one message and exit code 2."""
    try:
        app()
    except LakehouseError as error:
        print(f"\n{error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, NotebookFailed) else 2)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(130)
