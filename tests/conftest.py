"""One Spark session for every test."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import get_spark


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The session of the notebooks, with their settings."""
    session = get_spark("tests")
    yield session
    session.stop()
