"""`lakehouse run`: the notebooks in a row, with a bar for each and a summary."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from papermill.engines import NBClientEngine, papermill_engines
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from traitlets.config import Config

from ecommerce_lakehouse import doctor
from ecommerce_lakehouse.errors import InputError, LakehouseError, NotebookFailed
from ecommerce_lakehouse.lessons.committed_form import update_reference
from ecommerce_lakehouse.lessons.notebook import find_lessons, read_notebook
from ecommerce_lakehouse.lessons.translation import ENGLISH, LANGUAGE
from ecommerce_lakehouse.operations.account import tell_run
from ecommerce_lakehouse.paths import FOLDERS, PROJECT, resolve
from ecommerce_lakehouse.registry import LAYERS, NOTEBOOKS
from ecommerce_lakehouse.spark.causes import find_cause
from ecommerce_lakehouse.spark.jvm import log_file, warm_jvm
from ecommerce_lakehouse.tables.as_of import parse_date
from ecommerce_lakehouse.tables.preflight import (
    check_data,
    check_writable,
    raw_bytes,
)

WRITTEN_FOR_PEOPLE = (
    *("InputError", "MissingTableError", "LakehouseError"),
    *("QualityError", "ContractError"),
)
"""The errors, by name, whose text is all that is told."""


def run(
    parameters: dict[str, str],
    *,
    first: str = "",
    last: str = "",
    output_dir: str = "",
    update: bool = False,
    full_refresh: bool = False,
    console: Console,
) -> None:
    """Run notebooks in order; stop at the first that fails.

    Args:
        parameters: Only those that differ from the notebooks' defaults.
        first: The notebook to start with, or empty.
        last: The notebook to end with, or empty.
        output_dir: Where executed copies go; empty for build/executed.
        update: Replace the committed outputs.
        full_refresh: Take files that have changed since they were read.
        console: Where progress goes.

    Raises:
        InputError: A parameter cannot be used; nothing was run.
        NotebookFailed: A cell raised an error; later notebooks did not run.
    """
    chosen = find_lessons(first, last)
    folder = Path(output_dir or PROJECT / "build" / "executed")
    _check(parameters, chosen, folder, update=update, full_refresh=full_refresh)
    os.environ[LANGUAGE] = ENGLISH  # that of these notebooks, so of their outputs
    doctor.quick()
    begun = time.monotonic()
    data_dir = parameters.get("data_dir", FOLDERS["data_dir"])
    with warm_jvm(raw_bytes(data_dir)), _bars(console) as progress:
        for source in chosen:
            bar = progress.add_task(source.stem, total=None, time="")
            start = time.monotonic()

            def tick(done: int, total: int, bar=bar, start=start) -> None:  # type: ignore[no-untyped-def]
                took = f"{time.monotonic() - start:5.1f} s"
                progress.update(bar, completed=done, total=total, time=took)

            outcome = run_notebook(source, folder / source.name, parameters, tick)
            progress.update(bar, time=f"{outcome.seconds:5.1f} s")
            if progress.disable:
                console.print(
                    f"  {source.stem:26} {outcome.cells}/{outcome.cells} cells "
                    f"{outcome.seconds:6.1f} s"
                )
            if update:
                update_reference(folder / source.name, source, outcome.seconds)
        reached = [layer for layer in LAYERS if NOTEBOOKS[layer] <= chosen[-1].name]
        account = tell_run(FOLDERS | parameters, reached)
    _summary(parameters, len(chosen), time.monotonic() - begun, folder, console)
    for line in account:
        console.print(line, soft_wrap=True)


def _check(
    parameters: dict[str, str],
    chosen: list[Path],
    copies: Path,
    *,
    update: bool,
    full_refresh: bool,
) -> None:
    """Find a bad parameter now, not in the third notebook; nothing is made or written."""
    if update and parameters:
        raise InputError(
            "--update keeps the reference outputs, which are made with the default parameters.",
            "Leave the other options out:  lakehouse run --update",
        )
    parse_date(parameters.get("as_of_date"))
    for source in chosen:
        read_notebook(source)
    folders = FOLDERS | parameters
    check_data(folders["data_dir"], folders["lakehouse_dir"], full_refresh=full_refresh)
    check_writable(folders["lakehouse_dir"], "--lakehouse-dir FOLDER")
    check_writable(folders["artifacts_dir"], "--artifacts-dir FOLDER")
    check_writable(str(copies), "--output-dir FOLDER")
    if any(copies.resolve() == source.parent.resolve() for source in chosen):
        raise InputError(
            f"--output-dir {copies} holds the notebooks themselves.",
            "Name another folder; executed copies never replace their notebook.",
        )


def _bars(console: Console) -> Progress:
    """A bar for each notebook. A log file gets none, but a line when each has ended."""
    return Progress(
        TextColumn("  {task.description:26}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:>3}/{task.total} cells {task.fields[time]:>8}"),
        console=console,
        disable=not console.is_terminal,
    )


def _summary(
    parameters: dict[str, str], count: int, seconds: float, copies: Path, console: Console
) -> None:
    folders = FOLDERS | parameters
    artifacts = Path(resolve(folders["artifacts_dir"]))
    charts = len(list(artifacts.glob("*.png")))
    plural = "notebook" if count == 1 else "notebooks"
    console.print(
        f"{count} {plural} in {seconds:.0f} s.\n"
        f"Charts: {artifacts}/ ({charts})\n"
        f"Tables: {resolve(folders['lakehouse_dir'])}/\n"
        f"Executed copies: {copies}/",
        soft_wrap=True,
    )


OnCell = Callable[[int, int], None]


@dataclass(frozen=True)
class NotebookRun:
    """A notebook that ran to its end: its code cells, its seconds."""

    cells: int
    seconds: float


class CountingEngine(NBClientEngine):
    """Papermill's own engine, which also says how many code cells are done."""

    on_cell: OnCell = staticmethod(lambda done, total: None)

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Count the code cells as they end."""
        total = sum(cell.cell_type == "code" for cell in nb_man.nb.cells)
        done = 0
        complete = nb_man.cell_complete

        def count(cell: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal done
            result = complete(cell, *args, **kwargs)
            if cell.cell_type == "code":
                done += 1
                cls.on_cell(done, total)
            return result

        nb_man.cell_complete = count
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


papermill_engines.register("counting", CountingEngine)


class LoggedKernel(AsyncKernelManager):
    """A kernel whose own log lines go to a file, not between the progress bars."""

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start the process with its output in the log."""
        with log_file().open("ab") as log:
            await self._async_start_kernel(stdout=log, stderr=log, **options)


def run_notebook(
    source: Path, target: Path, parameters: dict[str, str], on_cell: OnCell
) -> NotebookRun:
    """Execute one notebook into a copy.

    Args:
        source: The notebook.
        target: Where the executed copy goes, also when a cell fails.
        parameters: Values for its parameters cell; none leaves the cell as it is.
        on_cell: Called with (done, total) after every code cell.

    Raises:
        InputError: A cell found that the data or a parameter cannot be used.
        LakehouseError: The machine is in the way: a full disk, too little memory.
        NotebookFailed: A cell raised another error; the message names it.
    """
    start = time.monotonic()
    CountingEngine.on_cell = staticmethod(on_cell)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Sockets in a folder of ours: over TCP anybody on this machine could listen.
        with tempfile.TemporaryDirectory(prefix="lakehouse-") as sockets:
            executed = papermill.execute_notebook(
                source,
                target,
                parameters=parameters,
                engine_name="counting",
                cwd=source.parent,
                kernel_name="python3",
                progress_bar=False,
                log_output=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                kernel_manager_class=LoggedKernel,
                config=Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"}),
            )
    except papermill.PapermillExecutionError as problem:
        said = f"{source.stem}, cell {problem.exec_count}: {_what_failed(problem, target)}"
        copy = f"The executed copy, with the full error: {target}"
        if problem.ename == "InputError":  # the data or a parameter, not the cell
            raise InputError(said, copy) from None
        cause = find_cause(str(problem.evalue))
        if cause:  # nor is it the cell where the machine is in the way
            raise LakehouseError(
                f"{source.stem}, cell {problem.exec_count}: {cause.message}", cause.remedy
            ) from None
        raise NotebookFailed(f"{said}\n\n{_indent(problem.source)}", copy) from None
    cells = sum(cell.cell_type == "code" for cell in executed.cells)
    return NotebookRun(cells, time.monotonic() - start)


def _what_failed(problem: papermill.PapermillExecutionError, executed: Path) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(problem.evalue)).strip()
    if not plain:  # IPython could not print the error as one: what it printed last tells
        return _last_words(executed)
    if problem.ename in WRITTEN_FOR_PEOPLE:
        return plain  # with its remedy
    return f"{problem.ename}: {plain.splitlines()[0] if plain else ''}"


def _last_words(executed: Path) -> str:
    cells = nbformat.read(executed, as_version=4).cells
    said = [o.text for c in cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    lines = "".join(said).strip().splitlines()
    return lines[-1] if lines else "an error without a message"


def _indent(source: str) -> str:
    lines = source.splitlines()
    return "\n".join(f"    {line}" for line in lines[:12] + (["…"] if len(lines) > 12 else []))
