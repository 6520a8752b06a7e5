"""The folder of charts and exports, and how a file comes into it: whole."""

from __future__ import annotations

import os
from pathlib import Path

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import resolve, shown


def artifacts_folder(location: str | os.PathLike[str]) -> Path:
    """The folder for charts and exports, made if it is not there.

    Raises:
        InputError: It cannot be made or written.
    """
    folder = Path(resolve(location).removeprefix("file:"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError
    except OSError:
        raise InputError(
            f"{shown(str(folder))} cannot be written.",
            "Name a folder of your own with:  --artifacts-dir FOLDER",
        ) from None
    return folder


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there: never half a file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    os.replace(beside, path)
