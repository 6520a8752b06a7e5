"""What the benchmarks compare is the same work, and their measure measures."""

import json
import sys
from pathlib import Path

import pytest
from oracle.agree import assert_agrees
from oracle.build import KEYS
from oracle.compare import read_delta

from benchmarks import measure
from benchmarks.measure import Command, keep, run
from benchmarks.peers import duck
from benchmarks.totals import assert_totals, differences
from ecommerce_lakehouse.paths import PROJECT

SHOP = PROJECT / "data_seeds" / "shop"


def test_the_peer_without_spark_makes_the_same_tables(tmp_path: Path) -> None:
    duck.main(str(SHOP), str(tmp_path / "lake"))
    assert_agrees(lambda name: read_delta(tmp_path / "lake", name), KEYS, SHOP)
    assert_totals(tmp_path / "lake", json.loads((SHOP / "truth.json").read_text()))


def test_a_digest_sees_one_cell(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in SHOP.glob("raw_*.csv"):
        (data / file.name).write_bytes(file.read_bytes())
    duck.main(str(data), str(tmp_path / "one"))
    orders = data / "raw_orders.csv"
    orders.write_bytes(orders.read_bytes().replace(b",pending,", b",returned,", 1))
    duck.main(str(data), str(tmp_path / "other"))
    assert differences(tmp_path / "one", tmp_path / "one") == []
    assert differences(tmp_path / "one", tmp_path / "other") == [
        "bronze.orders",
        "silver.stg_orders",
    ]


def test_a_command_is_measured_and_ended(tmp_path: Path) -> None:
    held = "import time; kept = bytearray(200 * 2**20); time.sleep(%s)"
    sample = run(Command([sys.executable, "-c", held % 0.5]))
    assert (sample.outcome, sample.seconds >= 0.5, sample.peak_mb >= 200) == ("done", True, True)
    assert run(Command([sys.executable, "-c", "raise SystemExit(3)"])).outcome == "failed"
    too_much = run(Command([sys.executable, "-c", held % 60]), cap_mb=100)
    assert too_much.outcome == "too much memory"
    assert run(Command([sys.executable, "-c", held % 60]), limit=1).outcome == "too slow"


def test_a_comparison_is_measured_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is measured again replaces what was; rows of another machine are not kept beside it."""
    monkeypatch.setattr(measure, "RESULTS", tmp_path)

    def kept(cores: int, *rows: tuple[int, str, float]) -> list[tuple[int, str, float]]:
        monkeypatch.setattr(measure, "machine", lambda: {**here, "cores": cores})
        keep("scale", [{"customers": c, "way": w, "seconds": s} for c, w, s in rows])
        told = json.loads((tmp_path / "scale.json").read_text())["rows"]
        return [(row["customers"], row["way"], row["seconds"]) for row in told]

    here = measure.machine()
    kept(2, (1000, "ours", 9.0), (1000, "DuckDB", 1.0))
    assert kept(2, (10, "ours", 5.0), (1000, "ours", 8.0)) == [
        (10, "ours", 5.0),
        (1000, "ours", 8.0),
        (1000, "DuckDB", 1.0),
    ]
    assert kept(4, (10, "ours", 3.0)) == [(10, "ours", 3.0)]
