"""What a session is made of, whatever else is installed on the machine."""

import sys

from pyspark.sql import SparkSession


def test_python_workers_are_of_this_environment(spark: SparkSession) -> None:
    """Not of the first python3 on the PATH, which may be of another version."""
    numbers = spark.sparkContext.parallelize([1], 1)
    assert numbers.map(lambda _: sys.executable).collect() == [sys.executable]
