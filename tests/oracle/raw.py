"""Reads a data folder's CSV files as text, with Python's csv module and nothing else."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

COLUMNS: dict[str, list[str]] = {
    "customers": ["customer_id", "email", "first_name", "last_name", "country", "created_at"],
    "orders": ["order_id", "customer_id", "order_date", "status", "shipping_cost"],
    "order_items": ["order_item_id", "order_id", "product_id", "quantity", "unit_price"],
    "products": ["product_id", "product_name", "category", "cost_price", "list_price"],
}

# The csv module refuses fields over 128 KiB by default; a long field is still a field.
_LONGEST_FIELD = 2**31 - 1


class RawDataError(ValueError):
    """A data folder the contract refuses; the message names the file and the column."""


def deliveries(data_dir: Path, entity: str) -> list[Path]:
    """Lists the files of one entity in the order in which they apply.

    Args:
        data_dir: The data folder.
        entity: `customers`, `orders`, `order_items` or `products`.

    Returns:
        `raw_<entity>.csv`, then every `raw_<entity>_<delivery>.csv` by file name.

    Raises:
        RawDataError: There is no `raw_<entity>.csv`.
    """
    first = data_dir / f"raw_{entity}.csv"
    if not first.is_file():
        raise RawDataError(f"{first}: missing file")
    later = sorted(data_dir.glob(f"raw_{entity}_*.csv"), key=lambda path: path.name)
    return [first, *later]


def read_entity(data_dir: Path, entity: str) -> pa.Table:
    """Reads every delivery of one entity, 1:1.

    A row with too few or too many fields keeps the fields that have a column, and its whole
    line in `_corrupt_record`.

    Args:
        data_dir: The data folder.
        entity: `customers`, `orders`, `order_items` or `products`.

    Returns:
        The columns of the file as text (an empty field is NULL), `_source_file`,
        `_corrupt_record`, and the row's place: `_delivery` and `_row`.

    Raises:
        RawDataError: A file or a column is missing, unknown or out of order.
    """
    names = COLUMNS[entity]
    rows: list[tuple[object, ...]] = []
    for delivery, path in enumerate(deliveries(data_dir, entity)):
        records = _records(path)
        header, _ = next(records, ([], ""))
        _check_header(path, header, names)
        for number, (fields, line) in enumerate(records):
            corrupt = line if len(fields) != len(names) else None
            padded = [field or None for field in fields] + [None] * len(names)
            rows.append((*padded[: len(names)], path.name, corrupt, delivery, number))
    schema = pa.schema(
        [(name, pa.string()) for name in [*names, "_source_file", "_corrupt_record"]]
        + [("_delivery", pa.int64()), ("_row", pa.int64())]
    )
    columns = list(zip(*rows, strict=True)) or [() for _ in schema]
    arrays = [pa.array(values, kind.type) for values, kind in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def _records(path: Path) -> Iterator[tuple[list[str], str]]:
    """Yields the fields of every record that is not a blank line, with its raw text."""
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as text:
        taken: list[str] = []

        def lines() -> Iterator[str]:
            for line in text:
                taken.append(line)
                yield line

        for fields in csv.reader(lines()):
            raw = "".join(taken).rstrip("\r\n")
            taken.clear()
            if fields:
                yield fields, raw


def _check_header(path: Path, header: list[str], expected: list[str]) -> None:
    """Refuses a header that is not exactly the expected one, naming the first difference."""
    for number in range(max(len(header), len(expected))):
        found = header[number] if number < len(header) else None
        wanted = expected[number] if number < len(expected) else None
        if found == wanted:
            continue
        if found is None:
            raise RawDataError(f'{path}: column {number + 1} is missing, expected "{wanted}"')
        if wanted is None:
            raise RawDataError(f'{path}: column {number + 1} is "{found}", expected no more')
        raise RawDataError(f'{path}: column {number + 1} is "{found}", expected "{wanted}"')
