"""Write a shop: its raw files, its later deliveries, a campaign, and the truth about them."""

import json
import os
import re
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.shop.calendar import AS_OF_DAY, DELIVERIES
from ecommerce_lakehouse.shop.faults import COLUMNS
from ecommerce_lakehouse.shop.history import BLOCK, COMPLETED, STRIDE, Block
from ecommerce_lakehouse.shop.mailing import Campaign
from ecommerce_lakehouse.shop.numbering import Writer
from ecommerce_lakehouse.shop.planting import plant
from ecommerce_lakehouse.shop.process import simulate
from ecommerce_lakehouse.shop.rows import DRAW
from ecommerce_lakehouse.shop.shelf import PRODUCT_FAULTS, product_file
from ecommerce_lakehouse.shop.spool import Spool
from ecommerce_lakehouse.shop.tally import Tally, product_count

FOLDERS = ("next", "campaign")
"""Beside the first files: the later deliveries, and the campaign after them."""

PLACES = ("truth.json", "raw_*.csv", "next/raw_*.csv", "campaign/*.csv", "campaign/truth.json")
"""Where the files of a shop are."""

_TRUTH = re.compile(rb'\{\s+"as_of_date": "[-\d]+",\s+"customers": \d+,\s+"fault_counts"')
"""How the truth.json of a generated shop begins."""

_LISTS = ("left_at_as_of", "next_six_months_spend")
_FUTURE = np.dtype([("place", "i8"), ("day", "i2"), ("left", "?"), ("spend", "i8")])


def generate(customers: int, out: Path, seed: int = 7) -> dict[str, Any]:
    """Write a shop of any size into a folder.

    The same arguments give the same bytes on any machine. Another size is another
    shop, with the same catalogue and the same habits. Numbers run with time: of two
    orders the later one has the greater number, and each file is in the order of its
    numbers, as an export would be. Memory stays below 1 GB, whatever the size.

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
        InputError: If something else is in the way than a generated shop. Nothing was written.
        OSError: If the folder cannot be written; it is then as it was.
    """
    if customers < 1:
        raise ValueError(f"A shop needs at least 1 customer, not {customers}.")
    if seed < 0:
        raise ValueError(f"The seed must be 0 or more, not {seed}.")
    out = Path(out).absolute()
    _refuse_other_content(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside the place, or in it: it may be a file system of its own, as a container's volume is.
    draft = (out if out.exists() else out.parent) / f".shop.{os.getpid()}.part"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        for name in FOLDERS:
            (draft / name).mkdir(parents=True)
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


def _refuse_other_content(out: Path) -> None:
    """An earlier shop may go, but no file of one's own, and nothing that is no file."""
    truth = out / "truth.json"
    is_a_shop = truth.is_file() and _is_of_a_shop(truth)
    files = (path for place in PLACES for path in sorted(out.glob(place)))
    others = [path for path in files if not (is_a_shop and path.is_file())]
    folders = (out, *(out / name for name in FOLDERS))
    others += [path for path in folders if os.path.lexists(path) and not path.is_dir()]
    if others:
        raise InputError(
            f"{others[0]} is in the way: it is no file of a generated shop. Nothing was written.",
            "Name a folder that is empty, or not there yet, with:  --out FOLDER",
        )


def _is_of_a_shop(truth: Path) -> bool:
    with truth.open("rb") as file:
        return _TRUTH.match(file.read(1000)) is not None


def _replace(draft: Path, out: Path) -> None:
    """Put the finished files in the place of old ones; leave others alone."""
    if not out.exists():
        draft.rename(out)
        return
    for name in FOLDERS:
        (out / name).mkdir(exist_ok=True)
    written = sorted(p.relative_to(draft) for p in draft.rglob("*") if p.is_file())
    for path in written:
        (draft / path).replace(out / path)


def _write(customers: int, seed: int, folder: Path) -> dict[str, Any]:
    """Write all files of a shop."""
    spool, tally, campaign = Spool(folder / "spool", customers), Tally(), Campaign(seed)
    for number in range(-(-customers // BLOCK)):
        block = simulate(seed, number, min(customers - number * BLOCK, BLOCK))
        planted = plant(block)
        tally.add_block(block, planted)
        for table, draw in DRAW.items():
            rows, extras = draw(block), planted.extras[table]
            tally.add_rows(table, rows)
            tally.add_extras(table, extras)
            spool.put(table, rows)
            spool.put_extras(table, extras)
        future = _see_future(block)
        tally.sums["next_six_months_spend"] += int(future["spend"].sum())
        spool.put("future", future)
        campaign.send(block, spool)
    spool.flush()

    lists = [*(f"faults.{t}" for t in sorted(COLUMNS)), *_LISTS]
    with ExitStack() as stack:

        def open_file(name: str) -> IO[bytes]:
            return stack.enter_context((folder / name).open("wb", buffering=1 << 20))

        notes = {name: open_file(f"{name}.part") for name in lists}
        files = {t: [open_file(file_name(t, d)) for d in range(len(DELIVERIES) + 1)] for t in DRAW}
        writer = Writer(spool, files, notes)
        # All customers' numbers are needed to the end: they stay on the disk.
        places = -(-customers // BLOCK) * STRIDE["customers"]
        numbers = np.memmap(folder / "spool" / "numbers", np.int64, "w+", shape=places)
        campaign.write(folder / "campaign", spool, numbers, *writer.write(numbers))

        open_file(file_name("products", 0)).write(product_file())
        tally.raw["products"][0] = product_count() + len(PRODUCT_FAULTS)
        tally.counts["new_products"] = [product_count()] + [0] * len(DELIVERIES)
        for key, reason in PRODUCT_FAULTS:
            tally.faults["products"][0][reason] += 1
            writer.note_fault("products", key, reason)

    shutil.rmtree(folder / "spool")
    summary = tally.summary(seed, customers)
    _write_truth(summary, folder, lists)
    return summary


def _see_future(block: Block) -> np.ndarray:
    """Who had left by the as-of date, and what each customer spent after it."""
    c, o = block.customers, block.orders
    future = np.empty(len(c.day), _FUTURE)
    future["place"] = block.number * STRIDE["customers"] + np.arange(len(c.day))
    future["day"] = c.day
    future["left"] = c.left_day <= AS_OF_DAY
    after = (o.day > AS_OF_DAY) & (o.status[:, -1] == COMPLETED)
    cents = (o.subtotal + o.shipping)[after]
    future["spend"] = np.bincount(o.customer[after], weights=cents, minlength=len(c.day))
    return future


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
