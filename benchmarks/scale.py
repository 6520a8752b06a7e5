"""From raw files to all tables, for shops of growing size: ours, and four other ways.

    python -m benchmarks.scale --customers 1000 10000 100000

Each way is a whole process. The tables of all ways are compared, and those of ours with what the
generator says that they must add up to; but not those of the original course, which cleans less.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import Command, keep, of_runs, side_by_side
from benchmarks.totals import assert_totals, differences
from ecommerce_lakehouse.shop import generate

HERE = Path(__file__).parent
PROJECT = HERE.parent
SHOPS = PROJECT / "build" / "benchmarks"
CAP_MB = 4096
"""What the processes of each way may hold together."""
ORIGINAL = "the original course"
HEAP = "2g"
"""Half of that is for the objects of Java, ours and the plain way's; so has `spark/settings.py`."""


def ways(data: Path, out: Path) -> dict[str, Command]:
    """Every way from a folder of raw files to a lakehouse.

    Args:
        data: The raw files.
        out: A folder for the lakehouses, one a way.
    """
    peers = HERE / "peers"
    ours = ["lakehouse", "build", "--data-dir", str(data), "--artifacts-dir", str(out / "charts")]
    ours[0] = str(Path(sys.executable).parent / ours[0])
    submit = {"PYSPARK_SUBMIT_ARGS": f"--driver-memory {HEAP} pyspark-shell"}

    def way(name: str, words: list[str], environment: dict[str, str] | None = None) -> Command:
        folder = str(out / name)
        return Command([*words, folder], environment or {}, before=[["rm", "-rf", folder]])

    python = [sys.executable]
    return {
        "ours": way("ours", [*ours, "--lakehouse-dir"], {"LAKEHOUSE_DRIVER_MEMORY": HEAP}),
        "plain PySpark": way(
            "plain PySpark", [*python, str(peers / "plain.py"), str(data)], submit
        ),
        ORIGINAL: way(ORIGINAL, [*python, str(peers / "original.py"), str(data)], submit),
        "DuckDB": way("DuckDB", [*python, str(peers / "duck.py"), str(data)]),
        "Polars": way("Polars", [*python, str(peers / "with_polars.py"), str(data)]),
    }


def shop(customers: int) -> Path:
    """A generated shop of a size, made once."""
    folder = SHOPS / f"shop_{customers}"
    if not (folder / "truth.json").exists():
        generate(customers, folder)
    return folder


def measure(customers: int, repetitions: int, only: set[str], limit: float) -> list[dict[str, Any]]:
    """Build a shop of a size every way, and see that the results are the same."""
    data, out = shop(customers), SHOPS / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    truth = json.loads((data / "truth.json").read_text())
    items = truth["rows"]["bronze"]["order_items"]
    print(f"{customers:,} customers, {items:,} order items", flush=True)
    commands = {name: way for name, way in ways(data, out).items() if name in only or not only}
    samples = side_by_side(commands, repetitions, cap_mb=CAP_MB, limit=limit)
    well = [name for name, runs in samples.items() if runs[-1].outcome == "done"]
    well = [name for name in well if name != ORIGINAL]
    for name in well:
        assert_totals(out / name, truth)
    for name in well[1:]:
        assert not (found := differences(out / well[0], out / name)), f"{name}: {found}"
    shutil.rmtree(out)
    size = sum(file.stat().st_size for file in data.glob("raw_*.csv"))
    about = {"customers": customers, "order_items": items, "raw_mb": round(size / 2**20, 1)}
    return [{**about, "way": name, **of_runs(runs)} for name, runs in samples.items()]


def main() -> None:
    """Measure the sizes that were asked for and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="some of the ways")
    parser.add_argument("--limit", type=float, default=1800, help="seconds a run may take")
    parser.add_argument("--name", default="scale", help="of the file in results/")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for customers in asked.customers:
        rows += measure(customers, asked.repetitions, set(asked.only), asked.limit)
        keep(asked.name, rows)


if __name__ == "__main__":
    main()
