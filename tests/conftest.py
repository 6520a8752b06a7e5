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


def hands_the_jvm_on(item: pytest.Item) -> bool:
    """Whether a test has other processes work in the JVM: they end its Spark session."""
    fixtures = getattr(item, "fixturenames", ())
    return "jvm" in fixtures and "spark" not in fixtures


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Last come the tests that hand the JVM on."""
    items.sort(key=hands_the_jvm_on)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Who takes the JVM over lets go of all that is held in it. The session ends before that."""
    session = SparkSession.getActiveSession()
    if session is not None and hands_the_jvm_on(item):
        session.stop()
