"""The scoring job: models and scores as tables, new only where their inputs are."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from deliveries import MOUSE, a_few, deliver
from oracle.build import build_oracle
from oracle.compare import read_delta

from ecommerce_lakehouse.errors import LakehouseError, MissingTableError
from ecommerce_lakehouse.operations.build import build_layers
from ecommerce_lakehouse.operations.score import score_customers
from ecommerce_lakehouse.registry import LAYERS

PEOPLE, DAY = 40, date(2024, 6, 30)
FITTED = {"ml.models", "ml.offer_methods"}
NAMES = FITTED | {"ml.customer_value", "ml.churn_scores", "ml.recommendations"}
pytestmark = [pytest.mark.usefixtures("spark"), pytest.mark.nightly]


def build(lake: Path, shop: Path, day: str = "") -> None:
    place = str(lake)
    build_layers(
        LAYERS, as_of_date=day, data_dir=str(shop), lakehouse_dir=place, artifacts_dir=place
    )


def score(lake: Path, **given: object) -> dict[str, str]:
    """What became of each table."""
    changes = score_customers(lakehouse_dir=str(lake), **given)  # type: ignore[arg-type]
    return {change.table: str(change.how) for change in changes}


@pytest.fixture(scope="module")
def shop(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People who came every twenty to sixty days; every fourth has stopped. Built and scored."""
    folder = tmp_path_factory.mktemp("scores")
    people = [f"{n},p{n}@shop.com,Ann,Lee,US,2023-01-01" for n in range(1, PEOPLE + 1)]
    orders: list[str] = []
    for n in range(1, PEOPLE + 1):
        last = DAY - timedelta(days=n if n % 4 else 120 + n)
        for back in range(0, 400, 20 + n):
            orders.append(f"{len(orders) + 1},{n},{last - timedelta(days=back)},completed,5.00")
    items = [f"{n},{n},1,{n % 3 + 1},{n % 7 + 1}.99" for n in range(1, len(orders) + 1)]
    a_few(folder / "data", customers=people, products=[MOUSE], orders=orders, order_items=items)
    build(folder / "lake", folder / "data", str(DAY))
    assert score(folder / "lake", as_of_date=str(DAY)) == dict.fromkeys(NAMES, "built")
    return folder


@pytest.fixture
def lake(shop: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(shop / "lake", tmp_path / "lake")
    return tmp_path / "lake"


def test_the_oracle_scores_everybody_alike(shop: Path) -> None:
    """By the numbers of the model, in SQL of its own."""
    expected = build_oracle(shop / "data", DAY).score_churn(read_delta(shop / "lake", "ml.models"))
    scores = read_delta(shop / "lake", "ml.churn_scores").sort_by("customer_id")
    for name in ("customer_id", "at_stake"):
        assert scores[name].to_pylist() == expected[name].to_pylist()
    assert scores.num_rows == PEOPLE
    chances = scores["leaves_probability"].to_pylist()
    assert chances == pytest.approx(expected["leaves_probability"].to_pylist(), abs=1e-6)
    assert max(chances) - min(chances) > 0.3


def test_nothing_is_written_where_nothing_is_new(lake: Path) -> None:
    assert score(lake, as_of_date=str(DAY)) == dict.fromkeys(NAMES, "unchanged")


def test_a_run_that_was_killed_is_taken_up_again(lake: Path) -> None:
    """It had fitted the models, and a part of the scores."""
    shutil.rmtree(lake / "ml" / "churn_scores")
    changed = score(lake, as_of_date=str(DAY))
    assert changed == dict.fromkeys(NAMES, "unchanged") | {"ml.churn_scores": "built"}


def test_a_build_says_that_the_scores_are_old_and_the_models_say_so_too(
    shop: Path, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = lake.parent / "data"
    shutil.copytree(shop / "data", data)
    deliver(data, "2", {"orders": ["9001,1,2024-07-10,completed,5.00"]})
    capsys.readouterr()
    build(lake, data, "2024-07-10")
    (told,) = [s for s in capsys.readouterr().out.splitlines() if s.startswith("Older")]
    assert told.endswith("(as of 2024-06-30). Score anew with:  lakehouse score")
    assert all(name in told for name in NAMES)
    kept = score(lake, as_of_date="2024-07-10", keep_models=True)
    assert set(kept) == NAMES - FITTED
    assert (
        "Warning: the models are of 2024-06-30, older than what they score (2024-07-10). "
        "Fit them anew with:  lakehouse score"
    ) in capsys.readouterr().out
    score(lake, as_of_date="2024-07-10")
    assert "Warning" not in capsys.readouterr().out
    build(lake, data, "2024-07-10")
    assert "Older than the data" not in capsys.readouterr().out


def test_models_that_have_seen_the_future_are_refused(shop: Path, lake: Path) -> None:
    build(lake, shop / "data", "2024-06-01")
    with pytest.raises(LakehouseError, match="have seen what came after 2024-06-01"):
        score(lake, as_of_date="2024-06-01", keep_models=True)


def test_scores_are_of_the_day_of_the_tables_that_they_read(lake: Path) -> None:
    with pytest.raises(LakehouseError, match="is as of 2024-06-30, this run is as of 2024-06-01"):
        score(lake, as_of_date="2024-06-01")


def test_a_table_that_is_missing_is_named_before_anything_is_fitted(lake: Path) -> None:
    shutil.rmtree(lake / "ml" / "ml_customer_features")
    with pytest.raises(MissingTableError, match=r"ml\.ml_customer_features is not in"):
        score(lake, as_of_date=str(DAY))
