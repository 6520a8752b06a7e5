"""What `lakehouse translate --check` finds in the catalogues of a language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from babel.messages.catalog import Message

from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.lessons import catalogues
from ecommerce_lakehouse.lessons.translation import CODE_LINK_OR_TAG, kept

TRADE = ("grain", "holdout", "lakehouse", "lineage", "provenance", "recency", "watermark")
"""Words that stay English, as `terms.md` says of them; they have no second meaning in a text."""


def find_problems(language: str) -> Iterator[str]:
    """What is still to do in the catalogues of a language, a line for each sentence.

    Raises:
        InputError: There are none of this language.
    """
    folder = catalogues.FOLDER / language
    if not folder.is_dir():
        raise InputError(
            f"There are no translations in {folder.relative_to(catalogues.PROJECT)}.",
            f"Begin them with:  lakehouse translate --language {language}",
        )
    wanted = catalogues.find_messages()
    there = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.po")}
    for name in sorted(wanted.keys() | there):
        entries = catalogues.read_messages(folder / f"{name}.po")
        found = {str(message.id): message for message in entries}
        places = wanted.get(name, {})
        for message, wheres in places.items():
            problem = _problem(message, found)
            if problem:
                yield f"{name}.po, {wheres[0]}: {problem}: {_first_words(message)}"
        for message in found.keys() - places.keys() - {""}:
            yield f"{name}.po: stale, no text says it: {_first_words(message)}"
    yield from _find_other_goals(catalogues.read_catalogues(language, *sorted(there)))
    twin, text = catalogues.make_readme(language)
    if not twin.exists() or twin.read_text(encoding="utf-8") != text:
        yield f"{twin.name}: stale, written by:  lakehouse translate --language {language}"


def _problem(message: str, found: dict[str, Message]) -> str | None:
    entry = found.get(message)
    if entry is None or not entry.string:
        return "missing"
    if entry.fuzzy:
        return "fuzzy"
    said = str(entry.string)
    ours, theirs = kept(message), kept(said)
    lost = sorted(ours - theirs) + sorted(_terms(message) - _terms(said))
    added = sorted(theirs - ours)
    told = [f"lacks {', '.join(lost)}"] * bool(lost) + [f"has {', '.join(added)}"] * bool(added)
    return f"the translation {' and '.join(told)}" if told else None


def _terms(text: str) -> set[str]:
    words = CODE_LINK_OR_TAG.sub(" ", text).lower()
    return {term for term in TRADE if re.search(rf"\b{term}s?\b", words)}


def _find_other_goals(known: catalogues.Catalogue) -> Iterator[str]:
    """Where the head of a lesson, or what was learned, has other goals than the exercises."""
    goals = {number: exercise.goal for number, exercise in catalogues.exercises().items()}
    for lesson in sorted({number[:2] for number in goals}):
        mine = [goal for number, goal in goals.items() if number[:2] == lesson and goal in known]
        head = _list(mine)
        if head in known and known[head] != _list([known[goal] for goal in mine]):
            yield f'lesson {lesson}: its head has other goals than its exercises: "{known[head]}"'
    for number, goal in goals.items():
        for message in (each for each in known if each.startswith(f"**{goal}.**")):
            if goal in known and not known[message].startswith(f"**{known[goal]}.**"):
                yield f'{number}: what was learned does not begin with "**{known[goal]}.**"'


def _list(goals: list[str]) -> str:
    return "; ".join(f"{goal[0].lower()}{goal[1:]}" for goal in goals)


def _first_words(message: str) -> str:
    return f'"{message[:60]}…"' if len(message) > 60 else f'"{message}"'
