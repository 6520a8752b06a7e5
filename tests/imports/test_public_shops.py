"""Two real shops as a whole: what their publishers state, the oracle's tables, and nine lessons."""

import json
import re
import runpy
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import nbformat
import pyarrow.compute as pc
import pytest
from oracle.agree import assert_agrees
from oracle.compare import read_delta

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.imports.fetch import fetch
from ecommerce_lakehouse.lessons import facts
from ecommerce_lakehouse.paths import PROJECT

JOURNEY = PROJECT / "docs" / "complete_journey"
SCRIPT = runpy.run_path(str(PROJECT / "scripts" / "generate_complete_journey.py"))
REMEDY = "python scripts/generate_complete_journey.py"
PICTURES = re.compile(r"\(complete_journey/(\w+)\.png\)")


@dataclass(frozen=True)
class Shop:
    """What is known of a public shop from elsewhere.

    The numbers of customers and orders are those that the publishers state. They state no sum of
    money: it is that of the amounts in the package's own data file.
    """

    customers: int
    orders: int
    lines: int
    usd: Decimal
    first_day: date
    last_day: date


SHOPS = {
    "cdnow": Shop(
        23_570, 69_659, 69_659, Decimal("2500315.63"), date(1997, 1, 1), date(1998, 6, 30)
    ),
    "complete-journey": Shop(
        2_469, 155_848, 1_469_307, Decimal("4596039.58"), date(2017, 1, 1), date(2017, 12, 31)
    ),
}


@pytest.fixture(scope="module", params=SHOPS)
def name(request: pytest.FixtureRequest) -> str:
    """A public shop."""
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def data(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its four raw files."""
    folder = tmp_path_factory.mktemp("public shop") / "data"
    fetch(name, folder)
    return folder


def _run(command: str, data: Path, out: Path, *flags: str) -> str:
    """Run `lakehouse build` or `lakehouse run` on a folder; what it printed."""
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "lakehouse"), command, "--data-dir", str(data)),
            *("--lakehouse-dir", str(out / "lakehouse"), "--artifacts-dir", str(out / "charts")),
            *flags,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(data: Path, jvm: None) -> Path:
    """What `lakehouse build` makes of it."""
    _run("build", data, data.parent)
    return data.parent / "lakehouse"


@pytest.mark.nightly
def test_a_build_agrees_with_the_oracle(built: Path, data: Path) -> None:
    names = [table.full_name for table in registry.tables()]
    assert_agrees(partial(read_delta, built), names, data)


@pytest.mark.nightly
def test_customers_orders_and_money_are_those_that_were_published(name: str, built: Path) -> None:
    orders = read_delta(built, "intermediate.int_customer_orders")
    found = Shop(
        read_delta(built, "silver.stg_customers").num_rows,
        orders.num_rows,
        read_delta(built, "silver.stg_order_items").num_rows,
        pc.sum(orders["order_total"]).as_py(),
        *(scalar.as_py() for scalar in pc.min_max(orders["order_date"]).values()),
    )
    assert found == SHOPS[name]


@pytest.mark.nightly
def test_all_nine_lessons_run_and_say_what_they_lack(
    name: str, data: Path, jvm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = data.parent / "by notebooks"
    # Here charts meet numbers that the lessons' shop does not have: can people read them?
    monkeypatch.setenv("LAKEHOUSE_CHECK_CHARTS", "1")
    _run("run", data, out, "--output-dir", str(out / "executed"))
    lessons = sorted((out / "executed").glob("*.ipynb"))
    assert [path.name for path in lessons] == sorted(
        path.name for path in PROJECT.glob("notebooks/*.ipynb")
    )
    texts = [
        output.get("text", "")
        for path in lessons
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    assert sum("no truth.json" in text for text in texts) >= 2
    assert sum("no later deliveries" in text for text in texts) == 1
    if name == "complete-journey":
        kept = json.loads((JOURNEY / "facts.json").read_text(encoding="utf-8"))
        assert SCRIPT["read_facts"](out / "charts", "theirs") == kept, REMEDY
        for table in JOURNEY.glob("*.csv"):
            assert (out / "charts" / table.name).read_bytes() == table.read_bytes(), REMEDY


def test_the_page_about_a_real_shop_says_what_was_computed() -> None:
    page = (PROJECT / "docs" / "complete_journey.md").read_text(encoding="utf-8")
    kept = json.loads((JOURNEY / "facts.json").read_text(encoding="utf-8"))
    computed = kept | SCRIPT["read_facts"](PROJECT / "artifacts", "ours")
    assert list(facts.problems([page], computed)) == [], REMEDY
    shown = set(PICTURES.findall(page))
    assert {path.stem for path in JOURNEY.glob("*.png")} == shown
    assert {path.stem for path in JOURNEY.glob("*.csv")} == shown - {"product_pareto"}
    for path in re.findall(r"\]\(([^)#]+)(?:#\w+)?\)", page):
        assert (PROJECT / "docs" / path).exists()
