"""One folder of Delta tables: where each is, how it is built, who builds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce_lakehouse import profile, registry
from ecommerce_lakehouse.conflicts import only_writer
from ecommerce_lakehouse.dates import parse_date
from ecommerce_lakehouse.delta_log import DeltaLog, Note
from ecommerce_lakehouse.errors import InputError, LakehouseError, MissingTableError
from ecommerce_lakehouse.evolution import is_among, read_files
from ecommerce_lakehouse.large_files import SPANS_LINES
from ecommerce_lakehouse.paths import resolve, shown
from ecommerce_lakehouse.raw_files import find_raw_files
from ecommerce_lakehouse.registry import LAYERS, NOTEBOOKS, Table, TableFunction
from ecommerce_lakehouse.storage import Storage

STAMPS = {"bronze": "_ingested_at", "silver": "spark_loaded_at"}
"""The column that says when a row was written, by layer; `spark_updated_at` elsewhere."""


class Lakehouse:
    """A folder that holds `<layer>/<table>`, each a Delta table.

    Args:
        spark: The session to read and write with.
        location: The lakehouse folder or URI; relative to the project folder.
        data_dir: The folder of raw CSV files; relative to the project folder.
        as_of_date: The day to look back from; empty for the last completed order.
        later: Further files that arrived elsewhere, such as `next/raw_orders_2024-07.csv`.
        sql_names: Whether its tables get their SQL names (`gold.x`). A session has one
            catalog, so only one of several lakehouses should.
        evolve: Whether raw files may bring columns that bronze does not have yet.

    Raises:
        InputError: The date is no date, or the folder cannot be written.
    """

    def __init__(
        self,
        spark: SparkSession,
        location: str | os.PathLike[str] = "lakehouse",
        data_dir: str | os.PathLike[str] = "data_seeds/shop",
        as_of_date: str | date | None = "",
        *,
        later: Sequence[str] = (),
        sql_names: bool = True,
        evolve: bool = False,
    ) -> None:
        self.spark = spark
        self.location = resolve(location)
        self.data_dir = resolve(data_dir)
        self._later = [resolve(file) for file in later]
        self._sql_names = sql_names
        self.evolve = evolve
        self.given_date = parse_date(as_of_date)
        self._default_date: date | None = None
        self._storage = Storage(spark)
        self._raw_files: dict[str, list[str]] | None = None
        self._open()
        profile.apply(spark, self._storage.size(self.data_dir))

    def _open(self) -> None:
        try:
            self._storage.make_folder(self.location)
        except OSError:
            raise InputError(
                f"{shown(self.location)} cannot be written.",
                "Name a folder of your own with:  --lakehouse-dir FOLDER",
            ) from None
        if self._sql_names:
            for layer in LAYERS:
                known = self.spark.catalog.databaseExists(layer)
                if not known:
                    self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {layer}")
                for table in registry.tables(layer):
                    if self.has(table.name):
                        self._register(table, known=known)

    def __repr__(self) -> str:
        return f"Lakehouse({shown(self.location)})"

    # Reading ---------------------------------------------------------------------------

    def path(self, table: str | TableFunction) -> str:
        """The folder (as Spark reads it) of a table, built or not."""
        return self._storage.uri(self._folder(registry.get(table)))

    def _folder(self, table: Table) -> str:
        return f"{self.location}/{table.layer}/{table.name}"

    def log(self, table: str | TableFunction) -> DeltaLog:
        """What the log of a table says, built or not."""
        return DeltaLog(self._storage, self._folder(registry.get(table)))

    def has(self, table: str | TableFunction) -> bool:
        """Whether a table has been built: its log has an entry, not only a folder.

        A write that was cut short leaves data files and an empty log.
        """
        log = f"{self._folder(registry.get(table))}/_delta_log"
        if self._storage.exists(f"{log}/{0:020}.json"):
            return True
        # Delta deletes old entries once a checkpoint holds what they said.
        return any(name.endswith((".json", ".parquet")) for name in self._storage.names(log))

    def read(self, table: str | TableFunction) -> DataFrame:
        """A table without the stamp of when its rows were written.

        Raises:
            MissingTableError: It is not built yet; the message says what builds it.
        """
        wanted = registry.get(table)
        if not self.has(wanted.name):
            notebook = NOTEBOOKS[wanted.layer]
            raise MissingTableError(
                f"{wanted.full_name} is not in {shown(self.location)} yet.",
                f"It is built by notebooks/{notebook}.ipynb. "
                f"Build it now with:  lakehouse run --to {notebook[:2]}",
            )
        frame = self.spark.read.format("delta").load(self.path(wanted.name))
        return frame.drop(STAMPS.get(wanted.layer, "spark_updated_at"))

    def has_column(self, table: str | TableFunction, column: str) -> bool:
        """Whether a table has a column; not where the table is not built."""
        columns = self.log(table).columns()
        return is_among(column, self.read(table).columns if columns is None else columns)

    def check_rows(self, *tables: str) -> None:
        """See that tables have rows and look back from the same day as this lakehouse.

        Args:
            *tables: Those without which nothing of what follows would make sense.

        Raises:
            MissingTableError: One is not built yet.
            InputError: One is empty.
            LakehouseError: One was built for another day.
        """
        for name in tables:
            frame, rows = self.read(name), self.log(name).size()
            self._check_date(registry.get(name), only_read=True)
            if frame.isEmpty() if rows is None else not rows:
                raise InputError(
                    f"{registry.get(name).full_name} has no rows as of {self.as_of_date}, so there "
                    "is nothing to show.",
                    "Look why in silver.quarantine, or name a later day with:  --as-of yyyy-mm-dd",
                )

    @property
    def as_of_date(self) -> date:
        """The day to look back from: the one given, or that of the last completed order.

        Raises:
            InputError: No date was given and there is no completed order to take it from.
        """
        if self.given_date:
            return self.given_date
        if self._default_date is None:
            self._default_date = self._date_found_before()
        if self._default_date is None:
            orders = self.read("stg_orders").where("is_completed")
            row = orders.agg(F.max("order_date").cast("string")).head()
            if row is None or row[0] is None:
                raise InputError(
                    "There is no completed order, so there is no day to look back from.",
                    "Name one with:  --as-of yyyy-mm-dd   (a job:  --date yyyy-mm-dd)",
                )
            self._default_date = date.fromisoformat(row[0])
        return self._default_date

    def _date_found_before(self) -> date | None:
        """The day of the last completed order, where a table notes it of the orders as they are.

        To ask the orders again costs seconds where they are many.
        """
        note = self.log("int_customer_orders").note()
        if note is None or not note.found_date or note.as_of_date is None:
            return None
        if note.inputs.get("stg_orders") != self.log("stg_orders").version():
            return None
        return date.fromisoformat(note.as_of_date)

    # Building --------------------------------------------------------------------------

    def compute(self, table: str | TableFunction) -> DataFrame:
        """The result of a table's function on this lakehouse's tables, not written."""
        wanted = registry.get(table)
        return wanted.function(**{name: self.compute_input(name) for name in wanted.parameters})

    def compute_input(self, name: str) -> DataFrame | date:
        """What a parameter of a table's function stands for: a table, raw files or the date."""
        if name == "as_of_date":
            return self.as_of_date
        if name.startswith("raw_"):
            return self.read_raw(name.removeprefix("raw_"))
        frame = self.read(name)
        self._check_date(registry.get(name))
        return frame

    def _check_date(self, table: Table, *, only_read: bool = False) -> None:
        """Refuse to mix two days: an input has to look back from the same one.

        Args:
            table: The input.
            only_read: Whether nothing is made from it, so that its own day would do as well.

        Raises:
            LakehouseError: It does not; the message says what builds it anew.
        """
        note = self.log(table.name).note() if table.knows_date else None
        if note is None or note.as_of_date == self.as_of_date.isoformat():
            return
        number, day, its_day = NOTEBOOKS[table.layer][:2], self.as_of_date, note.as_of_date
        raise LakehouseError(
            f"{table.full_name} is as of {its_day}, this run is as of {day}.",
            f'See it as of its day with:  --as-of {its_day}   (here:  as_of_date = "{its_day}")\n'
            * only_read
            + f"Build it for {day} with:  lakehouse run --from 03 --to {number} --as-of {day}"
            f"   (or every table:  lakehouse build --date {day})",
        )

    def build(self, table: str | TableFunction) -> DataFrame:
        """Compute a table, write it, and read back what was written.

        Args:
            table: The function that makes it, or its name.

        Returns:
            The table as it now stands in the lakehouse.
        """
        wanted = registry.get(table)
        note = self.made_from(wanted)
        if wanted.inputs == (f"raw_{wanted.name}",):
            self.take_in(wanted, None, lambda rows: self.replace(wanted, rows, note))
        else:
            self.replace(wanted, self.compute(wanted.name), note)
        return self.read(wanted.name)

    def take_in(
        self, table: Table, only: Collection[str] | None, write: Callable[[DataFrame], object]
    ) -> None:
        """Write the rows of raw files: many tasks a file where each line of it is a row, else one.

        Args:
            table: A bronze table.
            only: See `read_raw`.
            write: Writes rows of the table in one commit.
        """
        for by_lines in (True, False):
            raw = self.read_raw(table.name, only, by_lines=by_lines)
            try:
                write(table.function(**{f"raw_{table.name}": raw}))
                return
            except (Py4JJavaError, PySparkException) as problem:
                if not by_lines or SPANS_LINES not in str(problem):
                    raise

    def made_from(self, table: Table, before: Note | None = None) -> Note:
        """What a table would be made from now: its inputs as they are, the date, the code.

        Args:
            table: The table.
            before: What it was made from; files that look the same are not read again.
        """
        inputs: dict[str, int | str] = {}
        known = before.inputs if before else {}
        for name in table.inputs:
            if not name.startswith("raw_"):
                inputs[name] = self.log(name).version()
                continue
            for file in self.raw_files()[name.removeprefix("raw_")]:
                name = file.rpartition("/")[2]
                inputs[name] = self._storage.state(file, str(known.get(name, "")))
        day = self.as_of_date.isoformat() if table.knows_date else None
        found = day is not None and self.given_date is None
        return Note(inputs, day, registry.fingerprint(table), found)

    def replace(self, table: Table, frame: DataFrame, note: Note) -> None:
        """Write a table anew: all of its rows, and the note, in one commit."""
        with self.admitted(table, frame, once=True) as rows, only_writer(table.full_name):
            writer = self.stamped(table, rows).write.format("delta").mode("overwrite")
            writer = writer.option("overwriteSchema", True).option("userMetadata", str(note))
            writer.options(**self.constraints(table)).save(self.path(table.name))
        self._register(table)
        self.written(table)

    def constraints(self, table: Table) -> dict[str, str]:
        """What a table that is made refuses from then on. Here nothing; programs say it."""
        return {}

    @contextmanager
    def admitted(self, table: Table, rows: DataFrame, *, once: bool = False) -> Iterator[DataFrame]:
        """Rows that are about to be written. Here all are; programs have a gate.

        Args:
            table: Their table.
            rows: All of them, or those of the keys that are merged.
            once: Whether they are written as the whole table, which reads them once.
        """
        yield rows

    @contextmanager
    def staged(self, table: Table, rows: DataFrame, keys: DataFrame | None) -> Iterator[DataFrame]:
        """What a MERGE reads: the rows, and with keys also each of them that has no row."""
        yield rows if keys is None else keys.join(rows, list(table.key), "left")

    def drop(self, table: Table) -> None:
        """Delete a table with all its versions."""
        self._storage.delete(self._folder(table))
        self.written(table)

    def stamped(self, table: Table, frame: DataFrame) -> DataFrame:
        """The rows of a table with the time they are written."""
        stamped = frame.withColumn(
            STAMPS.get(table.layer, "spark_updated_at"), F.current_timestamp()
        )
        if table.layer != "bronze":
            return stamped
        others = [name for name in stamped.columns if name != "_corrupt_record"]
        return stamped.select(*others, "_corrupt_record")

    def written(self, table: Table) -> None:
        """Forget what was known from a table that has just been written."""
        if table.name == "stg_orders":
            self._default_date = None

    def _register(self, table: Table, *, known: bool = True) -> None:
        """Give a table its SQL name. The path is the truth; the catalog only points to it.

        Args:
            table: The table.
            known: Whether the catalog may have the name already.
        """
        if not self._sql_names:
            return
        if known and self.spark.conf.get("spark.sql.catalogImplementation") == "in-memory":
            # Forget where another lakehouse had it. An external table's files stay.
            self.spark.sql(f"DROP TABLE IF EXISTS {table.full_name}")
        location = self.path(table.name).replace("'", "\\'")
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {table.full_name} USING delta LOCATION '{location}'"
        )

    # Raw files -------------------------------------------------------------------------

    def read_raw(
        self, entity: str, only: Collection[str] | None = None, *, by_lines: bool = False
    ) -> DataFrame:
        """The rows of an entity's CSV files, as text.

        Args:
            entity: `customers`, `orders`, `order_items` or `products`.
            only: The names of some of its files; None for all.
            by_lines: Whether to read large files as if each line were a row; see `large_files`.

        Raises:
            InputError: A file is missing, or a header is not the contract's.
        """
        from ecommerce_lakehouse.layers import bronze

        files = [
            file
            for file in self.raw_files()[entity]
            if only is None or file.rpartition("/")[2] in only
        ]
        columns = bronze.RAW_COLUMNS[entity]
        return read_files(self.spark, self._storage, files, columns, by_lines=by_lines)

    def raw_files(self) -> dict[str, list[str]]:
        """Each entity's files in delivery order, their headers checked.

        Raises:
            InputError: A file is missing, or a header is not the contract's.
        """
        if self._raw_files is None:
            self._raw_files = find_raw_files(
                self._storage,
                self.data_dir,
                self._later,
                lambda entity, column: self.evolve or self.has_column(entity, column),
            )
        return self._raw_files
