"""The lessons in another language, in a tree of `build/` that looks like the project.

Notebooks and pages of docs/ are made; what they lead to is linked, so that their links work.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from ecommerce_lakehouse.artifacts import write_whole
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.lessons.catalogues import find_pages, read_catalogues
from ecommerce_lakehouse.lessons.notebook import find_lessons, read_notebook
from ecommerce_lakehouse.lessons.translation import translate_markdown, translate_notebook
from ecommerce_lakehouse.paths import PROJECT, work_folder

MADE = ".made.json"
"""In the tree: of each file the digest of what was last made."""
NOT_LINKED = ("build", "docs", "notebooks")


def make_mirror(language: str) -> tuple[Path, list[Path]]:
    """Make the lessons and pages of a language, and leave alone what a learner has changed.

    Args:
        language: Such as `id`.

    Returns:
        The folder, and the files in it that differ from what was made last time: they are kept.

    Raises:
        InputError: There are no catalogues of this language.
        LakehouseError: The folder cannot be written.
    """
    folder = work_folder() / language
    made = list(_make_files(language))
    try:
        kept = _write(folder, made)
        _link(folder, {name.parts[0] for name, _ in made} | {*NOT_LINKED})
    except OSError as problem:
        raise LakehouseError(
            f"{folder} cannot be written ({problem.strerror}).",
            "Read the lessons in English:  lakehouse lab",
        ) from problem
    return folder, kept


def _make_files(language: str) -> Iterator[tuple[Path, str]]:
    """Each file, by its path in the project."""
    for path in find_lessons():
        lesson = read_notebook(path)
        catalogue = read_catalogues(language, f"notebooks/{path.stem}", "exercises", "messages")
        made = translate_notebook(lesson, catalogue)
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        yield path.relative_to(PROJECT), text
    for path in find_pages():
        if path.name != "README.md":  # it has a twin, README.id.md
            catalogue = read_catalogues(language, f"docs/{path.stem}")
            text = translate_markdown(path.read_text(encoding="utf-8"), catalogue)
            yield path.relative_to(PROJECT), text


def _write(folder: Path, made: list[tuple[Path, str]]) -> list[Path]:
    digests = _read_digests(folder / MADE)
    kept = []
    for name, text in made:
        path = folder / name
        digest = _digest(text.encode())
        if path.exists() and _digest(path.read_bytes()) not in (digest, digests.get(str(name))):
            kept.append(path)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
        digests[str(name)] = digest
    write_whole(folder / MADE, (json.dumps(digests, indent=1) + "\n").encode())
    return kept


def _read_digests(path: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # the first time, or spoilt: then what is there is a learner's
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _link(folder: Path, made: set[str]) -> None:
    """Link what is not made: of the project, and of its docs."""
    for origin in (*PROJECT.iterdir(), *(PROJECT / "docs").iterdir()):
        path = folder / origin.relative_to(PROJECT)
        if not (origin.name in made or origin.name.startswith(".") or os.path.lexists(path)):
            path.symlink_to(os.path.relpath(origin, path.parent))
