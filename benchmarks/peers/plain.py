"""The contract's tables with PySpark as most tutorials have it.

The session as Delta's guide makes it, default settings, types guessed by `inferSchema`, and
views over plans that nobody wrote down: each table is computed from the raw files on. The
functions are the lessons', so the tables are the same.
"""

import sys

from delta import configure_spark_with_delta_pip
from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS, read_raw
from ecommerce_lakehouse.spark.settings import SETTINGS
from ecommerce_lakehouse.storage.files import LocalFiles
from ecommerce_lakehouse.tables.raw_files import find_raw_files

FOR_LESSONS = {
    # What the lessons' results depend on, as they have it.
    **{key: value for key, value in SETTINGS.items() if "delta.properties" in key},
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    "spark.sql.session.timeZone": "UTC",
    # What follows from little data, at Spark's and Delta's defaults.
    "spark.sql.shuffle.partitions": "200",
    "spark.databricks.delta.snapshotPartitions": "50",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
}


def session(*, for_lessons: bool = False) -> SparkSession:
    """A session with Delta, as its documentation shows it.

    Args:
        for_lessons: Whether the notebooks run in it.
    """
    builder = (
        SparkSession.builder.appName("plain")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config(
            "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        )
    )
    for key, value in FOR_LESSONS.items() if for_lessons else ():
        builder = builder.config(key, value)
    return configure_spark_with_delta_pip(builder).getOrCreate()


def main(data_dir: str, lakehouse_dir: str) -> None:
    """Build and write every table."""
    spark = session()
    views: dict[str, DataFrame] = {}
    for entity, found in find_raw_files(LocalFiles(), data_dir, []).items():
        files = [file.address for file in found]
        # What the guess cannot hold (`1,5`, a row too short) would be lost without a word, so
        # the text is read beside it. A tutorial would pay for the guess and have no quarantine.
        spark.read.csv(files, header=True, inferSchema=True, multiLine=True, escape='"')
        views[f"raw_{entity}"] = read_raw(spark, files, RAW_COLUMNS[entity])
    as_of_date = None
    for table in registry.tables():
        if as_of_date is None and "as_of_date" in table.parameters:
            orders = views["stg_orders"].where("is_completed")
            as_of_date = orders.selectExpr("max(order_date)").collect()[0][0]
        given = {"as_of_date": as_of_date, **views}
        view = table.function(**{name: given[name] for name in table.parameters})
        view.createOrReplaceTempView(table.name)
        path = f"{lakehouse_dir}/{table.layer}/{table.name}"
        view.write.format("delta").mode("overwrite").save(path)
        views[table.name] = view


if __name__ == "__main__":
    main(*sys.argv[1:])
