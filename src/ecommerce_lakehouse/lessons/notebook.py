"""The nine notebooks as files."""

from __future__ import annotations

from pathlib import Path

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import PROJECT

FOLDER = PROJECT / "notebooks"


def find_lessons(first: str = "", last: str = "") -> list[Path]:
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
