"""The sources of the site: every page is reached, every link leads somewhere."""

import re
import runpy
from pathlib import Path

import pytest

from ecommerce_lakehouse.paths import PROJECT

SCRIPT = runpy.run_path(str(PROJECT / "scripts" / "build_site.py"))
IN_ENGLISH = ("api", "CHANGELOG", "docs/airflow", "docs/mutations", "benchmarks/README")
PATHS = {"docs/glossary.md", "notebooks/01_bronze.ipynb"}


def test_sphinx_reads_them_without_a_warning(tmp_path: Path) -> None:
    """It writes no page here: that takes longer, and `make site-test` looks at them."""
    SCRIPT["stage"](tmp_path / "en", "en")
    assert (
        SCRIPT["start_sphinx"]("en", tmp_path / "en", tmp_path / "out", builder="dummy").wait() == 0
    )


@pytest.fixture(scope="module")
def indonesian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the Indonesian pages."""
    folder: Path = tmp_path_factory.mktemp("sources") / "id"
    SCRIPT["stage"](folder, "id")
    return folder


def test_a_page_that_stays_english_says_why(indonesian: Path) -> None:
    """Those do, in Indonesian and below their titles, and no other."""
    notes = {
        path.relative_to(indonesian).with_suffix("").as_posix(): note[1]
        for path in indonesian.rglob("*.md")
        if (note := re.search(r"^# .*\n\n```{note}\n(.+)\n```\n", path.read_text(), re.MULTILINE))
    }
    results = {name for name in notes if name.startswith("benchmarks/results/")}
    assert notes.keys() - results == set(IN_ENGLISH)
    assert len(results) == len(list(PROJECT.glob("benchmarks/results/*.md")))
    assert all("bahasa Inggris" in note for note in notes.values())
    assert len({notes["api"], notes["CHANGELOG"], notes["docs/mutations"]}) == 3


def test_what_the_site_adds_to_the_texts_is_translated(indonesian: Path) -> None:
    """Words around charts and tables, the menu, and what pages are called there."""
    gallery = (indonesian / "gallery.md").read_text(encoding="utf-8")
    assert gallery.count("[Digambar di pelajaran 4](notebooks/04_gold.ipynb)") > 1
    assert "Drawn" not in gallery
    links = re.findall(r'<p class="files">\n(.+),\n[\d,]+ (\w+):\n<a .*>(\w+) .*</a>', gallery)
    assert set(links) == {(table, "baris", "baca") for table in ("Tabel di baliknya", "Tabel")}
    table = (indonesian / "extra/gallery/tables/churn_campaign.html").read_text(encoding="utf-8")
    assert '<html lang="id">' in table
    assert ">Semua grafik</a>" in table
    menu = (indonesian / "index.md").read_text(encoding="utf-8")
    assert "\nProyek <README>\n" in menu
    changes = (indonesian / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changes.startswith("# Riwayat perubahan\n")


@pytest.mark.parametrize(
    ("text", "staged"),
    [
        ("see [gold](glossary.md#gold)", "see [gold](glossary.md#gold)"),
        ("see [gold](#gold)", "see [gold](import.md#gold)"),
        ("[one](../notebooks/01_bronze.ipynb)", "[one](../notebooks/01_bronze.ipynb)"),
        ("[there](https://spark.example/x)", "[there](https://spark.example/x)"),
        ("[its mapping](../src/x.toml) says", "its mapping says"),
        ("spent <!--john_spent-->247.92<!--/-->", "spent 247.92"),
        ("written `<!--given-->1<!--/-->`", "written `<!--given-->1<!--/-->`"),
    ],
)
def test_what_the_site_has_not_is_no_link_and_marks_are_gone(text: str, staged: str) -> None:
    assert SCRIPT["for_sphinx"](text, "docs/import.md", PATHS) == staged
