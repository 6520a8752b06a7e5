"""Run notebooks in a row, on one warm JVM, and keep their reference outputs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from papermill.engines import NBClientEngine, papermill_engines
from traitlets.config import Config

from ecommerce_lakehouse.errors import InputError, NotebookFailed
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.session import log_file, start_jvm

FOLDER = PROJECT / "notebooks"
OnCell = Callable[[int, int], None]


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended: its cells, its seconds."""

    name: str
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

        def counted(cell: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal done
            result = complete(cell, *args, **kwargs)
            if cell.cell_type == "code":
                done += 1
                cls.on_cell(done, total)
            return result

        nb_man.cell_complete = counted
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


papermill_engines.register("counting", CountingEngine)


class LoggedKernel(AsyncKernelManager):
    """A kernel whose own log lines go to a file, not between the progress bars."""

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start the process with its output in the log."""
        with log_file().open("ab") as log:
            await self._async_start_kernel(stdout=log, stderr=log, **options)


def notebooks(first: str = "", last: str = "") -> list[Path]:
    """The numbered notebooks in order, or a part of them.

    Args:
        first: Start here: `03`, `3` or `03_intermediate`.
        last: End here.

    Raises:
        InputError: There is no such notebook.
    """
    found = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))

    def place(wanted: str) -> int:
        for index, path in enumerate(found):
            if path.stem == wanted or path.stem[:2] == wanted.zfill(2):
                return index
        raise InputError(
            f'There is no notebook "{wanted}".', f"Notebooks: {', '.join(p.stem for p in found)}"
        )

    start = place(first) if first else 0
    end = place(last) if last else len(found) - 1
    if start > end:
        raise InputError(f"--from {first} comes after --to {last}.", "Swap the two.")
    return found[start : end + 1]


@contextmanager
def warm_jvm(raw_bytes: int = 0) -> Iterator[None]:
    """One JVM for every kernel started inside: they attach to it instead of starting their own.

    Args:
        raw_bytes: The size of all raw files, where it is known.
    """
    keys = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET")
    if keys[0] in os.environ:  # whoever started this process keeps one warm
        yield
        return
    gateway = start_jvm(raw_bytes=raw_bytes)
    address = gateway.java_parameters
    os.environ.update(zip(keys, (str(address.port), str(address.auth_token)), strict=True))
    try:
        yield
    finally:
        for key in keys:
            os.environ.pop(key, None)
        gateway.shutdown()
        if gateway.proc is not None:
            gateway.proc.stdin.close()
            gateway.proc.wait(timeout=30)


def run_notebook(
    source: Path, target: Path, parameters: dict[str, str], on_cell: OnCell
) -> Outcome:
    """Execute one notebook into a copy.

    Args:
        source: The notebook.
        target: Where the executed copy goes, also when a cell fails.
        parameters: Values for its parameters cell; none leaves the cell as it is.
        on_cell: Called with (done, total) after every code cell.

    Raises:
        InputError: A cell found that the data or a parameter cannot be used.
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
        raise NotebookFailed(f"{said}\n\n{_indented(problem.source)}", copy) from None
    cells = sum(cell.cell_type == "code" for cell in executed.cells)
    return Outcome(source.stem, cells, time.monotonic() - start)


def _what_failed(problem: papermill.PapermillExecutionError, executed: Path) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(problem.evalue)).strip()
    if not plain:  # IPython could not print the error as one: what it printed last tells
        return _last_words(executed)
    if problem.ename in ("InputError", "MissingTableError", "LakehouseError", "QualityError"):
        return plain  # written for people: with its remedy
    return f"{problem.ename}: {plain.splitlines()[0] if plain else ''}"


def _last_words(executed: Path) -> str:
    cells = nbformat.read(executed, as_version=4).cells
    said = [o.text for c in cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    lines = "".join(said).strip().splitlines()
    return lines[-1] if lines else "an error without a message"


def _indented(source: str) -> str:
    lines = source.splitlines()
    return "\n".join(f"    {line}" for line in lines[:12] + (["…"] if len(lines) > 12 else []))


def validate(extra: list[str]) -> int:
    """Compare every output of every code cell with the committed one, on one warm JVM.

    Args:
        extra: Further arguments for pytest.

    Returns:
        pytest's exit code.
    """
    with warm_jvm():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "ecommerce_lakehouse.nbval_strict", "--nbval-strict"]
        targets = [] if any(not a.startswith("-") for a in extra) else [os.fspath(FOLDER)]
        return subprocess.run([*command, *targets, *extra], cwd=PROJECT, check=False).returncode


def open_lab(extra: list[str]) -> NoReturn:
    """Become JupyterLab on the first notebook, with the whole project beside it.

    Taking its place, rather than starting it, leaves one process to stop. Nobody is asked about
    news of Jupyter before the first cell (`labconfig`); who wants them says so in the settings.

    Args:
        extra: Further arguments for JupyterLab.
    """
    first = FOLDER / "01_bronze.ipynb"
    command = [sys.executable, "-m", "jupyterlab", os.fspath(first)]
    command += [f"--ServerApp.root_dir={PROJECT}", *extra]
    config = [os.environ.get("JUPYTER_CONFIG_PATH", ""), os.fspath(Path(__file__).parent)]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, config))
    os.chdir(PROJECT)
    os.execv(sys.executable, command)
