"""The exercises as files: `03.2.md` is the second one of lesson 3.

A file begins with its title, a goal, the minutes it takes, the name of the answer and, for
tables, what they are compared by. Then come the task and, under headings, code and text: the
starter, hints, the solution and why it is right, other right answers, and wrong ones with the
words that a learner gets to see.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
HEADINGS = ("Starter", "Hint", "Solution", "Also right", "Wrong", "Inputs")


@dataclass(frozen=True)
class Part:
    """What stands under one heading.

    Attributes:
        code: Python, as a learner would write it.
        text: What is said of it.
    """

    code: str
    text: str


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        number: Such as `03.2`: the lesson, and the place in it.
        title: A few words.
        goal: What a learner can do afterwards, beginning with a verb.
        minutes: How long it takes.
        answer: The name that the answer gets.
        key: Where the answer is a table: the columns that tell its rows apart.
        is_ordered: Whether the order of its rows counts.
        is_choice: Whether the answer is some of several letters.
        task: The text of the exercise.
        parts: What stands under each heading, in order.
    """

    number: str
    title: str
    goal: str
    minutes: int
    answer: str
    key: tuple[str, ...]
    is_ordered: bool
    is_choice: bool
    task: str
    parts: dict[str, list[Part]]

    @property
    def starter(self) -> str:
        """The code that the learner finds."""
        return self.parts["Starter"][0].code

    @property
    def solution(self) -> Part:
        """The right answer, and why it is right."""
        return self.parts["Solution"][0]

    @property
    def hints(self) -> list[str]:
        """Help, step by step."""
        return [part.text for part in self.parts["Hint"]]

    @property
    def inputs(self) -> str:
        """Code that makes what a function is tried on, by name; empty where it is no function."""
        return self.parts["Inputs"][0].code if self.parts["Inputs"] else ""

    @property
    def input_names(self) -> list[str]:
        """The names of what a function is tried on."""
        found = (node for node in ast.walk(ast.parse(self.inputs)) if isinstance(node, ast.Assign))
        made = [node.value for node in found if ast.unparse(node.targets[0]) == "inputs"]
        keys = [key for value in made if isinstance(value, ast.Dict) for key in value.keys]
        return [key.value for key in keys if isinstance(key, ast.Constant)]  # type: ignore[misc]

    @property
    def mistakes(self) -> list[Part]:
        """Answers that people give and that are wrong."""
        return self.parts["Wrong"]


@cache
def exercises() -> dict[str, Exercise]:
    """Every exercise by its number, in order."""
    return {file.stem: read_exercise(file) for file in sorted(FOLDER.glob("[0-9][0-9].[0-9].md"))}


def to_nouns(key: tuple[str, ...]) -> tuple[str, str]:
    """What a row is called that a key tells apart, and what several are called."""
    one = key[0].removesuffix("_id").replace("_", " ") if len(key) == 1 else "row"
    many = f"{one[:-1]}ies" if one.endswith("y") and one[-2] not in "aeiou" else f"{one}s"
    return one, many


def read_exercise(file: Path) -> Exercise:
    """The exercise that a file holds.

    Raises:
        ValueError: It is not written as one.
    """
    _, head, body = file.read_text(encoding="utf-8").split("---\n", 2)
    told = dict(line.split(": ", 1) for line in head.splitlines())
    task, *rest = re.split(r"^## (.+)\n", body, flags=re.MULTILINE)
    parts: dict[str, list[Part]] = {heading: [] for heading in HEADINGS}
    for heading, text in zip(rest[::2], rest[1::2], strict=True):
        if heading not in parts:
            raise ValueError(f"{file.name}: there is no part called {heading!r}.")
        parts[heading].append(_split_code(text))
    return Exercise(
        number=file.stem,
        title=told["title"],
        goal=told["goal"],
        minutes=int(told["minutes"]),
        answer=told["answer"],
        key=tuple(told.get("key", "").split()),
        is_ordered=told.get("ordered") == "yes",
        is_choice=told.get("choice") == "yes",
        task=task.strip(),
        parts=parts,
    )


def _split_code(text: str) -> Part:
    """The block of code that a part begins with, and the text that follows."""
    found = re.match(r"\s*```python\n(.*?)^```\n?(.*)", text, re.DOTALL | re.MULTILINE)
    if not found and "```" in text:
        raise ValueError(f"A block of code has no end, or text before it: {text[:60]!r}")
    code, said = found.groups() if found else ("", text)
    return Part(code.strip(), said.strip())
