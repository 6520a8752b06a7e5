"""The cells of an exercise in its notebook, which are written from the exercise's file."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ecommerce_lakehouse.lessons.exercises.book import Exercise, exercises

CELL = re.compile(r"exercise-(\d\d)-(\d)(-text)?")
"""The id of a cell that an exercise fills: its task, or its code."""


def task_cell(exercise: Exercise, say: Callable[[str], str] = str) -> str:
    """The text that a learner reads.

    Args:
        exercise: The exercise, in the language of the text.
        say: The words around it in that language.
    """
    title = say("Exercise {number}: {title}").format(number=exercise.number, title=exercise.title)
    goal = f"{exercise.goal[0].lower()}{exercise.goal[1:]}"
    head = say("{minutes} minutes. Goal: {goal}.").format(minutes=exercise.minutes, goal=goal)
    return f"### {title}\n\n*{head}*\n\n{exercise.task}"


def code_cell(exercise: Exercise) -> str:
    """The code that a learner completes, and the check of it."""
    gap = "\n\n\n" if exercise.starter.startswith(("def ", "@")) else "\n"
    return f'{exercise.starter}{gap}check("{exercise.number}", {exercise.answer})'


def write_cells(notebook: dict[str, Any]) -> list[str]:
    """Bring the cells of the exercises in a notebook to what their files say.

    Args:
        notebook: Its JSON, which is changed.

    Returns:
        The ids of the cells that were otherwise.
    """
    changed = []
    for cell in notebook["cells"]:
        found = CELL.fullmatch(cell["id"])
        if not found:
            continue
        exercise = exercises()[f"{found[1]}.{found[2]}"]
        wanted = task_cell(exercise) if found[3] else code_cell(exercise)
        if "".join(cell["source"]) != wanted:
            cell["source"] = wanted
            changed.append(cell["id"])
    return changed
