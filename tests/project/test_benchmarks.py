"""What the benchmarks compare is the same work, and their measure measures."""

import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest
from deliveries import any_files, write_files
from hypothesis import HealthCheck, given, settings
from oracle.agree import assert_agrees
from oracle.build import KEYS
from oracle.compare import read_delta
from oracle.raw import COLUMNS

from benchmarks import measure, report, scale
from benchmarks.measure import Command, keep, run, side_by_side
from benchmarks.peers import duck, with_polars
from benchmarks.totals import assert_totals, differences
from ecommerce_lakehouse.paths import PROJECT

SHOP = PROJECT / "data_seeds" / "shop"


@pytest.mark.parametrize("peer", [duck, with_polars], ids=["DuckDB", "Polars"])
def test_a_peer_without_spark_makes_the_same_tables(peer: ModuleType, tmp_path: Path) -> None:
    lake = tmp_path / "my lake"
    peer.main(str(SHOP), str(lake))
    assert_agrees(lambda name: read_delta(lake, name), KEYS, SHOP)
    assert_totals(lake, json.loads((SHOP / "truth.json").read_text()))


def test_every_way_has_a_colour_of_its_own(tmp_path: Path) -> None:
    """Else the report of a run of all ways would end with an error."""
    assert scale.ways(SHOP, tmp_path).keys() == report.COLOURS.keys()
    assert len(set(report.COLOURS.values())) == len(report.COLOURS)


def agrees(data: Path, lake: Path) -> None:
    """Fails unless Polars makes the oracle's tables of a folder."""
    with_polars.main(str(data), str(lake))
    assert_agrees(lambda name: read_delta(lake, name), KEYS, data)


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(files=any_files())
def test_polars_loses_no_row_of_whatever_files(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        agrees(Path(folder), Path(folder) / "lake")


HEADER = {entity: ",".join(columns) + "\n" for entity, columns in COLUMNS.items()}
PRODUCTS = {
    "headers only": "",
    "a quote inside a field": '1,5" pipe,Tools,1,2\n2,"a"b,c,1,2\n3,a "b" c,x,1,2\n',
    "a row over lines that look like rows": '1,"x\n\n7,b,T,1,2\n8,b,T,1,2\ny",T,1,2\n9,c,T,1,2\n',
    "other line ends in a field": '1,"x\ry\n\nz",T,1,2\n9,c,T,1,2\n10,"\x0b\x85\u2028",T,1,2\n',
    "a quote that is never closed": '1,a,T,1,2\n2,"b,T,1,2\n3,c,T,1,2\n',
    "lines of Windows, the last one cut off": '1,a,T,1,2\r\n\r\n2,"b\r\n",T,1,2,9\r\n3,c,T,1,2',
    "halves of a cent": "1,a,T,19.985,0.005\n2,b,T,0.0049,2.675\n3,c,T,-0.004,1.0050\n"
    "4,d,T,-0.005,99999999.995\n",
    "margins": "1,a,T,99999999.99,0.01\n2,b,T,0,0\n3,c,,0.03,0.02\n4,d,,1.01,8.08\n",
    "reasons": ",,,,\n+1, ,x,y,1e3\n1,a\n1,a,b,.5,5.\n1,a,b,1,2,3\n",
    "equal rows": "1,a,T,1,2\n 1,a,T,1,2\n1,a,T,1.0,2\n1,a,,1,2\n",
}


@pytest.mark.parametrize("case", PRODUCTS)
def test_polars_reads_what_is_hard_to_read(case: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_files(data, products=HEADER["products"] + PRODUCTS[case])
    agrees(data, tmp_path / "lake")


def test_polars_counts_in_more_digits_than_a_bigint_has(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    items = ["2147483647,99999999.99", "2147483647,4656612.87", "100000000,99999999.99"]
    write_files(
        data,
        order_items=HEADER["order_items"]
        + "".join(f"{i},{i % 9},1,{items[i % 3]}\n" for i in range(300)),
        orders=HEADER["orders"]
        + "".join(f"{i},1,2024-01-0{i},completed,0.01\n" for i in range(1, 9)),
        customers=HEADER["customers"] + "1,a@b.c,x,y,z,2020-01-01\n",
        products=HEADER["products"] + "1,a,T,99999999.99,1\n",
    )
    agrees(data, tmp_path / "lake")


def test_polars_refuses_another_header_before_it_writes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_files(data, orders="order_id,customer,order_date,status,shipping_cost\n")
    with pytest.raises(ValueError, match=r"raw_orders\.csv"):
        with_polars.main(str(data), str(tmp_path / "lake"))
    assert not (tmp_path / "lake").exists()


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
    sample = run(Command([sys.executable, "-c", held % 3]))
    assert (sample.outcome, sample.seconds >= 3, sample.peak_mb >= 200) == ("done", True, True)
    assert run(Command([sys.executable, "-c", "raise SystemExit(3)"])).outcome == "failed"
    too_much = run(Command([sys.executable, "-c", held % 60]), cap_mb=100)
    assert too_much.outcome == "too much memory"
    assert run(Command([sys.executable, "-c", held % 60]), limit=1).outcome == "too slow"


def test_commands_take_turns_and_a_stopped_comparison_has_what_was_measured(
    tmp_path: Path,
) -> None:
    said = tmp_path / "said"
    commands = {word: Command(["sh", "-c", f"echo {word} >> {said}"]) for word in "AB"}
    commands["C"] = Command(["sh", "-c", f"echo C >> {said}; exit 1"])
    rounds: list[list[int]] = []
    side_by_side(
        commands, 2, after_each=lambda so_far: rounds.append([len(s) for s in so_far.values()])
    )
    assert said.read_text().split() == ["A", "B", "C", "A", "B"]  # what fails is not tried again
    assert rounds == [[1, 1, 1], [2, 2, 1]]


def test_a_comparison_is_measured_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is measured again replaces what was; of a size, one machine's rows stand together."""
    monkeypatch.setattr(measure, "RESULTS", tmp_path)

    def kept(cores: int, *rows: tuple[int, str, float]) -> list[tuple[int, int, str, float]]:
        monkeypatch.setattr(measure, "machine", lambda: {**here, "cores": cores})
        keep("scale", [{"customers": c, "way": w, "seconds": s} for c, w, s in rows])
        told = json.loads((tmp_path / "scale.json").read_text())
        cores_of = [machine["cores"] for machine in told["machines"]]
        return [
            (cores_of[row["machine"] - 1], row["customers"], row["way"], row["seconds"])
            for row in told["rows"]
        ]

    here = measure.machine()
    kept(2, (1000, "ours", 9.0), (1000, "DuckDB", 1.0))
    assert kept(2, (10, "ours", 5.0), (1000, "ours", 8.0)) == [
        (2, 10, "ours", 5.0),
        (2, 1000, "ours", 8.0),
        (2, 1000, "DuckDB", 1.0),
    ]
    assert kept(4, (1000, "ours", 3.0)) == [(2, 10, "ours", 5.0), (4, 1000, "ours", 3.0)]
    assert kept(4, (10, "ours", 2.0)) == [(4, 10, "ours", 2.0), (4, 1000, "ours", 3.0)]


def test_the_guide_quotes_what_was_measured() -> None:
    """And the README: the ways beside each other, with a thousand and with a million customers."""
    told = json.loads((PROJECT / "benchmarks" / "results" / "scale.json").read_text())
    by_size: dict[int, dict[str, float]] = {}
    for row in told["rows"]:
        by_size.setdefault(row["customers"], {})[row["way"]] = row["seconds_median"]
    seconds = by_size[1_000_000]
    quoted = f"{seconds['Polars']:.0f} and {seconds['DuckDB']:.0f} seconds for a million customers"
    assert quoted in (PROJECT / "benchmarks" / "README.md").read_text()
    share = {
        size: by_size[size]["ours"] / by_size[size]["plain PySpark"]
        for size in (1000, 250_000, 1_000_000)
    }
    assert 0.25 <= share[1_000_000] < 1 / 3, "less than a third"
    assert 0.4 <= share[250_000] < 0.5, "less than half"
    assert 0.8 <= share[1000] < 1, "nearly as long"
    duck, polars = (seconds[way] / seconds["ours"] for way in ("DuckDB", "Polars"))
    assert 0.6 <= duck < 0.72, "two thirds"
    assert 0.11 <= polars < 0.14, "an eighth"
    assert max(by_size[1000][way] for way in ("DuckDB", "Polars")) < 1, "within a second"
    said = (
        "with a million customers `lakehouse build` takes less than a third of the time",
        "with a quarter of a million less than half of it, and with a thousand nearly as long",
        "at a million DuckDB takes two thirds of our time, Polars an eighth",
        "at a thousand both are done within a second",
    )
    readme = (PROJECT / "README.md").read_text().lower()
    assert [words for words in said if words.lower() not in readme] == []


def test_the_guide_is_right_about_the_largest_shop() -> None:
    """Its seconds, those of a million order items for three sizes, its memory, and its peers."""
    told = json.loads((PROJECT / "benchmarks" / "results" / "scale.json").read_text())
    ours = {row["customers"]: row for row in told["rows"] if row["way"] == "ours"}
    largest = ours[8_000_000]
    each = {size: row["seconds_median"] / row["order_items"] * 1e6 for size, row in ours.items()}
    guide = (PROJECT / "benchmarks" / "README.md").read_text()
    assert f"({largest['order_items'] / 1e6:.1f} million; each way run once)" in guide
    assert f"after {largest['seconds_median'] / 60:.0f} minutes" in guide
    assert f"That is {each[8_000_000]:.1f} seconds" in guide
    assert f"after {each[1_000_000]:.1f} with a million" in guide
    assert f"and {each[100_000]:.0f} with a hundred thousand" in guide
    assert (largest["outcome"], largest["peak_mb"] <= 4096) == ("done", True)
    peers = {row["way"]: row for row in told["rows"] if row["customers"] == 8_000_000}
    assert {row["machine"] for row in peers.values()} == {largest["machine"]}
    assert peers["Polars"]["outcome"] == "too much memory"
    assert f"ended after {peers['Polars']['seconds_median']:.0f} seconds" in guide
    assert peers["DuckDB"]["outcome"] == "done"
    assert f"DuckDB needs {peers['DuckDB']['seconds_median'] / 60:.0f} minutes" in guide
    assert 0.9 < peers["DuckDB"]["seconds_median"] / largest["seconds_median"] < 1.1, "level"
    of_a_million = {row["way"]: row for row in told["rows"] if row["customers"] == 1_000_000}
    plain = of_a_million["plain PySpark"]
    hours = plain["seconds_median"] / plain["order_items"] * largest["order_items"] / 3600
    assert 1.7 < hours < 2
    assert "it would take almost two hours" in guide


def test_the_guide_is_right_about_a_delivery() -> None:
    """A thousandth of a million customers: 40 % of the seconds of building all anew."""
    told = json.loads((PROJECT / "benchmarks" / "results" / "incremental.json").read_text())
    rows = [row for row in told["rows"] if row["customers"] == 1_000_000]
    seconds = {row["way"]: row["seconds_median"] for row in rows if row["share"] == 0.001}
    same_day, anew = seconds["same day"], seconds["all anew"]
    guide = (PROJECT / "benchmarks" / "README.md").read_text()
    assert f"it takes {same_day:.0f} seconds, and building all anew takes {anew:.0f}" in guide
    assert 0.38 <= same_day / anew <= 0.42, "40 %"
    of_ten = {row["way"]: row["seconds_median"] for row in rows if row["share"] == 0.01}
    assert f"ten times as many take {of_ten['same day']:.0f}" in guide
    rows = [row for row in told["rows"] if row["customers"] == 250_000]
    of = {(row["share"], row["way"]): f"{row['seconds_median']:.0f}" for row in rows}
    assert {row["runs"] for row in rows} == {3}
    assert (
        f"(three runs) the first takes {of[0.001, 'same day']} seconds, and building all anew "
        f"{of[0.001, 'all anew']}; ten times as many take {of[0.01, 'same day']}."
    ) in guide


def test_the_guide_is_right_about_a_night_and_its_history() -> None:
    told = json.loads((PROJECT / "benchmarks" / "results" / "history.json").read_text())
    of = {(row["customers"], row["way"]): row["seconds_median"] for row in told["rows"]}
    night, anew = (
        [of[size, way] for size in (100_000, 250_000, 1_000_000)]
        for way in ("one night", "all anew")
    )
    guide = (PROJECT / "benchmarks" / "README.md").read_text()
    assert (
        "The same thousand orders take {:.0f} seconds with 100,000 customers, {:.0f} with 250,000 "
        "and {:.0f} with a million; building all anew takes {:.0f}, {:.0f} and {:.0f}"
    ).format(*night, *anew) in guide
    assert night[0] > 0.9 * anew[0], "next to nothing"
    assert 0.45 < night[-1] / anew[-1] < 0.55, "half"
    nothing = of[1_000_000, "nothing new"]
    assert f"With nothing new it takes {nothing:.0f} seconds" in guide


def test_the_guide_is_right_about_the_original_course() -> None:
    told = json.loads((PROJECT / "benchmarks" / "results" / "original.json").read_text())
    of = {(row["customers"], row["way"]): row["seconds_median"] for row in told["rows"]}
    course, ours = (
        [of[size, way] for size in (250_000, 1_000_000)] for way in ("the original course", "ours")
    )
    guide = (PROJECT / "benchmarks" / "README.md").read_text()
    assert (
        "it takes {:.0f} seconds with 250,000 customers and {:.0f} with a million, where "
        "`lakehouse build` takes {:.0f} and {:.0f}: three fifths of it"
    ).format(*course, *ours) in guide
    assert all(0.55 < mine / its < 0.65 for mine, its in zip(ours, course, strict=True))


def test_the_guide_is_right_about_the_notebooks() -> None:
    """Half of the time in cells is that of notebooks 7 and 8; a first table takes half as long."""
    told = json.loads((PROJECT / "benchmarks" / "results" / "notebooks.json").read_text())
    (run,) = [row for row in told["rows"] if row["way"] == "lakehouse run"]
    late = [cell["seconds"] for cell in run["cells"] if cell["notebook"][:2] in {"07", "08"}]
    assert sum(late) > sum(cell["seconds"] for cell in run["cells"]) / 2
    guide = (PROJECT / "benchmarks" / "README.md").read_text()
    seconds = {row["way"]: row["seconds_median"] for row in told["rows"]}
    first, plain = seconds["first table"], seconds["first table, plain"]
    assert f"it is {first:.1f} seconds, and {plain:.1f} with a plain session" in guide
    assert first <= 0.5 * plain
    times = {2: "twice", 3: "three times"}[run["runs"]]
    assert f"(Each way was run {times}.)" in guide
