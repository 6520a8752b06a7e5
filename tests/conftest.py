"""One Spark session for every test, in a JVM that notebooks may use after them."""

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import get_spark, registry
from ecommerce_lakehouse.spark import settings
from ecommerce_lakehouse.spark.jvm import warm_jvm

LITTLE = 1000
"""Bytes: nearly every test works on a few rows."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def jvm() -> Iterator[None]:
    """A JVM for this session and for every kernel that is started while it runs."""
    with warm_jvm():
        yield


@pytest.fixture(scope="session")
def spark(jvm: None) -> Iterator[SparkSession]:
    """The session of the notebooks, with their settings."""
    session = get_spark("tests", raw_bytes=LITTLE)
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


@pytest.fixture(autouse=True)
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test is a learner of its own, who has met no goal yet and reads English."""
    monkeypatch.delenv("LAKEHOUSE_LANGUAGE", raising=False)
    monkeypatch.setenv("LAKEHOUSE_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


@pytest.fixture
def own_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test declares is forgotten afterwards."""
    registry.load_scores()
    monkeypatch.setattr(registry, "_tables", dict(registry._tables))


@pytest.fixture(autouse=True)
def for_little_data() -> Iterator[None]:
    """A test that opens a large lakehouse leaves the session set for little data."""
    yield
    session = SparkSession.getActiveSession()
    if (
        session is not None
        and int(session.conf.get(settings.LARGEST_OPENED, "0") or 0) >= settings.LITTLE_BYTES
    ):
        settings.begin(session, LITTLE)


def pytest_unconfigure() -> None:
    """Hypothesis leaves a callback with the garbage collector, which holds modules to the end.

    Among them is DuckDB's, whose binding then calls all that is in it leaked, a page long.
    """
    gc.callbacks.clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser of this machine."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "There is no Chromium. On Debian and Ubuntu:  apt install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
