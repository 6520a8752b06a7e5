"""An artifacts folder, read: every chart with its words and the table behind it."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import for_message, local_folder, resolve

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Exhibit:
    """One chart with the table behind it, or a table alone.

    Args:
        name: The files' name without an ending.
        title: What the chart finds; for a table alone, and for a picture without a title, its name.
        alt: What somebody who cannot see the picture should know.
        lesson: The lesson that draws it, such as `04_gold`; empty where that is not known.
        picture: The PNG; None for a table alone.
        columns: The table's header.
        rows: The table's cells, each as it stands in the file.

    Examples:
        >>> units = Exhibit("units", "Books sell best", "Bars.", "", None, ["units"], [["31"]])
        >>> units.numbers
        [True]
    """

    name: str
    title: str
    alt: str
    lesson: str
    picture: Path | None
    columns: list[str]
    rows: list[list[str]]

    @property
    def numbers(self) -> list[bool]:
        """Which columns hold numbers only."""
        cells = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        filled = [[cell for cell in column if cell] for column in cells]
        return [bool(column) and all(map(NUMBER.fullmatch, column)) for column in filled]


def read_gallery(
    artifacts_dir: str | os.PathLike[str], lessons: Mapping[str, str] | None = None
) -> list[Exhibit]:
    """Every chart of an artifacts folder, then every table without one.

    Args:
        artifacts_dir: The folder that notebooks wrote their charts to.
        lessons: The lesson that draws each chart, in the order to show them. Others follow by name.

    Raises:
        InputError: There is no chart, a file is no picture or no table, or the folder is a URI of
            another machine.

    Examples:
        >>> [each.name for each in read_gallery("artifacts")][:2]
        ['airflow_dag', 'bronze_rows_and_missing']
    """
    folder = local_folder(resolve(artifacts_dir).removeprefix("file:"), "--artifacts-dir")
    charts = {path.stem for path in folder.glob("[!.]*.png")}
    tables = {path.stem for path in folder.glob("[!.]*.csv")}
    if not charts:
        raise InputError(
            f"{for_message(str(folder))} has no charts.", "Draw them with:  lakehouse run"
        )
    known = list(lessons or ())
    places = {name: place for place, name in enumerate(known)}

    def order(name: str) -> tuple[bool, int, str]:
        return name not in charts, places.get(name, len(known)), name

    return [
        _read(folder, name, (lessons or {}).get(name, ""), is_chart=name in charts)
        for name in sorted(charts | tables, key=order)
    ]


def _read(folder: Path, name: str, lesson: str, *, is_chart: bool) -> Exhibit:
    """A picture of an earlier release has no words in it; its name has to do."""
    title = name.replace("_", " ").capitalize()
    words = _read_words(folder / f"{name}.png") if is_chart else {}
    table = folder / f"{name}.csv"
    header, *rows = _read_table(table) if table.is_file() else [[]]
    return Exhibit(
        name=name,
        title=words.get("Title", title),
        alt=words.get("Description", f"The chart {name}."),
        lesson=lesson,
        picture=folder / f"{name}.png" if is_chart else None,
        columns=header,
        rows=rows,
    )


def _read_words(picture: Path) -> dict[str, str]:
    """What `charts.publish` wrote into a picture: its title, and what it shows."""
    try:
        with Image.open(picture) as image:
            return {str(key): str(value) for key, value in image.info.items() if value}
    except (OSError, UnidentifiedImageError):
        raise InputError(
            f"{picture} is not a picture that can be read.", "Draw it anew with:  lakehouse run"
        ) from None


def _read_table(path: Path) -> list[list[str]]:
    """The header and the rows, all of them as long as the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InputError(
            f"{path} is not a table that can be read ({problem}).",
            "Write it anew with:  lakehouse run",
        ) from None
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise InputError(
                f"{path}: row {number} has {len(row)} cells, the header {len(header)}.",
                "Write it anew with:  lakehouse run",
            )
    return [header, *rows]
