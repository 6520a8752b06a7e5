"""Charts with sliders, which JupyterLab draws by itself: no kernel and no network are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from ecommerce_lakehouse.charts.chart import Chart
from ecommerce_lakehouse.charts.style import ACCENT, INK

MIME = "application/vnd.vegalite.v5+json"
SEGMENT_RULES = """
    datum.days === null ? 'Prospects'
    : r >= 4 && f >= 4 && m >= 4 ? 'Champions'
    : r >= 3 && f >= 3 && m >= 3 ? 'Loyal Customers'
    : r >= 4 && f <= 2 && m <= 2 ? 'New Customers'
    : r >= 3 && f <= 2 && m >= 3 ? 'Big Spenders'
    : r <= 2 && f >= 3 && m >= 3 ? 'At Risk'
    : r <= 2 && f <= 2 && m >= 3 ? 'Cant Lose Them'
    : r <= 2 && f >= 2 && m <= 2 ? 'Hibernating'
    : r === 1 && f === 1 && m === 1 ? 'Lost'
    : 'Others'
"""
"""Those of `dim_customer_segments`, as a browser reads them."""


class Exploration:
    """A chart that a learner can turn by hand, and the picture of how it starts.

    Args:
        chart: An Altair chart. Its parameters have names, so its text is the same every time.
        still: What is shown where nobody draws it, as on a web page.
    """

    def __init__(self, chart: alt.TopLevelMixin, still: Chart) -> None:
        self._spec = chart.to_dict()
        self._still = still

    def __repr__(self) -> str:
        names = " and ".join(each["name"] for each in self._spec["params"] if "bind" in each)
        return f"Sliders for {names}. They start at {self._still!r}"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, metadata = self._still._repr_mimebundle_()
        return {MIME: self._spec, **bundle, "text/plain": repr(self)}, metadata


def explore_limits(
    customers: pd.DataFrame, segments: Sequence[str], *, still: Chart
) -> Exploration:
    """How many customers and how much revenue each segment has, as the limits of the scores move.

    A slider holds the limit of score 3 of each measure. The other limits keep their proportion to
    it, as `int_customer_rfm` has them.

    Args:
        customers: recency_days, frequency and monetary_value (USD) of each customer; the first is
            empty for people who never bought.
        segments: All segments, in the order to draw them.
        still: How it looks with the lesson's limits.

    Examples:
        >>> spent = {"recency_days": [3, None], "frequency": [4, 0], "monetary_value": [320.5, 0]}
        >>> explore_limits(pd.DataFrame(spent), ["Champions", "Prospects"], still=picture)
        Sliders for days and orders and usd. They start at ...
    """
    days = _slider("days", 90, 30, 180, 15, "Recency 3: last order at most … days ago")
    orders = _slider("orders", 3, 2, 6, 1, "Frequency 3: at least … orders")
    usd = _slider("usd", 200, 50, 500, 50, "Monetary 3: at least … USD")
    recency = "datum.days <= days / 3 ? 5 : datum.days <= days * 2 / 3 ? 4"
    recency += " : datum.days <= days ? 3 : datum.days <= days * 2 ? 2 : 1"
    frequency = "clamp(datum.orders - orders + 3, 1, 5)"
    monetary = "datum.usd >= usd * 2.5 ? 5 : datum.usd >= usd * 1.5 ? 4"
    monetary += " : datum.usd >= usd ? 3 : datum.usd >= usd / 2 ? 2 : 1"
    rules = SEGMENT_RULES
    for name in "rfm":
        rules = rules.replace(f" {name} ", f" datum.{name} ")
    counted = (
        alt.Chart(_count_alike(customers))
        .transform_calculate(r=recency, f=frequency, m=monetary)
        .transform_calculate(name=" ".join(rules.split()))
        .transform_aggregate(customers="sum(customers)", spent="sum(spent)", groupby=["name"])
        .transform_joinaggregate(all_customers="sum(customers)", all_spent="sum(spent)")
    )
    left = _bars(
        counted.transform_calculate(
            text="format(datum.customers, ',') + '  (' "
            "+ format(datum.customers / datum.all_customers, '.0%') + ')'"
        ),
        "customers",
        "customers",
        segments,
    )
    right = _bars(
        counted.transform_calculate(
            text="'$' + format(datum.spent, ',.0f') + '  (' "
            "+ format(datum.spent / datum.all_spent, '.0%') + ')'"
        ),
        "spent",
        "USD, completed orders with shipping",
        segments,
        names=False,
    )
    return Exploration(_finish(alt.hconcat(left, right), days, orders, usd), still)


def explore_budget(budget: pd.DataFrame, *, still: Chart) -> Exploration:
    """What a share of the expected value is, by segment, and how many gifts it buys.

    Args:
        budget: customer_segment, customers and predicted_clv_12m (USD), in the order to draw them.
        still: How it looks with the lesson's share.

    Examples:
        >>> expected = pd.DataFrame(
        ...     {"customer_segment": ["Lost"], "customers": [40], "predicted_clv_12m": [900.0]}
        ... )
        >>> explore_budget(expected, still=picture)
        Sliders for share and price. They start at ...
    """
    share = _slider("share", 10, 1, 30, 1, "Budget: … % of the expected value")
    price = _slider("price", 20, 5, 50, 5, "A gift costs … USD")
    rows = budget.rename(columns={"customer_segment": "name", "predicted_clv_12m": "expected"})
    rows = rows[["name", "customers", "expected"]].astype({"expected": float})
    most = max(1.0, rows["expected"].max()) * 0.3
    priced = (
        alt.Chart(alt.InlineData(values=rows.to_dict("records")))
        .transform_calculate(budget="datum.expected * share / 100")
        .transform_calculate(gifts="datum.budget / price / datum.customers")
    )
    left = _bars(
        priced.transform_calculate(text="'$' + format(datum.budget, ',.0f')"),
        "budget",
        "budget, USD",
        rows["name"].tolist(),
        upto=most,
    )
    right = _bars(
        priced.transform_calculate(text="format(datum.gifts, '.1f')"),
        "gifts",
        "gifts for each customer",
        rows["name"].tolist(),
        names=False,
    )
    return Exploration(_finish(alt.hconcat(left, right), share, price), still)


def explore_offers(rates: pd.DataFrame, *, still: Chart) -> Exploration:
    """The hit rate of each method, by the number of offers.

    Args:
        rates: method, offers (how many each customer gets) and hit_rate_percent.
        still: How it looks with five offers.

    Examples:
        >>> rates = pd.DataFrame(
        ...     {"method": ["ALS"] * 5, "offers": range(1, 6), "hit_rate_percent": [9.0] * 5}
        ... )
        >>> explore_offers(rates, still=picture)
        Sliders for offers. They start at ...
    """
    offers = _slider("offers", 5, 1, int(rates["offers"].max()), 1, "Offers to each customer")
    rows = rates.rename(columns={"method": "name"}).to_dict("records")
    shown = alt.Chart(alt.InlineData(values=rows)).transform_filter("datum.offers == offers")
    bars = _bars(
        shown.transform_calculate(text="format(datum.hit_rate_percent, '.1f') + '%'"),
        "hit_rate_percent",
        "% of returning customers for whom one of the offers came true",
        rates.loc[rates["offers"] == 5, "method"].tolist(),
        upto=rates["hit_rate_percent"].max(),
    )
    return Exploration(_finish(bars.properties(width=480), offers), still)


def _slider(name: str, start: float, least: float, most: float, step: float, label: str) -> Any:
    bind = alt.binding_range(min=least, max=most, step=step, name=f"{label}  ")
    return alt.param(name=name, value=start, bind=bind)


def _count_alike(customers: pd.DataFrame) -> alt.InlineData:
    """The customers as few lines of text: as coarse as the sliders' steps, so no count differs."""
    group = pd.DataFrame(
        {
            "days": (-(-customers["recency_days"] // 5) * 5).clip(upper=365),
            "orders": customers["frequency"].clip(upper=8),
            "usd": (customers["monetary_value"] // 25 * 25).clip(upper=1250),
            "spent": customers["monetary_value"],
        }
    ).astype({"days": "Int64", "orders": "Int64", "usd": "Int64"})
    alike = group.groupby(["days", "orders", "usd"], dropna=False)["spent"]
    counted = alike.agg(customers="size", spent="sum").reset_index()
    text = counted.to_csv(index=False, float_format="%.2f", lineterminator="\n")
    numbers = {name: "number" for name in counted.columns}
    return alt.InlineData(values=text, format=alt.CsvDataFormat(type="csv", parse=numbers))


def _bars(
    rows: Any,
    value: str,
    label: str,
    order: Sequence[str],
    *,
    names: bool = True,
    upto: float | None = None,
) -> Any:
    """Bars from top to bottom with `text` at their ends."""
    places = alt.Y(
        "name:N",
        sort=list(order),
        scale=alt.Scale(domain=list(order)),
        title=None,
        axis=alt.Axis(labels=names, ticks=False, domain=False),
    )
    scale = alt.Scale(nice=False) if upto is None else alt.Scale(domain=[0, upto * 1.1])
    lengths = alt.X(f"{value}:Q", title=label, scale=scale, axis=alt.Axis(grid=False, tickCount=4))
    base = rows.encode(y=places, x=lengths)
    words = base.mark_text(align="left", dx=4, color=INK, clip=False).encode(text="text:N")
    return (base.mark_bar(color=ACCENT) + words).properties(width=290, height=alt.Step(24))


def _finish(chart: Any, *sliders: Any) -> Any:
    plain = chart.add_params(*sliders).properties(
        usermeta={"embedOptions": {"actions": False}}, padding={"right": 70}
    )
    return plain.configure(font="DejaVu Sans, sans-serif").configure_view(stroke=None)
