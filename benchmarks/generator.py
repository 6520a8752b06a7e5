"""How fast the generator writes a shop, and in how much memory.

python -m benchmarks.generator --customers 100000 1000000
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import Command, keep, of_runs, side_by_side
from benchmarks.scale import SHOPS

BIN = Path(sys.executable).parent


def main() -> None:
    """Measure the sizes that were asked for and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--repetitions", type=int, default=3)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for customers in asked.customers:
        out = SHOPS / f"shop_{customers}"
        words = [str(BIN / "lakehouse"), "generate", "--customers", str(customers)]
        command = Command([*words, "--out", str(out)], before=[["rm", "-rf", str(out)]])
        samples = side_by_side({"lakehouse generate": command}, asked.repetitions)
        truth = json.loads((out / "truth.json").read_text())
        later = sum(month["rows"]["order_items"] for month in truth["next"].values())
        items = truth["rows"]["bronze"]["order_items"] + later
        for way, runs in samples.items():
            told = of_runs(runs)
            rate = round(items / told["seconds_median"])
            about = {
                "customers": customers,
                "order_items_with_deliveries": items,
                "items_a_second": rate,
            }
            rows.append({**about, "way": way, **told})
    keep("generator", rows)


if __name__ == "__main__":
    main()
