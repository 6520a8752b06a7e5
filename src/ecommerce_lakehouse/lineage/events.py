"""OpenLineage events: those that the declarations give, and those of a run by our names."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from openlineage.client import OpenLineageClient, event_v2, set_producer
from openlineage.client.facet_v2 import (
    documentation_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)
from openlineage.client.transport.file import FileConfig, FileTransport

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.artifacts import artifacts_folder
from ecommerce_lakehouse.lineage.declared import NAMESPACE, edges
from ecommerce_lakehouse.lineage.observed import Event, Ways, Write
from ecommerce_lakehouse.tables.lakehouse import Lakehouse

PRODUCER = "urn:ecommerce-lakehouse"


def events(lake: Lakehouse) -> Iterator[event_v2.RunEvent]:
    """One COMPLETE event for every table that is there, as its last commit tells it.

    The time is the commit's, and the run's id is made from the table's place and version: the
    same tables give the same events, however often they are asked for.
    """
    sources = edges(scored=True)
    for table in registry.tables(scored=True):
        if not lake.has(table):
            continue
        commit = DeltaTable.forPath(lake.spark, lake.path(table)).history(1).head()
        assert commit is not None  # a Delta table has a first commit
        metrics = commit.operationMetrics
        written = metrics.get("numOutputRows") or metrics.get("numTargetRowsInserted") or "0"
        columns = lake.read(table).schema.fields
        output = event_v2.OutputDataset(
            namespace=NAMESPACE,
            name=table.full_name,
            facets={
                "documentation": documentation_dataset.DocumentationDatasetFacet(table.grain),
                "schema": schema_dataset.SchemaDatasetFacet(
                    [
                        schema_dataset.SchemaDatasetFacetFields(c.name, c.dataType.simpleString())
                        for c in columns
                    ]
                ),
            },
            outputFacets={
                "outputStatistics": (
                    output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                        rowCount=int(written)
                    )
                )
            },
        )
        inputs = sources.loc[sources["target"] == table.full_name, "source"]
        version = f"{lake.path(table)}@{commit.version}"
        yield event_v2.RunEvent(
            eventTime=commit.timestamp.isoformat() + "Z",
            eventType=event_v2.RunState.COMPLETE,
            run=event_v2.Run(str(uuid.uuid5(uuid.NAMESPACE_URL, version))),
            job=event_v2.Job(namespace=NAMESPACE, name=f"build {table.full_name}"),
            inputs=[event_v2.InputDataset(namespace=NAMESPACE, name=name) for name in inputs],
            outputs=[output],
        )


def write_events(lake: Lakehouse, to: str | os.PathLike[str]) -> Path:
    """Write the events, one JSON line each, with OpenLineage's own client.

    Args:
        lake: The lakehouse to tell about.
        to: The artifacts folder.

    Returns:
        `<artifacts>/lineage/declared.ndjson`.

    Examples:
        >>> lake = Lakehouse(spark, scratch / "lakehouse", "data_seeds", sql_names=False)
        >>> write_events(lake, scratch).name
        'declared.ndjson'
    """
    set_producer(PRODUCER)
    target = artifacts_folder(Path(artifacts_folder(to)) / "lineage") / "declared.ndjson"
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    client = OpenLineageClient(
        transport=FileTransport(FileConfig(log_file_path=os.fspath(beside), append=True))
    )
    for event in events(lake):
        client.emit(event)
    beside.touch()
    os.replace(beside, target)
    return target


def with_our_names(write: Write) -> Event:
    """The event as a catalog should have it: each dataset by the name of this project.

    Args:
        write: The table that was written. The run, its id and its time stay the listener's.
    """
    output = write.event["outputs"][0]
    facets = dict(output["facets"])
    if write.columns:
        facets["columnLineage"] = {
            **{name: value for name, value in facets["columnLineage"].items() if name[0] == "_"},
            "fields": {
                column: {"inputFields": _input_fields(ways)}
                for column, ways in write.columns.items()
            },
            "dataset": _input_fields(write.rows),
        }
    return {
        **write.event,
        "job": {**write.event["job"], "namespace": NAMESPACE, "name": f"build {write.table}"},
        "inputs": [
            {"namespace": NAMESPACE, "name": name, "facets": found}
            for name, found in sorted(write.inputs.items())
        ],
        "outputs": [{**output, "namespace": NAMESPACE, "name": write.table, "facets": facets}],
    }


def _input_fields(ways: Ways) -> list[Any]:
    return [
        {
            "namespace": NAMESPACE,
            "name": dataset,
            "field": column,
            "transformations": [
                {"type": kind, "subtype": how, "description": "", "masking": False}
                for kind, how in sorted(steps)
            ],
        }
        for (dataset, column), steps in sorted(ways.items())
    ]
