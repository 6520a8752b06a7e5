"""The pages of a report; the site's gallery is made of the same pieces."""

from __future__ import annotations

import csv
import io
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from ecommerce_lakehouse.artifacts import keep_as_text
from ecommerce_lakehouse.report.gallery import NUMBER, Exhibit

ROWS_A_PAGE = 1000
"""A browser is slow with more; the CSV has them all."""


@cache
def templates() -> Environment:
    """Every text that goes into a page is escaped: a name may be `<script>`."""
    return Environment(
        loader=PackageLoader("ecommerce_lakehouse.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, **given: object) -> bytes:
    """A page, from one of the templates."""
    return templates().get_template(template).render(most=ROWS_A_PAGE, **given).encode()


def exhibit_files(gallery: list[Exhibit], home: str) -> dict[str, bytes]:
    """The pictures, and every table as a page and as CSV, by their places in the folder.

    Args:
        gallery: What to write.
        home: The page that shows it all, as seen from the folder `tables/`.
    """
    files: dict[str, bytes] = {"style.css": render("style.css")}
    for exhibit in gallery:
        if exhibit.picture:
            files[f"pictures/{exhibit.name}.png"] = exhibit.picture.read_bytes()
        if exhibit.columns:
            files[f"tables/{exhibit.name}.csv"] = _to_csv(exhibit)
            files[f"tables/{exhibit.name}.html"] = render("table.html", exhibit=exhibit, home=home)
    return files


def _to_csv(exhibit: Exhibit) -> bytes:
    """Safe to open in a spreadsheet, and a number stays one: `-1.50` is no formula."""
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    table = csv.writer(text, lineterminator="\n")
    for row in (exhibit.columns, *exhibit.rows):
        table.writerow(cell if NUMBER.fullmatch(cell) else keep_as_text(cell) for cell in row)
    return text.getvalue().encode()
