"""The raw files of a data folder: found, their headers checked, and read as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from unicodedata import category

from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS
from ecommerce_lakehouse.paths import for_message
from ecommerce_lakehouse.registry import Table
from ecommerce_lakehouse.spark.stop import SPARK_ERRORS, was_stopped_with
from ecommerce_lakehouse.storage.files import LocalFiles, Storage
from ecommerce_lakehouse.tables.headers import MayHave, no_more, read_header
from ecommerce_lakehouse.tables.read_csv import LINE_IS_NO_ROW, read_files
from ecommerce_lakehouse.tables.scan import scan


@dataclass(frozen=True)
class RawFile:
    """A CSV file whose header is the contract's.

    Attributes:
        address: An absolute path or URI.
        columns: Those in its header, in order.
    """

    address: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name in its folder."""
        return self.address.rpartition("/")[2]


def find_raw_files(
    storage: LocalFiles, data_dir: str, later: Sequence[str], may_have: MayHave = no_more
) -> dict[str, list[RawFile]]:
    """Each entity's files in delivery order: `raw_orders.csv`, then `raw_orders_*.csv` by name.

    Args:
        storage: Reads the folder.
        data_dir: An absolute folder or URI.
        later: Further files that stand elsewhere.
        may_have: Which columns may stand after the contract's.

    Raises:
        InputError: A file is missing, or a header is not the contract's.
    """
    files = [f"{data_dir}/{name}" for name in storage.names(data_dir)] + list(later)
    found = {}
    for entity, columns in RAW_COLUMNS.items():
        if f"{data_dir}/raw_{entity}.csv" not in files:
            raise InputError(
                "\n".join(
                    [
                        f"{for_message(data_dir)}raw_{entity}.csv is missing.",
                        *find_misnamed(storage, data_dir),
                        "Nothing was written.",
                    ]
                ),
                f"A data folder holds {', '.join(f'raw_{e}.csv' for e in RAW_COLUMNS)}.",
            )
        pattern = re.compile(rf"raw_{entity}(_.+)?\.csv", re.DOTALL)
        mine = [file for file in files if pattern.fullmatch(file.rpartition("/")[2])]
        for file in mine:
            _check_name(file.rpartition("/")[2])
        found[entity] = [
            RawFile(file, read_header(storage, file, columns, partial(may_have, entity)))
            for file in sorted(mine, key=lambda file: file.rpartition("/")[2])
        ]
    return found


def _check_name(name: str) -> None:
    """Refuse the name of a file that Java cannot read by it.

    Raises:
        InputError: It has a colon, which Hadoop takes for the end of a scheme, a line break or
            the like, or bytes that are no text.
    """
    bad = {letter for letter in name if letter == ":" or category(letter) in ("Cc", "Cs")}
    good = "".join("-" if letter in bad else letter for letter in name)
    if good != name:
        raise InputError(
            f"{ascii(name)[1:-1]} has a letter in its name that Java cannot read.\n"
            "Nothing was written.",
            f"Rename it, for example to:  {good}",
        )


NEARLY = re.compile(
    r"raw[ _-]*(customer|order[ _-]?item|order|product)s?(.*?)\s*"
    r"\.(?:csv|tsv|txt)(?:\.txt)?(\.gz|\.bz2|\.zip|\.xz|\.zst)?\s*",
    re.IGNORECASE | re.DOTALL,
)


def find_misnamed(storage: LocalFiles, data_dir: str) -> list[str]:
    """One sentence for each file whose name is nearly that of a raw file, so that it is not read.

    Args:
        storage: Reads the folder.
        data_dir: An absolute folder or URI.
    """
    sentences = []
    names = storage.names(data_dir)
    for name in names:
        found = NEARLY.fullmatch(name)
        if not found or re.fullmatch(rf"raw_({'|'.join(RAW_COLUMNS)})(_.+)?\.csv", name):
            continue
        entity = "order_items" if "item" in found[1].lower() else f"{found[1].lower()}s"
        suffix = re.sub(r"[^\w.-]+", "_", found[2]).strip("_-")
        wanted = f"raw_{entity}{'_' if suffix else ''}{suffix}.csv"
        while wanted in names:
            wanted = f"{wanted.removesuffix('.csv')}_2.csv"
        packed = " (unpacked)" if found[3] else ""
        sentences.append(f"{name} is not read. Its name would have to be:  {wanted}{packed}")
    return sentences


def refuse_changed(
    table: Table, data_dir: str, before: Mapping[str, int | str], now: Mapping[str, int | str]
) -> None:
    """Refuse files that have changed since a bronze table read them.

    Args:
        table: The bronze table.
        data_dir: Their folder, for the message.
        before: The states of the files that it has read, by name.
        now: The states of those that are there.

    Raises:
        InputError: There are some. Their rows are not taken in twice, nor others' in their place.
    """
    changed = [
        file for file, state in before.items() if _content(now.get(file, state)) != _content(state)
    ]
    if changed:
        have = "has" if len(changed) == 1 else "have"
        raise InputError(
            f"{', '.join(changed)} in {for_message(data_dir)} {have} changed since "
            f"{table.full_name} read it.\nNothing was written.",
            "Read all files that are there anew with the same command and:  --full-refresh\n"
            "Or take it as it was, and its corrections into a new one, such as "
            f"raw_{table.name}_corrections.csv.",
        )


def _content(state: int | str) -> list[str]:
    """The size and the checksum of a file: a copy has another time."""
    return str(state).split(", ")[::2]


class RawFiles:
    """The raw files of one data folder.

    Args:
        spark: The session to read with.
        data_dir: An absolute folder or URI; None where only tables are worked on.
        later: Further files that stand elsewhere.
        may_have: Which columns may stand after the contract's.
    """

    def __init__(
        self,
        spark: SparkSession,
        data_dir: str | None,
        later: Sequence[str] = (),
        may_have: MayHave = no_more,
    ) -> None:
        self.data_dir = data_dir
        self._spark = spark
        self._storage = Storage(spark)
        self._later = later
        self._may_have = may_have
        self._found: dict[str, list[RawFile]] | None = None

    def size(self) -> int:
        """The bytes in the folder; 0 where it is not known."""
        return 0 if self.data_dir is None else self._storage.size(self.data_dir)

    def find(self) -> dict[str, list[RawFile]]:
        """Each entity's files in delivery order, their headers checked.

        Raises:
            InputError: A file is missing, or a header is not the contract's.
        """
        if self.data_dir is None:
            raise InputError("This lakehouse was opened without a data folder.")
        if self._found is None:
            self._found = find_raw_files(self._storage, self.data_dir, self._later, self._may_have)
        return self._found

    def state(self, file: RawFile, known: str = "") -> str:
        """What tells one content of a file from another: see `scan`.

        Raises:
            InputError: The file is not UTF-8, or it ends inside quotes.
        """
        return scan(self._storage, file.address, known)

    def read(
        self, entity: str, only: Collection[str] | None = None, *, by_lines: bool = False
    ) -> DataFrame:
        """The rows of an entity's CSV files, as text.

        Args:
            entity: `customers`, `orders`, `order_items` or `products`.
            only: The names of some of its files; None for all.
            by_lines: Whether to read large files as if each line were a row; see `read_csv`.

        Raises:
            InputError: A file is missing, a header is not the contract's, or see `state`.
        """
        files = [f for f in self.find()[entity] if only is None or f.name in only]
        for file in files:
            self.state(file)  # a clear message now, where Spark would read on without a word
        columns = {file.address: file.columns for file in files}
        return read_files(self._spark, self._storage, columns, by_lines=by_lines)

    def take_in(
        self, table: Table, only: Collection[str] | None, write: Callable[[DataFrame], object]
    ) -> None:
        """Write the rows of raw files: many tasks a file where each line of it is a row, else one.

        Args:
            table: A bronze table.
            only: See `read`.
            write: Writes rows of the table in one commit.
        """
        for by_lines in (True, False):
            raw = self.read(table.name, only, by_lines=by_lines)
            try:
                write(table.function(**{f"raw_{table.name}": raw}))
                return
            except SPARK_ERRORS as problem:
                if not by_lines or not was_stopped_with(LINE_IS_NO_ROW, problem):
                    raise
