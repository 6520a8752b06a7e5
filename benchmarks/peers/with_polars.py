"""The contract's tables with Polars, written by delta-rs: one process, no cluster.

Every table is a lazy query that Polars' streaming engine runs batch by batch into Delta files;
the next query starts from what was written. (A script called `polars.py` would be what
`import polars` finds, hence the name.)
"""

import csv
import mmap
import re
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

Tables = dict[str, pl.LazyFrame]

COLUMNS = {
    "customers": ["customer_id", "email", "first_name", "last_name", "country", "created_at"],
    "orders": ["order_id", "customer_id", "order_date", "status", "shipping_cost"],
    "order_items": ["order_item_id", "order_id", "product_id", "quantity", "unit_price"],
    "products": ["product_id", "product_name", "category", "cost_price", "list_price"],
}
OPTIONAL = {"first_name", "last_name", "country", "category"}
"""Columns that may be empty."""

PRICE = pl.Decimal(10, 2)
MONEY = pl.Decimal(30, 2)
"""Room for every item of a very large shop at the largest line total."""
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def main(data_dir: str, lakehouse_dir: str) -> None:
    """Build and write every table."""
    tables: Tables = {}

    def write(name: str, rows: pl.LazyFrame) -> None:
        path = f"{lakehouse_dir}/{name.replace('.', '/')}"
        rows.sink_delta(path)
        # delta-rs names files as in a URL, and Polars looks for a folder that is called my%20shop.
        files = [unquote(file) for file in DeltaTable(path).file_uris()]
        tables[name.partition(".")[2]] = pl.scan_parquet(files) if files else pl.scan_delta(path)

    raw = {entity: read(Path(data_dir), entity) for entity in COLUMNS}
    for entity, rows in raw.items():
        write(f"bronze.{entity}", rows)
    quarantine = []
    for entity in COLUMNS:
        good, bad = staged(entity, tables[entity])
        write(f"silver.stg_{entity}", good)
        quarantine.append(bad)
    write("silver.quarantine", pl.concat(quarantine).lazy())
    completed = tables["stg_orders"].filter("is_completed")
    as_of_date = completed.select(pl.max("order_date")).collect().item()
    for name, query in QUERIES.items():
        write(name, query(tables, as_of_date))


# ── bronze ──────────────────────────────────────────────────────────────────────────────────────


def read(data_dir: Path, entity: str) -> pl.LazyFrame:
    """An entity's files as text; what does not fit its columns keeps its whole line."""
    files = [data_dir / f"raw_{entity}.csv", *sorted(data_dir.glob(f"raw_{entity}_*.csv"))]
    return pl.concat([read_file(file, COLUMNS[entity]) for file in files])


def read_file(file: Path, names: list[str]) -> pl.LazyFrame:
    """A file's rows: lines without a quote are cut at their commas, the others are parsed.

    Args:
        file: The file.
        names: The columns that its header must have.
    """
    with file.open(encoding="utf-8-sig", newline="") as text:
        records = csv.reader(text)
        header = next((fields for fields in records if fields), [])
        if header != names:
            raise ValueError(f"{file}: its columns are {header}, expected {names}")
        first = records.line_num
    quoted, inner = read_quoted(file, first, names)
    line = pl.col("_corrupt_record")
    # One field more than there are columns: a line that fits leaves it, and it alone, NULL.
    cut = line.str.split_exact(",", len(names)).struct.rename_fields([*names, "_more"])
    fits = pl.col("_more").is_null() & pl.col(names[-1]).is_not_null()
    plain = (
        pl.scan_lines(file, name="_corrupt_record", row_index_name="_line")
        .filter(pl.col("_line") >= first, ~line.str.contains('"', literal=True))
        .filter(~pl.col("_line").is_in(inner) if inner else True)
        .select(line.str.strip_chars_end("\r"))
        .filter(line != "")
        .select(cut.struct.unnest(), line)
        .with_columns(pl.when(~fits).then(line))
        .with_columns(*[pl.when(pl.col(name) != "").then(name) for name in names])
    )
    columns = [*names, pl.lit(file.name).alias("_source_file"), "_corrupt_record"]
    return pl.concat([rows.select(columns) for rows in (plain, quoted.lazy())])


def read_quoted(file: Path, first: int, names: list[str]) -> tuple[pl.DataFrame, list[int]]:
    """The records with a quote, and the numbers of the lines inside them that have none.

    Only Python's parser knows where such a record ends. It is given one after the other; what is
    between them is skipped.

    Args:
        file: The file.
        first: The number of its first line after the header.
        names: Its columns.
    """
    quote, rows, inner = re.compile(b'"'), list[list[str | None]](), list[int]()
    csv.field_size_limit(2**31 - 1)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for _ in range(first):
            text.readline()
        end = counted = text.tell()
        number = first
        while found := quote.search(text, end):
            start = max(end, text.rfind(b"\n", end, found.start()) + 1)
            text.seek(start)
            fields = next(csv.reader(line.decode() for line in iter(text.readline, b"")))
            end = text.tell()
            record = text[start:end].removesuffix(b"\n")
            plain = [i for i, line in enumerate(record.split(b"\n")) if b'"' not in line]
            if plain:
                number += line_breaks(text, counted, start)
                counted = start
                inner += [number + i for i in plain]
            whole = record.decode().rstrip("\r\n") if len(fields) != len(names) else None
            cells = [field or None for field in fields] + [None] * len(names)
            rows.append([*cells[: len(names)], whole])
    schema = dict.fromkeys([*names, "_corrupt_record"], pl.String)
    return pl.DataFrame(rows, schema, orient="row"), inner


def line_breaks(text: mmap.mmap, start: int, end: int, step: int = 1 << 20) -> int:
    """How many line breaks there are between two places, without a copy of all between them."""
    return sum(text[at : min(at + step, end)].count(b"\n") for at in range(start, end, step))


# ── silver ──────────────────────────────────────────────────────────────────────────────────────


def whole(name: str) -> pl.Expr:
    """A BIGINT; Polars would also take a plus sign."""
    text = pl.col(name)
    return pl.when(~text.str.starts_with("+")).then(text.cast(pl.Int64, strict=False)).alias(name)


def quantity(name: str) -> pl.Expr:
    """An INT of one or more."""
    return pl.when(whole(name) > 0).then(whole(name).cast(pl.Int32, strict=False)).alias(name)


def price(name: str) -> pl.Expr:
    """Money, not negative once it is rounded half up to cents.

    Polars rounds halves to even. A further digit behind three decimals turns "exactly half" into
    "more than half" and changes no other result.
    """
    text = pl.col(name)
    more = pl.when(text.str.contains(r"\.[0-9]{3}")).then(text + "1").otherwise(text)
    well_formed = text.str.contains(r"^-?[0-9]+(\.[0-9]+)?$")
    value = pl.when(well_formed).then(more).cast(PRICE, strict=False)
    return pl.when(value >= 0).then(value).alias(name)


def day(name: str) -> pl.Expr:
    """A DATE; there was no year 0000."""
    text = pl.col(name)
    well_formed = text.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$") & ~text.str.starts_with("0000")
    return pl.when(well_formed).then(text.str.to_date("%Y-%m-%d", strict=False)).alias(name)


def email(name: str) -> pl.Expr:
    """An address in lower case. (`\\s` would be all of Unicode's white space.)"""
    text, part = pl.col(name), r"[^@ \t\n\x0B\f\r]+"
    return pl.when(text.str.contains(rf"^{part}@{part}\.{part}$")).then(text.str.to_lowercase())


def capitalised(name: str) -> pl.Expr:
    """Only a space begins a word: "jean-luc o'neil" is "Jean-luc O'neil"."""
    word = pl.element().str
    large_first = word.head(1).str.to_uppercase() + word.slice(1).str.to_lowercase()
    return pl.col(name).str.split(" ").list.eval(large_first).list.join(" ")


TYPED = {
    "customers": [
        whole("customer_id"),
        email("email"),
        capitalised("first_name"),
        capitalised("last_name"),
        pl.col("country").str.to_uppercase(),
        day("created_at").alias("customer_created_at"),
    ],
    "orders": [
        whole("order_id"),
        whole("customer_id"),
        day("order_date"),
        pl.col("status").str.to_lowercase().alias("order_status"),
        # An empty shipping cost is a free delivery.
        pl.when(pl.col("shipping_cost").is_null())
        .then(pl.lit(0).cast(PRICE))
        .otherwise(price("shipping_cost"))
        .alias("shipping_cost"),
    ],
    "order_items": [
        whole("order_item_id"),
        whole("order_id"),
        whole("product_id"),
        quantity("quantity"),
        price("unit_price"),
    ],
    "products": [
        whole("product_id"),
        pl.col("product_name"),
        capitalised("category"),
        price("cost_price"),
        price("list_price"),
    ],
}
"""What the trimmed texts mean, in file order; NULL where they are not well formed."""

LATEST = {"customers": ["customer_created_at"], "orders": ["order_date"]}
"""What tells, within a file, which of two rows is the later one."""


def margin_pct() -> pl.Expr:
    """100 × margin / list, half up, in whole hundredths of a percent.

    Half up is "twice the dividend plus the divisor, over twice the divisor".
    """
    margin, list_price = (
        pl.col(name).to_physical().cast(pl.Int64) for name in ("profit_margin", "list_price")
    )
    hundredths = margin.sign() * ((20_000 * margin.abs() + list_price) // (2 * list_price))
    value = hundredths * pl.lit(Decimal("0.01"))
    return pl.when(list_price > 0).then(value.cast(pl.Decimal(12, 2), strict=False))


def derived(entity: str, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The columns of silver that follow from the others."""
    if entity == "orders":
        on = pl.col("order_date").dt
        return rows.with_columns(
            order_year=on.year(),
            order_month=on.month().cast(pl.Int32),
            order_quarter=on.quarter().cast(pl.Int32),
            order_day_of_week=on.weekday().replace_strict(dict(enumerate(WEEKDAYS, 1))),
            is_completed=pl.col("order_status") == "completed",
        )
    if entity == "customers":
        return rows.with_columns(is_valid_email=True)
    if entity == "products":
        margin = (pl.col("list_price") - pl.col("cost_price")).cast(PRICE)
        return rows.with_columns(profit_margin=margin).with_columns(profit_margin_pct=margin_pct())
    return rows


def staged(entity: str, bronze: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """The rows that are well formed, one a key, and the others as the quarantine has them."""
    names, typed = COLUMNS[entity], TYPED[entity]
    columns = [one.meta.output_name() for one in typed]
    needed = {name: c for name, c in zip(names, columns, strict=True) if name not in OPTIONAL}
    key, raw = names[0], [f"raw_{name}" for name in names]
    trimmed = {name: pl.col(f"raw_{name}").str.strip_chars(" ") for name in names}
    rows = (
        bronze.rename(dict(zip(names, raw, strict=True)))
        .with_columns(**{name: pl.when(text != "").then(text) for name, text in trimmed.items()})
        .with_columns(typed)
    )
    if entity == "order_items":
        total = pl.col("unit_price") * pl.col("quantity")
        rows = rows.with_columns(line_total=total.cast(pl.Decimal(18, 2), strict=False))
        columns.append("line_total")

    # Sorting the keys alone finds those that stand twice in little memory. Few do: only their
    # rows, and those that break a rule, are looked at closely.
    keys = rows.select(key).collect().to_series().drop_nulls().sort()
    repeated = keys.filter(keys == keys.shift()).unique().to_frame().with_columns(_repeated=True)
    del keys
    valid = pl.all_horizontal(
        pl.col("_corrupt_record").is_null(),
        pl.col([*needed.values(), *columns[len(names) :]]).is_not_null(),
    )
    rows = rows.join(repeated.lazy(), on=key, how="left").with_columns(_valid=valid)
    doubtful = pl.col("_repeated").is_not_null() | ~pl.col("_valid")
    certain = rows.filter(~doubtful).select(columns)
    examined = rows.filter(doubtful).collect()

    # File names sort as deliveries do: "raw_orders.csv" is before "raw_orders_2.csv".
    order = ["_source_file", *LATEST.get(entity, []), *columns, *raw]
    best_first = examined.sort(order, descending=True, nulls_last=True)
    contest = best_first.filter("_valid")
    wins = pl.col(key).is_first_distinct()
    rejected = pl.concat(
        [
            contest.filter(~wins).with_columns(reason=pl.lit("duplicate_key")),
            best_first.filter(~pl.col("_valid")).with_columns(reason=broken_rules(needed, columns)),
        ]
    ).select(
        source_table=pl.lit(entity),
        record_key=pl.when(trimmed[key] != "").then(trimmed[key]),
        reason="reason",
        record=pl.struct(
            *[pl.col(f"raw_{name}").alias(name) for name in names], "_corrupt_record"
        ).struct.json_encode(),
        _source_file="_source_file",
    )
    good = pl.concat([certain, contest.filter(wins).select(columns).lazy()])
    return derived(entity, good), rejected


def broken_rules(needed: dict[str, str], columns: list[str]) -> pl.Expr:
    """Why a row is rejected.

    Args:
        needed: The typed column of each raw one that must have a value.
        columns: All typed columns.
    """
    faults = []
    for name, column in needed.items():
        empty = pl.col(f"raw_{name}").fill_null("").str.strip_chars(" ") == ""
        said = pl.when(empty).then(pl.lit(f"missing_{name}")).otherwise(pl.lit(f"invalid_{name}"))
        faults.append(pl.when(pl.col(column).is_null()).then(said))
    if "line_total" in columns:
        factors = pl.col("quantity").is_not_null() & pl.col("unit_price").is_not_null()
        too_large = factors & pl.col("line_total").is_null()
        faults.append(pl.when(too_large).then(pl.lit("invalid_line_total")))
    return (
        pl.when(pl.col("_corrupt_record").is_not_null())
        .then(pl.lit("corrupt_row"))
        .otherwise(pl.concat_str(faults, separator=",", ignore_nulls=True))
    )


# ── intermediate ────────────────────────────────────────────────────────────────────────────────


def customer_orders(tables: Tables, as_of_date: date | None) -> pl.LazyFrame:
    """Completed orders up to the day, with what their items add up to."""
    baskets = (
        tables["stg_order_items"]
        .group_by("order_id")
        .agg(order_subtotal=pl.sum("line_total"), items_count=pl.len())
    )
    subtotal = pl.col("order_subtotal").fill_null(0)
    return (
        tables["stg_orders"]
        .filter("is_completed", pl.col("order_date") <= pl.lit(as_of_date, pl.Date))
        .join(baskets, on="order_id", how="left")
        .select(
            "order_id",
            "customer_id",
            "order_date",
            "shipping_cost",
            order_subtotal=subtotal.cast(MONEY),
            order_total=(subtotal + pl.col("shipping_cost")).cast(MONEY),
            items_count=pl.col("items_count").fill_null(0).cast(pl.Int64),
        )
    )


def score(name: str, limits: list[int], *, most: bool) -> pl.Expr:
    """5 to 1, by the first limit that a value keeps.

    Args:
        name: The measure.
        limits: For the scores 5, 4, 3 and 2.
        most: Whether a limit is the least or the most a value may be.
    """
    value = pl.col(name)
    kept = [(value <= limit) if most else (value >= limit) for limit in limits]
    points = [pl.when(one).then(score) for one, score in zip(kept, (5, 4, 3, 2), strict=True)]
    return pl.coalesce(*points, 1).cast(pl.Int32)


def customer_rfm(tables: Tables, as_of_date: date | None) -> pl.LazyFrame:
    """Recency, frequency and money of each customer with an order."""
    scores = [pl.col(f"{measure}_score") for measure in ("recency", "frequency", "monetary")]
    return (
        tables["int_customer_orders"]
        .group_by("customer_id")
        .agg(
            recency_days=days_between(pl.max("order_date"), pl.lit(as_of_date, pl.Date)),
            frequency=pl.len().cast(pl.Int64),
            monetary_value=pl.sum("order_total").cast(MONEY),
            first_order_date=pl.min("order_date"),
            last_order_date=pl.max("order_date"),
        )
        .with_columns(
            avg_order_value=pl.col("monetary_value").cast(pl.Float64) / pl.col("frequency"),
            customer_tenure_days=days_between(
                pl.col("first_order_date"), pl.col("last_order_date")
            ),
            recency_score=score("recency_days", [30, 60, 90, 180], most=True),
            frequency_score=score("frequency", [5, 4, 3, 2], most=False),
            monetary_score=score("monetary_value", [500, 300, 200, 100], most=False),
        )
        .with_columns(
            rfm_total_score=pl.sum_horizontal(scores),
            rfm_segment_code=pl.concat_str(scores),
        )
        .select("customer_id", *RFM)
    )


RFM = [
    "recency_days",
    "frequency",
    "monetary_value",
    "avg_order_value",
    "first_order_date",
    "last_order_date",
    "customer_tenure_days",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "rfm_total_score",
    "rfm_segment_code",
]


def days_between(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """How many days one date is before the other."""
    return (other - one).dt.total_days()


def customer_product_purchases(tables: Tables, as_of_date: date | None) -> pl.LazyFrame:
    """What each customer bought of each product."""
    orders = tables["int_customer_orders"].select("order_id", "customer_id", "order_date")
    return (
        tables["stg_order_items"]
        .join(orders, on="order_id")
        .group_by("customer_id", "product_id")
        .agg(
            orders_count=pl.n_unique("order_id").cast(pl.Int64),
            units=pl.col("quantity").cast(pl.Int64).sum(),
            revenue=pl.sum("line_total").cast(MONEY),
            prices_sum=pl.sum("unit_price").cast(MONEY),
            prices_count=pl.len().cast(pl.Int64),
            first_order_date=pl.min("order_date"),
            last_order_date=pl.max("order_date"),
        )
    )


def product_metrics(tables: Tables, as_of_date: date | None) -> pl.LazyFrame:
    """What each product sold."""
    prices = pl.sum("prices_sum").cast(pl.Float64)
    sales = (
        tables["int_customer_product_purchases"]
        .group_by("product_id")
        .agg(
            orders_count=pl.sum("orders_count"),
            customers_count=pl.len().cast(pl.Int64),
            units_sold=pl.sum("units"),
            revenue=pl.sum("revenue"),
            avg_selling_price=prices / pl.sum("prices_count"),
            first_sale_date=pl.min("first_order_date"),
            last_sale_date=pl.max("last_order_date"),
        )
    )
    products = tables["stg_products"]
    numbers = ["orders_count", "customers_count", "units_sold", "revenue", "avg_selling_price"]
    return (
        products.join(sales, on="product_id", how="left")
        .with_columns(pl.col(numbers).fill_null(0))
        .with_columns(
            pl.col("revenue").cast(MONEY),
            total_profit=(pl.col("revenue") - pl.col("cost_price") * pl.col("units_sold")).cast(
                MONEY
            ),
        )
        .select(
            *products.collect_schema(),
            *numbers,
            "total_profit",
            "first_sale_date",
            "last_sale_date",
        )
    )


# ── gold ────────────────────────────────────────────────────────────────────────────────────────


def customer_metrics(tables: Tables, as_of_date: date | None) -> pl.LazyFrame:
    """Every customer with the RFM columns and what they are worth."""
    customers = tables["stg_customers"].drop("is_valid_email")
    total, recency = pl.col("rfm_total_score"), pl.col("recency_days")
    tenths = pl.when(total >= 12).then(20).when(total >= 9).then(15).when(total >= 6).then(12)
    # Thousandths hold a tenth of a cent, so nothing is rounded before it is rounded half up.
    mills = (pl.col("monetary_value") * tenths.otherwise(8)).cast(pl.Decimal(38, 3)) / 10
    return (
        customers.join(tables["int_customer_rfm"], on="customer_id", how="left")
        .with_columns(
            pl.col("frequency").fill_null(0),
            pl.col("monetary_value").fill_null(0).cast(MONEY),
        )
        .select(
            *customers.collect_schema(),
            *RFM,
            current_clv="monetary_value",
            predicted_clv_12m=mills.round(2, mode="half_away_from_zero").cast(MONEY),
            churn_risk=pl.when(recency.is_null())
            .then(pl.lit("No Purchases"))
            .when((recency > 180) & (pl.col("frequency") == 1))
            .then(pl.lit("High"))
            .when(recency > 120)
            .then(pl.lit("Medium"))
            .when(recency > 90)
            .then(pl.lit("Low"))
            .otherwise(pl.lit("Very Low")),
        )
    )


def first_match(cases: dict[str, pl.Expr], otherwise: str) -> pl.Expr:
    """The name of the first condition that holds."""
    named = [pl.when(condition).then(pl.lit(name)) for name, condition in cases.items()]
    return pl.coalesce(*named, pl.lit(otherwise))


def customer_segments(tables: Tables, as_of_date: date | None) -> pl.LazyFrame:
    """What to call each customer, and what to do."""
    r, f, m = (pl.col(f"{measure}_score") for measure in ("recency", "frequency", "monetary"))
    segment = {
        "Prospects": r.is_null(),
        "Champions": (r >= 4) & (f >= 4) & (m >= 4),
        "Loyal Customers": (r >= 3) & (f >= 3) & (m >= 3),
        "New Customers": (r >= 4) & (f <= 2) & (m <= 2),
        "Big Spenders": (r >= 3) & (f <= 2) & (m >= 3),
        "At Risk": (r <= 2) & (f >= 3) & (m >= 3),
        "Cant Lose Them": (r <= 2) & (f <= 2) & (m >= 3),
        "Hibernating": (r <= 2) & (f >= 2) & (m <= 2),
        "Lost": (r == 1) & (f == 1) & (m == 1),
    }
    action = {
        "First-purchase incentive": r.is_null(),
        "VIP treatment, exclusive offers": (r >= 4) & (f >= 4),
        "Onboarding campaign, product recommendations": (r >= 4) & (f <= 2),
        "Win-back campaign, special discount": (r <= 2) & (m >= 3),
        "Re-engagement or sunset": (r <= 2) & (f <= 2),
    }
    return tables["fct_customer_metrics"].select(
        "customer_id",
        "email",
        "first_name",
        "last_name",
        first_match(segment, "Others").alias("customer_segment"),
        "recency_days",
        "recency_score",
        "frequency_score",
        "monetary_score",
        "rfm_total_score",
        "monetary_value",
        pl.col("frequency").alias("total_orders"),
        "avg_order_value",
        "predicted_clv_12m",
        "churn_risk",
        first_match(action, "Standard nurture campaign").alias("recommended_action"),
    )


def product_performance(tables: Tables, as_of_date: date | None) -> pl.LazyFrame:
    """Every product's places among all."""
    products = tables["int_product_metrics"]
    cents = pl.col("revenue").to_physical()
    ascending = products.select(cents).collect().to_series().sort().to_list()

    def mills(tenths: int) -> pl.Expr:
        """percentile_cont in whole tenths of a cent: it lies between two neighbours."""
        if not ascending:
            return pl.lit(0)
        place, between = divmod(tenths * (len(ascending) - 1), 10)
        below, above = ascending[place], ascending[min(place + 1, len(ascending) - 1)]
        return pl.lit(below * 10 + (above - below) * between, pl.Int128)

    rows = products
    ranks = {"revenue_rank": "revenue", "units_rank": "units_sold", "profit_rank": "total_profit"}
    for rank, measure in ranks.items():
        best_first = rows.sort(measure, "product_id", descending=[True, False])
        rows = best_first.with_row_index(rank, offset=1)
    in_category = pl.sum("revenue").over("category").cast(pl.Float64)
    tier = {"Star": mills(8), "Performer": mills(5), "Average": mills(2)}
    return rows.select(
        *products.collect_schema(),
        *[pl.col(rank).cast(pl.Int64) for rank in ranks],
        category_revenue_share=pl.when(in_category == 0)
        .then(0.0)
        .otherwise(pl.col("revenue").cast(pl.Float64) / in_category),
        performance_tier=first_match(
            {name: cents * 10 >= limit for name, limit in tier.items()}, "Underperformer"
        ),
    )


# ── ml ──────────────────────────────────────────────────────────────────────────────────────────


def customer_features(tables: Tables, as_of_date: date | None) -> pl.LazyFrame:
    """What a model learns from."""
    as_of = pl.lit(as_of_date, pl.Date)
    age = days_between(pl.col("order_date"), as_of)
    orders = (
        tables["int_customer_orders"]
        .group_by("customer_id")
        .agg(
            order_value_volatility=pl.col("order_total").cast(pl.Float64).std(),
            max_order_value=pl.max("order_total"),
            min_order_value=pl.min("order_total"),
            recent=(age <= 90).sum().cast(pl.Float64),
            earlier=age.is_between(91, 180).sum(),
        )
    )
    frequency, tenure = pl.col("frequency"), pl.col("customer_tenure_days")
    monetary, predicted = (
        pl.col(name).cast(pl.Float64) for name in ("monetary_value", "predicted_clv_12m")
    )

    def flag(condition: pl.Expr) -> pl.Expr:
        return pl.when(condition).then(1).otherwise(0).cast(pl.Int32)

    return (
        tables["fct_customer_metrics"]
        .join(orders, on="customer_id", how="left")
        .select(
            "customer_id",
            flag(pl.col("churn_risk").is_in(["High", "Medium"])).alias("is_churn_risk"),
            "country",
            days_between(pl.col("customer_created_at"), as_of).alias("account_age_days"),
            "recency_days",
            "frequency",
            "monetary_value",
            "avg_order_value",
            "recency_score",
            "frequency_score",
            "monetary_score",
            "rfm_total_score",
            "customer_tenure_days",
            pl.when(frequency > 0)
            .then(monetary / frequency)
            .otherwise(0.0)
            .alias("revenue_per_order"),
            pl.when(tenure > 0)
            .then(30 * frequency / tenure)
            .otherwise(0.0)
            .alias("orders_per_month"),
            "order_value_volatility",
            "max_order_value",
            "min_order_value",
            # The gaps between consecutive orders add up to the tenure, whatever lies between.
            pl.when(frequency > 1).then(tenure / (frequency - 1)).alias("avg_days_between_orders"),
            pl.when((frequency >= 3) & (pl.col("earlier") > 0))
            .then(pl.col("recent") / pl.col("earlier"))
            .alias("order_trend_ratio"),
            flag(pl.col("recency_days") <= 30).alias("is_active_last_30d"),
            flag(pl.col("recency_days") <= 90).alias("is_active_last_90d"),
            "predicted_clv_12m",
            pl.when(monetary == 0)
            .then(0.0)
            .otherwise(predicted / monetary)
            .alias("clv_growth_multiplier"),
        )
    )


QUERIES: dict[str, Callable[[Tables, date | None], pl.LazyFrame]] = {
    "intermediate.int_customer_orders": customer_orders,
    "intermediate.int_customer_rfm": customer_rfm,
    "intermediate.int_customer_product_purchases": customer_product_purchases,
    "intermediate.int_product_metrics": product_metrics,
    "gold.fct_customer_metrics": customer_metrics,
    "gold.dim_customer_segments": customer_segments,
    "gold.fct_product_performance": product_performance,
    "ml.ml_customer_features": customer_features,
}
"""The tables after silver, in an order in which each finds what it needs."""


if __name__ == "__main__":
    main(*sys.argv[1:])
