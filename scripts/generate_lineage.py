"""Write the lineage of a lakehouse: OpenLineage events and a graph.

Run it with:  python scripts/generate_lineage.py
"""

from __future__ import annotations

import argparse
import sys

from ecommerce_lakehouse import Lakehouse, get_spark
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.lineage import draw, write_events


def main() -> None:
    """Read what is built, write `<artifacts>/lineage/events.ndjson` and `lineage.png`."""
    parser = argparse.ArgumentParser(description="Write the lineage of a lakehouse.")
    parser.add_argument("--lakehouse-dir", default="lakehouse")
    parser.add_argument("--artifacts-dir", default="artifacts")
    arguments = parser.parse_args()
    try:
        lake = Lakehouse(get_spark("lineage"), arguments.lakehouse_dir, sql_names=False)
        path = write_events(lake, arguments.artifacts_dir)
        print(path)
        print(draw(arguments.artifacts_dir))
    except LakehouseError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
