"""What a learner calls: check an answer, ask for a hint or a solution, see how far they are."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from IPython.display import Image, Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecommerce_lakehouse.artifacts import write_whole
from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.lessons.exercises.answers import say_error
from ecommerce_lakehouse.lessons.exercises.book import Exercise, exercises
from ecommerce_lakehouse.lessons.exercises.judge import is_open, judge, returns_alike, run_answer
from ecommerce_lakehouse.lessons.exercises.words import Said, say
from ecommerce_lakehouse.lessons.translation import (
    ENGLISH,
    LANGUAGE,
    Catalogue,
    translate_exercise,
    translate_said,
)
from ecommerce_lakehouse.paths import IS_CHECKOUT, PROJECT, cache_dir, variable

TRIES = 3
"""After so many answers a learner may see the solution without asking twice."""


@dataclass
class Record:
    """What is kept of one exercise.

    Attributes:
        met: Whether it was answered right.
        tries: How many answers were checked.
        asked: How often the solution was asked for before it was shown.
    """

    met: bool = False
    tries: int = 0
    asked: int = 0


def check(number: str, answer: object) -> None:
    """Say whether an answer is right, and if not, what is the first thing wrong with it.

    Args:
        number: The exercise, such as "03.2".
        answer: What the exercise asks for.

    Examples:
        >>> check("01.5", 5)
        01.5 not yet. Yours is 5, which is too small.
        ...
    """
    exercise = _find(number)
    if exercise is None:
        return
    try:
        if is_open(exercise, answer):
            _tell(
                say(
                    '{number} not attempted yet.   A first step:  hint("{number}")',
                    number=number,
                )
            )
            return
        if isinstance(answer, (Axes, Figure)):
            _show_chart(answer)
        said = judge(exercise, answer)
    except Exception as problem:  # a learner's cell must not end in our trace
        told = {"number": number, "problem": say_error(problem)}
        _tell(say("{number} could not be checked: {problem}", **told))
        return
    with _record(number) as record:
        record.tries += 1
        record.met = record.met or said is None
    if said is None:
        _tell(say("{number} correct.", number=number))
    else:
        _tell(say("{number} not yet. {said}", number=number, said=said))


def _show_chart(answer: Axes | Figure) -> None:
    """Show a chart: drawn without a window, it would not be seen."""
    picture = io.BytesIO()
    figure = answer if isinstance(answer, Figure) else answer.get_figure(root=True)
    assert figure is not None
    figure.savefig(picture, format="png")
    display(Image(picture.getvalue(), alt="The chart that was handed in."))


def hint(number: str) -> None:
    """Show the next hint for an exercise; after the last one, the last once more.

    Examples:
        >>> hint("01.4")
        Hint 1 of 3.
        <IPython.core.display.Markdown object>
    """
    exercise = _find(number)
    if exercise is None:
        return
    given = _hints_given.get(number, 0)
    step = min(given, len(exercise.hints) - 1)
    _hints_given[number] = given + 1
    told = {"step": step + 1, "steps": len(exercise.hints), "number": number}
    if step + 1 < len(exercise.hints):
        _tell(say("Hint {step} of {steps}.", **told))
    else:
        _tell(say('Hint {step} of {steps}. The last one; then:  solution("{number}")', **told))
    display(Markdown(_translate(exercise).hints[step]))


def solution(number: str) -> None:
    """Show the solution and why it is right: after a right answer, three tries, or asked twice.

    Examples:
        >>> solution("01.4")
        01.4 is still open. To see the solution now, ask once more.
    """
    exercise = _find(number)
    if exercise is None:
        return
    with _record(number) as record:
        is_shown = record.met or record.tries >= TRIES or record.asked > 0
        record.asked += not is_shown
    if is_shown:
        exercise = _translate(exercise)
        code, why = exercise.solution.code, exercise.solution.text
        display(Markdown(f"**{number} {exercise.title}**\n\n```python\n{code}\n```\n\n{why}"))
    else:
        _tell(say("{number} is still open. To see the solution now, ask once more.", number=number))


def progress() -> None:
    """Show the goals that are met, lesson by lesson.

    Examples:
        >>> progress()
        <IPython.core.display.Markdown object>
    """
    records = _read_records()
    lines = []
    for number, exercise in exercises().items():
        if number.endswith(".1"):
            lesson = say("Lesson {number}", number=int(number[:2]))
            lines.append(f"\n**{_speak(lesson)}**\n")
        met = records.get(number, Record()).met
        lines.append(f"- {'☑' if met else '☐'} {number} {_translate(exercise).goal}")
    count = sum(record.met for number, record in records.items() if number in exercises())
    goals = {"met": count, "goals": len(exercises()), "file": f"`{_file()}`"}
    said = say("{met} of {goals} goals met. To begin again, delete {file}.", **goals)
    display(Markdown("\n".join([*lines, f"\n{_speak(said)}"])))


def pick(number: str, answer: Any) -> Any:
    """The answer to go on with: the learner's where it is right, else that of the solution.

    Where the next cell needs a Spark DataFrame, a right answer in pandas is not gone on with.

    Examples:
        >>> pick("01.5", ...)
        10
    """
    exercise = exercises()[number]
    ours = run_answer(exercise, exercise.solution.code)
    try:
        is_right = not is_open(exercise, answer) and judge(exercise, answer) is None
        is_right = is_right and returns_alike(exercise, answer, ours)
    except Exception:
        is_right = False
    return answer if is_right else ours


def _find(number: str) -> Exercise | None:
    _catalogue(variable(LANGUAGE) or ENGLISH)  # an unknown language is an error before the work
    found = exercises().get(number)
    if found is None:
        lesson = [name for name in exercises() if name[:2] == str(number)[:2]]
        told = {"number": repr(number), "numbers": ", ".join(lesson or exercises())}
        _tell(say("There is no exercise {number}. There are: {numbers}", **told))
    return found


# The language ------------------------------------------------------------------------------


def _tell(said: Said) -> None:
    print(_speak(said))


def _speak(said: Said) -> str:
    """A sentence in the language that LAKEHOUSE_LANGUAGE names."""
    return translate_said(said, _catalogue(variable(LANGUAGE) or ENGLISH))


def _translate(exercise: Exercise) -> Exercise:
    return translate_exercise(exercise, _catalogue(variable(LANGUAGE) or ENGLISH))


@cache
def _catalogue(language: str) -> Catalogue:
    if language == ENGLISH:
        return {}
    from ecommerce_lakehouse.lessons.catalogues import read_catalogues

    return read_catalogues(language, "exercises", "messages")


# What is kept -----------------------------------------------------------------------------

_hints_given: dict[str, int] = {}
_unsaved: dict[str, Record] = {}
"""What could not be written, kept as long as the kernel lives."""


def _file() -> Path:
    """Where it is kept which goals are met; LAKEHOUSE_PROGRESS names another file.

    A checkout may be somebody else's, as in a container.
    """
    given = variable("LAKEHOUSE_PROGRESS")
    if given:
        return Path(given)
    is_ours = IS_CHECKOUT and os.access(PROJECT, os.W_OK)
    return (PROJECT if is_ours else cache_dir()) / "progress.json"


def _read_records() -> dict[str, Record]:
    try:
        told = json.loads(_file().read_text(encoding="utf-8-sig"))
        kept = {
            number: Record(bool(each["met"]), int(each["tries"]), int(each["asked"]))
            for number, each in told.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, LakehouseError):
        kept = {}  # none yet, or spoilt by hand
    return kept | _unsaved


@contextmanager
def _record(number: str) -> Iterator[Record]:
    """What is kept of an exercise, to be changed. Where it cannot be kept, that is said."""
    records = _read_records()
    record = records.setdefault(number, Record())
    yield record
    told = {name: asdict(each) for name, each in sorted(records.items())}
    try:
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, (json.dumps(told, indent=1) + "\n").encode())
    except (OSError, LakehouseError) as problem:
        if not _unsaved:
            why = say_error(problem)
            _tell(say("Your progress is kept only until the kernel stops: {problem}", problem=why))
        _unsaved[number] = record
