"""A report: one folder that opens from disk, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import is_local
from ecommerce_lakehouse.report.gallery import Exhibit
from ecommerce_lakehouse.report.pages import exhibit_files, render

GENERATOR = b'<meta name="generator" content="lakehouse report">'
"""By this a later report knows a folder that it may replace."""


def write_report(gallery: list[Exhibit], out: str | os.PathLike[str]) -> Path:
    """Write a folder for people without Python: `index.html`, pictures, tables.

    Args:
        gallery: What to show, in order; see `read_gallery`.
        out: The folder. It is not there, or empty, or holds an earlier report, which is replaced.

    Returns:
        The page to open.

    Raises:
        InputError: The folder holds something else, or cannot be written.

    Examples:
        >>> page = write_report(read_gallery("artifacts"), scratch / "report")
        >>> page.name
        'index.html'
    """
    if not is_local(os.fspath(out)):
        raise InputError(
            f"{out} is no folder of this machine.", "Name a folder of your own with:  --out FOLDER"
        )
    index = render("index.html", gallery=gallery)
    files = {"index.html": index, **exhibit_files(gallery, home="../index.html")}
    folder = Path(out).absolute().resolve()
    _refuse_other_content(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
            written = Path(beside) / "new"
            for name, content in files.items():
                (written / name).parent.mkdir(parents=True, exist_ok=True)
                (written / name).write_bytes(content)
            if folder.exists():
                folder.rename(Path(beside) / "old")
            written.rename(folder)
    except (FileExistsError, NotADirectoryError, PermissionError, shutil.Error):
        raise InputError(
            f"{folder} cannot be written.", "Name a folder of your own with:  --out FOLDER"
        ) from None
    return folder / "index.html"


def _refuse_other_content(folder: Path) -> None:
    """An earlier report may go, but nothing that somebody put into it."""
    if folder.is_file():
        raise InputError(f"{folder} is a file.", "Name a folder of your own with:  --out FOLDER")
    other = [path for path in sorted(folder.rglob("*")) if not _is_of_a_report(path, folder)]
    page = folder / "index.html"
    if page.is_file() and GENERATOR not in page.read_bytes():
        other = [page]
    if other:
        raise InputError(
            f"{folder} holds something else: {other[0].relative_to(folder.parent)}. "
            "Nothing was written.",
            "Name a folder that is empty, or not there yet, with:  --out FOLDER",
        )


def _is_of_a_report(path: Path, folder: Path) -> bool:
    """Whether a report could have written a file here; one without its page has none."""
    place = path.relative_to(folder)
    if not (folder / "index.html").is_file() or path.is_symlink():
        return False
    if path.is_dir():
        return str(place) in ("pictures", "tables")
    known = {".": ("index.html", "style.css"), "tables": (".csv", ".html"), "pictures": (".png",)}
    endings = known.get(str(place.parent), ())
    return place.name.endswith(endings) and (str(place.parent) != "." or place.name in endings)
