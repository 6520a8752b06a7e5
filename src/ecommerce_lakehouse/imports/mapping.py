"""A mapping: which raw file is made from which export, and each of its columns from what.

It is TOML. `[orders]` names the exports, `[orders.columns]` has a line for each column of
`raw_orders.csv`. A text is the name of a column that is taken as it stands; a table says more.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS

FOLDER = Path(__file__).parent / "mappings"
ONE_SOURCE = ("column", "value", "number", "sql")


@dataclass(frozen=True)
class FieldMapping:
    """What a column of a raw file is made from: one of the first four, and what is done with it.

    Attributes:
        column: A column of the export.
        value: The same text in every row.
        number: Columns of the export; each different text in them gets a number of its own.
        sql: An expression in DuckDB's SQL over the export's columns.
        line: With `number`: each row of the same text gets a number of its own, by its place among
            them: 700002 is the second one of what got number 7. So a line of an order keeps its
            number when the order is exported again.
        least: Of the rows with one key the least text, such as the earliest date.
        part: Which part of the text, from 1, or from -1 at the end.
        of: What stands between two parts.
        strip: Letters that are taken away, such as `€ `.
        decimal: What stands before the cents of an amount.
        thousands: What stands between three digits of an amount.
        date: How a date is written, as in `strptime`: `%d/%m/%Y`.
        map: What is written for a text instead; small and capital letters are the same.
        otherwise: What is written for a text that `map` does not have; by default itself.
    """

    column: str = ""
    value: str | None = None
    number: tuple[str, ...] = ()
    sql: str = ""
    line: bool = False
    least: bool = False
    part: int = 0
    of: str = " "
    strip: str = ""
    decimal: str = ""
    thousands: str = ""
    date: str = ""
    map: dict[str, str] = field(default_factory=dict)
    otherwise: str | None = None


@dataclass(frozen=True)
class FileMapping:
    """How one raw file is made.

    Attributes:
        exports: The names of its files, which may have `*` and `?`.
        columns: What each column is made from.
        rows: `every` row is one; or of the rows with one key, each column is the `first` or the
            `last` text that is not empty.
        delimiter: What stands between two fields of the exports.
        encoding: Theirs.
        join: Another export, whose columns are there, too: those of the row with the same `on`.
        on: The column that both have.
        dump: The exports are plain dumps of PostgreSQL; the table in them.
    """

    exports: str
    columns: dict[str, FieldMapping]
    rows: str = "every"
    delimiter: str = ","
    encoding: str = "utf-8"
    join: str = ""
    on: str = ""
    dump: str = ""


@dataclass(frozen=True)
class Mapping:
    """A mapping that is complete and means something.

    Attributes:
        name: The file it was read from.
        files: How each raw file is made, by its entity.
    """

    name: str
    files: dict[str, FileMapping]


def ready_mappings() -> dict[str, Path]:
    """The mappings that come with the package, by name.

    Examples:
        >>> "shopify" in ready_mappings()
        True
    """
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def read_mapping(location: str) -> Mapping:
    """Read a mapping from a file, or one that comes with the package by its name.

    Raises:
        InputError: It is not there, is no TOML, or does not say what a mapping has to.

    Examples:
        >>> read_mapping("shopify").files["orders"].rows
        'first'
    """
    path = ready_mappings().get(location, Path(location))
    try:
        text = path.read_bytes().decode("utf-8-sig")
        told = tomllib.loads(text)
    except OSError as problem:
        known = ", ".join(ready_mappings())
        raise InputError(
            f"The mapping {location} cannot be read ({problem.strerror}).",
            f"Name a file, or one of: {known}.",
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InputError(f"{path.name} is no TOML: {problem}.") from None
    return _Reader(path.name, text).mapping(told)


class _Reader:
    """Checks what a file says, and names the line where it says something else."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = text.splitlines()

    def mapping(self, told: dict[str, Any]) -> Mapping:
        for name in told.keys() - RAW_COLUMNS.keys():
            known = ", ".join(f"[{each}]" for each in RAW_COLUMNS)
            raise self._error(name, "", f"[{name}] is no raw file", f"There are {known}.")
        for name in RAW_COLUMNS.keys() - told.keys():
            raise InputError(f"{self._name} does not say how raw_{name}.csv is made: no [{name}].")
        for name in RAW_COLUMNS:
            if not isinstance(told[name], dict):
                raise self._error("", name, f'"{name}" has to be a section, [{name}]')
        return Mapping(self._name, {name: self._table(name, told[name]) for name in RAW_COLUMNS})

    def _table(self, name: str, told: dict[str, Any]) -> FileMapping:
        known = {"from", "columns", "rows", "delimiter", "encoding", "join", "on", "dump"}
        for key in told.keys() - known:
            raise self._error(name, key, f'"{key}" is not known', f"There are {_list(known)}.")
        for key in ("from", "columns"):
            if key not in told:
                raise self._error(name, "", f'[{name}] lacks "{key}"')
        if not isinstance(told["columns"], dict):
            raise self._error(name, "columns", f'"columns" has to be a section, [{name}.columns]')
        for key in told.keys() - {"columns"}:
            if not isinstance(told[key], str) or not told[key]:
                raise self._error(name, key, f'"{key}" has to be a text')
        rows, delimiter = told.get("rows", "every"), told.get("delimiter", ",")
        if rows not in ("every", "first", "last"):
            raise self._error(name, "rows", '"rows" has to be "every", "first" or "last"')
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise self._error(name, "delimiter", '"delimiter" has to be one letter, and no quote')
        for key in {"from", "join"} & told.keys():
            try:
                list(Path(__file__).glob(told[key]))  # finds nothing, refuses no pattern
            except (ValueError, IndexError, NotImplementedError):
                raise self._error(
                    name,
                    key,
                    f'"{key}" has to be a name in the folder of exports',
                    'Such as  "orders.csv"  or  "orders_*.csv".',
                ) from None
        if ("join" in told) != ("on" in told):
            raise self._error(name, "join", '"join" and "on" need each other')
        encoding = told.get("encoding", "utf-8")
        try:
            "".encode(encoding)
        except (LookupError, ValueError):
            raise self._error(name, "encoding", f'"{encoding}" is no encoding') from None
        section = f"{name}.columns"
        for key in told["columns"].keys() - set(RAW_COLUMNS[name]):
            raise self._error(
                section,
                key,
                f'raw_{name}.csv has no column "{key}"',
                f"It has {_list(RAW_COLUMNS[name])}.",
            )
        for key in RAW_COLUMNS[name]:
            if key not in told["columns"]:
                raise self._error(
                    section, "", f'[{section}] lacks "{key}"', 'An empty one is  { value = "" }.'
                )
        cells = {key: self._cell(section, key, told["columns"][key]) for key in RAW_COLUMNS[name]}
        for key, cell in cells.items():
            if cell.least and rows == "every":
                raise self._error(section, key, f'"least" needs  rows = "first"  in [{name}]')
        others = {key: told.get(key, "") for key in ("join", "on", "dump")}
        return FileMapping(told["from"], cells, rows, delimiter, encoding, **others)

    def _cell(self, section: str, key: str, told: Any) -> FieldMapping:
        if isinstance(told, str):
            told = {"column": told}
        if not isinstance(told, dict):
            raise self._error(section, key, f'"{key}" has to be a text or a table')
        known = {each.name: each.default for each in fields(FieldMapping)}
        for name in told.keys() - known.keys():
            raise self._error(section, key, f'"{name}" is not known', f"There are {_list(known)}.")
        if len(told.keys() & set(ONE_SOURCE)) != 1:
            raise self._error(section, key, f'"{key}" needs one of {_list(ONE_SOURCE)}')
        told = dict(told)
        if isinstance(told.get("number"), str):
            told["number"] = [told["number"]]
        for name, value in told.items():
            wanted = {"part": int, "map": dict, "number": list, "line": bool, "least": bool}.get(
                name, str
            )
            inner = [*value.values()] if wanted is dict and type(value) is dict else value
            if type(value) is not wanted or (
                wanted in (dict, list) and not (inner and all(type(one) is str for one in inner))
            ):
                raise self._error(section, key, f'"{name}" of "{key}" has to be {KINDS[wanted]}')
        if "number" in told:
            told["number"] = tuple(told["number"])
        if told.get("line") and not told.get("number"):
            raise self._error(section, key, '"line" needs "number"')
        if told.get("thousands") and not told.get("decimal"):
            raise self._error(section, key, '"thousands" needs "decimal"')
        return FieldMapping(**told)

    def _error(self, section: str, key: str, wrong: str, remedy: str = "") -> InputError:
        return InputError(f"{self._name}, line {self._line(section, key)}: {wrong}.", remedy)

    def _line(self, section: str, key: str) -> int:
        """Where a key of a section stands; the section itself, or 1, where it is not found."""
        here, found = "", 1
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[([\w.]+)\]", line):
                here = header[1]
                found = number if here == section else found
            elif key and here == section and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
                return number
        return found


KINDS = {
    str: "a text",
    int: "a whole number",
    dict: "a table of texts",
    list: "the names of columns",
    bool: "true or false",
}


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
