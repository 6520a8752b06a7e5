"""The nine notebooks as files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.paths import PROJECT

FOLDER = PROJECT / "notebooks"
NAME = re.compile(r"\d\d_[a-z_]+")
"""JupyterLab calls a copy 01_bronze-Copy1; that is no lesson."""


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook as it stands in its file.

    Raises:
        LakehouseError: The file is no notebook, as after a merge that was left half done.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(notebook["cells"], list):
            return dict(notebook)
    except (ValueError, KeyError, TypeError):
        pass
    raise LakehouseError(
        f"{path} is not a notebook: it is damaged, or something else was saved under its name.",
        f'Take the committed one again:  git checkout -- "{path}"',
    )


def find_lessons(first: str = "", last: str = "") -> list[Path]:
    """The numbered notebooks in order, or a part of them.

    Args:
        first: Start here: `03`, `3` or `03_intermediate`.
        last: End here.

    Raises:
        InputError: There is no such notebook.
    """
    found = _all_lessons()

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


def _all_lessons() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*.ipynb") if NAME.fullmatch(path.stem))


def find_charts() -> dict[str, str]:
    """Which lesson draws each chart, in the order of the lessons: `monthly_revenue: 06_…`.

    Empty in an installed wheel, which has no notebooks.
    """
    return {
        name: path.stem
        for path in _all_lessons()
        for cell in read_notebook(path)["cells"]
        for output in cell.get("outputs", ())
        for name in re.findall(r"(\w+)\.png, drawn from", "".join(_words(output)))
    }


def _words(output: dict[str, Any]) -> list[str]:
    found: list[str] = output.get("data", {}).get("text/plain", [])
    return found
