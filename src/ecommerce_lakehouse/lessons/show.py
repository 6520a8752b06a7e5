"""Show a table the same way every time it is shown."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame

AUDIT = ("spark_loaded_at", "spark_updated_at")


class Shown:
    """A few rows as text and as HTML; numbers right, NULL by name."""

    def __init__(self, columns: list[str], rows: list[tuple[Any, ...]], more: bool) -> None:
        self.columns = columns
        self.cells = [[_text(value) for value in row] for row in rows]
        self._right = [any(_is_number(row[i]) for row in rows) for i in range(len(columns))]
        self._note = "no rows" if not rows else f"first {len(rows)} rows" if more else ""

    def __repr__(self) -> str:
        widths = [
            max(len(column), *(len(row[i]) for row in self.cells), 0)
            for i, column in enumerate(self.columns)
        ]
        lines = [
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, self._right, strict=True)
            ).rstrip()
            for row in [self.columns, *self.cells]
        ]
        return "\n".join(lines + ([f"({self._note})"] if self._note else []))

    def _repr_html_(self) -> str:
        styles = ["text-align:right" if right else "text-align:left" for right in self._right]

        def line(cells: list[str], tag: str) -> str:
            return "".join(
                f'<{tag} style="{style}">{escape(cell)}</{tag}>'
                for cell, style in zip(cells, styles, strict=True)
            )

        head = f"<thead><tr>{line(self.columns, 'th')}</tr></thead>"
        body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in self.cells)
        note = f"<p><small>{self._note}</small></p>" if self._note else ""
        return f"<table>{head}<tbody>{body}</tbody></table>{note}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value).replace("\r", "\\r").replace("\n", "\\n")


def _is_ordered(frame: DataFrame) -> bool:
    """Whether the query itself ends in an ORDER BY."""
    plan = frame._jdf.queryExecution().analyzed()
    while plan.nodeName() in ("Project", "GlobalLimit", "LocalLimit", "SubqueryAlias"):
        plan = plan.children().head()
    return bool(plan.nodeName() == "Sort")


def show(table: DataFrame | pd.DataFrame, n: int = 10) -> Shown:
    """The first rows of a table, in the same order every time.

    A query that ends in ORDER BY keeps its order. Any other is sorted by its columns, from
    left to right: without an order, Spark may answer in a different one each time.
    Audit columns (when a row was written, from which file) are left out.

    Args:
        table: A Spark or pandas DataFrame.
        n: How many rows at most.

    Examples:
        >>> show(spark.range(3), n=2)
        id
         0
         1
        (first 2 rows)
    """
    if isinstance(table, pd.DataFrame):
        head = table.head(n)
        rows = list(head.astype(object).itertuples(index=False, name=None))
        return Shown([str(c) for c in table.columns], rows, len(table) > n)
    visible = [c for c in table.columns if not c.startswith("_") and c not in AUDIT]
    frame = table.select(*visible)
    if not _is_ordered(table):
        frame = frame.orderBy(*visible)
    found = [tuple(row) for row in frame.limit(n + 1).collect()]
    return Shown(visible, found[:n], len(found) > n)


def reason(error: BaseException) -> str:
    """The first sentence of a Spark error, for showing an expected failure in a lesson.

    Examples:
        >>> try:
        ...     rows = spark.sql("SELECT CAST('abc' AS INT)").collect()
        ... except Exception as error:
        ...     print(reason(error))
        [CAST_INVALID_INPUT] The value 'abc' of the type "STRING" cannot be cast to "INT" ...
    """
    text = str(error).strip()
    java = re.findall(r"^(?:Caused by)?: ?[\w.$]+: ", text, flags=re.MULTILINE)
    if java and not text.startswith("["):
        text = text.rpartition(java[-1])[2]
    told = re.split(r"\n\s*(?:at |\n|== )| SQLSTATE: | \(line ", text)[0]
    first = re.split(r"(?<=[a-z])\.\s", " ".join(told.split()))[0]
    return first.strip().rstrip(".") + "."
