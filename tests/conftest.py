"""One Spark session for every test, in a JVM that notebooks may use after them."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import get_spark
from ecommerce_lakehouse.notebooks import warm_jvm


@pytest.fixture(scope="session")
def jvm() -> Iterator[None]:
    """A JVM for this session and for every kernel that is started while it runs."""
    with warm_jvm():
        yield


@pytest.fixture(scope="session")
def spark(jvm: None) -> Iterator[SparkSession]:
    """The session of the notebooks, with their settings."""
    session = get_spark("tests")
    yield session
    session.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last come the tests that hand the JVM to other processes: they end its Spark session."""

    def hands_it_on(item: pytest.Item) -> bool:
        fixtures = getattr(item, "fixturenames", ())
        return "jvm" in fixtures and "spark" not in fixtures

    items.sort(key=hands_it_on)
