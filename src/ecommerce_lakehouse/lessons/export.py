"""Write a layer's module from the cells of its notebook that are marked `#| export`.

`#| export churn` writes a cell to the module of that name instead: what no build needs stays out
of the text that is the fingerprint of the layer's tables.

nbdev does this too, but it brings a build system, marks each definition with a cell
number that moves when a cell is added, and rewrites imports. This is all we need of it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.lessons.committed_form import is_code, source_of
from ecommerce_lakehouse.lessons.notebook import read_notebook
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.registry import NOTEBOOKS

MARK = re.compile(r"#\| export(?: (\w+))?\n")
"""How a marked cell begins; group 1 is the module where it is not that of the notebook."""
HEADER = '''"""{title}

Exported from notebooks/{notebook}.ipynb, where each function is taught.
Edit it there, then run `lakehouse export`.
"""

from __future__ import annotations

'''
NAMED = {
    "churn": "05_ml_features",
    "scores": "08_orchestration",
    "recommendations": "09_business_use_cases",
    "campaign": "09_business_use_cases",
}
"""Module that marks name, and the notebook it comes from."""
EXPORTED = {
    **NOTEBOOKS,
    "analysis": "06_analysis_visualization",
    "quality": "07_data_quality",
    "decisions": "09_business_use_cases",
    **NAMED,
}
"""Module under `layers/` and the notebook it comes from."""


def marked_cells(notebook: Path, module: str | None = None) -> list[str]:
    """The source of a notebook's marked cells, without the mark.

    Args:
        notebook: Its file.
        module: The module that the marks name; by default none.

    Raises:
        LakehouseError: A mark names a module that is not exported from this notebook.
    """
    cells = read_notebook(notebook)["cells"]
    marked = [(MARK.match(source), source) for source in map(source_of, filter(is_code, cells))]
    found = [(mark[1], source[mark.end() :].strip() + "\n") for mark, source in marked if mark]
    for named in {name for name, _ in found if name}:
        if NAMED.get(named) != notebook.stem:
            raise LakehouseError(
                f"notebooks/{notebook.name} has a cell that is marked `#| export {named}`.",
                "The modules that a mark may name are in NAMED, in lessons/export.py.",
            )
    return [source for name, source in found if name == module]


def render(module: str) -> str:
    """The text of a module as its notebook has it now, formatted by ruff."""
    name = EXPORTED[module]
    notebook = PROJECT / "notebooks" / f"{name}.ipynb"
    is_named = module in NAMED
    body = "\n\n".join(marked_cells(notebook, module if is_named else None))
    title = f"Functions of {module} that no build needs." if is_named else f"The {module} layer."
    text = HEADER.format(title=title, notebook=name) + body
    for command in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", f"{module}.py", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=PROJECT,
        )
        if done.returncode:
            raise LakehouseError(
                f"The cells marked for export in notebooks/{name}.ipynb are not valid Python:\n"
                f"{done.stderr.strip() or done.stdout.strip()}",
                "Mend the cell, then run:  lakehouse export",
            )
        text = done.stdout
    return text


def export(check: bool = False) -> list[str]:
    """Write every exported module, or only say which differ.

    Returns:
        The modules that were (or would be) changed, relative to the project.
    """
    changed = []
    for module, notebook in EXPORTED.items():
        if not (PROJECT / "notebooks" / f"{notebook}.ipynb").exists():
            continue
        path = PROJECT / "src" / "ecommerce_lakehouse" / "layers" / f"{module}.py"
        text = render(module)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            changed.append(str(path.relative_to(PROJECT)))
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return changed
