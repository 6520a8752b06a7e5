"""What a command looks at before it starts Spark: its folders, and the headers of the raw files."""

from __future__ import annotations

import os
from pathlib import Path

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import for_message, is_local, resolve
from ecommerce_lakehouse.storage.delta_log import DeltaLog
from ecommerce_lakehouse.storage.files import LocalFiles
from ecommerce_lakehouse.storage.folder import is_among
from ecommerce_lakehouse.tables.raw_files import find_raw_files, refuse_changed
from ecommerce_lakehouse.tables.scan import scan


def check_data(
    data_dir: str, lakehouse_dir: str, *, evolve: bool = False, full_refresh: bool = False
) -> None:
    """Find a missing file, or one that cannot be read as it is, of a local data folder.

    Columns that the contract does not name are right where the lakehouse has them in bronze, or
    with `evolve`. Files that were read before are looked at again only with `full_refresh`, which
    also takes those that have changed since.

    Raises:
        InputError: The folder cannot be read as a data folder, or a file that was read has changed.
    """
    folder = resolve(data_dir)
    if not is_local(folder):
        return
    check_folder(folder, "--data-dir FOLDER")
    storage, lakehouse = LocalFiles(), resolve(lakehouse_dir)

    def may_have(entity: str, column: str) -> bool:
        if evolve or not is_local(lakehouse):
            return True
        columns = log_of(entity).columns()
        return columns is None or is_among(column, columns)

    def log_of(entity: str) -> DeltaLog:
        table = registry.get(entity)
        return DeltaLog(storage, f"{lakehouse}/{table.layer}/{table.name}")

    try:
        for entity, files in find_raw_files(storage, folder, [], may_have).items():
            seen = is_local(lakehouse) and not full_refresh
            before = log_of(entity).provenance() if seen else None
            known = before.inputs if before else {}
            now = {
                file.name: scan(storage, file.address, str(known.get(file.name, "")))
                for file in files
            }
            refuse_changed(registry.get(entity), folder, known, now)
    except OSError as problem:
        raise InputError(
            f"{problem.filename} cannot be read ({problem.strerror}).\nNothing was written.",
            "A data folder holds CSV files that you may read.",
        ) from problem


def raw_bytes(data_dir: str) -> int:
    """The size of a local data folder; 0 where only Spark can look."""
    folder = resolve(data_dir)
    return LocalFiles().size(folder) if is_local(folder) else 0


def check_folder(location: str, option: str) -> None:
    """Refuse a local folder that is not there.

    Raises:
        InputError: It is not.
    """
    folder = resolve(location)
    if is_local(folder) and not Path(folder).is_dir():
        raise InputError(f"There is no folder {folder}.", f"Name one with:  {option}")


def check_writable(location: str, option: str) -> None:
    """Find out whether a local folder can be made and written, without making it.

    The option names another folder, in the message.

    Raises:
        InputError: It cannot.
    """
    folder = resolve(location)
    if not is_local(folder):
        return
    there = next(path for path in (Path(folder), *Path(folder).parents) if os.path.exists(path))
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise InputError(
            f"{for_message(folder)} cannot be written.",
            f"Name a folder of your own with:  {option}",
        )
