"""Run every table, and write what the run read and wrote: OpenLineage events and graphs.

Run it with:  python scripts/generate_lineage.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ecommerce_lakehouse import get_spark
from ecommerce_lakehouse.charts import artifacts_folder, write_whole
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.jobs import build_layers, options
from ecommerce_lakehouse.lineage import draw, draw_origins
from ecommerce_lakehouse.listener import ListenedLakehouse, listening
from ecommerce_lakehouse.merging import Change
from ecommerce_lakehouse.observed import columns, differences, graph, named, origins, writes
from ecommerce_lakehouse.registry import LAYERS

COLUMN = "gold.fct_customer_metrics.predicted_clv_12m"


def main() -> None:
    """Run, write `<artifacts>/lineage/`, and compare what was seen with what is declared.

    Without a lakehouse folder the run has one of its own, which is thrown away: every table is
    built, and no table of yours is touched. With one it is a nightly run on that lakehouse.
    """
    parser = options("generate_lineage.py", "Write what a run of every table read and wrote.")
    parser.set_defaults(lakehouse_dir="")
    parser.add_argument("--column", default=COLUMN, help=f"whose origins to draw ({COLUMN})")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            sys.exit(tell(Path(scratch), **vars(arguments)))
    except LakehouseError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def tell(scratch: Path, column: str, artifacts_dir: str, **flags: Any) -> int:
    """Run and write.

    Args:
        scratch: For what is thrown away.
        column: Whose origins to draw.
        artifacts_dir: The artifacts folder.
        **flags: The other flags of a job.

    Returns:
        0 when the run read and wrote what is declared, 1 otherwise.
    """
    folder = artifacts_folder(Path(artifacts_folder(artifacts_dir)) / "lineage")
    raw = scratch / "events.ndjson"
    changes = run(raw, scratch, artifacts_dir, **flags)
    built = [change.table for change in changes if change.how != "unchanged"]
    if not built:
        print("Nothing was new, so no table was written and there is nothing to tell.")
        return 0
    found = writes(raw)
    arrows, by_column = graph(found), columns(found)
    write_whole(folder / "listener.ndjson", raw.read_bytes() if raw.exists() else b"")
    events = "".join(json.dumps(named(write)) + "\n" for write in found)
    write_whole(folder / "events.ndjson", events.encode())
    write_whole(folder / "columns.csv", by_column.to_csv(index=False).encode())
    if len(arrows):
        print(draw(folder, arrows))
    leads = origins(by_column, column)
    if len(leads):
        print(draw_origins(folder, leads, column))
    else:
        print(f"This run did not say where {column} comes from.")
    print(f"{len(found)} events: {folder / 'events.ndjson'}")
    other = differences(found, built)
    for sentence in other:
        print(sentence, file=sys.stderr)
    print(f"{len(arrows)} arrows; the declarations {'differ' if other else 'say the same'}.")
    return 1 if other else 0


def run(raw: Path, scratch: Path, artifacts_dir: str, **flags: Any) -> list[Change]:
    """The run itself, watched by OpenLineage's listener."""
    if not flags["lakehouse_dir"]:
        flags["lakehouse_dir"] = str(scratch / "lakehouse")
        artifacts_dir = str(scratch / "exports")
    with listening(get_spark("lineage", flags["master"]), raw):
        return build_layers(LAYERS, ListenedLakehouse, artifacts_dir=artifacts_dir, **flags)


if __name__ == "__main__":
    main()
