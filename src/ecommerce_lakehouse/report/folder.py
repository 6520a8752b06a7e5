"""A report: one folder that opens from disk, written whole or not at all."""

from __future__ import annotations

import errno
import os
import shlex
import tempfile
from pathlib import Path
from urllib.parse import quote

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import local_folder
from ecommerce_lakehouse.report.gallery import Exhibit
from ecommerce_lakehouse.report.pages import exhibit_files, render

GENERATOR = b'<meta name="generator" content="lakehouse report">'
"""By this a later report knows a folder that it may replace."""

NO_PLACE = (
    *(errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG),
    *(errno.EACCES, errno.EPERM, errno.EROFS),
)
"""What the system says where another folder helps. A full disk is none of these."""


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
    folder = Path(os.path.realpath(local_folder(out, "--out")))
    index = render("index.html", gallery=gallery)
    files = {"index.html": index, **exhibit_files(gallery, home="../index.html")}
    try:
        _refuse_other_content(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".report.") as beside:
            written = Path(beside) / "new"
            for name, content in files.items():
                (written / name).parent.mkdir(parents=True, exist_ok=True)
                (written / name).write_bytes(content)
            if folder.exists():
                folder.rename(Path(beside) / "old")
            written.rename(folder)
    except OSError as problem:
        if problem.errno not in NO_PLACE:
            raise
        raise InputError(
            f"{folder} cannot be written ({problem.strerror}).",
            "Name a folder of your own with:  --out FOLDER",
        ) from None
    return folder / "index.html"


def _refuse_other_content(folder: Path) -> None:
    """An earlier report may go, but nothing that somebody put into it."""
    if not folder.exists():
        return
    if not folder.is_dir():  # a file; or a device, a pipe or a socket, which would be lost
        raise InputError(f"{folder} is no folder.", "Name a folder of your own with:  --out FOLDER")
    if os.path.ismount(folder):
        raise InputError(
            f"{folder} is a mounted file system, which a report cannot replace.",
            f"Name a folder in it with:  --out {shlex.quote(str(folder / 'report'))}",
        )
    index = folder / "index.html"
    page = index.read_bytes() if index.is_file() else b""
    others = (path for path in sorted(folder.rglob("*")) if not _is_of_a_report(path, folder, page))
    if other := next(others, None):
        raise InputError(
            f"{folder} holds something else: {other.relative_to(folder.parent)}. "
            "Nothing was written.",
            "Name a folder that is empty, or not there yet, with:  --out FOLDER",
        )


def _is_of_a_report(path: Path, folder: Path, page: bytes) -> bool:
    """Whether a report wrote this: its page is one of ours, and names every file beside it."""
    place = path.relative_to(folder).as_posix()
    if GENERATOR not in page or path.is_symlink():
        return False
    if path.is_dir():
        return place in ("pictures", "tables")
    return path.is_file() and (
        place == "index.html" or f'"{quote(os.fsencode(place))}"'.encode() in page
    )
