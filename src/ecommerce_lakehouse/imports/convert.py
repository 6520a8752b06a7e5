"""Make the four raw files from a shop's exports, text to text, with DuckDB reading them.

Rows stream through: what does not fit into memory waits on the disk. A value that cannot be
converted is passed on as it stood, so that silver's quarantine tells why.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.imports.mapping import FieldMapping, FileMapping, Mapping
from ecommerce_lakehouse.imports.reading import Plain, check_folder, write_plain
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS

MEMORY = "600MB"
"""What DuckDB may use; Python, and what DuckDB does not count, come on top of it."""
LONGEST_ROW = 64 * 2**20
"""The most bytes of one row of an export."""
ROW, LINE = "_row", "_line"
"""The number of a row in its exports, whose order DuckDB keeps; and among the rows of its text."""
MOST_LINES = 100_000
"""Line 2 of what got number 7 is 700,002: nobody has to keep numbers of lines."""
NUMBERS = "numbers.csv"
"""The file beside the raw ones that says which number a text got."""
BRING_BACK = "Bring it back, or import all exports into a new folder with:  --out FOLDER"


@dataclass
class ImportAccount:
    """What became of the rows of the exports of one raw file.

    Attributes:
        table: Such as `orders`.
        exports: How many files were read.
        rows_in: Their rows.
        rows_out: The rows of the raw file.
        broken: Rows with too few or too many fields, or quotes that do not fit: each is one field.
        kept: For each column, how many texts could not be converted and are as they stood.
    """

    table: str
    exports: int
    rows_in: int
    rows_out: int
    broken: int = 0
    kept: dict[str, int] = field(default_factory=dict)

    @property
    def merged(self) -> int:
        """Rows that were merged with others of their key."""
        return self.rows_in - self.rows_out

    def __str__(self) -> str:
        lines = [
            f"raw_{self.table}.csv: {self.rows_in:,} rows of {self.exports} "
            f"file{'s' * (self.exports > 1)} in, {self.rows_out:,} out"
        ]
        if self.merged:
            lines[0] += f", {self.merged:,} merged with others of their key"
        if self.broken:
            lines.append(
                f"  {self.broken:,} row{'s' * (self.broken > 1)} without the header's fields, "
                "as one field each: silver rejects what is corrupt"
            )
        for column, count in self.kept.items():
            lines.append(f"  {column}: {count:,} texts as they stood")
        return "\n".join(lines)


def import_files(
    mapping: Mapping, exports: Path, out: Path, *, delivery: str = "", overwrite: bool = False
) -> list[ImportAccount]:
    """Write the four raw files that a mapping makes from a folder of exports.

    Args:
        mapping: How they are made.
        exports: The folder with the exports.
        out: Where the raw files go, and which text got which number.
        delivery: The name of a later delivery, such as `2024-07`: the files are
            `raw_orders_2024-07.csv` and so on.
        overwrite: Whether raw files that are there may be replaced.

    Returns:
        What became of the rows, raw file by raw file.

    Raises:
        InputError: An export is missing, lacks a column or is not in its encoding, a raw file is
            there, or the numbers of those that are there are missing. Nothing was written.
    """
    if delivery and not re.fullmatch(r"[\w-]+", delivery):
        raise InputError(f'"{delivery}" cannot be a part of a file name.', "Name it as  2024-07.")
    if re.match(r"\w+:/", str(out)):
        raise InputError(
            f"{out} is not a folder of this machine.", "Import into one, then copy it."
        )
    whole = Path(os.path.realpath(out))
    if re.search(r"[?\\]", whole.as_posix()):
        raise InputError(
            f"{whole} has a  ?  or a backslash in its name, which DuckDB does not keep.",
            "Name another folder with:  --out FOLDER",
        )
    check_folder(exports, "--from")
    names = {table: f"raw_{table}{'_' * bool(delivery)}{delivery}.csv" for table in RAW_COLUMNS}
    for name in names.values():
        if (out / name).exists() and not overwrite:
            raise InputError(
                f"{out / name} is there already.",
                "Import a later delivery with:  --delivery 2024-07  "
                "(or replace it with:  --overwrite)",
            )
    files = {
        table: _find(mapping, table, mapping.files[table].exports, exports) for table in RAW_COLUMNS
    }
    joined = {
        name: _find(mapping, name, table.join, exports)[0]
        for name, table in mapping.files.items()
        if table.join
    }
    numbered = any(
        cell.number for table in mapping.files.values() for cell in table.columns.values()
    )
    if numbered:
        _check_numbers(out, set(names.values()))
    try:
        out.mkdir(parents=True, exist_ok=True)
        scratch_folder = tempfile.TemporaryDirectory(dir=out, prefix=".import-")
    except OSError as problem:
        raise InputError(
            f"{out} cannot be written ({problem.strerror}).",
            "Name a folder of your own with:  --out FOLDER",
        ) from None
    with scratch_folder as scratch, _engine(scratch) as db:
        if numbered:
            _load_numbers(db, out / NUMBERS, Path(scratch))
        plain = _PlainFiles(Path(scratch))
        accounts = [
            _Conversion(
                db, mapping, table, files[table], joined.get(table), Path(scratch), plain
            ).write()
            for table in RAW_COLUMNS
        ]
        if numbered:
            _save_numbers(db, Path(scratch, NUMBERS))
            # First: a raw file whose numbers are not kept would be worse than the other way round.
            os.replace(Path(scratch, NUMBERS), out / NUMBERS)
        for table, name in names.items():
            os.replace(Path(scratch, f"{table}.csv"), out / name)
    return accounts


def _find(mapping: Mapping, table: str, wanted: str, folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob(wanted) if path.is_file())
    if not found:
        there = ", ".join(sorted(path.name for path in folder.glob("*"))[:8]) or "nothing"
        raise InputError(
            f"{folder} has no {wanted}, from which {mapping.name} makes raw_{table}.csv.",
            f"There is {there}. Change  from  in [{table}], or name the folder with:  --from",
        )
    return found


@contextmanager
def _engine(scratch: str) -> Iterator[duckdb.DuckDBPyConnection]:
    db = duckdb.connect(
        os.path.join(scratch, "rows.duckdb"),
        config={"memory_limit": MEMORY, "temp_directory": scratch},
    )
    try:
        yield db
    finally:
        db.close()


def _check_numbers(out: Path, replaced: set[str]) -> None:
    """Raw files that stay need the numbers that they were made with."""
    stays = sorted({path.name for path in out.glob("raw_*.csv")} - replaced)
    if stays and not (out / NUMBERS).exists():
        raise InputError(
            f"{out / NUMBERS} is missing. It says which text has which number in {stays[0]}.",
            BRING_BACK,
        )


def _load_numbers(db: duckdb.DuckDBPyConnection, known: Path, scratch: Path) -> None:
    db.execute(
        "CREATE TABLE numbers "
        "(_of VARCHAR NOT NULL, _text VARCHAR NOT NULL, _number BIGINT NOT NULL)"
    )
    if not known.exists():
        return
    changed = InputError(
        f"{known} is not as an import wrote it, and says which text has which number.", BRING_BACK
    )
    try:
        plain = write_plain(known, FileMapping("", {}), scratch / "known.csv")
        db.execute(
            "INSERT INTO numbers SELECT name, text, CAST(number AS BIGINT) "
            f"FROM {_plain_csv(plain)}"
        )
    except (
        InputError,
        IsADirectoryError,
        duckdb.BinderException,
        duckdb.ConversionException,
        duckdb.ConstraintException,
    ):
        raise changed from None
    if plain.broken_rows:
        raise changed


def _save_numbers(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    write_csv(
        db,
        "SELECT _of AS name, _text AS text, _number AS number FROM numbers ORDER BY _of, _number",
        path,
    )


def write_csv(db: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write what a query gives as a CSV file."""
    db.execute(f"COPY ({query}) TO {quote_text(str(path))} (FORMAT csv, HEADER)")


class _PlainFiles:
    """Exports as plain CSV, each written once: several raw files may come from one export."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._written: dict[tuple[Path, str, str, str], Plain] = {}

    def write(self, export: Path, table: FileMapping) -> Plain:
        key = (export, table.delimiter, table.encoding, table.dump)
        if key not in self._written:
            target = self._scratch / f"export-{len(self._written)}.csv"
            self._written[key] = write_plain(export, table, target)
        return self._written[key]


class _Conversion:
    """One raw file, made from its exports."""

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        mapping: Mapping,
        name: str,
        files: list[Path],
        joined: Path | None,
        scratch: Path,
        plain: _PlainFiles,
    ) -> None:
        self._db = db
        self._mapping = mapping
        self._name = name
        self._table: FileMapping = mapping.files[name]
        self._files = files
        self._joined = joined
        self._scratch = scratch
        self._plain = plain

    def write(self) -> ImportAccount:
        """Write the raw file into the scratch folder."""
        try:
            return self._write()
        except duckdb.IOException:
            raise  # the machine's, not the mapping's
        except duckdb.OutOfMemoryException:
            raise LakehouseError(
                f"The exports of raw_{self._name}.csv need more memory than {MEMORY}.",
                "Import them in parts, each with a name of its own:  --delivery 2024-07",
            ) from None
        except duckdb.Error as problem:
            raise InputError(
                f"[{self._name}.columns] of {self._mapping.name} has an  sql  or a  date  that "
                f"cannot be used: {str(problem).splitlines()[0]}"
            ) from None

    def _write(self) -> ImportAccount:
        db, name = self._db, self._name
        files = [self._plain.write(path, self._table) for path in self._files]
        joined = self._plain.write(self._joined, self._table) if self._joined else None
        for path, file in zip(self._files, files, strict=True):
            self._check_columns(path, file.header, joined.header if joined else [])
        db.execute(f"CREATE TABLE source AS {_read(self._table, files, joined)}")
        # From here on an ORDER BY says the order; to keep it as well would take memory.
        db.execute("SET preserve_insertion_order = false")
        for target, cell in self._table.columns.items():
            if cell.number:
                self._number(target, cell)
        query = self._query()
        path = self._scratch / f"{name}.csv"
        write_csv(db, query, path)
        read = [*files, joined] if joined else files
        broken = sum(file.broken_rows for file in read)
        with path.open("ab") as raw:
            for file in read:
                with file.broken.open("rb") as others:
                    shutil.copyfileobj(others, raw)
        rows_in = self._count("SELECT count(*) FROM source")
        rows_out = self._count(f"SELECT count(*) FROM ({query})")
        account = ImportAccount(name, len(files), rows_in + broken, rows_out + broken, broken)
        for target, cell in self._table.columns.items():
            if failed := _failed(cell):
                count = self._count(f"SELECT count(*) FROM source WHERE {failed}")
                if count:
                    account.kept[target] = count
        db.execute("DROP TABLE source")
        db.execute("SET preserve_insertion_order = true")
        return account

    def _count(self, query: str) -> int:
        found = self._db.execute(query).fetchone()
        assert found is not None
        return int(found[0])

    def _check_columns(self, path: Path, header: list[str], more: list[str]) -> None:
        """All columns that the mapping names are there."""
        wanted = [(self._table.on, "the key of  join")] if self._table.join else []
        for target, cell in self._table.columns.items():
            wanted += [(column, target) for column in (cell.column, *cell.number) if column]
        for column, target in wanted:
            if column in header or (column in more and column != self._table.on):
                continue
            near = difflib.get_close_matches(column, header + more, 1)
            raise InputError(
                f'{path.name} has no column "{column}", from which {self._mapping.name} '
                f"makes {target} of raw_{self._name}.csv.",
                f'Is it "{near[0]}"?' if near else f"It has {', '.join(header)}.",
            )

    def _number(self, target: str, cell: FieldMapping) -> None:
        """Give each text that has none a number, in the order in which they come."""
        self._db.execute(
            f"""
            INSERT INTO numbers
            SELECT {quote_text(target)}, text,
                   (SELECT coalesce(max(_number), 0) FROM numbers WHERE _of = {quote_text(target)})
                   + row_number() OVER (ORDER BY first)
            FROM (
                SELECT {_numbered_text(cell)} AS text, min({ROW}) AS first
                FROM source GROUP BY text HAVING text IS NOT NULL
            )
            WHERE text NOT IN (SELECT _text FROM numbers WHERE _of = {quote_text(target)})
            """
        )

    def _query(self) -> str:
        key = RAW_COLUMNS[self._name][0]
        texts = [
            f"nullif({self._expression(name, cell)}, '') AS {_name(name)}"
            for name, cell in self._table.columns.items()
        ]
        rows = f"SELECT {ROW}, {', '.join(texts)} FROM source"
        names = [_name(name) for name in RAW_COLUMNS[self._name]]
        if self._table.rows == "every":
            return f"SELECT {', '.join(names)} FROM ({rows}) ORDER BY {ROW}"
        # First only where each text stands, which is a number: to keep the texts themselves, each
        # in the place of the one before, would fill the memory.
        nearest = "min" if self._table.rows == "first" else "max"
        cells = zip(names[1:], list(self._table.columns.values())[1:], strict=True)
        least = [name for name, cell in cells if cell.least]
        others = [name for name in names[1:] if name not in least]
        at = {name: f"_at_{place}" for place, name in enumerate(others)}
        picked = [f"min({ROW}) AS _first"]
        picked += [f"min({name}) AS {name}" for name in least]
        picked += [f"{nearest}({ROW}) FILTER ({name} IS NOT NULL) AS {at[name]}" for name in others]
        texts = [
            f"any_value(picked.{name})"
            if name in least
            else f"any_value(rows.{name}) FILTER (rows.{ROW} = {at[name]})"
            for name in names[1:]
        ]
        named = [f"{text} AS {name}" for text, name in zip(texts, names[1:], strict=True)]
        return f"""
            WITH rows AS ({rows}),
                 picked AS (SELECT {key}, {", ".join(picked)} FROM rows GROUP BY {key})
            SELECT picked.{key}, {", ".join(named)}
            FROM rows JOIN picked ON rows.{key} IS NOT DISTINCT FROM picked.{key}
            WHERE rows.{ROW} IN (_first, {", ".join(at.values())})
            GROUP BY picked.{key}, _first
            ORDER BY _first
        """

    def _expression(self, target: str, cell: FieldMapping) -> str:
        if cell.number:
            number = (
                "(SELECT any_value(_number) FROM numbers "
                f"WHERE _of = {quote_text(target)} AND _text = {_numbered_text(cell)})"
            )
            return (
                f"CAST({f'{number} * {MOST_LINES} + {LINE}' if cell.line else number} AS VARCHAR)"
            )
        return _converted(cell)


def _read(table: FileMapping, files: list[Plain], joined: Plain | None) -> str:
    # An export may have eighty columns, of which a mapping uses ten.
    each = [f"SELECT {_used(table, file.header)} FROM {_plain_csv(file)}" for file in files]
    rows = f"SELECT row_number() OVER () AS {ROW}, * FROM ({' UNION ALL BY NAME '.join(each)})"
    if joined:
        known = {name for file in files for name in file.header}
        more = [name for name in joined.header if name not in known or name == table.on]
        rows = (
            f"SELECT * FROM ({rows}) LEFT JOIN (SELECT DISTINCT ON ({_name(table.on)}) "
            f"{_used(table, more)} FROM {_plain_csv(joined)}) USING ({_name(table.on)})"
        )
    for cell in table.columns.values():
        if cell.line:
            same = f"PARTITION BY {_numbered_text(cell)} ORDER BY {ROW}"
            return f"SELECT *, row_number() OVER ({same}) AS {LINE} FROM ({rows}) ORDER BY {ROW}"
    return rows


def _used(table: FileMapping, header: list[str]) -> str:
    """The columns that a mapping uses; all where it has an expression, and one at least."""
    cells = table.columns.values()
    used = {table.on, *(name for cell in cells for name in (cell.column, *cell.number))}
    names = [name for name in header if name in used or any(cell.sql for cell in cells)]
    return ", ".join(map(_name, names or header[:1]))


def _plain_csv(file: Plain) -> str:
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in file.header)
    return (
        f"read_csv({quote_text(str(file.path))}, auto_detect=false, header=true, delim=',', "
        f"quote='\"', escape='\"', new_line='\\n', max_line_size={LONGEST_ROW}, "
        # By default it is sixteen times the longest row, which is more than MEMORY.
        f"buffer_size={LONGEST_ROW}, columns={{{columns}}}, parallel=false)"
    )


def _converted(cell: FieldMapping) -> str:
    """A text as the raw file has it; as it stood where it cannot be converted."""
    text = _stripped(cell)
    if cell.decimal:
        amount = f"replace({text}, {quote_text(cell.thousands)}, '')" if cell.thousands else text
        amount = f"replace({amount}, {quote_text(cell.decimal)}, '.')"
        text = f"CASE WHEN {_is_amount(cell)} THEN {amount} ELSE {text} END"
    if cell.date:
        text = f"coalesce(strftime({_as_date(cell)}, '%Y-%m-%d'), {text})"
    if cell.map:
        cases = " ".join(
            f"WHEN {quote_text(old.strip().lower())} THEN {quote_text(new)}"
            for old, new in cell.map.items()
        )
        otherwise = text if cell.otherwise is None else quote_text(cell.otherwise)
        text = f"CASE lower(trim({text})) {cases} ELSE {otherwise} END"
    return text


def _stripped(cell: FieldMapping) -> str:
    """The text before it is converted."""
    if cell.value is not None:
        return quote_text(cell.value)
    text = f"CAST(({cell.sql}) AS VARCHAR)" if cell.sql else _name(cell.column)
    if cell.part:
        text = f"split_part(trim({text}), {quote_text(cell.of)}, {cell.part})"
    if cell.strip:
        text = f"translate({text}, {quote_text(cell.strip)}, '')"
    return text


def _is_amount(cell: FieldMapping) -> str:
    point, group = (f"[{each}]" if each else "" for each in (cell.decimal, cell.thousands))
    whole = rf"\d+|\d{{1,3}}({group}\d{{3}})+" if group else r"\d+"
    return (
        f"regexp_full_match(trim({_stripped(cell)}), {quote_text(f'-?({whole})({point}[0-9]+)?')})"
    )


def _as_date(cell: FieldMapping) -> str:
    return f"try_strptime(trim({_stripped(cell)}), {quote_text(cell.date)})"


def _failed(cell: FieldMapping) -> str:
    """Where a text is there and cannot be converted; empty where nothing is converted."""
    tests = []
    if cell.decimal:
        tests.append(f"NOT {_is_amount(cell)}")
    if cell.date:
        tests.append(f"{_as_date(cell)} IS NULL")
    if not tests:
        return ""
    return f"trim({_stripped(cell)}) <> '' AND ({' OR '.join(tests)})"


def _numbered_text(cell: FieldMapping) -> str:
    """The text that gets a number; NULL where nothing is there."""
    parts = ", ".join(f"nullif(trim({_name(column)}), '')" for column in cell.number)
    return f"nullif(lower(concat_ws(' / ', {parts})), '')"


def quote_text(value: str) -> str:
    """A text as SQL writes it."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def _name(value: str) -> str:
    quoted = value.replace('"', '""')
    return f'"{quoted}"'
