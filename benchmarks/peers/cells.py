"""The code of the notebooks without notebooks: every cell in turn, in one process, one session."""

import sys
from pathlib import Path
from typing import Any

import nbformat

from ecommerce_lakehouse.lessons.notebook import find_lessons


def main(output_dir: str) -> None:
    """Run the cells of all notebooks, each notebook with names of its own."""
    folders = {name: f"{output_dir}/{name}" for name in ("lakehouse", "artifacts")}
    for path in find_lessons():
        names: dict[str, Any] = {"__name__": "__main__"}
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            exec(compile(cell.source, f"{path.stem}: {cell.id}", "exec"), names)
            if "parameters" in cell.metadata.get("tags", []):
                names.update({f"{name}_dir": folder for name, folder in folders.items()})


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main(*sys.argv[1:])
