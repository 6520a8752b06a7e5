"""The build on an object store: S3's protocol, spoken by S3Proxy. Long: make cluster-test"""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyspark
import pytest
from deliveries import AUGUST, SEPTEMBER, deliver
from processes import BIN, FIRST, SECOND, assert_right, ended, free_port, on_this_machine, started

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.operations.change import Change, Outcome
from ecommerce_lakehouse.paths import EXAMPLE_DATA, cache_dir

pytestmark = pytest.mark.cluster
SERVER = ("org.gaul", "s3proxy", "4.1.0")
SDK = "2.35.4"
CONNECTOR = [
    "org.apache.hadoop:hadoop-aws:3.5.0",
    *(f"software.amazon.awssdk:{part}:{SDK}" for part in ("s3", "s3-transfer-manager", "sts")),
]
"""Hadoop's connector, with the parts of Amazon's SDK that it uses: all of it is 686 MB."""
BUCKET = "s3a://shop"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server of this machine: its address, and the folder in which a bucket is a folder."""
    folder, address = tmp_path_factory.mktemp("store"), f"http://127.0.0.1:{free_port()}"
    (folder / "buckets").mkdir()
    settings = {
        "s3proxy.endpoint": address,
        "s3proxy.authorization": "none",
        "jclouds.provider": "filesystem-nio2",
        "jclouds.filesystem.basedir": folder / "buckets",
    }
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    (folder / "s3proxy.conf").write_text(text)
    program = [java(), "-cp", f"{server_jars()}/*", "org.gaul.s3proxy.Main"]
    log = folder / "s3proxy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*program, "--properties", str(folder / "s3proxy.conf")], stdout=output, stderr=output
        )
    try:
        while not answers(address):
            assert process.poll() is None, log.read_text()[-5000:]
            time.sleep(0.2)
        yield address, folder / "buckets"
    finally:
        process.kill()
        process.wait()


def java() -> str:
    return f"{on_this_machine()['JAVA_HOME']}/bin/java"


def server_jars() -> Path:
    """The server and what it needs, fetched once."""
    group, artifact, version = SERVER
    folder = cache_dir() / "jars" / f"{artifact}-{version}"
    ivy = next((Path(pyspark.__path__[0]) / "jars").glob("ivy-*.jar"))
    settings = Path.home() / ".ivy2" / "ivysettings.xml"
    command = [java(), "-jar", str(ivy), *(["-settings", str(settings)] * settings.exists())]
    command += ["-dependency", group, artifact, version, "-types", "jar", "bundle"]
    command += ["-retrieve", f"{folder}/[artifact]-[revision](-[classifier]).[ext]"]
    if not (folder / f"{artifact}-{version}.jar").is_file():
        done = subprocess.run(command, capture_output=True, text=True)
        assert (folder / f"{artifact}-{version}.jar").is_file(), done.stdout[-5000:]
    return folder


def answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def put(store: tuple[str, Path], files: Iterable[Path]) -> Path:
    """Send raw files to the bucket.

    Returns:
        The folder that is the bucket.
    """
    address, folder = store
    bucket = folder / BUCKET.rpartition("/")[2]
    bucket.mkdir(exist_ok=True)
    for file in files:
        url, kind = f"{address}/{bucket.name}/data/{file.name}", {"Content-Type": "text/csv"}
        request = urllib.request.Request(url, file.read_bytes(), kind, method="PUT")
        urllib.request.urlopen(request).close()
    return bucket


def submitted(address: str, *arguments: str) -> list[str]:
    """A program as the guide tells to start it."""
    return [
        *(str(BIN / "spark-submit"), "--master", "local[2]"),
        *("--packages", ",".join(CONNECTOR)),
        *("--exclude-packages", "software.amazon.awssdk:bundle"),
        *("--conf", f"spark.hadoop.fs.s3a.endpoint={address}"),
        *("--conf", "spark.hadoop.fs.s3a.path.style.access=true"),
        *("--conf", "spark.hadoop.fs.s3a.access.key=nobody"),
        *("--conf", "spark.hadoop.fs.s3a.secret.key=nothing"),
        *("--driver-memory", "512m", "--conf", "spark.ui.enabled=false"),
        *arguments,
    ]


def places(artifacts: Path, day: str, bucket: str = BUCKET) -> list[str]:
    return [
        *("--date", day, "--data-dir", f"{bucket}/data"),
        *("--lakehouse-dir", f"{bucket}/lake", "--artifacts-dir", str(artifacts)),
    ]


@pytest.mark.usefixtures("spark")
def test_two_nights(store: tuple[str, Path], tmp_path: Path) -> None:
    shop = put(store, EXAMPLE_DATA.glob("raw_*.csv"))
    log, charts = tmp_path / "log", shop / "charts"
    night = submitted(store[0], "src/pipeline.py", *places(charts, FIRST))
    ended(started(night, log), log)
    assert_right(shop, FIRST)

    deliver(tmp_path, "2023-08", AUGUST)
    deliver(tmp_path, "2023-09", SEPTEMBER)
    put(store, tmp_path.glob("raw_*.csv"))
    night = submitted(store[0], "src/pipeline.py", *places(charts, SECOND))
    said = ended(started(night, log), log)
    assert str(Change("bronze.customers", Outcome.MERGED, inserted=2)) in said
    assert_right(shop, SECOND)

    again = ended(started(night, log), log)
    assert again.count("unchanged") == len(registry.tables())


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--lakehouse-dir", "s3a://elsewhere/lake/ cannot be written."),
        ("--data-dir", "s3a://elsewhere/lake cannot be opened: "),
    ],
)
def test_a_bucket_that_is_not_there(
    store: tuple[str, Path], tmp_path: Path, flag: str, told: str
) -> None:
    log = tmp_path / "log"
    put(store, EXAMPLE_DATA.glob("raw_*.csv"))
    away = [*places(tmp_path, FIRST), flag, "s3a://elsewhere/lake"]
    process = started(submitted(store[0], "src/pipeline.py", *away), log)
    assert process.wait() == 2
    said = log.read_text()
    assert told in said
    assert "at org.apache" not in said
