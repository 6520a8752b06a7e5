"""The one list of tables: each is declared where its function is written.

`@table` notes a function's layer, key and grain. The names of its parameters are the
names of its input tables, so build order and lineage need no second list.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from ecommerce_lakehouse.errors import LakehouseError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LAYERS = ("bronze", "silver", "intermediate", "gold", "ml")
"""Layers in build order; the names are also folders and SQL databases."""

NOTEBOOKS = {
    "bronze": "01_bronze",
    "silver": "02_silver",
    "intermediate": "03_intermediate",
    "gold": "04_gold",
    "ml": "05_ml_features",
}
"""The notebook that teaches and builds each layer."""

TableFunction = Callable[..., "DataFrame"]
F = TypeVar("F", bound=TableFunction)


@dataclass(frozen=True)
class Table:
    """What is known of a table from its declaration.

    Attributes:
        name: The function's name, unique across layers.
        layer: One of `LAYERS`.
        key: The columns that identify a row; empty where rows have no identity (raw text).
        grain: One sentence: what one row is.
        function: DataFrames in, one DataFrame out.
        event_date: The column of an input that says from which as-of date on its row counts;
            the other rows stay as they are when the date moves.
        needs_all_rows: A row depends on rows with other keys (a rank, a share).
        default_as_of: A SQL aggregate over its rows: the as-of date where none is given.
        rejects: Where its rows are those that other tables refused: the columns that say of
            which input, and with which key.
        latest_wins: Of raw rows with one key it keeps (or, with `rejects`, does not refuse) one
            from the file that comes last by name, if that has a good one.
        scored: Written by the scoring job, which learns from the other tables, and by no build.
        own_day: It says itself of which day it is: a model may be older than what it scores.
    """

    name: str
    layer: str
    key: tuple[str, ...]
    grain: str
    function: TableFunction
    event_date: str = ""
    needs_all_rows: bool = False
    default_as_of: str = ""
    rejects: tuple[str, str] | None = None
    latest_wins: bool = False
    scored: bool = False
    own_day: bool = False

    @property
    def full_name(self) -> str:
        """`layer.name`, as SQL says it."""
        return f"{self.layer}.{self.name}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every parameter of the function, `as_of_date` included."""
        return tuple(inspect.signature(self.function).parameters)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tables and raw files the function reads."""
        return tuple(name for name in self.parameters if name != "as_of_date")

    @property
    def depends_on_date(self) -> bool:
        """Whether its rows depend on the as-of date, directly or through an input."""
        return "as_of_date" in self.parameters or any(t.depends_on_date for t in self.input_tables)

    @property
    def rows_change_with_date(self) -> bool:
        """Whether another as-of date changes rows that it has (and not only which it has)."""
        itself = "as_of_date" in self.parameters and not self.event_date
        return itself or any(t.rows_change_with_date for t in self.input_tables)

    @property
    def input_tables(self) -> list[Table]:
        """The tables the function reads, without raw files."""
        return [_tables[name] for name in self.inputs if name in _tables]

    @property
    def is_from_raw(self) -> bool:
        """Whether all that it reads are raw rows, as bronze has them."""
        return bool(self.input_tables) and all(t.layer == "bronze" for t in self.input_tables)


_tables: dict[str, Table] = {}


def table(
    layer: str,
    grain: str,
    key: str | tuple[str, ...] = (),
    *,
    event_date: str = "",
    needs_all_rows: bool = False,
    default_as_of: str = "",
    rejects: tuple[str, str] | None = None,
    latest_wins: bool = False,
    scored: bool = False,
    own_day: bool = False,
) -> Callable[[F], F]:
    """Declare the table that a function makes.

    Running the cell again replaces the declaration, so an edited function is the one used.

    Args:
        layer: One of `LAYERS`.
        grain: One sentence: what one row is.
        key: The column or columns that identify a row.
        event_date: See `Table`.
        needs_all_rows: See `Table`.
        default_as_of: See `Table`.
        rejects: See `Table`.
        latest_wins: See `Table`.
        scored: See `Table`.
        own_day: See `Table`.

    Returns:
        A decorator that leaves the function as it is.

    Examples:
        >>> @table("gold", key="customer_id", grain="One row per loyal customer")
        ... def loyal_customers(fct_customer_metrics):
        ...     return fct_customer_metrics.where("frequency >= 3")
        >>> registry.get("loyal_customers").inputs
        ('fct_customer_metrics',)
    """
    if layer not in LAYERS:
        raise ValueError(f"layer is {layer!r}, expected one of {', '.join(LAYERS)}")

    def declare(function: F) -> F:
        name = function.__name__
        columns = (key,) if isinstance(key, str) else tuple(key)
        _tables[name] = Table(
            name,
            layer,
            columns,
            grain,
            function,
            event_date=event_date,
            needs_all_rows=needs_all_rows,
            default_as_of=default_as_of,
            rejects=rejects,
            latest_wins=latest_wins,
            scored=scored,
            own_day=own_day,
        )
        return function

    return declare


def fingerprint(table: Table) -> str | None:
    """What tells one state of a table's code from another: a digest of the function's module.

    A function may call any other of its module. None for a function written in a notebook.
    """
    module = inspect.getmodule(table.function)
    if module is None or module.__name__ == "__main__":
        return None
    return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:12]


def load_layers() -> None:
    """Import the exported layers, so that every table is declared."""
    for layer in LAYERS:
        import_module(f"ecommerce_lakehouse.layers.{layer}")


def load_scores() -> None:
    """Import the tables of the scoring job too. Their libraries would slow down every build."""
    load_layers()
    for module in ("layers.scores", "operations.offers"):
        import_module(f"ecommerce_lakehouse.{module}")


def get(table_or_function: str | TableFunction | Table) -> Table:
    """Look a table up by name (`gold.x` or `x`) or by its function.

    Raises:
        LakehouseError: The name belongs to no table.
    """
    if isinstance(table_or_function, Table):
        return table_or_function
    given = table_or_function if isinstance(table_or_function, str) else table_or_function.__name__
    name = given.rpartition(".")[2]
    for load in (load_layers, load_scores):
        if name not in _tables:
            load()
    if name not in _tables or given not in (name, _tables[name].full_name):
        raise LakehouseError(
            f"There is no table called {given}.",
            f"Tables: {', '.join(t.full_name for t in tables())}",
        )
    return _tables[name]


def tables(layer: str | None = None, *, scored: bool = False) -> list[Table]:
    """The tables that a build makes, inputs before what is made from them; layer by layer.

    Args:
        layer: Only those of this one.
        scored: Also those of the scoring job.
    """
    if scored:
        load_scores()
    load_layers()
    graph = {t.name: [i for i in t.inputs if i in _tables] for t in _tables.values()}
    order = {name: place for place, name in enumerate(TopologicalSorter(graph).static_order())}
    ranked = sorted(_tables.values(), key=lambda t: (LAYERS.index(t.layer), order[t.name]))
    return [t for t in ranked if layer in (None, t.layer) and (scored or not t.scored)]
