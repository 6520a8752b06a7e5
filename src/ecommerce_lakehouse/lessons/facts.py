"""Numbers that a text quotes, and the values they were computed from.

A notebook's last cell computes them once more and keeps them in `artifacts/facts.json`. In the
text each stands between two comments that a reader does not see::

    he spent <!--john_spent-->$247.92<!--/--> in all

`problems` compares the two, and names every number that looks like a result and is not bound.
A number that is given (a limit, a definition) is bound to the name `given`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from ecommerce_lakehouse.artifacts import artifacts_folder, write_whole
from ecommerce_lakehouse.lessons.show import Shown, show

GIVEN = "given"
BOUND = re.compile(r"<!--(\w+)-->(.*?)<!--/-->", flags=re.DOTALL)
NO_PROSE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|<!--.*?-->", flags=re.DOTALL)
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DATES = re.compile(rf"\b\d{{1,2}} (?:{MONTHS})(?: \d{{4}})?|\b(?:{MONTHS}) \d{{4}}")
RESULT = re.compile(
    r"\$\s?\d[\d,.]*\w?|\b\d{1,3}(?:,\d{3})+(?:\.\d+)?|\b\d+\.\d+|\b\d+ ?%|\b\d{2,}\b"
)
"""What looks like a result: money, a share, a decimal, or a whole number from 10 on."""
UNITS = re.compile(r"\s*(?:days?|hours?|minutes?|months?|-bit)\b")
"""After these a whole number is a limit somebody chose, not a result."""


def keep(notebook: str, facts: dict[str, str], to: str | os.PathLike[str]) -> Shown:
    """Keep a notebook's facts beside its charts.

    Args:
        notebook: Its name, such as `03_intermediate`.
        facts: What the text quotes, letter by letter, under a name each.
        to: The artifacts folder.

    Returns:
        The facts as a table to show.

    Raises:
        InputError: The folder cannot be written.

    Examples:
        >>> facts.keep("03_intermediate", {"john_spent": "$247.92"}, to=scratch)
        fact        value
        john_spent  $247.92
    """
    path = artifacts_folder(to) / "facts.json"
    known = read(path)
    known[notebook] = facts
    text = json.dumps(dict(sorted(known.items())), indent=2, ensure_ascii=False)
    write_whole(path, (text + "\n").encode())
    table = pd.DataFrame(facts.items(), columns=["fact", "value"])
    return show(table, n=len(table))


def read(path: Path) -> dict[str, dict[str, str]]:
    """The facts that were kept, by notebook; none where there is no file yet."""
    found: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def problems(texts: list[str], facts: dict[str, str]) -> Iterator[str]:
    """Where the text of a notebook and its facts do not say the same."""
    quoted: set[str] = set()
    for text in texts:
        for name, said in BOUND.findall(text):
            quoted.add(name)
            if name != GIVEN and name not in facts:
                yield f'"{said}" is bound to {name}, which was not computed'
            elif name != GIVEN and said != facts[name]:
                yield f'the text says "{said}", computed was {name} = "{facts[name]}"'
        yield from (
            f'"{number}" is bound to no fact: … {around} …' for number, around in _loose(text)
        )
    yield from (
        f"{name} was computed and is quoted nowhere" for name in sorted(set(facts) - quoted)
    )


def _loose(text: str) -> Iterator[tuple[str, str]]:
    for pattern in (BOUND, NO_PROSE, DATES):
        text = pattern.sub(" ", text)
    for found in RESULT.finditer(text):
        whole: Any = found.group().isdigit()
        if not (whole and UNITS.match(text, found.end())):
            around = text[max(found.start() - 30, 0) : found.end() + 20]
            yield found.group(), " ".join(around.split())
