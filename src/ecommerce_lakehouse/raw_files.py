"""Find a data folder's raw files and check their headers, before anything is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.evolution import MayHave, header_of, is_new_name, no_more
from ecommerce_lakehouse.paths import shown
from ecommerce_lakehouse.storage import LocalFiles

A_NAME = 40
"""The most letters of a column's name in a message."""


def find_raw_files(
    storage: LocalFiles, data_dir: str, later: Sequence[str], may_have: MayHave = no_more
) -> dict[str, list[str]]:
    """Each entity's files in delivery order: `raw_orders.csv`, then `raw_orders_*.csv` by name.

    Args:
        storage: Reads the folder.
        data_dir: An absolute folder or URI.
        later: Further files that stand elsewhere.
        may_have: Which columns may stand after the contract's.

    Raises:
        InputError: A file is missing, or a header is not the contract's.
    """
    from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS

    files = [f"{data_dir}/{name}" for name in storage.names(data_dir)] + list(later)
    found = {}
    for entity, columns in RAW_COLUMNS.items():
        if f"{data_dir}/raw_{entity}.csv" not in files:
            raise InputError(
                f"{shown(data_dir)}raw_{entity}.csv is missing.\nNothing was written.",
                f"A data folder holds {', '.join(f'raw_{e}.csv' for e in RAW_COLUMNS)}.",
            )
        pattern = re.compile(rf"raw_{entity}(_.+)?\.csv")
        mine = [file for file in files if pattern.fullmatch(file.rpartition("/")[2])]
        found[entity] = sorted(mine, key=lambda file: file.rpartition("/")[2])
        for file in found[entity]:
            _check_header(storage, file, columns, partial(may_have, entity))
    return found


def deliveries(data_dir: str) -> dict[str, list[str]]:
    """What arrived later, in the `next/` folder of a local data folder.

    Args:
        data_dir: A data folder.

    Returns:
        The files of each delivery, such as `2024-07`, in order; empty where there is none.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(Path(data_dir.removeprefix("file:"), "next").glob("raw_*_*.csv")):
        found.setdefault(path.stem.rpartition("_")[2], []).append(str(path))
    return dict(sorted(found.items()))


def _check_header(
    storage: LocalFiles, file: str, expected: list[str], may_have: Callable[[str], bool]
) -> None:
    header = header_of(storage, file)
    problem = _difference(header, expected, may_have)
    if not problem:
        return
    remedy = "The first line must be:"
    if header[: len(expected)] == expected:
        remedy = (
            "Take new columns into bronze with:  lakehouse build --evolve\n"
            "Without them the first line is:"
        )
    remedy += f"  {','.join(expected)}"
    raise InputError(f"{shown(file).rstrip('/')}: {problem}.\nNothing was written.", remedy)


def _difference(header: list[str], expected: list[str], may_have: Callable[[str], bool]) -> str:
    """What is wrong with a header; empty where nothing is."""
    if not header:
        return "the file has no header"
    for place, (got, want) in enumerate(zip(header, expected, strict=False), start=1):
        if got != want:
            seen = got if len(got) <= A_NAME else f"{got[:A_NAME]}…"
            return f'column {place} is "{seen}", expected "{want}"'
    if len(header) < len(expected):
        return f'column {len(header) + 1} is missing, expected "{expected[len(header)]}"'
    for place, name in list(enumerate(header, start=1))[len(expected) :]:
        if not may_have(name):
            return f'column {place} is "{name}", expected no more'
        if not is_new_name(name, header[: place - 1]):
            return f'column {place} is "{name}", expected another name, of letters, digits and _'
    return ""
