"""Charts with sliders: what a browser computes is what the tables say, and no customer is lost."""

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from segments import SEGMENTS

from ecommerce_lakehouse.charts.chart import Chart
from ecommerce_lakehouse.charts.exploration import (
    MIME,
    Exploration,
    count_alike,
    explore_budget,
    explore_limits,
    explore_offers,
)

STILL = Chart(b"png", "segments", pd.DataFrame({"x": [1]}), "0123456789ab", "Two bar charts.")
EVE = {"recency_days": None, "frequency": 0, "monetary_value": 0.0}


def spec(chart: Exploration) -> dict[str, Any]:
    """What JupyterLab gets to draw."""
    found: dict[str, Any] = chart._repr_mimebundle_()[0][MIME]
    return found


def limits(*customers: dict[str, Any]) -> dict[str, Any]:
    return spec(explore_limits(pd.DataFrame([EVE, *customers]), ["Champions"], still=STILL))


LIMITS = limits()


def expressions(chart: dict[str, Any]) -> dict[str, str]:
    """What it computes for each row, by name."""
    return {each["as"]: each["calculate"] for each in chart["transform"] if "calculate" in each}


def evaluate(expression: str, row: dict[str, Any], sliders: dict[str, float]) -> Any:
    """The value of an expression of Vega, which is JavaScript's `?:` and comparisons."""
    condition, is_choice, rest = expression.partition(" ? ")
    if is_choice:
        chosen, _, otherwise = rest.partition(" : ")
        branch = chosen if evaluate(condition, row, sliders) else otherwise
        return evaluate(branch, row, sliders)
    python = expression.replace("datum.", "datum_").replace("===", "==").replace("&&", "and")
    names: dict[str, Any] = {f"datum_{name}": value for name, value in row.items()} | sliders
    return eval(python, {"null": None, "clamp": lambda x, a, b: min(max(x, a), b)}, names)


def starts(chart: dict[str, Any]) -> dict[str, float]:
    """Where the sliders are before anybody moves them."""
    return {each["name"]: each["value"] for each in chart["params"]}


@pytest.mark.parametrize(
    ("score", "measure", "edges"),
    [
        ("r", "days", {0: 5, 30: 5, 31: 4, 60: 4, 61: 3, 90: 3, 91: 2, 180: 2, 181: 1}),
        ("f", "orders", {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 8: 5}),
        ("m", "usd", {0: 1, 99: 1, 100: 2, 199: 2, 200: 3, 300: 4, 499: 4, 500: 5}),
    ],
)
def test_the_sliders_start_at_the_limits_of_the_scores(
    score: str, measure: str, edges: dict[int, int]
) -> None:
    chart = limits()
    rule = expressions(chart)[score]
    found = {value: evaluate(rule, {measure: value}, starts(chart)) for value in edges}
    assert found == edges


def test_a_browser_names_every_combination_of_scores_as_the_table_does() -> None:
    rule = expressions(limits())["name"]
    wanted = {code: name for name, codes in SEGMENTS.items() for code in codes.split()}
    found = {}
    for code in wanted:
        r, f, m = map(int, code)
        found[code] = evaluate(rule, {"days": 1, "r": r, "f": f, "m": m}, {})
    assert found == wanted
    assert evaluate(rule, {"days": None, "r": 1, "f": 1, "m": 1}, {}) == "Prospects"


PEOPLE = st.builds(
    lambda days, orders, cents: {
        "recency_days": days,
        "frequency": orders,
        "monetary_value": cents / 100,
    },
    st.integers(0, 500),
    st.integers(1, 12),
    st.integers(0, 200_000),
)


@given(st.lists(PEOPLE, max_size=8), st.data())
def test_counting_alike_customers_together_changes_no_score(
    people: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Wherever the sliders are, groups are as fine as their steps."""
    sliders = {}
    for each in LIMITS["params"]:
        bind = each["bind"]
        steps = (bind["max"] - bind["min"]) // bind["step"]
        sliders[each["name"]] = bind["min"] + bind["step"] * data.draw(st.integers(0, steps))
    rules = {name: rule for name, rule in expressions(LIMITS).items() if name in "rfm"}

    def count(rows: list[dict[str, Any]]) -> dict[tuple[int, ...], int]:
        found: dict[tuple[int, ...], int] = {}
        for row in rows:
            scores = tuple(evaluate(rule, row, sliders) for rule in rules.values())
            found[scores] = found.get(scores, 0) + row["customers"]
        return found

    names = {"recency_days": "days", "frequency": "orders", "monetary_value": "usd"}
    each_alone = [{names[key]: value for key, value in one.items()} for one in people]
    groups = count_alike(pd.DataFrame([EVE, *people]))
    assert groups["customers"].sum() == len(people) + 1, "Eve, who never bought, is there, too"
    together: list[Any] = groups.dropna().to_dict("records")
    assert count([one | {"customers": 1} for one in each_alone]) == count(together)


def test_the_text_is_the_same_every_time_and_needs_no_network() -> None:
    """The outputs of a lesson are compared."""
    budget = pd.DataFrame(
        {"customer_segment": ["Lost"], "customers": [40], "predicted_clv_12m": [900.0]}
    )
    rates = pd.DataFrame({"method": ["ALS"], "offers": [5], "hit_rate_percent": [9.0]})
    for draw in (
        limits,
        lambda: spec(explore_budget(budget, still=STILL)),
        lambda: spec(explore_offers(rates, still=STILL)),
    ):
        text = json.dumps(draw())
        assert text == json.dumps(draw())
        assert "url" not in text
        assert "http" not in text.replace(draw().get("$schema", ""), "")


def test_without_a_program_that_draws_it_there_is_the_picture() -> None:
    bundle, metadata = explore_limits(pd.DataFrame([EVE]), [], still=STILL)._repr_mimebundle_()
    assert bundle["image/png"] == b"png"
    assert metadata["image/png"]["alt"] == "Two bar charts."
    assert bundle["text/plain"].startswith("Sliders for days and orders and usd. They start at ")


def test_a_shop_without_customers_or_offers_has_nothing_to_draw_and_no_error() -> None:
    nobody = pd.DataFrame(columns=["recency_days", "frequency", "monetary_value"], dtype=float)
    explore_limits(nobody, [], still=STILL)
    nothing = pd.DataFrame(columns=["method", "offers", "hit_rate_percent"])
    explore_offers(nothing, still=STILL)
