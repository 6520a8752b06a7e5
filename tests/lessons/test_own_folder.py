"""All nine notebooks on a folder they have never seen, as a team would run them on its own CSVs."""

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import pytest
from deliveries import a_few
from oracle.agree import assert_agrees
from oracle.compare import read_delta
from oracle.raw import COLUMNS

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.shop import generate


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team's own folder, with a space in its name: small, dirty, no truth, nothing later."""
    folder = tmp_path_factory.mktemp("whole chain") / "a team's shop"
    generate(80, folder, seed=3)
    (folder / "truth.json").unlink()
    shutil.rmtree(folder / "next")
    shutil.rmtree(folder / "campaign")
    return folder


@pytest.fixture(scope="module")
def by_notebooks(team: Path, jvm: None) -> Path:
    """What `lakehouse run` leaves behind when all nine notebooks are given the team's folder."""
    out = team.parent / "by notebooks"
    before = {path: path.read_bytes() for path in PROJECT.glob("notebooks/*.ipynb")}
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "lakehouse"), "run"),
            *("--data-dir", str(team), "--lakehouse-dir", str(out / "lakehouse")),
            *("--artifacts-dir", str(out / "charts"), "--output-dir", str(out / "executed")),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=team,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(out / "charts") in done.stdout
    assert before == {path: path.read_bytes() for path in PROJECT.glob("notebooks/*.ipynb")}
    return out


def test_all_nine_notebooks_run_on_a_teams_own_folder(by_notebooks: Path) -> None:
    executed = sorted(path.name for path in (by_notebooks / "executed").glob("*.ipynb"))
    assert executed == sorted(path.name for path in PROJECT.glob("notebooks/*.ipynb"))
    assert len(executed) == 9


def test_a_lesson_that_needs_planted_truth_says_that_there_is_none(by_notebooks: Path) -> None:
    texts = [
        output.get("text", "")
        for path in (by_notebooks / "executed").glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    assert sum("no truth.json" in text for text in texts) >= 2
    assert sum("no later deliveries" in text for text in texts) == 1


def test_every_chart_has_the_table_behind_it(by_notebooks: Path) -> None:
    charts = {path.stem for path in (by_notebooks / "charts").glob("*.png")}
    committed = {path.stem for path in (PROJECT / "artifacts").glob("*.png")}
    assert charts == committed
    for name in charts:
        assert (by_notebooks / "charts" / f"{name}.csv").read_text().count("\n") >= 1


def test_the_notebooks_agree_with_the_oracle_on_dirty_data(by_notebooks: Path, team: Path) -> None:
    names = [table.full_name for table in registry.tables()]
    assert_agrees(partial(read_delta, by_notebooks / "lakehouse"), names, team)


ANN, MOUSE = "1,ann@shop.com,Ann,Lee,US,2024-05-01", "1,Mouse,Accessories,5.00,9.99"
FAR_APART = ["1,1,0202-03-04,completed,5.00", "2,1,9999-12-31,completed,5.00"]
OF_JULY = {"customers_2024-07": ["2,ben@shop.com,Ben,Lee,US,2024-07-01"]}
BY_MONTHS = OF_JULY | {"orders_2024-08": ["2,2,2024-08-01,completed,5.00"]}


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("rows", "flags", "code"),
    [
        pytest.param({}, [], 0, id="one order, of this month"),
        pytest.param({"next": BY_MONTHS}, [], 0, id="a delivery without orders"),
        pytest.param({"next": OF_JULY}, [], 0, id="no delivery with orders"),
        pytest.param({"orders": FAR_APART}, [], 0, id="orders of the years 202 and 9999"),
        pytest.param(
            {"orders": ["1,1,2024-06-01,completed,"], "order_items": []}, [], 0, id="0.00"
        ),
        pytest.param(
            {"orders": [], "order_items": []}, ["--as-of", "2024-06-30"], 2, id="no order"
        ),
        pytest.param({}, ["--as-of", "2024-05-31"], 2, id="a day before the first order"),
        pytest.param({"customers": []}, [], 2, id="no customer"),
        pytest.param({"products": ["1,Mouse,Accessories,5.00,"]}, [], 2, id="no good product"),
    ],
)
@pytest.mark.usefixtures("jvm")
def test_a_shop_with_next_to_nothing(
    tmp_path: Path, rows: dict[str, Any], flags: list[str], code: int
) -> None:
    """Either every notebook runs, or one says what is missing."""
    shop = {
        "customers": [ANN],
        "orders": ["1,1,2024-06-01,completed,5.00"],
        "order_items": ["1,1,1,2,9.99"],
        "products": [MOUSE],
    }
    first = {name: lines for name, lines in {**shop, **rows}.items() if name != "next"}
    a_few(tmp_path / "data", **first)
    (tmp_path / "data" / "next").mkdir()
    for name, lines in rows.get("next", {}).items():
        header = ",".join(COLUMNS[name.partition("_")[0]])
        text = "\n".join([header, *lines, ""])
        (tmp_path / "data" / "next" / f"raw_{name}.csv").write_text(text)
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "lakehouse"), "run", *flags),
            *("--data-dir", str(tmp_path / "data"), "--lakehouse-dir", str(tmp_path / "lake")),
            *("--artifacts-dir", str(tmp_path / "charts"), "--output-dir", str(tmp_path / "x")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert code == 0 or "has no rows as of 20" in done.stderr
