"""Charts with sliders, which JupyterLab draws by itself: no kernel and no network are needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from ecommerce_lakehouse.charts.chart import Chart
from ecommerce_lakehouse.charts.style import ACCENT, INK

MIME = "application/vnd.vegalite.v5+json"
SEGMENT_RULES = """
    datum.days === null ? 'Prospects'
    : datum.r >= 4 && datum.f >= 4 && datum.m >= 4 ? 'Champions'
    : datum.r >= 3 && datum.f >= 3 && datum.m >= 3 ? 'Loyal Customers'
    : datum.r >= 4 && datum.f <= 2 && datum.m <= 2 ? 'New Customers'
    : datum.r >= 3 && datum.f <= 2 && datum.m >= 3 ? 'Big Spenders'
    : datum.r <= 2 && datum.f >= 3 && datum.m >= 3 ? 'At Risk'
    : datum.r <= 2 && datum.f <= 2 && datum.m >= 3 ? 'Cant Lose Them'
    : datum.r <= 2 && datum.f >= 2 && datum.m <= 2 ? 'Hibernating'
    : datum.r === 1 && datum.f === 1 && datum.m === 1 ? 'Lost'
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

    A slider holds the limit of score 3 of each measure. The other limits move along with it,
    and where it starts they are those of `int_customer_rfm`.

    Args:
        customers: recency_days, frequency and monetary_value (USD) of each customer; the first is
            empty for people who never bought.
        segments: The first ones from top to bottom; the others are below them.
        still: How it looks with the lesson's limits.

    Examples:
        >>> spent = {"recency_days": [3, None], "frequency": [4, 0], "monetary_value": [320.5, 0]}
        >>> explore_limits(pd.DataFrame(spent), ["Champions", "Prospects"], still=picture)
        Sliders for days and orders and usd. They start at units.png...
    """
    sliders = [
        _slider("days", 90, 30, 180, 15, "Days since the last order, at most:"),
        _slider("orders", 3, 2, 6, 1, "Orders, at least:"),
        _slider("usd", 200, 50, 500, 50, "USD spent, at least:"),
    ]
    recency = "datum.days <= days / 3 ? 5 : datum.days <= days * 2 / 3 ? 4"
    recency += " : datum.days <= days ? 3 : datum.days <= days * 2 ? 2 : 1"
    frequency = "clamp(datum.orders - orders + 3, 1, 5)"
    monetary = "datum.usd >= usd * 2.5 ? 5 : datum.usd >= usd * 1.5 ? 4"
    monetary += " : datum.usd >= usd ? 3 : datum.usd >= usd / 2 ? 2 : 1"
    names = re.findall(r"'(.+?)'", SEGMENT_RULES)
    order = [*segments, *(name for name in names if name not in segments)]
    panels = alt.hconcat(
        _bars("customers", "customers", order),
        _bars("spent", "USD, completed orders with shipping", order, names=False),
        data=_write_shortly(count_alike(customers)),
    )
    segmented = (
        panels.transform_calculate(r=recency, f=frequency, m=monetary)
        .transform_calculate(name=" ".join(SEGMENT_RULES.split()))
        .transform_aggregate(customers="sum(customers)", spent="sum(spent)", groupby=["name"])
        .transform_calculate(
            customers_text="format(datum.customers, ',')",
            spent_text="'$' + format(datum.spent, ',.0f')",
        )
    )
    return Exploration(_finish(segmented, sliders), still)


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
        Sliders for share and price. They start at units.png...
    """
    sliders = [
        _slider("share", 10, 1, 30, 1, "Share of the expected value, %:"),
        _slider("price", 20, 5, 50, 5, "Price of a gift, USD:"),
    ]
    columns = {"customer_segment": "name", "predicted_clv_12m": "expected"}
    rows = budget.rename(columns=columns)[["name", "customers", "expected"]]
    rows = rows.astype({"expected": float})
    order = rows["name"].tolist()
    panels = alt.hconcat(
        _bars("budget", "budget, USD", order, upto=max(1.0, rows["expected"].max()) * 0.3),
        _bars("gifts", "gifts for each customer", order, names=False),
        data=_inline(rows),
    )
    priced = (
        panels.transform_calculate(budget="datum.expected * share / 100")
        .transform_calculate(gifts="datum.budget / price / datum.customers")
        .transform_calculate(
            budget_text="'$' + format(datum.budget, ',.0f')",
            gifts_text="format(datum.gifts, '.1f')",
        )
    )
    return Exploration(_finish(priced, sliders), still)


def explore_offers(rates: pd.DataFrame, *, still: Chart) -> Exploration:
    """The hit rate of each method, by the number of offers.

    Args:
        rates: method, offers (how many each customer gets) and hit_rate_percent; the methods in
            the order to draw them.
        still: How it looks with five offers.

    Examples:
        >>> rates = pd.DataFrame(
        ...     {"method": ["ALS"] * 5, "offers": range(1, 6), "hit_rate_percent": [9.0] * 5}
        ... )
        >>> explore_offers(rates, still=picture)
        Sliders for offers. They start at units.png...
    """
    slider = _slider("offers", 5, 1, max(rates["offers"], default=5), 1, "Offers to each customer:")
    rows = rates.rename(columns={"method": "name", "hit_rate_percent": "rate"})
    label = "% of returning customers for whom one of the offers came true"
    upto = max(rows["rate"], default=1)
    bars = _bars("rate", label, rows["name"].unique().tolist(), upto=upto, width=480)
    drawn = bars.properties(data=_inline(rows))
    drawn = drawn.transform_filter("datum.offers == offers")
    drawn = drawn.transform_calculate(rate_text="format(datum.rate, '.1f') + '%'")
    return Exploration(_finish(drawn, [slider]), still)


def _slider(name: str, start: int, least: int, most: int, step: int, label: str) -> Any:
    bind = alt.binding_range(min=least, max=most, step=step, name=f"{label} ")
    return alt.param(name=name, value=start, bind=bind)


def _inline(rows: pd.DataFrame) -> alt.InlineData:
    records: list[Any] = rows.to_dict("records")
    return alt.InlineData(values=records)


def count_alike(customers: pd.DataFrame) -> pd.DataFrame:
    """The customers in few rows: only as fine as the sliders move, so no count differs."""
    days = pd.to_numeric(customers["recency_days"])  # only NULLs come as objects
    groups = pd.DataFrame(
        {
            "days": (-(-days // 5) * 5).clip(upper=365),
            "orders": customers["frequency"].clip(upper=8),
            "usd": (customers["monetary_value"] // 25 * 25).clip(upper=1250),
        }
    ).astype("Int64")
    groups["spent"] = customers["monetary_value"]
    alike = groups.groupby(["days", "orders", "usd"], dropna=False)["spent"]
    return alike.agg(customers="size", spent="sum").reset_index()


def _write_shortly(rows: pd.DataFrame) -> alt.InlineData:
    text = rows.to_csv(index=False, float_format="%.2f", lineterminator="\n")
    parse = dict.fromkeys(rows.columns, "number")
    return alt.InlineData(values=text, format=alt.CsvDataFormat(type="csv", parse=parse))


def _bars(
    value: str,
    label: str,
    order: Sequence[str],
    *,
    names: bool = True,
    upto: float | None = None,
    width: int = 290,
) -> Any:
    """Bars from top to bottom, one a `name`, each with a text at its end."""
    ticks: dict[str, Any] = {"format": "$~s"} if "USD" in label else {}
    scale = alt.Scale() if upto is None else alt.Scale(domain=[0, upto * 1.1])
    bars = alt.Chart().encode(
        x=alt.X(
            f"{value}:Q", title=label, scale=scale, axis=alt.Axis(grid=False, tickCount=4, **ticks)
        ),
        y=alt.Y(
            "name:N",
            sort=list(order),
            scale=alt.Scale(domain=list(order)),
            title=None,
            axis=alt.Axis(labels=names, ticks=False, domain=False),
        ),
    )
    words = bars.mark_text(align="left", dx=4, color=INK).encode(text=f"{value}_text:N")
    drawn = bars.mark_bar(color=ACCENT) + words
    return drawn.properties(width=width, height=24 * len(order))


def _finish(chart: Any, sliders: Sequence[Any]) -> Any:
    """One style; words and not dots, so that a screen reader and a search find them."""
    options = {"actions": False, "renderer": "svg"}
    turned = chart.add_params(*sliders).properties(usermeta={"embedOptions": options})
    styled = turned.configure(
        font="DejaVu Sans, sans-serif", padding={"left": 5, "top": 5, "right": 70, "bottom": 10}
    )
    styled = styled.configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
    return styled.configure_text(fontSize=12).configure_view(stroke=None)
