"""`lakehouse run`: the notebooks in a row, with a bar for each and a summary."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ecommerce_lakehouse import doctor
from ecommerce_lakehouse.dates import parse_date
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.notebooks import notebooks, run_notebook, warm_jvm
from ecommerce_lakehouse.paths import PROJECT, resolve
from ecommerce_lakehouse.preflight import check_data, check_writable, raw_bytes
from ecommerce_lakehouse.reference import update_reference


def run(
    parameters: dict[str, str],
    *,
    first: str,
    last: str,
    output_dir: str,
    update: bool,
    console: Console,
) -> None:
    """Run notebooks in order; stop at the first that fails.

    Args:
        parameters: Only those that differ from the notebooks' defaults.
        first: The notebook to start with, or empty.
        last: The notebook to end with, or empty.
        output_dir: Where executed copies go; empty for build/executed.
        update: Replace the committed outputs.
        console: Where progress goes.

    Raises:
        InputError: A parameter cannot be used; nothing was run.
        NotebookFailed: A cell raised an error; later notebooks did not run.
    """
    chosen = notebooks(first, last)
    folder = Path(output_dir or PROJECT / "build" / "executed")
    _check(parameters, update, chosen, folder)
    doctor.quick()
    begun = time.monotonic()
    data_dir = parameters.get("data_dir", "data_seeds/shop")
    with warm_jvm(raw_bytes(data_dir)), _bars(console) as progress:
        for source in chosen:
            bar = progress.add_task(source.stem, total=None, time="")
            start = time.monotonic()

            def tick(done: int, total: int, bar=bar, start=start) -> None:  # type: ignore[no-untyped-def]
                took = f"{time.monotonic() - start:5.1f} s"
                progress.update(bar, completed=done, total=total, time=took)

            outcome = run_notebook(source, folder / source.name, parameters, tick)
            progress.update(bar, time=f"{outcome.seconds:5.1f} s")
            if update:
                update_reference(folder / source.name, source)
    _summary(parameters, len(chosen), time.monotonic() - begun, folder, console)


def _check(parameters: dict[str, str], update: bool, chosen: list[Path], copies: Path) -> None:
    """Find a bad parameter now, not in the third notebook; nothing is made or written."""
    if update and parameters:
        raise InputError(
            "--update keeps the reference outputs, which are made with the default parameters.",
            "Leave the other options out:  lakehouse run --update",
        )
    parse_date(parameters.get("as_of_date"))
    check_data(
        parameters.get("data_dir", "data_seeds/shop"),
        parameters.get("lakehouse_dir", "lakehouse"),
    )
    check_writable(parameters.get("lakehouse_dir", "lakehouse"), "--lakehouse-dir FOLDER")
    check_writable(parameters.get("artifacts_dir", "artifacts"), "--artifacts-dir FOLDER")
    check_writable(str(copies), "--output-dir FOLDER")
    if any(copies.resolve() == source.parent.resolve() for source in chosen):
        raise InputError(
            f"--output-dir {copies} holds the notebooks themselves.",
            "Name another folder; executed copies never replace their notebook.",
        )


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description:26}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:>3}/{task.total} cells {task.fields[time]:>8}"),
        console=console,
    )


def _summary(
    parameters: dict[str, str], count: int, seconds: float, copies: Path, console: Console
) -> None:
    artifacts = Path(resolve(parameters.get("artifacts_dir", "artifacts")))
    charts = len(list(artifacts.glob("*.png")))
    plural = "notebook" if count == 1 else "notebooks"
    console.print(
        f"{count} {plural} in {seconds:.0f} s.\n"
        f"Charts: {artifacts}/ ({charts})\n"
        f"Tables: {resolve(parameters.get('lakehouse_dir', 'lakehouse'))}/\n"
        f"Executed copies: {copies}/",
        soft_wrap=True,
    )
