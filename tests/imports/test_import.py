"""Other shops' exports become the four raw files: text to text, and no row is lost."""

import csv
import gzip
import os
import re
import shutil
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import MemoryLakehouse
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.imports import (
    ImportAccount,
    guess_mapping,
    import_files,
    read_mapping,
    ready_mappings,
)
from ecommerce_lakehouse.imports.fetch import PUBLIC_SHOPS, fetch
from ecommerce_lakehouse.imports.mapping import FieldMapping
from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS
from ecommerce_lakehouse.paths import PROJECT

SHOPIFY = """\
Name,Email,Financial Status,Shipping,Created at,Lineitem quantity,Lineitem name,Lineitem price,\
Billing Name,Billing Country,Cancelled at,Vendor
#1001,john@shop.test,paid,5.00,2023-01-05 23:59:00 -0500,1,Mug,10.00,John Doe,US,,Home
#1001,john@shop.test,,,2023-01-05 23:59:00 -0500,2,"Pen, blue",1.50,,,,Office
#1002,,refunded,0.00,2023-01-06 09:00:00 -0500,1,Mug,12.00,Ann de la Cruz,ID,,Home
#1003,ann@shop.test,paid,0.00,2023-01-07 09:00:00 -0500,1,Mug,12.00,Ann Lee,ID,2023-01-08 00:00,Home
"""
WOOCOMMERCE = """\
Order Number,Order Status,Order Date,Order Shipping Amount,First Name (Billing),\
Last Name (Billing),Email (Billing),Country Code (Billing),Item Name,Quantity,Item Cost
77,Completed,2023-02-01 10:00,4.90,John,Doe,john@shop.test,US,Mug,1,10.00
77,Completed,2023-02-01 10:00,4.90,John,Doe,john@shop.test,US,Pen,2,1.50
80,On hold,2023-02-02 10:00,0.00,Ann,Lee,ann@shop.test,ID,Mug,1,11.00
"""
ONLINE_RETAIL = """\
Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country
489434,85048,15CM CHRISTMAS GLASS BALL,12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom
489434,79323P,PINK CHERRY LIGHTS,12,2009-12-01 07:45:00,6.75,13085.0,United Kingdom
489435,22350,,-4,2009-12-01 07:46:00,0.00,,United Kingdom
C489449,85048,15CM CHRISTMAS GLASS BALL,-2,2009-12-01 10:33:00,6.95,13085.0,United Kingdom
"""
CUSTOM = """\
[customers]
from = "people.csv"
delimiter = ";"
encoding = "cp1252"

[customers.columns]
customer_id = "nr"
email = "mail"
first_name = { column = "name", part = 1 }
last_name = { column = "name", part = -1 }
country = { value = "DE" }
created_at = { column = "since", date = "%d.%m.%Y" }

[orders]
from = "orders_*.csv"

[orders.columns]
order_id = "id"
customer_id = "customer"
order_date = { column = "day", date = "%d/%m/%Y" }
shipping_cost = { column = "shipping", strip = "€ ", decimal = ",", thousands = "." }

[orders.columns.status]
column = "state"
map = { Bezahlt = "completed", storniert = "cancelled" }
otherwise = "pending"

[order_items]
from = "orders_*.csv"

[order_items.columns]
order_item_id = { number = "id", line = true }
order_id = "id"
product_id = { number = ["thing", "size"] }
quantity = { value = "1" }
unit_price = { sql = "shipping" }

[products]
from = "orders_*.csv"
rows = "last"

[products.columns]
product_id = { number = ["thing", "size"] }
product_name = { sql = "thing || ' ' || size" }
category = { value = "" }
cost_price = { value = "1.00" }
list_price = { value = "2.00" }
"""
ORDERS = "id,customer,day,state,shipping,thing,size\n"


def write(folder: Path, **files: str) -> Path:
    """A folder of exports."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        encoding = "cp1252" if name == "people" else "utf-8"
        (folder / f"{name}.csv").write_text(text, encoding=encoding, newline="")
    return folder


def rows(folder: Path, table: str) -> list[list[str]]:
    """The rows of a raw file, without its header."""
    with (folder / f"raw_{table}.csv").open(encoding="utf-8", newline="") as file:
        header, *found = csv.reader(file)
    assert header == RAW_COLUMNS[table.partition("_2")[0]]
    return found


@pytest.fixture
def custom(tmp_path: Path) -> str:
    """A mapping that uses all there is."""
    path = tmp_path / "shop.toml"
    path.write_text(CUSTOM, encoding="utf-8")
    write(tmp_path / "in", people="nr;mail;name;since\r\n1;jo@shop.test;José Müller;31.12.2022\r\n")
    write(tmp_path / "in", orders_1=ORDERS)
    return str(path)


def convert(mapping: str, folder: Path, **options: Any) -> dict[str, ImportAccount]:
    accounts = import_files(read_mapping(mapping), folder / "in", folder / "out", **options)
    return {account.table: account for account in accounts}


# ── Ready mappings ───────────────────────────────────────────────────────────────────────────────


def test_shopify(tmp_path: Path) -> None:
    """What belongs to the whole order stands in its first row only."""
    write(tmp_path / "in", orders_export_1=SHOPIFY)
    accounts = convert("shopify", tmp_path)
    assert rows(tmp_path / "out", "customers") == [
        ["1", "john@shop.test", "John", "Doe", "US", "2023-01-05"],
        ["", "", "Ann", "Cruz", "ID", "2023-01-06"],
        ["2", "ann@shop.test", "Ann", "Lee", "ID", "2023-01-07"],
    ]
    assert rows(tmp_path / "out", "orders") == [
        ["1", "1", "2023-01-05", "completed", "5.00"],
        ["2", "", "2023-01-06", "returned", "0.00"],
        ["3", "2", "2023-01-07", "cancelled", "0.00"],
    ]
    assert rows(tmp_path / "out", "order_items") == [
        ["100001", "1", "1", "1", "10.00"],
        ["100002", "1", "2", "2", "1.50"],
        ["200001", "2", "1", "1", "12.00"],
        ["300001", "3", "1", "1", "12.00"],
    ]
    assert rows(tmp_path / "out", "products") == [
        ["1", "Mug", "Home", "12.00", "12.00"],
        ["2", "Pen, blue", "Office", "1.50", "1.50"],
    ]
    assert (accounts["orders"].rows_in, accounts["orders"].rows_out) == (4, 3)


def test_a_customer_of_shopify_registers_with_the_first_order(tmp_path: Path) -> None:
    """Its exports begin with the newest."""
    header, *lines = SHOPIFY.splitlines()
    newer = lines[0].replace("#1001", "#1009").replace("2023-01-05", "2023-03-01")
    write(tmp_path / "in", orders_export_1="\n".join([header, newer, *lines]))
    convert("shopify", tmp_path)
    assert rows(tmp_path / "out", "customers")[0][5] == "2023-01-05"


def test_woocommerce(tmp_path: Path) -> None:
    write(tmp_path / "in", orders=WOOCOMMERCE)
    convert("woocommerce", tmp_path)
    assert rows(tmp_path / "out", "customers") == [
        ["1", "john@shop.test", "John", "Doe", "US", "2023-02-01"],
        ["2", "ann@shop.test", "Ann", "Lee", "ID", "2023-02-02"],
    ]
    assert rows(tmp_path / "out", "orders") == [
        ["77", "1", "2023-02-01", "Completed", "4.90"],
        ["80", "2", "2023-02-02", "pending", "0.00"],
    ]
    assert [row[:4] for row in rows(tmp_path / "out", "order_items")] == [
        ["100001", "77", "1", "1"],
        ["100002", "77", "2", "2"],
        ["200001", "80", "1", "1"],
    ]


def test_online_retail_ii(tmp_path: Path) -> None:
    """An invoice that takes goods back is an order that was returned; nobody's order stays."""
    write(tmp_path / "in", online_retail_2009=ONLINE_RETAIL)
    convert("online_retail_ii", tmp_path)
    assert rows(tmp_path / "out", "orders") == [
        ["1", "13085", "2009-12-01", "completed", ""],
        ["2", "", "2009-12-01", "completed", ""],
        ["3", "13085", "2009-12-01", "returned", ""],
    ]
    quantities = [row[3] for row in rows(tmp_path / "out", "order_items")]
    assert quantities == ["12", "12", "-4", "2"]
    assert rows(tmp_path / "out", "customers")[0][:2] == ["13085", "13085@online-retail.example"]


def test_olist(tmp_path: Path) -> None:
    """A customer of an order is somebody whom only another file names."""
    write(
        tmp_path / "in",
        olist_customers_dataset="customer_id,customer_unique_id\nc1,u1\nc2,u1\nc3,u2\n",
        olist_orders_dataset="order_id,customer_id,order_status,order_purchase_timestamp\n"
        "o1,c2,delivered,2018-02-01 10:00:00\no2,c1,shipped,2017-10-02 10:56:33\n"
        "o3,c9,canceled,2018-03-01 00:00:00\n",
        olist_order_items_dataset="order_id,order_item_id,product_id,price\n"
        "o1,1,p1,29.99\no1,2,p1,29.99\no2,1,p2,5.00\n",
        olist_products_dataset="product_id,product_category_name\np1,perfumaria\n",
    )
    convert("olist", tmp_path)
    assert rows(tmp_path / "out", "customers") == [
        ["1", "u1@olist.example", "", "", "BR", "2017-10-02"],
        ["", "", "", "", "BR", "2018-03-01"],
    ]
    assert rows(tmp_path / "out", "orders") == [
        ["1", "1", "2018-02-01", "completed", ""],
        ["2", "1", "2017-10-02", "pending", ""],
        ["3", "", "2018-03-01", "cancelled", ""],
    ]
    assert [row[:3] for row in rows(tmp_path / "out", "order_items")] == [
        ["100001", "1", "1"],
        ["100002", "1", "1"],
        ["200001", "2", "2"],
    ]
    assert rows(tmp_path / "out", "products") == [
        ["1", "p1", "perfumaria", "29.99", "29.99"],
        ["2", "p2", "", "5.00", "5.00"],
    ]


DUMP = r"""--
-- PostgreSQL database dump
--
CREATE TABLE public.customers (id integer NOT NULL);
COPY public.customers (id, email, first_name, last_name, country, created_at) FROM stdin;
1	jo@shop.test	Jo "J"	O'Neil\\tail	US	2023-01-05 10:00:00+00
2	an@shop.test	An\tna	\N	\N	2023-01-06 10:00:00+00
\.

COPY public.orders (id, customer_id, created_at, status, shipping_cost) FROM stdin;
7	1	2023-02-01 09:00:00	completed	4.90
\.
COPY public.order_items (id, order_id, product_id, quantity, unit_price) FROM stdin;
\.
COPY public.products (id, name, category, cost_price, price) FROM stdin;
1	Mug, blue	Home	2.00	5.00
\.
"""


def test_a_plain_dump_of_postgres(tmp_path: Path) -> None:
    """Tabs and backslashes in a text are written with a backslash, NULL is `\\N`."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "shop.sql").write_text(DUMP, encoding="utf-8")
    convert("postgres", tmp_path)
    assert rows(tmp_path / "out", "customers") == [
        ["1", "jo@shop.test", 'Jo "J"', "O'Neil\\tail", "US", "2023-01-05"],
        ["2", "an@shop.test", "An\tna", "", "", "2023-01-06"],
    ]
    assert rows(tmp_path / "out", "orders") == [["7", "1", "2023-02-01", "completed", "4.90"]]
    assert rows(tmp_path / "out", "order_items") == []
    assert rows(tmp_path / "out", "products") == [["1", "Mug, blue", "Home", "2.00", "5.00"]]


@pytest.mark.parametrize(
    ("dump", "told"),
    [
        (DUMP.replace("public.orders", "shop.orders"), "shop.sql has no table public.orders"),
        ("PGDMP...", "pg_restore --file plain.sql shop.sql"),
        (
            DUMP.partition("2	an@")[0],
            "shop.sql ends in the middle of its table public.customers",
        ),
        (DUMP.removesuffix("\\.\n"), "shop.sql ends in the middle of its table public.products"),
    ],
)
def test_another_dump_is_refused(tmp_path: Path, dump: str, told: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "shop.sql").write_text(dump, encoding="utf-8")
    assert told in refused("postgres", tmp_path)


def test_every_ready_mapping_is_complete_and_says_what_is_lost() -> None:
    assert len(ready_mappings()) >= 7
    for name, path in ready_mappings().items():
        read_mapping(name)
        assert "What is lost: " in path.read_text("utf-8")


def test_the_tables_are_built_from_what_was_imported(spark: SparkSession, tmp_path: Path) -> None:
    """What nobody could convert is in the quarantine, with a reason."""
    write(tmp_path / "in", orders_export_1=SHOPIFY)
    convert("shopify", tmp_path)
    lake = MemoryLakehouse(spark, tmp_path / "out")
    spent = {
        row.customer_id: str(row.monetary_value) for row in lake.read("int_customer_rfm").collect()
    }
    assert spent == {1: "18.00"}
    reasons = {(row.source_table, row.reason) for row in lake.read("quarantine").collect()}
    assert ("orders", "missing_customer_id") in reasons


# ── Conversions ──────────────────────────────────────────────────────────────────────────────────


def test_other_encodings_delimiters_dates_and_parts(custom: str, tmp_path: Path) -> None:
    convert(custom, tmp_path)
    (row,) = rows(tmp_path / "out", "customers")
    assert row == ["1", "jo@shop.test", "José", "Müller", "DE", "2022-12-31"]


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("5,90", "5.90"),
        ("€ 1.234,50", "1234.50"),
        ("7", "7"),
        ("-3,00", "-3.00"),
        ("1.2", "1.2"),
        ("12.34,5", "12.34,5"),
        ("free", "free"),
        ("", ""),
    ],
)
def test_an_amount_that_is_none_is_passed_on(
    custom: str, tmp_path: Path, amount: str, written: str
) -> None:
    """Without its currency, which was asked for; but never a guess."""
    write(tmp_path / "in", orders_1=f'{ORDERS}1,1,01/02/2023,bezahlt,"{amount}",Mug,L\n')
    accounts = convert(custom, tmp_path)
    assert rows(tmp_path / "out", "orders")[0][4] == written
    is_kept = written in ("1.2", "12.34,5", "free")
    assert accounts["orders"].kept == ({"shipping_cost": 1} if is_kept else {})


def test_what_cannot_be_converted_is_counted_and_passed_on(custom: str, tmp_path: Path) -> None:
    days = ["31/01/2023", "31/02/2023", "2023-01-31", ""]
    lines = [f'{number},1,{day},x,"1,00",Mug,L' for number, day in enumerate(days)]
    write(tmp_path / "in", orders_1=ORDERS + "\n".join(lines))
    accounts = convert(custom, tmp_path)
    found = [row[2] for row in rows(tmp_path / "out", "orders")]
    assert found == ["2023-01-31", "31/02/2023", "2023-01-31", ""]
    assert accounts["orders"].kept == {"order_date": 2}
    assert "order_date: 2 texts as they stood" in str(accounts["orders"])


def test_statuses_are_mapped_whatever_their_letters(custom: str, tmp_path: Path) -> None:
    states = ["Bezahlt", " BEZAHLT ", "storniert", "neu"]
    lines = [f'{number},1,01/01/2023,{state},"1,00",Mug,L' for number, state in enumerate(states)]
    write(tmp_path / "in", orders_1=ORDERS + "\n".join(lines))
    convert(custom, tmp_path)
    found = [row[3] for row in rows(tmp_path / "out", "orders")]
    assert found == ["completed", "completed", "cancelled", "pending"]


def test_no_row_is_lost_however_it_is_broken(custom: str, tmp_path: Path) -> None:
    """Too few fields, or too many, are one field, which silver calls corrupt."""
    broken = [
        '1,1,01/01/2023,x,"1,00",Mug,L',
        "2,1",
        '3,1,01/01/2023,x,"1,00",Mug,L,more,and more',
        '4,1,01/01/2023,x,"1,00","a\nb ""c"" d",L',
        "",
        '5,1,01/01/2023,x,"1,00",Mug,L',
        "6,1,01/01/2023,x",
    ]
    write(tmp_path / "in", orders_1=ORDERS + "\n".join(broken))
    accounts = convert(custom, tmp_path)
    found = rows(tmp_path / "out", "orders")
    assert [row[0] for row in found] == ["1", "4", "5", broken[1], broken[2], broken[-1]]
    assert (accounts["orders"].rows_in, accounts["orders"].broken) == (6, 3)
    assert rows(tmp_path / "out", "products")[1][1] == 'a\nb "c" d L'


def test_a_broken_row_of_a_joined_export_is_not_lost(custom: str, tmp_path: Path) -> None:
    path = Path(custom)
    joined = 'from = "orders_*.csv"\njoin = "places.csv"\non = "id"\n\n[orders.columns]'
    text = path.read_text(encoding="utf-8")
    text = text.replace('from = "orders_*.csv"\n\n[orders.columns]', joined)
    path.write_text(text.replace('"customer"', '"buyer"'), encoding="utf-8")
    order = '1,1,01/01/2023,x,"1,00",Mug,L\n'
    write(tmp_path / "in", orders_1=ORDERS + order, places="id,buyer\n1,7\n2,8,more\n3\n")
    accounts = convert(custom, tmp_path)
    found = rows(tmp_path / "out", "orders")
    assert found == [["1", "7", "2023-01-01", "pending", "1.00"], ["2,8,more"], ["3"]]
    assert "2 rows without the header's fields" in str(accounts["orders"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('1,1,,x,,5" disk,L\n2,1,,x,,Mug,L\n', ["1", "2"]),
        ('1,1,,x,,"a"b,L\n2,1,,x,,Mug,L\n', ["2", '1,1,,x,,"a"b,L']),
        ("1,1,,x,,Mug,L\r\n2,1,,x,,Mug,L\n", ["1", "2"]),
        ("1,1,,x,,Mug,L\r2,1,,x,,Mug,L", ["1", "2"]),
        (f"1,1,,x,,{'z' * 3_000_000},L\n2,1,,x,,Mug,L", ["1", "2"]),
    ],
    ids=["a quote inside", "letters behind a quote", "mixed line ends", "returns alone", "long"],
)
def test_other_ways_to_write_a_row_lose_none(
    custom: str, tmp_path: Path, text: str, found: list[str]
) -> None:
    write(tmp_path / "in", orders_1=ORDERS + text)
    accounts = convert(custom, tmp_path)
    assert [row[0] for row in rows(tmp_path / "out", "orders")] == found
    assert accounts["orders"].rows_in == 2


def test_files_are_read_in_the_order_of_their_names_and_may_have_other_columns(
    custom: str, tmp_path: Path
) -> None:
    write(
        tmp_path / "in",
        orders_1=ORDERS + '1,1,01/01/2023,x,"1,00",Mug,L\n',
        orders_2="size,thing,shipping,note,state,day,customer,id\nL,Pen,2,hello,x,02/01/2023,1,2\n",
    )
    convert(custom, tmp_path)
    assert [row[0] for row in rows(tmp_path / "out", "orders")] == ["1", "2"]
    assert [row[1] for row in rows(tmp_path / "out", "products")] == ["Mug L", "Pen L"]


def test_a_later_delivery_keeps_the_numbers(custom: str, tmp_path: Path) -> None:
    """A line that is exported again is the same line, and a new one has a new number."""
    first = '1,1,01/01/2023,x,"1,00",Mug,L\n1,1,01/01/2023,x,"1,00",Pen,S\n'
    write(tmp_path / "in", orders_1=ORDERS + first)
    convert(custom, tmp_path)
    later = '0,1,01/01/2023,x,"1,00",Cap,M\n' + first
    write(tmp_path / "in", orders_1=ORDERS + later)
    convert(custom, tmp_path, delivery="2024-07")
    assert [row[0::2][:2] for row in rows(tmp_path / "out", "order_items_2024-07")] == [
        ["200001", "3"],
        ["100001", "1"],
        ["100002", "2"],
    ]


# ── A first guess ────────────────────────────────────────────────────────────────────────────────


def test_a_guess_is_a_mapping_that_works(tmp_path: Path) -> None:
    """Shopify's columns are found by their names, and what is in doubt says so."""
    write(tmp_path / "in", orders_export_1=SHOPIFY)
    text = guess_mapping(tmp_path / "in")
    path = tmp_path / "guess.toml"
    path.write_text(text, encoding="utf-8")
    convert(str(path), tmp_path)
    assert [row[:3] for row in rows(tmp_path / "out", "orders")] == [
        ["1", "1", "2023-01-05"],
        ["2", "", "2023-01-06"],
        ["3", "2", "2023-01-07"],
    ]
    assert "what is completed? There is paid, refunded" in text
    assert 'cost_price = { value = "" }  # in doubt: nothing like it' in text


def test_a_guess_sees_how_a_file_is_written(tmp_path: Path) -> None:
    people = "Customer Number;E-Mail;Surname;Registered\n7;jo@shop.test;Müller;31.12.2022\n"
    write(tmp_path / "in", people=people)
    lines = ["A-1;7;05.06.2023;4,90;done", "A-2;7;31.12.2022;1.004,90;open"]
    write(tmp_path / "in", orders="\n".join(["Order No;Customer;Date;Freight;State", *lines]))
    text = guess_mapping(tmp_path / "in")
    for line in (
        'encoding = "cp1252"  # in doubt: it is not UTF-8',
        'delimiter = ";"',
        'customer_id = "Customer Number"',
        'last_name = "Surname"',
        'created_at = { column = "Registered", date = "%d.%m.%Y" }',
        'order_id = { number = "Order No" }',
        'order_date = { column = "Date", date = "%d.%m.%Y" }',
        'shipping_cost = { column = "Freight", decimal = ",", thousands = "." }',
    ):
        assert line in text.splitlines(), text


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (["01/02/2023", "03/04/2023"], 'date = "%d/%m/%Y" }  # in doubt: it may also be %m/%d/%Y'),
        (["01/02/2023", "13/04/2023"], 'date = "%d/%m/%Y" }'),
        (["01/02/2023", "01/14/2023"], 'date = "%m/%d/%Y" }'),
        (["2023-01-05T10:00:00Z"], 'part = 1, of = "T" }'),
        (["yesterday"], "# in doubt: no usual way to write a date fits"),
    ],
)
def test_a_date_that_may_be_two_is_in_doubt(tmp_path: Path, days: list[str], told: str) -> None:
    lines = [f"{number},{day}" for number, day in enumerate(days)]
    write(tmp_path / "in", orders="\n".join(["order id,order date", *lines]))
    (line,) = [x for x in guess_mapping(tmp_path / "in").splitlines() if x.startswith("order_date")]
    assert line.endswith(told)


def test_a_guess_is_toml_whatever_stands_in_the_files(tmp_path: Path) -> None:
    """Line breaks in a status, quotes in a name, and a file whose name is a pattern."""
    (tmp_path / "in").mkdir()
    text = 'order id,"say ""status""",Status,freight\n1,x,"paid\nlate","1,204.50"\n'
    (tmp_path / "in" / "orders [1].csv").write_text(text)
    (tmp_path / "in" / "long.csv").write_text("id\n" + "z" * 200_000 + "\n")
    path = tmp_path / "guess.toml"
    path.write_text(guess_mapping(tmp_path / "in"), encoding="utf-8")
    assert 'decimal = ".", thousands = ","' in path.read_text(encoding="utf-8")
    convert(str(path), tmp_path)
    assert rows(tmp_path / "out", "orders")[0] == ["1", "", "", "paid\nlate", "1204.50"]


def test_a_folder_without_rows_has_nothing_to_guess(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no CSV file with a row"):
        guess_mapping(tmp_path)


def test_a_file_that_is_no_text_has_nothing_to_guess(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(gzip.compress(ONLINE_RETAIL.encode()))
    with pytest.raises(InputError, match=r"orders\.csv is no text"):
        guess_mapping(tmp_path)


# ── Public shops ─────────────────────────────────────────────────────────────────────────────────


def test_the_files_of_cdnow_are_read_as_they_are_published(tmp_path: Path) -> None:
    """The sample has one number more in each line, and no header."""
    master = " customer_id  date number_of_cds  dollar_value\r\n 00001 19970101  1   11.77\r\n"
    (tmp_path / "CDNOW_master.txt").write_text(master, newline="")
    (tmp_path / "CDNOW_sample.txt").write_text(" 00004 0001 19970101  2   29.33\n")
    for name, purchase in (
        ("cdnow", ["100001", "00001", "1997-01-01", "completed", ""]),
        ("cdnow-sample", ["100001", "00004", "1997-01-01", "completed", ""]),
    ):
        folder = tmp_path / name
        (folder / "in").mkdir(parents=True)
        PUBLIC_SHOPS[name].write_exports(tmp_path, folder / "in")
        convert("cdnow", folder)
        assert rows(folder / "out", "orders") == [purchase]


def test_an_export_larger_than_the_memory_streams_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """70 MB in 64; what a file is read with must not be a multiple of the longest row."""
    monkeypatch.setattr("ecommerce_lakehouse.imports.convert.MEMORY", "64MB")
    monkeypatch.setattr("ecommerce_lakehouse.imports.convert.LONGEST_ROW", 8 * 2**20)
    padding, rows = "x" * 1_000, 70_000
    with (tmp_path / "cdnow.csv").open("w", encoding="ascii") as file:
        file.write("customer,day,cds,usd\n")
        file.writelines(f"{row % 100},19970101,{padding},1.50\n" for row in range(rows))
    accounts = import_files(read_mapping("cdnow"), tmp_path, tmp_path / "out")
    assert {account.table: account.rows_out for account in accounts} == {
        "customers": 100,
        "orders": rows,
        "order_items": rows,
        "products": 1,
    }


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("cdnow", {"customers": 23_570, "orders": 69_659, "order_items": 69_659}),
        ("cdnow-sample", {"customers": 2_357, "orders": 6_919}),
        ("complete-journey", {"customers": 2_469, "orders": 155_848, "order_items": 1_469_307}),
    ],
)
def test_a_public_shop_has_what_its_publishers_state(
    name: str, published: dict[str, int], tmp_path: Path
) -> None:
    accounts = {account.table: account.rows_out for account in fetch(name, tmp_path)}
    assert {table: accounts[table] for table in published} == published


def test_a_shop_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cdnow, cdnow-sample, complete-journey"):
        fetch("amazon", tmp_path)


def test_the_page_names_every_mapping_and_all_that_a_mapping_may_say() -> None:
    page = (PROJECT / "docs" / "import.md").read_text(encoding="utf-8")
    for name in [*ready_mappings(), *PUBLIC_SHOPS]:
        assert f"`{name}`" in page
    for each in fields(FieldMapping):
        assert re.search(rf"`[^`]*\b{each.name}\b[^`]*`", page), each.name


# ── What is refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[orders]", "[order]", "line 14: [order] is no raw file"),
        ("shipping_cost = {", "shipping = {", 'line 21: raw_orders.csv has no column "shipping"'),
        ('order_id = "id"\ncustomer', "customer", 'line 17: [orders.columns] lacks "order_id"'),
        ("part = 1 }", 'part = "1" }', 'line 9: "part" of "first_name" has to be a whole number'),
        ('{ value = "DE" }', "{ }", 'line 11: "country" needs one of column, number, sql, value'),
        ('{ value = "DE" }', "7", 'line 11: "country" has to be a text or a table'),
        ('date = "%d/%m/%Y"', 'day = "%d"', 'line 20: "day" is not known'),
        ('rows = "last"', 'rows = "best"', 'line 40: "rows" has to be "every", "first" or "last"'),
        ('encoding = "cp1252"', 'encoding = "cp"', 'line 4: "cp" is no encoding'),
        ('encoding = "cp1252"', 'encoding = "undefined"', 'line 4: "undefined" is no encoding'),
        ('from = "people.csv"', 'from = "**.csv"', 'line 2: "from" has to be a name in'),
        ('from = "people.csv"', 'from = "."', 'line 2: "from" has to be a name in'),
        ('delimiter = ";"', 'delimiter = ";;"', 'line 3: "delimiter" has to be one letter'),
        ('from = "people.csv"', 'form = "people.csv"', 'line 2: "form" is not known'),
        ('{ number = "id", line = true }', '{ column = "id", line = true }', '"line" needs'),
        ('country = { value = "DE" }', 'country = { value = "DE", least = true }', "least"),
        ("[products]", "[products", "is no TOML"),
        (
            'number = "id"',
            "number = 5",
            '"number" of "order_item_id" has to be the names',
        ),
        (
            'number = "id"',
            "number = []",
            '"number" of "order_item_id" has to be the names',
        ),
        ('"completed"', "1", '"map" of "status" has to be a table of texts'),
        ('from = "people.csv"', 'from = "/in/people.csv"', 'line 2: "from" has to be a name in'),
        ('delimiter = ";"', 'delimiter = "\\n"', 'line 3: "delimiter" has to be one letter'),
        ("[customers]", "orders = 5\n[customers]", "is no TOML"),
    ],
)
def test_a_mapping_that_says_something_else_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tmp_path / "shop.toml"
    assert old in CUSTOM
    path.write_text(CUSTOM.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as problem:
        read_mapping(str(path))
    assert "shop.toml" in problem.value.message
    assert told in problem.value.message


def test_a_mapping_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shopify"):
        read_mapping(str(tmp_path / "none.toml"))


def refused(mapping: str, folder: Path, **options: Any) -> str:
    """Why an import is refused; nothing was written by it."""
    before = sorted(path.name for path in (folder / "out").glob("*"))
    with pytest.raises(InputError) as problem:
        convert(mapping, folder, **options)
    assert sorted(path.name for path in (folder / "out").glob("*")) == before
    return str(problem.value)


def test_an_export_that_is_missing_is_named_with_those_that_are_there(
    custom: str, tmp_path: Path
) -> None:
    (tmp_path / "in" / "people.csv").rename(tmp_path / "in" / "customers.csv")
    told = refused(custom, tmp_path)
    assert "has no people.csv, from which shop.toml makes raw_customers.csv" in told
    assert "There is customers.csv, orders_1.csv." in told


def test_a_column_that_is_missing_is_named_with_the_nearest(custom: str, tmp_path: Path) -> None:
    write(tmp_path / "in", people="nr;email;name;since\n")
    told = refused(custom, tmp_path)
    assert 'people.csv has no column "mail", from which shop.toml makes email' in told
    assert 'Is it "email"?' in told


def test_another_encoding_is_told_with_its_line(custom: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "orders_1.csv").write_bytes(ORDERS.encode() + "1,1,é".encode("cp1252"))
    assert "orders_1.csv is not UTF-8 in line 2" in refused(custom, tmp_path)


def test_an_encoding_that_begins_with_a_mark_is_told_where_there_is_none(
    custom: str, tmp_path: Path
) -> None:
    path = Path(custom)
    path.write_text(path.read_text(encoding="utf-8").replace("cp1252", "utf-16"), encoding="utf-8")
    assert "people.csv is not UTF-16 (UTF-16 stream does not start with BOM)" in refused(
        custom, tmp_path
    )


def test_marks_of_the_byte_order_are_no_part_of_a_name(custom: str, tmp_path: Path) -> None:
    """Excel writes one; two files put together by hand, or a file saved twice, have two."""
    text = f'\ufeff\ufeff"id"{ORDERS[2:]}' + '1,1,01/01/2023,x,"1,00",Mug,L\n'
    write(tmp_path / "in", orders_1=text)
    Path(custom).write_text("\ufeff" + CUSTOM, encoding="utf-8")
    convert(custom, tmp_path)
    assert rows(tmp_path / "out", "orders")[0][0] == "1"


@pytest.mark.parametrize("name", ["none", "afile"])
def test_a_folder_of_exports_that_is_none_is_told(custom: str, tmp_path: Path, name: str) -> None:
    (tmp_path / "afile").touch()
    for read in (partial(import_files, read_mapping(custom), out=tmp_path / "out"), guess_mapping):
        with pytest.raises(InputError, match=f"{name} is no folder"):
            read(tmp_path / name)


def test_a_delivery_whose_name_is_no_part_of_a_file_name_is_refused(
    custom: str, tmp_path: Path
) -> None:
    assert '"2024/07" cannot be' in refused(custom, tmp_path, delivery="2024/07")


def test_an_expression_that_means_nothing_is_told(custom: str, tmp_path: Path) -> None:
    path = Path(custom)
    text = path.read_text(encoding="utf-8").replace('sql = "shipping"', 'sql = "freight"')
    path.write_text(text, encoding="utf-8")
    assert (
        "[order_items.columns] of shop.toml has an  sql  or a  date  that cannot be used"
        in refused(custom, tmp_path)
    )


def test_a_quote_that_is_never_closed_is_refused_with_its_line(custom: str, tmp_path: Path) -> None:
    """All rows after it would be inside one field."""
    text = '1,1,,x,,Mug,L\n2,1,,x,,"Pen,L\n3,1,,x,,Mug,L\n'
    write(tmp_path / "in", orders_1=ORDERS + text)
    assert "orders_1.csv: a quote that opens in line 3 is never closed" in refused(custom, tmp_path)


def test_a_section_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text("customers = 1\norders = 2\norder_items = 3\nproducts = 4\n")
    with pytest.raises(InputError, match='line 1: "customers" has to be a section'):
        read_mapping(str(path))


def test_a_way_to_write_dates_that_is_none_is_told(custom: str, tmp_path: Path) -> None:
    path = Path(custom)
    path.write_text(path.read_text(encoding="utf-8").replace("%d.%m.%Y", "%Q"), encoding="utf-8")
    assert "[customers.columns] of shop.toml has an  sql  or a  date" in refused(custom, tmp_path)


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("{}/afile", "cannot be written"),
        ("/proc/nowhere", "cannot be written"),
        ("s3a://bucket/shop", "is not a folder of this machine"),
        ("{}/o?x", "has a  \\?  or a backslash in its name"),
        ("{}/o\\x", "has a  \\?  or a backslash in its name"),
    ],
)
def test_a_folder_that_cannot_be_written_is_named(
    custom: str, tmp_path: Path, out: str, told: str
) -> None:
    (tmp_path / "afile").touch()
    with pytest.raises(InputError, match=told):
        import_files(read_mapping(custom), tmp_path / "in", Path(out.format(tmp_path)))


@pytest.mark.parametrize(
    "row",
    ["order_item_id,1,one", 'order_item_id,"1,1', "order_item_id,1", "order_item_id,1,", "a,b,1,2"],
)
def test_numbers_that_somebody_changed_are_not_guessed(
    custom: str, tmp_path: Path, row: str
) -> None:
    convert(custom, tmp_path)
    (tmp_path / "out" / "numbers.csv").write_text(f"name,text,number\n{row}\n")
    assert "numbers.csv is not as an import wrote it" in refused(custom, tmp_path, delivery="2")


def test_a_folder_in_the_place_of_the_numbers_is_told(custom: str, tmp_path: Path) -> None:
    (tmp_path / "out" / "numbers.csv").mkdir(parents=True)
    assert "numbers.csv is not as an import wrote it" in refused(custom, tmp_path)


def test_a_delivery_without_the_earlier_numbers_is_refused(custom: str, tmp_path: Path) -> None:
    """It would begin at 1 again, and order 1 would be two orders. All files anew may do so."""
    write(tmp_path / "in", orders_1=ORDERS + '1,1,01/01/2023,x,"1,00",Mug,L\n')
    convert(custom, tmp_path)
    (tmp_path / "out" / "numbers.csv").unlink()
    told = refused(custom, tmp_path, delivery="2024-07")
    assert "numbers.csv is missing" in told
    assert "raw_customers.csv" in told
    convert(custom, tmp_path, overwrite=True)
    convert(custom, tmp_path, delivery="2024-07")


def test_a_mapping_without_numbers_needs_none(custom: str, tmp_path: Path) -> None:
    path = Path(custom)
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"{ number = .* }", '"id"', text), encoding="utf-8")
    convert(custom, tmp_path)
    convert(custom, tmp_path, delivery="2024-07")
    assert not (tmp_path / "out" / "numbers.csv").exists()


@pytest.mark.parametrize("name", ["my [shop]", "it's", "a*b", "José 日"])
def test_a_folder_may_have_any_name(custom: str, tmp_path: Path, name: str) -> None:
    shutil.copytree(tmp_path / "in", tmp_path / name / "in")
    convert(custom, tmp_path / name)
    convert(custom, tmp_path / name, delivery="2")
    assert len(rows(tmp_path / name / "out", "customers")) == 1


def test_a_pipe_is_no_export_and_does_not_hang(custom: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in" / "orders_2.csv")
    convert(custom, tmp_path)


def test_columns_may_differ_in_their_capitals_only(custom: str, tmp_path: Path) -> None:
    write(tmp_path / "in", people="nr;mail;name;since;NAME;;\n1;a@b.test;Jo Lee;01.01.2023;x;y;z\n")
    convert(custom, tmp_path)
    assert rows(tmp_path / "out", "customers")[0][2:4] == ["Jo", "Lee"]


def test_an_export_without_a_header_is_refused(custom: str, tmp_path: Path) -> None:
    write(tmp_path / "in", people="")
    assert "people.csv is empty: it has no header" in refused(custom, tmp_path)


def test_raw_files_are_not_replaced_without_a_word(custom: str, tmp_path: Path) -> None:
    convert(custom, tmp_path)
    assert "raw_customers.csv is there already" in refused(custom, tmp_path)
    convert(custom, tmp_path, overwrite=True)
