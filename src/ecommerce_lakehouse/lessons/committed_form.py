"""The committed form of a notebook: its outputs, and no trace of when or where they were made."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import nbformat

CODE = "outputs_made_by"
"""In a notebook's metadata: the digest of each cell's code when its output was made."""


def canonical(notebook: Any) -> str:
    """A notebook as it is committed: no trace of when, where and by whom it was run.

    Returns:
        Its JSON text.
    """
    made = notebook.metadata.get(CODE, {})
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
        CODE: {cell.id: made[cell.id] for cell in notebook.cells if cell.id in made},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != "injected-parameters"]
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs = _merged_streams(cell.outputs)
        for output in cell.get("outputs", []):
            if output.output_type in ("display_data", "execute_result"):
                picture = output.metadata.get("image/png")
                output.metadata = {"image/png": picture} if picture else {}
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def _merged_streams(outputs: list[Any]) -> list[Any]:
    """Join neighbouring pieces of printed text: where a kernel cuts them is chance."""
    merged: list[Any] = []
    for output in outputs:
        name = output.get("name")  # only streams have one: stdout, stderr
        if name and merged and merged[-1].get("name") == name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def made_now(notebook: Any) -> str:
    """The committed form of a notebook whose outputs were made by the code it has now."""
    notebook.metadata[CODE] = {c.id: _digest(c) for c in notebook.cells if c.cell_type == "code"}
    return canonical(notebook)


def update_reference(executed: Path, reference: Path) -> bool:
    """Replace a notebook's committed outputs by those of an executed copy.

    Returns:
        Whether the file changed.
    """
    text = made_now(nbformat.read(executed, as_version=4))
    if reference.read_text(encoding="utf-8") == text:
        return False
    reference.write_text(text, encoding="utf-8")
    return True


def stale_cells(notebook: Any) -> list[str]:
    """The ids of code cells that were changed after their output was made."""
    made = notebook.metadata.get(CODE, {})
    return [
        cell.id
        for cell in notebook.cells
        if cell.cell_type == "code" and made.get(cell.id) != _digest(cell)
    ]


def tidy(path: Path, *, check: bool) -> list[str]:
    """Bring a notebook file into its committed form.

    Returns:
        What is (or was) wrong with it, in words.
    """
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    stale = stale_cells(notebook)
    wanted = canonical(notebook)
    found = [f"cell {cell} was changed after its output was made" for cell in stale]
    if wanted != text:
        found.append("not in canonical form" if check else "brought into canonical form")
        if not check:
            path.write_text(wanted, encoding="utf-8")
    return found


def _digest(cell: Any) -> str:
    return hashlib.sha256(cell.source.encode()).hexdigest()[:12]
