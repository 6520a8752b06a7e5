"""The shop's files say what truth.json says.

The reader below knows the contract and nothing of the generator: plain Python, the csv
module and Decimal.
"""

import csv
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.shop import generate, spool

COMMITTED = PROJECT / "data_seeds" / "shop"
EXAMPLE = {
    "raw_customers.csv": "7a6a59e47b98b733",
    "raw_order_items.csv": "c1c63a91d8c2b4af",
    "raw_orders.csv": "39ece4d4ab087148",
    "raw_products.csv": "20c91c3c52fc0bf7",
}
MONTHS = ["2024-07", "2024-08", "2024-09", "2024-10", "2024-11", "2024-12"]
AS_OF = date(2024, 6, 30)
CENT = Decimal("0.01")

# Column, how to read it, and whether it may be empty.
Rule = tuple[str, Callable[[str], Any], bool]


class Bad(Exception):
    """A value that is not well formed."""


def integer(bits: int) -> Callable[[str], int]:
    """Read an integer that fits."""

    def read(text: str) -> int:
        if not re.fullmatch("-?[0-9]+", text):
            raise Bad
        value = int(text)
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise Bad
        return value

    return read


def money(text: str) -> Decimal:
    """Read an amount that is zero or more and fits DECIMAL(10,2)."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise Bad
    value = Decimal(text).quantize(CENT, ROUND_HALF_UP)
    if value < 0 or value >= 10**8:
        raise Bad
    return value


def quantity(text: str) -> int:
    """Read a quantity of at least one."""
    value = integer(32)(text)
    if value <= 0:
        raise Bad
    return value


def day(text: str) -> date:
    """Read a real day."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise Bad
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Bad from None


def email(text: str) -> str:
    """Read an address."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise Bad
    return text.lower()


def initcap(text: str) -> str:
    """Every word with a capital."""
    return " ".join(w[:1].upper() + w[1:].lower() for w in text.split(" "))


ID = integer(64)
RULES: dict[str, list[Rule]] = {
    "customers": [
        ("customer_id", ID, False),
        ("email", email, False),
        ("first_name", initcap, True),
        ("last_name", initcap, True),
        ("country", str.upper, True),
        ("created_at", day, False),
    ],
    "orders": [
        ("order_id", ID, False),
        ("customer_id", ID, False),
        ("order_date", day, False),
        ("status", str.lower, False),
        ("shipping_cost", money, True),
    ],
    "order_items": [
        ("order_item_id", ID, False),
        ("order_id", ID, False),
        ("product_id", ID, False),
        ("quantity", quantity, False),
        ("unit_price", money, False),
    ],
    "products": [
        ("product_id", ID, False),
        ("product_name", str, False),
        ("category", initcap, True),
        ("cost_price", money, False),
        ("list_price", money, False),
    ],
}
DATE_COLUMN = {"customers": 5, "orders": 2}


def raw_rows(path: Path, table: str) -> list[list[str]]:
    """The rows of a file; blank lines are not rows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = (row for row in csv.reader(file, strict=True) if row)
    assert header == [column for column, _, _ in RULES[table]]
    return rows


def clean(table: str, row: list[str]) -> tuple[list[Any], list[str]]:
    """One row's values, and why it must be rejected."""
    if len(row) != len(RULES[table]):
        return [], ["corrupt_row"]
    values: list[Any] = []
    reasons = []
    for text, (column, read, may_be_empty) in zip(row, RULES[table], strict=True):
        value = None
        try:
            if text.strip(" "):
                value = read(text.strip(" "))
            elif not may_be_empty:
                reasons.append(f"missing_{column}")
        except Bad:
            reasons.append(f"invalid_{column}")
        values.append(value)
    if table == "orders" and values[4] is None:
        values[4] = Decimal("0.00")
    if table == "order_items" and None not in values[3:]:
        values.append(values[3] * values[4])
        if values[5] >= 10**16:
            reasons.append("invalid_line_total")
    return values, reasons


@cache
def clean_rows(path: Path, table: str) -> list[tuple[str | None, list[Any], list[str]]]:
    """The rows of a file: first field, values, and why each must be rejected."""
    return [(row[0] or None, *clean(table, row)) for row in raw_rows(path, table)]


def rank(table: str, delivery: int, values: list[Any]) -> tuple[Any, ...]:
    """What a row wins with against others of the same key; the greatest stays."""
    at = DATE_COLUMN.get(table)
    rest = [v for i, v in enumerate(values) if i not in (0, at)]
    dated = values[at] if at else None
    return (delivery, dated, *((v is not None, v or 0 if v is None else v) for v in rest))


class Reader:
    """Silver and quarantine as the contract has them, for some deliveries."""

    def __init__(self, folder: Path, months: list[str]) -> None:
        """Read the main files and the given later months."""
        self.raw: dict[tuple[str, int], int] = {}
        self.rejected: list[tuple[str, int, str | None, str]] = []
        self.silver: dict[str, dict[int, list[Any]]] = {}
        for table in RULES:
            good: dict[int, list[tuple[tuple[Any, ...], int, list[Any]]]] = {}
            paths = [folder / f"raw_{table}.csv"]
            if table != "products":
                paths += [folder / "next" / f"raw_{table}_{m}.csv" for m in months]
            for delivery, path in enumerate(paths):
                rows = clean_rows(path, table)
                self.raw[table, delivery] = len(rows)
                for key_text, values, reasons in rows:
                    if reasons:
                        self.rejected.append((table, delivery, key_text, ",".join(reasons)))
                    else:
                        ranked = (rank(table, delivery, values), delivery, values)
                        good.setdefault(values[0], []).append(ranked)
            self.silver[table] = {}
            for key, rivals in good.items():
                rivals.sort(key=lambda r: r[0])
                self.silver[table][key] = rivals.pop()[2]
                self.rejected += [(table, d, str(key), "duplicate_key") for _, d, _ in rivals]


@cache
def read(folder: Path, months: int = 0) -> Reader:
    """Read a shop up to one of its deliveries."""
    return Reader(folder, MONTHS[:months])


def order_totals(reader: Reader) -> dict[int, tuple[Decimal, Decimal]]:
    """Subtotal and shipping of each completed order."""
    totals = {
        key: (Decimal("0.00"), order[4])
        for key, order in reader.silver["orders"].items()
        if order[3] == "completed"
    }
    for item in reader.silver["order_items"].values():
        if item[1] in totals:
            subtotal, shipping = totals[item[1]]
            totals[item[1]] = (subtotal + item[5], shipping)
    return totals


def read_truth(folder: Path) -> dict[str, Any]:
    """The truth of a shop."""
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text("utf-8"))
    return truth


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a shop."""
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


@pytest.fixture(scope="module", params=[300, 1234])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of less than a block, and one of a block and a bit."""
    folder: Path = tmp_path_factory.mktemp("shop") / "data"
    generate(request.param, folder)
    return folder


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """A shop can be thrown away and made again; another seed is another shop."""
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        generate(300, tmp_path / name, seed=seed)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    for name, content in files(tmp_path / "c").items():
        same = content == (tmp_path / "a" / name).read_bytes()
        assert same == (name == "raw_products.csv"), name


def test_numbers_run_with_time(shop: Path) -> None:
    """Whoever came later has the greater number, whichever delivery told of it."""
    silver = read(shop, 6).silver
    for table, column in (("customers", 5), ("orders", 2), ("order_items", 1)):
        when = [row[column] for _, row in sorted(silver[table].items())]
        assert when == sorted(when), table
        assert max(silver[table]) < 1.05 * len(when), "a number stands for a thing, or for few gaps"


def test_each_file_is_in_the_order_of_its_numbers(shop: Path) -> None:
    """As an export would be; what is broken stands where it belongs."""
    for path in shop.rglob("raw_*.csv"):
        table = path.stem.removeprefix("raw_").rpartition("_20")[0] or path.stem[4:]
        keys = [key for key, _, _ in clean_rows(path, table)]
        numbers = [int(key) for key in keys if key and re.fullmatch("[0-9]{1,9}", key)]
        assert len(numbers) > 0.95 * len(keys)
        if table != "products":
            assert numbers == sorted(numbers), path.name


def test_a_new_order_has_a_greater_number_than_all_before(shop: Path) -> None:
    """But a late one: it has the number of its day."""
    smaller = 0
    for d, month in enumerate(MONTHS, start=1):
        before, after = read(shop, d - 1).silver["orders"], read(shop, d).silver["orders"]
        late = [after[key][2] for key in set(after) - set(before) if key < max(before)]
        assert all(str(placed) < f"{month}-01" for placed in late)
        smaller += len(late)
    assert smaller > 0


def test_a_shop_does_not_hang_on_how_it_is_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large one is kept on the disk in stretches of days until it can be numbered."""
    generate(1234, tmp_path / "whole")
    monkeypatch.setattr(spool, "CUSTOMERS_A_STRETCH", 20)
    monkeypatch.setattr(spool, "MAX_WAITING_BYTES", 100_000)
    generate(1234, tmp_path / "divided")
    assert files(tmp_path / "whole") == files(tmp_path / "divided")


@pytest.mark.parametrize("customers", range(1, 17))
def test_a_small_shop_is_a_shop(tmp_path: Path, customers: int) -> None:
    """With few rows there are few faults, and what the truth says is so."""
    generate(customers, tmp_path / "shop")
    truth, main = read_truth(tmp_path / "shop"), read(tmp_path / "shop")
    assert len(main.silver["customers"]) == customers
    assert truth["rows"]["quarantine"] == len(main.rejected)
    totals = order_totals(main)
    assert truth["totals"]["completed_orders"] == len(totals)
    assert max(main.silver["orders"][o][2] for o in totals) == AS_OF, "the default as-of date"


def test_no_two_blocks_are_alike(tmp_path: Path) -> None:
    """The thousand customers after the first thousand are other people."""
    generate(1300, tmp_path / "shop")
    people = [c[2:] for _, c in sorted(read(tmp_path / "shop").silver["customers"].items())]
    assert sum(a == b for a, b in zip(people[:300], people[1000:], strict=True)) < 10


def test_the_committed_example_is_the_one_that_is_worked_out_by_hand() -> None:
    """Its four files, to the byte: lessons, tests and a ledger rely on them."""
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in sorted((PROJECT / "data_seeds").glob("raw_*.csv"))
    }
    assert found == EXAMPLE


def test_the_committed_shop_is_the_default_one(tmp_path: Path) -> None:
    """Whoever runs the generator with its defaults gets the repository's files."""
    generate(2000, tmp_path / "shop")
    assert files(COMMITTED) == files(tmp_path / "shop")


def test_the_summary_is_the_truth_without_its_lists(tmp_path: Path) -> None:
    """What the caller is told is what the file says."""
    summary = generate(20, tmp_path / "shop")
    truth = read_truth(tmp_path / "shop")
    for long in ("faults", "left_at_as_of", "next_six_months_spend"):
        del truth[long]
    assert summary == truth


def test_a_refused_size_leaves_the_folder_alone(tmp_path: Path) -> None:
    """Nothing half-written, and nobody's other files lost."""
    shop = tmp_path / "shop"
    generate(5, shop)
    (shop / "notes.txt").write_text("mine")
    before = files(shop)
    with pytest.raises(ValueError, match="at least 1 customer"):
        generate(0, shop)
    assert files(shop) == before
    generate(6, shop)
    assert [p.name for p in tmp_path.iterdir()] == ["shop"]
    generate(6, tmp_path / "fresh")
    assert files(shop) == files(tmp_path / "fresh") | {"notes.txt": b"mine"}


def read_bytes_or_none(path: Path) -> bytes | None:
    """What a file holds; None of a folder or a pipe."""
    return path.read_bytes() if path.is_file() else None


@pytest.mark.parametrize(
    "place",
    [
        *("truth.json", "raw_orders.csv", "next/raw_orders_2024-07.csv"),
        *("campaign/campaign.csv", "campaign/truth.json", "next"),
    ],
)
def test_a_file_of_ones_own_is_never_replaced(tmp_path: Path, place: str) -> None:
    """A folder without a generated shop; the file is named, and nothing is written."""
    mine = tmp_path / "my_shop" / place
    mine.parent.mkdir(parents=True)
    mine.write_text('{"mine": 1}\n')
    with pytest.raises(InputError, match=f"my_shop/{place} is in the way") as refused:
        generate(3, tmp_path / "my_shop")
    assert "--out FOLDER" in refused.value.remedy
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [mine]
    assert mine.read_text() == '{"mine": 1}\n'


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_a_shop_is_replaced_whole_or_not_at_all(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """In the place of a raw file stands what is no file."""
    generate(3, tmp_path)
    (tmp_path / "raw_orders.csv").unlink()
    make(tmp_path / "raw_orders.csv")
    before = {path: read_bytes_or_none(path) for path in tmp_path.rglob("*")}
    with pytest.raises(InputError, match=r"raw_orders\.csv is in the way"):
        generate(4, tmp_path)
    assert {path: read_bytes_or_none(path) for path in tmp_path.rglob("*")} == before


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    generate(3, tmp_path / ("x" * 255))
    assert (tmp_path / ("x" * 255) / "truth.json").is_file()


def test_rows_are_counted_as_the_files_hold_them(shop: Path) -> None:
    """Rows in = rows kept + rows quarantined, table by table and month by month."""
    truth, main = read_truth(shop), read(shop)
    for table in RULES:
        assert truth["rows"]["bronze"][table] == main.raw[table, 0]
        assert truth["rows"]["silver"][f"stg_{table}"] == len(main.silver[table])
    assert truth["rows"]["quarantine"] == len(main.rejected)
    totals = order_totals(main)
    buyers = {main.silver["orders"][o][1] for o in totals}
    expected = {"int_customer_orders": len(totals), "int_customer_rfm": len(buyers)}
    orders, items = main.silver["orders"], main.silver["order_items"].values()
    pairs = {(orders[item[1]][1], item[2]) for item in items if item[1] in totals}
    expected["int_customer_product_purchases"] = len(pairs)
    expected["int_product_metrics"] = len(main.silver["products"])
    assert truth["rows"]["intermediate"] == expected


def test_every_planted_fault_is_found_and_no_other(shop: Path) -> None:
    """The faults list is the quarantine, key by key and reason by reason."""
    truth, main = read_truth(shop), read(shop)
    found = Counter((t, key, reason) for t, _, key, reason in main.rejected)
    planted = Counter((f["table"], f["key"], f["reason"]) for f in truth["faults"])
    assert found == planted
    for table, counts in truth["fault_counts"].items():
        assert counts == Counter(r for t, _, _, r in main.rejected if t == table)


def test_every_rule_of_the_contract_is_broken_somewhere(shop: Path) -> None:
    """A check that is never hit is not known to work."""
    counts = read_truth(shop)["fault_counts"]
    for table, rules in RULES.items():
        wanted = {"corrupt_row", "duplicate_key"}
        wanted |= {f"missing_{c}" for c, _, may_be_empty in rules if not may_be_empty}
        free = (str, str.lower, str.upper, initcap)
        wanted |= {f"invalid_{c}" for c, read, _ in rules if read not in free}
        if table == "order_items":
            wanted.add("invalid_line_total")
        assert wanted <= set(counts[table])
        assert any("," in reason for reason in counts[table])
    assert all(read_truth(shop)["unknown_references"].values())


def test_totals_are_the_sums_of_the_files(shop: Path) -> None:
    """Money and units at the as-of date, to the cent."""
    told, main = read_truth(shop)["totals"], read(shop)
    orders, totals = main.silver["orders"], order_totals(main)
    known = {o: t for o, t in totals.items() if orders[o][1] in main.silver["customers"]}
    sold = [
        item
        for item in main.silver["order_items"].values()
        if item[1] in totals and item[2] in main.silver["products"]
    ]
    buyers = {orders[o][1] for o in known}
    assert told["completed_orders"] == len(totals)
    assert told["customers_with_orders"] == len(buyers)
    assert told["customers_without_orders"] == len(main.silver["customers"]) - len(buyers)
    assert told["order_subtotal"] == str(sum(t[0] for t in totals.values()))
    assert told["shipping"] == str(sum(t[1] for t in totals.values()))
    assert told["order_total"] == str(sum(sum(t) for t in totals.values()))
    assert told["customer_monetary_value"] == str(sum(sum(t) for t in known.values()))
    assert told["units_sold"] == sum(item[3] for item in sold)
    assert told["product_revenue"] == str(sum(item[5] for item in sold))


def test_references_to_nobody_are_kept_and_counted(shop: Path) -> None:
    """An order of an unknown customer is a row of silver, not a fault."""
    told, silver = read_truth(shop)["unknown_references"], read(shop).silver
    orders, items = silver["orders"].values(), silver["order_items"].values()
    assert told == {
        "orders_of_unknown_customers": sum(o[1] not in silver["customers"] for o in orders),
        "items_of_unknown_orders": sum(i[1] not in silver["orders"] for i in items),
        "items_of_unknown_products": sum(i[2] not in silver["products"] for i in items),
    }


def test_deliveries_hold_what_the_truth_says(shop: Path) -> None:
    """New, changed, late and repeated rows of every month, and what silver has then."""
    truth = read_truth(shop)["next"]
    assert list(truth) == MONTHS
    before = read(shop)
    for d, month in enumerate(MONTHS, start=1):
        told, after = truth[month], read(shop, d)
        for table in ("customers", "orders", "order_items"):
            assert told["rows"][table] == after.raw[table, d]
            assert told["silver_rows_after"][f"stg_{table}"] == len(after.silver[table])
            wrong = [r for t, n, _, r in after.rejected if (t, n) == (table, d)]
            assert told["faults"][table] == Counter(wrong)
            old = [r for r in before.rejected if r[0] == table]
            new = [r for r in after.rejected if r[0] == table]
            assert told["duplicate_key"][table] == len(new) - len(old) - len(wrong)
            fresh = set(after.silver[table]) - set(before.silver[table])
            assert told[f"new_{table}"] == len(fresh)
        for table in ("customers", "orders"):
            was, now = before.silver[table], after.silver[table]
            assert told[f"changed_{table}"] == sum(now[k] != was[k] for k in was)
        orders = after.silver["orders"]
        new_orders = set(orders) - set(before.silver["orders"])
        late = sum(str(orders[o][2]) < f"{month}-01" for o in new_orders)
        assert told["late_orders"] == late
        before = after


def test_next_spend_is_what_was_finally_completed(shop: Path) -> None:
    """What each customer spent after the as-of date, with every delivery applied."""
    truth, full = read_truth(shop), read(shop, 6)
    spend: Counter[str] = Counter()
    for key, total in order_totals(full).items():
        order = full.silver["orders"][key]
        if order[2] > AS_OF:
            spend[str(order[1])] += sum(total)  # type: ignore[assignment]
    told = truth["next_six_months_spend"]
    assert told == {customer: str(amount) for customer, amount in spend.items()}
    assert [int(c) for c in told] == sorted(int(c) for c in told)
    assert truth["totals"]["next_six_months_spend"] == str(sum(spend.values()))


def lots(shop: Path) -> dict[int, str]:
    """Whether each customer of the campaign was to get a letter."""
    with (shop / "campaign" / "campaign.csv").open(newline="") as file:
        return {int(row["customer_id"]): row["arm"] for row in csv.DictReader(file)}


def days_since_last_order(shop: Path) -> dict[int, int]:
    """Of everybody who completed an order, to the end of the deliveries."""
    last: dict[int, date] = {}
    for order in read(shop, 6).silver["orders"].values():
        if order[3] == "completed" and order[1] in read(shop, 6).silver["customers"]:
            last[order[1]] = max(order[2], last.get(order[1], date.min))
    return {customer: (date(2024, 12, 31) - day).days for customer, day in last.items()}


def campaign_orders(shop: Path) -> list[list[Any]]:
    """The orders of the days after the deliveries: id, customer, day, status, shipping."""
    paths = sorted((shop / "campaign").glob("raw_orders_*.csv"))
    return [values for path in paths for _, values, _ in clean_rows(path, "orders")]


def test_a_letter_is_drawn_for_half_of_those_who_no_longer_come(shop: Path) -> None:
    """Everybody who bought once and not for 90 days takes part, and only the lot decides."""
    arms, quiet = lots(shop), days_since_last_order(shop)
    assert set(arms) == {customer for customer, days in quiet.items() if days > 90}
    assert list(arms) == sorted(arms)
    letters = sum(arm == "letter" for arm in arms.values())
    assert abs(letters / len(arms) - 0.5) < 2.6 * 0.5 / len(arms) ** 0.5


def test_the_truth_of_the_campaign_is_what_its_files_hold(shop: Path) -> None:
    """Who ordered after the letter came by themselves or because of it, group by group."""
    truth = json.loads((shop / "campaign" / "truth.json").read_text())
    arms, quiet = lots(shop), days_since_last_order(shop)
    sent, until = (date.fromisoformat(truth[at]) for at in ("sent_on", "until"))
    bought = {order[1] for order in campaign_orders(shop) if order[2] > sent}
    edges = {"3 to 6 months": (91, 180), "6 to 12 months": (181, 365)}
    for name, told in truth["groups"].items():
        first, last = edges.get(name, (366, 9999))
        for arm in ("letter", "holdout"):
            these = {c for c in arms if arms[c] == arm and first <= quiet[c] <= last}
            counts = dict(told[arm])
            assert counts.pop("customers") == len(these)
            assert sum(counts.values()) == len(these & bought), "because of it, and by themselves"
            assert arm == "letter" or list(counts) == ["came_by_themselves"]
    assert max(order[2] for order in campaign_orders(shop)) <= until


def test_the_orders_after_the_deliveries_go_on_from_them(shop: Path) -> None:
    """Numbers run on, each month has its file, every line its order, and customers are known."""
    full, orders = read(shop, 6).silver, campaign_orders(shop)
    numbers = [order[0] for order in orders]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] > max(full["orders"])
    days = [order[2] for order in orders]
    assert days == sorted(days) and days[0] - date(2024, 12, 31) >= timedelta(1)
    assert {order[1] for order in orders} <= set(full["customers"])
    lines = []
    for path in sorted((shop / "campaign").glob("raw_order_items_*.csv")):
        month = [order[0] for order in orders if str(order[2]).startswith(path.stem[-7:])]
        rows = [values for _, values, _ in clean_rows(path, "order_items")]
        assert {row[1] for row in rows} == set(month)
        lines += rows
    assert [row[0] for row in lines] == list(range(lines[0][0], lines[0][0] + len(lines)))
    assert lines[0][0] > max(full["order_items"])


def test_who_left_never_orders_again(shop: Path) -> None:
    """The people said to have left have bought before, and do not come back."""
    truth, full = read_truth(shop), read(shop, 6)
    left = set(truth["left_at_as_of"])
    days: dict[int, list[date]] = {}
    for order in full.silver["orders"].values():
        days.setdefault(order[1], []).append(order[2])
    assert 0.4 < len(left) / truth["customers"] < 0.8
    assert truth["totals"]["customers_left_at_as_of"] == len(left)
    assert all(max(days[customer]) <= AS_OF for customer in left)
    active = {c for c, d in days.items() if max(d) > AS_OF}
    assert active and not active & left


def test_files_are_quoted_only_where_needed_and_differ_in_form(shop: Path) -> None:
    """A byte-order mark, both line ends, blank lines, and quotes, commas and breaks."""
    content = files(shop)
    products = content.pop("raw_products.csv")
    assert products.startswith(b"\xef\xbb\xbf") and products.count(b"\n") == products.count(b"\r\n")
    del content["truth.json"]
    assert not any(b"\r" in c or c.startswith(b"\xef") for c in content.values())
    assert all(b"\n\n" in content[f"raw_{t}.csv"] for t in ("customers", "orders", "order_items"))
    names = [n for row in raw_rows(shop / "raw_customers.csv", "customers") for n in row[2:4]]
    for sign in (",", '"', "\n"):
        assert any(sign in name for name in names)
    for text in re.findall(rb'"((?:[^"]|"")*)"', content["raw_customers.csv"]):
        assert re.search(rb'[,"\n]', text)


def test_values_are_dirty_in_ways_that_mean_the_same(shop: Path) -> None:
    """Case, spaces, a tenth of a cent, an empty shipping cost: cleaned, not rejected."""
    seen = {table: raw_rows(shop / f"raw_{table}.csv", table) for table in RULES}
    good = {t: [r for r in rows if not clean(t, r)[1]] for t, rows in seen.items()}
    statuses = {r[3] for r in good["orders"]}
    meant = {s.strip(" ").lower() for s in statuses}
    assert meant == {"completed", "cancelled", "returned", "pending"}
    assert {"Completed ", "COMPLETED", " completed"} <= statuses
    assert any(r[4] == "" for r in good["orders"])
    assert any(re.fullmatch(r"\d+\.\d{3}", r[4]) for r in good["order_items"])
    assert any(r[1].isupper() for r in good["customers"])
    assert any(r[4].islower() for r in good["customers"])
    assert any(r[2] != r[2].strip(" ") for r in good["customers"])
    assert not any(r[1].strip(" ").isascii() is False for r in good["customers"])


def score(value: Any, limits: list[Any]) -> int:
    """One point more for every limit reached."""
    return 1 + sum(value >= limit for limit in limits)


SEGMENTS: list[tuple[str, Callable[[int, int, int], bool]]] = [
    ("Champions", lambda r, f, m: r >= 4 and f >= 4 and m >= 4),
    ("Loyal Customers", lambda r, f, m: r >= 3 and f >= 3 and m >= 3),
    ("New Customers", lambda r, f, m: r >= 4 and f <= 2 and m <= 2),
    ("Big Spenders", lambda r, f, m: r >= 3 and f <= 2 and m >= 3),
    ("At Risk", lambda r, f, m: r <= 2 and f >= 3 and m >= 3),
    ("Cant Lose Them", lambda r, f, m: r <= 2 and f <= 2 and m >= 3),
    ("Hibernating", lambda r, f, m: r <= 2 and f >= 2 and m <= 2),
    ("Lost", lambda r, f, m: r == 1 and f == 1 and m == 1),
    ("Others", lambda r, f, m: True),
]


def test_every_segment_and_churn_level_of_the_shop_has_members() -> None:
    """A chart with an empty bar teaches nothing: 20 customers at least in each."""
    main = read(COMMITTED)
    orders: dict[int, list[tuple[date, Decimal]]] = {}
    for key, total in order_totals(main).items():
        order = main.silver["orders"][key]
        orders.setdefault(order[1], []).append((order[2], sum(total, Decimal(0))))
    segments: Counter[str] = Counter()
    churn: Counter[str] = Counter()
    campaign = 0
    for customer in main.silver["customers"]:
        if customer not in orders:
            segments["Prospects"] += 1
            churn["No Purchases"] += 1
            continue
        mine = orders[customer]
        recency = (AS_OF - max(d for d, _ in mine)).days
        spent = sum(t for _, t in mine)
        r = score(-recency, [-180, -90, -60, -30])
        f, m = score(len(mine), [2, 3, 4, 5]), score(spent, [100, 200, 300, 500])
        segment = next(name for name, fits in SEGMENTS if fits(r, f, m))
        level = "Medium" if recency > 120 else "Low" if recency > 90 else "Very Low"
        level = "High" if recency > 180 and len(mine) == 1 else level
        segments[segment] += 1
        churn[level] += 1
        selected = SEGMENTS[0], SEGMENTS[1], SEGMENTS[3], SEGMENTS[4], SEGMENTS[5]
        wanted = segment in [name for name, _ in selected] and level in ("High", "Medium")
        campaign += wanted and spent > 200
    assert len(segments) == 10 and min(segments.values()) >= 20, segments
    assert len(churn) == 5 and min(churn.values()) >= 20, churn
    assert campaign >= 20


def test_products_have_tiers_and_some_are_never_sold() -> None:
    """120 products in 6 categories; some sell every day, some nobody wants."""
    main = read(COMMITTED)
    products = main.silver["products"]
    assert len(products) == 120
    assert set(Counter(p[2] for p in products.values()).values()) == {20}
    totals = order_totals(main)
    revenue: Counter[int] = Counter()
    for item in main.silver["order_items"].values():
        if item[1] in totals and item[2] in products:
            revenue[item[2]] += item[5]
            assert item[4] <= products[item[2]][4], "dearer than its list price"
    assert 1 <= len(set(products) - set(revenue)) <= 5
    ranked = sorted(revenue.values(), reverse=True)
    assert ranked[24] > ranked[60] > ranked[96], "four tiers need four levels"
    for cost, price in (p[3:5] for p in products.values()):
        assert Decimal("0.39") < cost / price <= Decimal("0.70")


def test_tastes_can_be_learned() -> None:
    """Most customers take most of their items from their two favourite categories."""
    silver = read(COMMITTED).silver
    baskets: dict[int, Counter[str]] = {}
    for item in silver["order_items"].values():
        order, product = silver["orders"].get(item[1]), silver["products"].get(item[2])
        if order and product:
            baskets.setdefault(order[1], Counter())[product[2]] += 1
    large = [b for b in baskets.values() if b.total() >= 20]
    share = sum(n for b in large for _, n in b.most_common(2)) / sum(b.total() for b in large)
    assert 0.70 < share < 0.85


def test_money_is_read_as_the_contract_says() -> None:
    """The reader above is only worth something if it is strict itself."""
    assert money("29.985") == Decimal("29.99")
    for wrong in ("-1.00", "5.", ".5", "1e1", "NaN", "100000000.00", "99999999.995", "+3"):
        with pytest.raises((Bad, InvalidOperation)):
            money(wrong)
