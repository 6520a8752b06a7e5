"""`lakehouse lab`: JupyterLab on the notebooks, without questions before the first cell."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from ecommerce_lakehouse.lessons.notebook import FOLDER
from ecommerce_lakehouse.paths import PROJECT


def open_lab(extra: list[str]) -> NoReturn:
    """Become JupyterLab on the first notebook, with the whole project beside it.

    Taking its place, rather than starting it, leaves one process to stop. Nobody is asked about
    news of Jupyter before the first cell (`labconfig`); who wants them says so in the settings.
    """
    first = FOLDER / "01_bronze.ipynb"
    command = [sys.executable, "-m", "jupyterlab", os.fspath(first)]
    command += [f"--ServerApp.root_dir={PROJECT}", *extra]
    config = [os.environ.get("JUPYTER_CONFIG_PATH", ""), os.fspath(Path(__file__).parent)]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, config))
    os.chdir(PROJECT)
    os.execv(sys.executable, command)
