"""Puts the sentences of another language into Markdown, notebooks and exercises.

A line of Markdown is a message: a paragraph, a heading, an item of a list, each cell of a table.
What stands around its words (`## `, `- **a** `, `|`) is no part of it, nor is code. A message goes
through a catalogue, which maps it to its translation; without one it stays English.

A number that is bound to a fact is a placeholder, so its value is no part of the message:

    he spent <!--john_spent-->247.92<!--/--> in <!--given-->3<!--/--> orders
    he spent {john_spent} in {3} orders

Braces in code are only braces. A fact with words in it (`1.5, 2.5 and 4`) is a message of its own,
`{1}, {2} and {3}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from itertools import count
from typing import Any

from ecommerce_lakehouse.lessons.exercises.book import Exercise, Part, exercises, to_nouns
from ecommerce_lakehouse.lessons.exercises.cells import CELL, task_cell
from ecommerce_lakehouse.lessons.exercises.words import Prose, Said
from ecommerce_lakehouse.lessons.facts import BOUND, GIVEN

LANGUAGE = "LAKEHOUSE_LANGUAGE"
"""The variable that names the language of `check` and its neighbours."""
ENGLISH = "en"

Catalogue = Mapping[str, str]
"""A translation for each message that has one."""

SHAPES = (
    re.compile(r"(\s*<details><summary>)(.*)(</summary>\s*)"),
    re.compile(r"(\s*!\[)([^\]]*)(\]\([^)]*\)\s*)"),
    re.compile(
        r'(\s*(?:#+ |- |\d+\. )?(?:\*\*[a-e]\*\* )?(?:<a id="[^"]*"></a>)?)(.*?)(\s*)', re.DOTALL
    ),
)
"""What stands before a line's words, the words, and what stands after them."""
CELL_ENDS = re.compile(r"((?<!\\)\|)")
CODE_OR_MARK = re.compile(rf"`[^`]*`|{BOUND.pattern}", re.DOTALL)
CODE_OR_PLACEHOLDER = re.compile(r"`[^`]*`|\{([^{}]*)\}")
CODE_LINK_OR_TAG = re.compile(r"`[^`]*`|\]\([^)]*\)|</?\w[^>]*>")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
TWO_LETTERS = re.compile(r"[^\W\d_]{2}")
TIMES = re.compile(
    r"(?P<read>\d+) minutes to read, (?P<run>\d+) minutes? to run, "
    r"(?P<solve>\d+) minutes for the exercises"
)
"""In the head of a lesson. How long it runs is measured, so these numbers are placeholders too."""
TIMES_MESSAGE = "{read} minutes to read, {run} minutes to run, {solve} minutes for the exercises"


def cut(text: str) -> Iterator[tuple[str, str, str]]:
    """Cut Markdown into pieces, which in a row are the text again.

    Yields:
        What stands before some words, the words (empty where there are none to translate), and
        what stands after them.
    """
    is_code = False
    for line in text.splitlines(keepends=True):
        is_fence = line.lstrip().startswith("```")
        is_code ^= is_fence
        if is_code or is_fence:
            yield line, "", ""
        elif line.lstrip().startswith("|"):
            yield from map(_cut_line, CELL_ENDS.split(line))
        else:
            yield _cut_line(line)


def _cut_line(line: str) -> tuple[str, str, str]:
    before, words, after = next(filter(None, (each.fullmatch(line) for each in SHAPES))).groups()
    bare = CODE_LINK_OR_TAG.sub("", CODE_OR_PLACEHOLDER.sub("", to_message(words)[0]))
    return (before, words, after) if TWO_LETTERS.search(bare) else (line, "", "")


def to_message(words: str) -> tuple[str, dict[str, str]]:
    """The message that some words are, and what its placeholders stand for.

    A given number has no entry: its placeholder is the number.
    """
    times = TIMES.fullmatch(words)
    if times:
        return TIMES_MESSAGE, times.groupdict()
    values: dict[str, str] = {}

    def take(found: re.Match[str]) -> str:
        whole, name, said = found[0], found[1], found[2]
        if name is None:
            return whole
        if name == GIVEN:
            return f"{{{said}}}"
        values[name] = whole
        return f"{{{name}}}"

    return CODE_OR_MARK.sub(take, words), values


def messages_of(words: str) -> Iterator[str]:
    """The messages of a piece of Markdown: its words, and those in the values of facts."""
    message, values = to_message(words)
    yield message
    patterns = (_to_pattern(value)[0] for value in values.values())
    yield from filter(TWO_LETTERS.search, patterns)


def _to_pattern(mark: str) -> tuple[str, list[str]]:
    """What a fact says without its numbers, such as `{1}, {2} and {3}`, and the numbers."""
    said = BOUND.sub(r"\2", mark)
    places = count(1)
    return NUMBER.sub(lambda _: f"{{{next(places)}}}", said), NUMBER.findall(said)


def _translate_value(mark: str, catalogue: Catalogue) -> str:
    pattern, numbers = _to_pattern(mark)
    bound = BOUND.fullmatch(mark)
    if bound is None or not TWO_LETTERS.search(pattern) or pattern not in catalogue:
        return mark
    said = re.sub(r"\{(\d+)\}", lambda found: numbers[int(found[1]) - 1], catalogue[pattern])
    return f"<!--{bound[1]}-->{said}<!--/-->"


def fill(message: str, values: Mapping[str, str]) -> str:
    """Put the values in place of a message's or a translation's placeholders."""

    def put(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        return values.get(found[1], f"<!--{GIVEN}-->{found[1]}<!--/-->")

    return CODE_OR_PLACEHOLDER.sub(put, message)


def kept(message: str) -> set[str]:
    """What a translation has to have in common with its message.

    That is its code, the targets of its links, its tags and its placeholders. Of a given number
    with words (`{10, 11 and 12}`) only the numbers.
    """
    found = set(CODE_LINK_OR_TAG.findall(message))
    for held in CODE_OR_PLACEHOLDER.findall(message):
        if held:
            found.add(f"{{{held if held.isidentifier() else ' '.join(NUMBER.findall(held))}}}")
    return found


def translate(words: str, catalogue: Catalogue) -> str:
    """The translation of some words of a text, or the words where the catalogue has none."""
    message, values = to_message(words)
    if message not in catalogue:
        return words
    said = {name: _translate_value(value, catalogue) for name, value in values.items()}
    return fill(catalogue[message], said)


def translate_markdown(text: str, catalogue: Catalogue) -> str:
    """Markdown with the words of another language; code, links and numbers stay."""
    return "".join(
        before + (words and translate(words, catalogue)) + after
        for before, words, after in cut(text)
    )


def translate_notebook(notebook: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """A copy of a notebook's JSON with translated texts; ids, code and outputs are the same.

    Args:
        notebook: Its JSON. The texts of exercises are made from the exercises' files.
        catalogue: With the messages of the notebook and of the exercises.
    """
    made = deepcopy(notebook)
    for cell in made["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        found = CELL.fullmatch(cell["id"])
        if found:
            exercise = translate_exercise(exercises()[f"{found[1]}.{found[2]}"], catalogue)
            text = task_cell(exercise, lambda message: catalogue.get(message, message))
        else:
            text = translate_markdown("".join(cell["source"]), catalogue)
        cell["source"] = text.splitlines(keepends=True)
    return made


def texts_of(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """The texts of an exercise that are translated, each with its place."""
    yield "title", exercise.title
    yield "goal", exercise.goal
    yield "task", exercise.task
    for heading, parts in exercise.parts.items():
        for part in parts:
            yield heading.lower(), _split_said(heading, part)[1]
    for name in exercise.input_names:
        yield "inputs", name  # `check` says where an answer differs
    for noun in to_nouns(exercise.key) if exercise.key else ():
        yield "key", noun


def translate_exercise(exercise: Exercise, catalogue: Catalogue) -> Exercise:
    """An exercise with translated texts; its code is the same."""

    def translate_part(heading: str, part: Part) -> Part:
        shared, said = _split_said(heading, part)
        return replace(part, text=shared + translate_markdown(said, catalogue))

    return replace(
        exercise,
        title=translate(exercise.title, catalogue),
        goal=translate(exercise.goal, catalogue),
        task=translate_markdown(exercise.task, catalogue),
        parts={
            heading: [translate_part(heading, part) for part in parts]
            for heading, parts in exercise.parts.items()
        },
    )


def translate_said(said: str, catalogue: Catalogue) -> str:
    """What is said to a learner, in another language; what the learner wrote stays as it is."""
    if isinstance(said, Prose):
        return translate_markdown(said, catalogue)
    if not isinstance(said, Said):
        return said
    values = {
        name: translate_said(value, catalogue) if isinstance(value, str) else value
        for name, value in said.values.items()
    }
    return said.begin(catalogue.get(said.message, said.message).format(**values))


def _split_said(heading: str, part: Part) -> tuple[str, str]:
    """A part's text in two: a mistake begins with what `check` finds, which is not read from it."""
    if heading != "Wrong":
        return "", part.text
    found, gap, said = part.text.partition("\n\n")
    return found + gap, said
