"""The pages of a report; the site's gallery is made of the same pieces."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from ecommerce_lakehouse.artifacts import keep_as_text
from ecommerce_lakehouse.report.gallery import NUMBER, Exhibit

ROWS_A_PAGE = 1000
"""A browser is slow with more; the CSV has them all."""


@dataclass(frozen=True, eq=False)
class Voice:
    """The language that the words around charts and tables are in.

    Args:
        language: Its code.
        known: The translations; what has none is said in English.
    """

    language: str = "en"
    known: Mapping[str, str] = field(default_factory=dict)

    def say(self, message: str, /, **values: object) -> str:
        """A sentence; `lakehouse translate` finds the message where it is said."""
        return self.known.get(message, message).format(**values)


ENGLISH = Voice()


@cache
def templates(voice: Voice = ENGLISH) -> Environment:
    """Every text that goes into a page is escaped: a name may be `<script>`."""
    made = Environment(
        loader=PackageLoader("ecommerce_lakehouse.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals |= {"language": voice.language, "say": voice.say}
    return made


def render(template: str, voice: Voice = ENGLISH, **given: object) -> bytes:
    """A page, from one of the templates."""
    return templates(voice).get_template(template).render(most=ROWS_A_PAGE, **given).encode()


def exhibit_files(gallery: list[Exhibit], home: str, voice: Voice = ENGLISH) -> dict[str, bytes]:
    """The pictures, and every table as a page and as CSV, by their places in the folder.

    Args:
        gallery: What to write.
        home: The page that shows it all, as seen from the folder `tables/`.
        voice: The language of the words around the tables.
    """
    files: dict[str, bytes] = {"style.css": render("style.css")}
    for exhibit in gallery:
        if exhibit.picture:
            files[f"pictures/{exhibit.name}.png"] = exhibit.picture.read_bytes()
        if exhibit.columns:
            files[f"tables/{exhibit.name}.csv"] = _to_csv(exhibit)
            page = render("table.html", voice, exhibit=exhibit, home=home)
            files[f"tables/{exhibit.name}.html"] = page
    return files


def _to_csv(exhibit: Exhibit) -> bytes:
    """Safe to open in a spreadsheet, and a number stays one: `-1.50` is no formula."""
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    table = csv.writer(text, lineterminator="\n")
    for row in (exhibit.columns, *exhibit.rows):
        table.writerow(cell if NUMBER.fullmatch(cell) else keep_as_text(cell) for cell in row)
    return text.getvalue().encode()
