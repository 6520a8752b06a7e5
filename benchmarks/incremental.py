"""What a delivery costs, by the share of the customers it touches, against building all anew.

    python -m benchmarks.incremental --customers 1000000

The delivery is cut from the generator's next month: what some of the customers did then.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Command, keep, of_runs, run, side_by_side
from benchmarks.scale import SHOPS, shop
from benchmarks.totals import differences

BIN = Path(sys.executable).parent
MONTH = "2024-07"
FOLDER = SHOPS / "incremental"


def delivery(base: Path, share: float) -> Path:
    """A data folder: the shop's files, and of its next month the rows of some customers.

    Args:
        base: A generated shop.
        share: Of its customers, 0 to 1.
    """
    folder = link(base, f"data_{share}")
    if share:
        add_orders(base, folder, lambda row: _divides(round(1 / share), row[1:2]))
    return folder


def link(base: Path, name: str) -> Path:
    """A new data folder with the files of a shop."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in base.glob("raw_*.csv"):
        os.symlink(file, folder / file.name)
    return folder


def add_orders(base: Path, folder: Path, wanted: Callable[[list[str]], bool]) -> None:
    """Put some orders of a shop's next month into a data folder, and what was bought with them."""
    orders = {row[0] for row in _copy(base, folder, "orders", wanted)}
    _copy(base, folder, "order_items", lambda row: len(row) > 1 and row[1] in orders)


def _divides(every: int, cell: list[str]) -> bool:
    return bool(cell) and cell[0].strip().isdigit() and int(cell[0]) % every == 0


def _copy(
    base: Path, folder: Path, entity: str, wanted: Callable[[list[str]], bool]
) -> list[list[str]]:
    """Copy the chosen rows of an entity's delivery, and hand them out."""
    name = f"raw_{entity}_{MONTH}.csv"
    with (base / "next" / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    chosen = [row for row in rows if wanted(row)]
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *chosen])
    return chosen


def build(data: Path, home: Path, *flags: str) -> list[str]:
    """The command that brings a lakehouse up to date, and what is exported from it."""
    words = [str(BIN / "lakehouse"), "build", "--data-dir", str(data), *flags]
    folders = ["--lakehouse-dir", str(home / "lakehouse"), "--artifacts-dir", str(home / "charts")]
    return [*words, *folders]


def copy(one: Path, other: Path) -> list[list[str]]:
    """The commands that make a folder a copy of another; it is on the disk when they end."""
    return [["rm", "-rf", str(other)], ["cp", "-a", str(one), str(other)], ["sync"]]


def main() -> None:
    """Measure and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--shares", type=float, nargs="+", default=[0, 0.001, 0.01, 0.1, 1])
    parser.add_argument("--ways", nargs="+", default=["all anew", "same day", "next day"])
    parser.add_argument("--repetitions", type=int, default=3)
    asked = parser.parse_args()
    base = shop(asked.customers)
    shutil.rmtree(FOLDER, ignore_errors=True)
    # Every way works in one place: a lakehouse that has moved exports its tables again.
    home, before = FOLDER / "home", FOLDER / "before"
    day = ["--date", "2024-06-30"]
    first = Command(build(delivery(base, 0), home, *day), after=copy(home, before))
    assert run(first).outcome == "done"
    ways = {"all anew": [*day, "--full-refresh"], "same day": day, "next day": []}
    rows: list[dict[str, Any]] = []
    for share in asked.shares:
        data = delivery(base, share)
        commands = {
            name: Command(
                build(data, home, *flags),
                before=copy(before, home),
                after=copy(home, FOLDER / name),
            )
            for name, flags in ways.items()
            if name in asked.ways
        }
        print(f"{asked.customers:,} customers, {share:.1%} of them in a delivery", flush=True)
        samples = side_by_side(commands, asked.repetitions)
        if {"all anew", "same day"} <= set(samples):
            anew, same = (FOLDER / name / "lakehouse" for name in ("all anew", "same day"))
            assert not (found := differences(anew, same)), found
        rows += [
            {"customers": asked.customers, "share": share, "way": name, **of_runs(runs)}
            for name, runs in samples.items()
        ]
        keep("incremental", rows)
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
