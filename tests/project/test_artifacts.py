"""Files for people and programs that have no Spark."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import frame
from pyspark.sql import SparkSession

from ecommerce_lakehouse.artifacts import artifacts_folder, write_csv, write_parquet
from ecommerce_lakehouse.errors import InputError


def test_a_text_that_a_spreadsheet_would_run_is_made_text(tmp_path: Path) -> None:
    """An email like =HYPERLINK(...) must not run on the machine of whoever opens the file."""
    dangerous = ["=1+1", "+49 30", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"]
    harmless = ["a=b", " =1", "1-1", "", "'=1", "john@shop.com"]
    path = write_csv(pd.DataFrame({"text": dangerous + harmless}), "people", to=tmp_path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        found = pd.read_csv(file, keep_default_na=False, lineterminator="\n")
    assert found["text"].tolist() == [f"'{text}" for text in dangerous] + harmless


def test_numbers_are_left_alone(tmp_path: Path) -> None:
    """A negative amount is a number, not a formula; a missing one is an empty field."""
    table = pd.DataFrame({"amount": [Decimal("-1.50"), None], "n": [-1, 2], "x": [-0.5, None]})
    path = write_csv(table, "amounts", to=tmp_path)
    assert path.read_bytes() == b"\xef\xbb\xbfamount,n,x\n-1.50,-1,-0.5\n,2,\n"


def test_a_spreadsheet_sees_that_it_is_utf_8(tmp_path: Path) -> None:
    """The byte-order mark says so; lines end in a line feed on every system."""
    path = write_csv(pd.DataFrame({"name": ["Zoë", 'a,"b']}), "names", to=tmp_path / "new" / "one")
    assert path == tmp_path / "new" / "one" / "names.csv"
    assert path.read_bytes() == '\ufeffname\nZoë\n"a,""b"\n'.encode()


def test_the_table_itself_is_not_changed(tmp_path: Path) -> None:
    table = pd.DataFrame({"text": ["=1"]})
    write_csv(table, "x", to=tmp_path)
    assert table["text"].tolist() == ["=1"]


def test_parquet_is_one_file_in_order(spark: SparkSession, tmp_path: Path) -> None:
    """However many parts Spark worked in, with the types of the table, and nothing left over."""
    rows = [{"customer_id": n, "spent": f"{n}.50"} for n in (7, 10, 9, 1, 8, 3)]
    table = frame(spark, "customer_id BIGINT, spent DECIMAL(38,2)", *rows).repartition(3)
    path = write_parquet(table, "features", order_by="customer_id", to=tmp_path)
    found = pq.read_table(path)
    assert found["customer_id"].to_pylist() == [1, 3, 7, 8, 9, 10]
    assert found["spent"].to_pylist()[:2] == [Decimal("1.50"), Decimal("3.50")]
    assert found.schema.field("spent").type == pa.decimal128(38, 2)
    assert list(tmp_path.iterdir()) == [tmp_path / "features.parquet"]


def test_parquet_from_a_cluster_comes_by_way_of_a_shared_folder(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Its machines cannot write beside the file; what they write is deleted once it is fetched."""
    table = frame(spark, "customer_id BIGINT", {"customer_id": 2}, {"customer_id": 1})
    shared, to = tmp_path / "a lake", tmp_path / "charts"
    shared.mkdir()
    path = write_parquet(table, "ids", order_by="customer_id", to=to, by_way_of=str(shared))
    assert pq.read_table(path)["customer_id"].to_pylist() == [1, 2]
    assert list(to.iterdir()) == [path]
    assert list(shared.iterdir()) == []


def test_parquet_replaces_the_file_of_last_time(spark: SparkSession, tmp_path: Path) -> None:
    """A table without rows is a file too: its columns are known."""
    one = frame(spark, "customer_id BIGINT", {"customer_id": 1})
    write_parquet(one, "features", order_by="customer_id", to=tmp_path)
    path = write_parquet(one.where("false"), "features", order_by="customer_id", to=tmp_path)
    assert pq.read_table(path).num_rows == 0
    assert pq.read_schema(path).names == ["customer_id"]


def test_a_folder_that_cannot_be_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """Here a file is in its place."""
    (tmp_path / "artifacts").write_text("")
    with pytest.raises(InputError) as refused:
        write_csv(pd.DataFrame({"a": [1]}), "x", to=tmp_path / "artifacts")
    assert refused.value.message == f"{tmp_path}/artifacts/ cannot be written."
    assert "--artifacts-dir" in refused.value.remedy


def test_an_address_of_an_object_store_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder `s3:` was made; an address of this machine is another name of a folder."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="s3://bucket/charts is no folder") as refused:
        artifacts_folder("s3://bucket/charts")
    assert "--artifacts-dir FOLDER" in refused.value.remedy
    assert list(tmp_path.iterdir()) == []
    assert artifacts_folder(f"file://{tmp_path}") == tmp_path


def test_what_a_reader_has_to_know_stands_beside_the_table(tmp_path: Path) -> None:
    """Only where there is something to say."""
    for name, about in (("silent", ""), ("told", "Delete it afterwards.\n")):
        write_csv(pd.DataFrame({"customer_id": [1]}), name, to=tmp_path, about=about)
    assert [path.name for path in tmp_path.glob("*.txt")] == ["told.README.txt"]
    assert (tmp_path / "told.README.txt").read_text() == "Delete it afterwards.\n"
