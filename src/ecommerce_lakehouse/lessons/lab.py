"""`lakehouse lab`: JupyterLab on the notebooks, without questions before the first cell."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from typing import NoReturn

from ecommerce_lakehouse.lessons.mirror import make_mirror
from ecommerce_lakehouse.lessons.translation import ENGLISH, LANGUAGE
from ecommerce_lakehouse.paths import PROJECT


def open_lab(extra: list[str], language: str | None = None) -> NoReturn:
    """Become JupyterLab on the first notebook, with the whole project beside it.

    Taking its place, rather than starting it, leaves one process to stop. Nobody is asked about
    news of Jupyter before the first cell (`labconfig`); who wants them says so in the settings.

    Args:
        extra: Arguments of JupyterLab.
        language: Of the notebooks, and of what `check` and its neighbours say in them; None
            for English notebooks, with the language that LAKEHOUSE_LANGUAGE names.

    Raises:
        InputError: There are no lessons in this language.
    """
    folder = PROJECT if language in (None, ENGLISH) else _make_notebooks(language)
    root = PROJECT if folder.is_relative_to(PROJECT) else folder
    command = [sys.executable, "-m", "jupyterlab", str(folder / "notebooks" / "01_bronze.ipynb")]
    command += [f"--ServerApp.root_dir={root}", *extra]
    config = [os.environ.get("JUPYTER_CONFIG_PATH", ""), os.fspath(Path(__file__).parent)]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, config))
    if language:
        os.environ[LANGUAGE] = language
    os.chdir(PROJECT)
    os.execv(sys.executable, command)


def _make_notebooks(language: str) -> Path:
    folder, kept = make_mirror(language)
    if kept:
        names = ", ".join(path.name for path in kept)
        print(f"Kept as you changed them in {folder}: {names}.")
        print(f"To have one made new, delete it first, such as:  rm {quote(str(kept[0]))}")
    return folder
