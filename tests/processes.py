"""Programs for tests: started, waited for, and compared in what they built."""

import socket
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

from oracle.agree import assert_agrees, assert_same
from oracle.compare import read_delta

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.operations.build import build_layers
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.spark.environment import own_environment
from ecommerce_lakehouse.spark.java import ensure_java

BIN = Path(sys.executable).parent
NAMES = [table.full_name for table in registry.tables()]
FIRST, SECOND = "2023-05-31", "2023-07-31"
"""Two nights."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def built_wheel(folder: Path) -> Path:
    """The package as `make wheel` builds it."""
    build = [sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--offline"]
    command = [*build, "--quiet", "--python", sys.executable, "--out-dir", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def on_this_machine() -> dict[str, str]:
    return own_environment(ensure_java())


def started(command: list[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env=on_this_machine() | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def ended(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """What a program said; it has to end well."""
    code = process.wait()
    said = log.read_text(errors="replace")
    assert code == 0, said[-5000:]
    return said


def assert_right(folder: Path, day: str) -> None:
    """The tables are those of this machine alone, and of the oracle."""
    alone = folder / f"alone {day}"
    build_layers(
        registry.LAYERS,
        as_of_date=day,
        data_dir=str(folder / "data"),
        lakehouse_dir=str(alone),
        artifacts_dir=str(alone),
    )
    for name in NAMES:
        assert_same(name, read_delta(folder / "lake", name), read_delta(alone, name))
    as_of = date.fromisoformat(day)
    assert_agrees(partial(read_delta, folder / "lake"), NAMES, folder / "data", as_of)
    assert (folder / "charts" / "ml_customer_features.parquet").is_file()
