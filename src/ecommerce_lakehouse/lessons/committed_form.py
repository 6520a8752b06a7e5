"""The committed form of a notebook: its outputs, and no trace of when or where they were made.

A notebook is read as the JSON that it is, in which a text is a list of its lines: nbformat takes
a second to load, and this runs with every commit.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ecommerce_lakehouse.lessons.exercises.cells import write_cells
from ecommerce_lakehouse.lessons.notebook import read_notebook
from ecommerce_lakehouse.lessons.times import write_times

MADE_BY = "outputs_made_by"
"""In a notebook's metadata: the digest of each cell's code when its output was made."""
FOLDED = {"jupyter": {"source_hidden": True, "outputs_hidden": True}}
"""The metadata of a cell that JupyterLab shows folded: what only the checks need."""
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def to_committed_form(notebook: dict[str, Any], *, is_fresh: bool = False) -> str:
    """The text of a notebook as it is committed: no trace of when, where and by whom it was run.

    Args:
        notebook: Its JSON.
        is_fresh: Whether the code that it has now has just made its outputs.
    """
    made = notebook["metadata"].get(MADE_BY, {})
    if is_fresh:
        made = {cell["id"]: _digest(cell) for cell in notebook["cells"] if is_code(cell)}
    known = {cell["id"]: made[cell["id"]] for cell in notebook["cells"] if cell["id"] in made}
    for cell in notebook["cells"]:
        cell["source"] = _lines(cell["source"])
        tags = [tag for tag in cell["metadata"].get("tags", []) if tag != "injected-parameters"]
        cell["metadata"] = {"tags": tags} if tags else {}
        if cell["id"] == "facts":
            cell["metadata"] |= FOLDED
        if is_code(cell):
            cell["outputs"] = _merge_streams(cell["outputs"])
        for output in cell.get("outputs", []):
            if output["output_type"] in ("display_data", "execute_result"):
                picture = output["metadata"].get("image/png")
                output["metadata"] = {"image/png": picture} if picture else {}
    notebook |= {"metadata": METADATA | {MADE_BY: known}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def is_code(cell: dict[str, Any]) -> bool:
    """Whether a cell is one of code."""
    return bool(cell["cell_type"] == "code")


def source_of(cell: dict[str, Any]) -> str:
    """The text of a cell."""
    return "".join(cell["source"])


def _lines(text: str | list[str]) -> list[str]:
    return "".join(text).splitlines(keepends=True)


def _merge_streams(outputs: list[Any]) -> list[Any]:
    """Join neighbouring pieces of printed text: where a kernel cuts them is chance."""
    merged: list[Any] = []
    for output in outputs:
        name = output.get("name")  # only streams have one: stdout, stderr
        if name and merged and merged[-1].get("name") == name:
            merged[-1]["text"] = _lines([*merged[-1]["text"], *output["text"]])
        else:
            merged.append(output)
    return merged


def update_reference(executed: Path, reference: Path, seconds: float) -> None:
    """Replace a notebook's committed outputs by those of an executed copy.

    Args:
        executed: The copy.
        reference: The committed notebook.
        seconds: How long the copy ran.
    """
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    write_times(notebook, seconds)
    reference.write_text(to_committed_form(notebook, is_fresh=True), encoding="utf-8")


def tidy(path: Path, *, check: bool) -> list[str]:
    """Bring a notebook file into its committed form; with `check`, write nothing.

    Returns:
        What is (or was) wrong with it, in words.
    """
    notebook = read_notebook(path)
    text = path.read_text(encoding="utf-8")
    made = notebook["metadata"].get(MADE_BY, {})
    found = [f"cell {cell} is not what its exercise says" for cell in write_cells(notebook)]
    found += [
        f"cell {cell['id']} was changed after its output was made"
        for cell in notebook["cells"]
        if is_code(cell) and made.get(cell["id"]) != _digest(cell)
    ]
    if write_times(notebook):
        found.append("the title tells other times than the lesson takes")
    wanted = to_committed_form(notebook)
    if wanted != text:
        found.append("not in committed form" if check else "brought into committed form")
        if not check:
            path.write_text(wanted, encoding="utf-8")
    return found


def _digest(cell: dict[str, Any]) -> str:
    return hashlib.sha256(source_of(cell).encode()).hexdigest()[:12]
