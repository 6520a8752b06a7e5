"""The sources of the site: every page is reached, every link leads somewhere."""

import runpy
from pathlib import Path

import pytest

from ecommerce_lakehouse.paths import PROJECT

SCRIPT = runpy.run_path(str(PROJECT / "scripts" / "build_site.py"))
PATHS = {"docs/glossary.md", "notebooks/01_bronze.ipynb"}


def test_sphinx_reads_them_without_a_warning(tmp_path: Path) -> None:
    """It writes no page here: that takes longer, and `make site-test` looks at them."""
    SCRIPT["stage"](tmp_path / "en", SCRIPT["make_translator"]("en"))
    assert (
        SCRIPT["start_sphinx"]("en", tmp_path / "en", tmp_path / "out", builder="dummy").wait() == 0
    )


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
