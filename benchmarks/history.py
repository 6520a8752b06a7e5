"""What the same delivery costs on shops of growing size: a night against its history.

    python -m benchmarks.history --customers 100000 250000 1000000

The delivery is a thousand orders of the generator's next month, spread over it. The day to look
back from is the last of that month, so that all of them count.
"""

from __future__ import annotations

import argparse
import shutil
from itertools import count
from pathlib import Path

from benchmarks.incremental import FOLDER, MONTH, add_orders, build, copy, delivery, link
from benchmarks.measure import Command, keep, of_runs, run, side_by_side
from benchmarks.scale import shop

ORDERS = 1000
DAY = ["--date", f"{MONTH}-31"]


def thousand_orders(base: Path) -> Path:
    """A data folder: a shop's files, and about a thousand orders of its next month."""
    folder = link(base, "data_orders")
    with (base / "next" / f"raw_orders_{MONTH}.csv").open(encoding="utf-8") as file:
        every = max(1, (sum(1 for _ in file) - 1) // ORDERS)
    places = count()
    add_orders(base, folder, lambda row: next(places) % every == 0)
    return folder


def main() -> None:
    """Measure and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 250_000, 1_000_000])
    parser.add_argument("--repetitions", type=int, default=3)
    asked = parser.parse_args()
    for customers in asked.customers:
        base = shop(customers)
        shutil.rmtree(FOLDER, ignore_errors=True)
        home, before = FOLDER / "home", FOLDER / "before"
        anew = run(Command(build(delivery(base, 0), home, *DAY), after=copy(home, before)))
        assert anew.outcome == "done"
        print(f"{customers:,} customers, all anew in {anew.seconds:,.0f} s", flush=True)
        data = {"nothing new": delivery(base, 0), "one night": thousand_orders(base)}
        samples = side_by_side(
            {
                way: Command(build(folder, home, *DAY), before=copy(before, home))
                for way, folder in data.items()
            },
            asked.repetitions,
        )
        runs = {"all anew": [anew], **samples}
        keep(
            "history",
            [{"customers": customers, "way": way, **of_runs(each)} for way, each in runs.items()],
        )
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
