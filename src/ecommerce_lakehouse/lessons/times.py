"""How long a lesson takes: written into its title by `lakehouse tidy` and `lakehouse run --update`.

Reading is counted, running is measured, and an exercise says itself how long it takes.
"""

from __future__ import annotations

import re
from typing import Any

from ecommerce_lakehouse.lessons.exercises.book import exercises
from ecommerce_lakehouse.lessons.exercises.cells import CELL

WORDS_A_MINUTE = 150
"""Slower than a novel is read: there is something to understand in each sentence."""
LINES_A_MINUTE = 15
"""Of code."""
ROW = re.compile(
    r"(?<=\| \*\*Time\*\* \| )(\d+) minutes to read, (\d+) minutes? to run, [^|]+(?= \|)"
)


def write_times(notebook: dict[str, Any], seconds: float | None = None) -> bool:
    """Bring the times in a lesson's title to what they are.

    Args:
        notebook: Its JSON, which is changed. One without the row of times stays as it is.
        seconds: How long it ran; by default what its title says.

    Returns:
        Whether they were otherwise.
    """
    title = notebook["cells"][0] if notebook["cells"] else {"source": ""}
    text = "".join(title["source"])
    found = ROW.search(text)
    if not found:
        return False
    numbers = {match[1] for cell in notebook["cells"] if (match := CELL.fullmatch(cell["id"]))}
    mine = [one.minutes for one in exercises().values() if one.number[:2] in numbers]
    run = int(found[2]) if seconds is None else max(1, round(seconds / 60))
    told = (
        f"{_reading_minutes(notebook)} minutes to read, {run} minute{'s' * (run > 1)} to run, "
        f"{sum(mine)} minutes for the exercises"
    )
    title["source"] = text[: found.start()] + told + text[found.end() :]
    return told != found[0]


def _reading_minutes(notebook: dict[str, Any]) -> int:
    """Without exercises, which have minutes of their own, and without what is folded."""
    words = lines = 0
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if CELL.fullmatch(cell["id"]) or cell["id"] == "facts":
            continue
        if cell["cell_type"] == "code":
            lines += sum(1 for line in text.splitlines() if line.strip())
        else:
            words += len(re.findall(r"\w+", re.sub(r"<!--.*?-->|\]\([^)]*\)", "", text)))
    return round(words / WORDS_A_MINUTE + lines / LINES_A_MINUTE)
