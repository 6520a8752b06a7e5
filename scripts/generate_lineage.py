"""Run every table, and write what the run read and wrote: OpenLineage events and graphs.

Run it with:  python scripts/generate_lineage.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from ecommerce_lakehouse import get_spark
from ecommerce_lakehouse.artifacts import artifacts_folder, write_whole
from ecommerce_lakehouse.jobs import (
    ArtifactsDir,
    AsOfDate,
    DataDir,
    Evolve,
    FullRefresh,
    LakehouseDir,
    Master,
    given_options,
    refuse_empty,
    run_job,
)
from ecommerce_lakehouse.lineage.drawing import draw, draw_origins
from ecommerce_lakehouse.lineage.events import with_our_names
from ecommerce_lakehouse.lineage.listener import ListenedWriter, listen
from ecommerce_lakehouse.lineage.observed import columns, differences, graph, origins, read_writes
from ecommerce_lakehouse.operations.build import build_layers
from ecommerce_lakehouse.operations.change import Change, Outcome
from ecommerce_lakehouse.paths import FOLDERS
from ecommerce_lakehouse.registry import LAYERS


def main(
    context: typer.Context,
    data_dir: DataDir = None,
    lakehouse_dir: LakehouseDir = None,
    artifacts_dir: ArtifactsDir = None,
    as_of_date: AsOfDate = None,
    full_refresh: FullRefresh = False,
    evolve: Evolve = False,
    master: Master = None,
    column: Annotated[
        str, typer.Option(help="Whose origins to draw.", callback=refuse_empty)
    ] = "gold.fct_customer_metrics.predicted_clv_12m",
) -> None:
    """Run, write `<artifacts>/lineage/`, and compare what was seen with what is declared.

    Without a lakehouse folder the run has one of its own, which is thrown away: every table is
    built, and no table of yours is touched. With one it is a nightly run on that lakehouse.
    """
    with tempfile.TemporaryDirectory() as scratch:
        flags = {"artifacts_dir": FOLDERS["artifacts_dir"], **given_options(context)}
        raise typer.Exit(tell(Path(scratch), **flags))


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
    built = [change.table for change in changes if change.how != Outcome.UNCHANGED]
    if not built:
        print("Nothing was new, so no table was written and there is nothing to tell.")
        return 0
    found = read_writes(raw)
    arrows, by_column = graph(found), columns(found)
    write_whole(folder / "listener.ndjson", raw.read_bytes() if raw.exists() else b"")
    events = "".join(json.dumps(with_our_names(write)) + "\n" for write in found)
    write_whole(folder / "observed.ndjson", events.encode())
    write_whole(folder / "columns.csv", by_column.to_csv(index=False).encode())
    if len(arrows):
        print(draw(folder, arrows))
    leads = origins(by_column, column)
    if len(leads):
        print(draw_origins(folder, leads, column))
    else:
        print(f"This run did not say where {column} comes from.")
    print(f"{len(found)} events: {folder / 'observed.ndjson'}")
    other = differences(found, built)
    for sentence in other:
        print(sentence, file=sys.stderr)
    print(f"{len(arrows)} arrows; the declarations {'differ' if other else 'say the same'}.")
    return 1 if other else 0


def run(raw: Path, scratch: Path, artifacts_dir: str, **flags: Any) -> list[Change]:
    """The run itself, watched by OpenLineage's listener."""
    if "lakehouse_dir" not in flags:
        flags["lakehouse_dir"] = str(scratch / "lakehouse")
        artifacts_dir = str(scratch / "exports")
    with listen(get_spark("lineage", flags.get("master")), flags["lakehouse_dir"], raw):
        return build_layers(LAYERS, writer=ListenedWriter, artifacts_dir=artifacts_dir, **flags)


if __name__ == "__main__":
    run_job("Write what a run of every table read and wrote.", main)
