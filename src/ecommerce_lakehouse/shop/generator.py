"""Write a shop: its raw files, its later deliveries, and the truth about both."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from ecommerce_lakehouse.shop import rows
from ecommerce_lakehouse.shop.calendar import AS_OF_DAY, DELIVERIES
from ecommerce_lakehouse.shop.faults import COLUMNS
from ecommerce_lakehouse.shop.history import BLOCK, COMPLETED, Block, cut
from ecommerce_lakehouse.shop.planting import BLANK, STEP, UNKNOWN, Extras, plant
from ecommerce_lakehouse.shop.process import simulate
from ecommerce_lakehouse.shop.shelf import PRODUCT_FAULTS, product_file
from ecommerce_lakehouse.shop.tally import Tally, product_count
from ecommerce_lakehouse.shop.text import money, slices

_BUILDERS = {
    "customers": rows.customer_rows,
    "orders": rows.order_rows,
    "order_items": rows.item_rows,
}
_LISTS = ("left_at_as_of", "next_six_months_spend")


def generate(customers: int, out: Path, seed: int = 7) -> dict[str, Any]:
    """Write a shop of any size into a folder.

    The same arguments give the same bytes. A larger shop begins with the smaller
    one: each of its files starts with the smaller shop's file. Memory does not grow
    with the size.

    Args:
        customers: Customers registered by the as-of date, at least 1. Each brings
            about 5.5 orders and 14 order items.
        out: The folder; its shop files are replaced, and only when all are written.
        seed: Another seed is another shop.

    Returns:
        What truth.json holds, without its long lists (the faults one by one, who had
        left, who spent what next).

    Raises:
        ValueError: If customers is below 1 or seed is negative.
        OSError: If the folder cannot be written; it is then as it was.
    """
    if customers < 1:
        raise ValueError(f"A shop needs at least 1 customer, not {customers}.")
    if seed < 0:
        raise ValueError(f"The seed must be 0 or more, not {seed}.")
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        (draft / "next").mkdir(parents=True)
        summary = _write(customers, seed, draft)
        _replace(draft, out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return summary


def file_name(table: str, delivery: int) -> str:
    """A table's file in a delivery, relative to the shop's folder."""
    if delivery == 0:
        return f"raw_{table}.csv"
    return f"next/raw_{table}_{DELIVERIES[delivery - 1]}.csv"


def _replace(draft: Path, out: Path) -> None:
    """Put the finished files in the place of old ones; leave others alone."""
    if not out.exists():
        draft.rename(out)
        return
    (out / "next").mkdir(exist_ok=True)
    written = sorted(p.relative_to(draft) for p in draft.rglob("*") if p.is_file())
    for path in written:
        (draft / path).replace(out / path)


def _write(customers: int, seed: int, folder: Path) -> dict[str, Any]:
    """Write all files of a shop."""
    tally = Tally()
    lists = [*(f"faults.{t}" for t in sorted(COLUMNS)), *_LISTS]
    with ExitStack() as stack:

        def open_file(name: str) -> IO[bytes]:
            return stack.enter_context((folder / name).open("wb", buffering=1 << 20))

        files = {
            t: [open_file(file_name(t, d)) for d in range(len(DELIVERIES) + 1)] for t in _BUILDERS
        }
        notes = {name: open_file(f"{name}.part") for name in lists}
        for table, outputs in files.items():
            for output in outputs:
                output.write((",".join(COLUMNS[table]) + "\n").encode())
        for number in range(-(-customers // BLOCK)):
            before = cut(min(customers - number * BLOCK, BLOCK))
            _write_block(simulate(seed, number), before, files, notes, tally)

        open_file(file_name("products", 0)).write(product_file())
        tally.raw["products"][0] = product_count() + len(PRODUCT_FAULTS)
        tally.counts["new_products"] = [product_count()] + [0] * len(DELIVERIES)
        for key, reason in PRODUCT_FAULTS:
            tally.faults["products"][0][reason] += 1
            notes["faults.products"].write(_fault("products", key, reason))

    summary = tally.summary(seed, customers)
    _write_truth(summary, folder, lists)
    return summary


def _write_block(
    block: Block,
    before: int,
    files: dict[str, list[IO[bytes]]],
    notes: dict[str, IO[bytes]],
    tally: Tally,
) -> None:
    """Write the customers of a block before a position, and count them."""
    planted = plant(block)
    tally.add_block(block, planted, before)
    for table, build in _BUILDERS.items():
        real = build(block).keep(before)
        extras = planted.extras[table].keep(before)
        tally.add_rows(table, real)
        tally.add_extras(table, extras)
        lines = pa.concat_arrays([real.lines, pa.array(extras.lines, pa.string())])
        file = np.concatenate([real.delivery, np.array(extras.delivery, np.int64)])
        place = np.concatenate([real.at * STEP, np.array(extras.place, np.int64)])
        parts = slices(lines, file, place, len(DELIVERIES) + 1)
        for output, part in zip(files[table], parts, strict=True):
            output.write(part)
        notes[f"faults.{table}"].writelines(_fault_notes(table, extras))
    _note_future(block, before, notes, tally)


def _fault_notes(table: str, extras: Extras) -> Iterator[bytes]:
    """The entries of truth.json for the faults in the main file, in file order."""
    for at in np.argsort(np.array(extras.place, np.int64), kind="stable").tolist():
        reason = extras.reason[at]
        if extras.delivery[at] == 0 and reason not in (BLANK, UNKNOWN):
            yield _fault(table, extras.key[at], reason)


def _fault(table: str, key: str | None, reason: str) -> bytes:
    # Only the key can hold anything that JSON must escape.
    text = json.dumps(key, ensure_ascii=False)
    return f'{{"key": {text}, "reason": "{reason}", "table": "{table}"}}\n'.encode()


def _note_future(block: Block, before: int, notes: dict[str, IO[bytes]], tally: Tally) -> None:
    """Note who had left by the as-of date, and what each customer spent after it."""
    c, o = block.customers, block.orders
    ids = c.customer_id[:before]
    left = np.sort(ids[c.left_day[:before] <= AS_OF_DAY]).tolist()
    notes["left_at_as_of"].write("".join(f"{i}\n" for i in left).encode())

    after = (o.day > AS_OF_DAY) & (o.status[:, -1] == COMPLETED) & (o.customer < before)
    spend = np.bincount(
        o.customer[after],
        weights=(o.subtotal + o.shipping)[after],
        minlength=len(c.customer_id),
    ).astype(np.int64)
    tally.sums["next_six_months_spend"] += int(spend.sum())
    at = np.flatnonzero(spend)
    at = at[np.argsort(c.customer_id[at])]
    pairs = zip(c.customer_id[at].tolist(), spend[at].tolist(), strict=True)
    notes["next_six_months_spend"].write(
        "".join(f'"{i}": "{money(s)}"\n' for i, s in pairs).encode()
    )


def _write_truth(summary: dict[str, Any], folder: Path, lists: list[str]) -> None:
    """Write truth.json, its long lists line by line from their notes."""
    faults = [name for name in lists if name.startswith("faults.")]
    sources = {"faults": faults, **{name: [name] for name in _LISTS}}
    with (folder / "truth.json").open("w", encoding="utf-8", newline="\n") as truth:
        sign = "{"
        for key in sorted([*summary, *sources]):
            truth.write(f'{sign}\n "{key}": ')
            sign = ","
            if key in summary:
                text = json.dumps(summary[key], indent=1, sort_keys=True)
                truth.write(text.replace("\n", "\n "))
                continue
            opening, closing = "{}" if key == "next_six_months_spend" else "[]"
            truth.write(opening)
            comma = ""
            for name in sources[key]:
                with (folder / f"{name}.part").open(encoding="utf-8") as notes:
                    for line in notes:
                        truth.write(f"{comma}\n  {line.rstrip()}")
                        comma = ","
            truth.write(f"\n {closing}")
        truth.write("\n}\n")
    for name in lists:
        (folder / f"{name}.part").unlink()
