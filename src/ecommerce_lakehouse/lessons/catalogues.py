"""The catalogues of translations: `locale/id/notebooks/01_bronze.po` and its neighbours.

`lakehouse translate` brings them up to date with the texts. A message that several
files have stands in `shared.po` only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from ecommerce_lakehouse.artifacts import write_whole
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.lessons.exercises.book import FOLDER as EXERCISES
from ecommerce_lakehouse.lessons.exercises.book import exercises
from ecommerce_lakehouse.lessons.exercises.cells import CELL
from ecommerce_lakehouse.lessons.notebook import find_lessons, read_notebook
from ecommerce_lakehouse.lessons.translation import (
    ENGLISH,
    Catalogue,
    cut,
    kept,
    messages_of,
    texts_of,
    translate_markdown,
)
from ecommerce_lakehouse.paths import PROJECT

FOLDER = PROJECT / "locale"
SPEAKING = {
    "messages": (*sorted(EXERCISES.glob("*.py")), Path(__file__).parent / "desk.py"),
    "site/words": (
        *sorted(PROJECT.glob("src/ecommerce_lakehouse/report/templates/*.html")),
        *PROJECT.glob("scripts/build_site.py"),
    ),
}
"""The programs that say something, `say("…")`, by the catalogue: to learners, and in the site."""
EXTRACTORS = {".py": "python", ".html": "jinja2"}
SHARED = "shared"
MENU = "site/index"
"""The first page has the menu."""
IN_ENGLISH = ("CHANGELOG.md", "benchmarks/README.md", "docs/airflow.md", "docs/mutations.md")
"""Pages of the site of which only the title is translated: it stands in the menu."""
IN_MENU = re.compile(r"(?<=^:caption: ).+|^.+(?= <README>$)", re.MULTILINE)
"""The heading of a part of the site's menu, and what a page is called there."""
HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""Without dates, so that the same texts make the same file."""
FUZZY = "fuzzy"

Places = dict[str, list[str]]
"""The places of each message of a file, in the order of the text."""


def find_messages() -> dict[str, Places]:
    """The messages of every catalogue by its name, such as `notebooks/01_bronze`."""
    found: dict[str, Places] = {name: {} for name in (SHARED, "messages", "exercises")}
    for name, where, message in _all_messages():
        wheres = found.setdefault(name, {}).setdefault(message, [])
        if where not in wheres:
            wheres.append(where)
    times = Counter(message for messages in found.values() for message in messages)
    for name, places in found.items():
        for message in [each for each in places if times[each] > 1]:
            first = places.pop(message)[0]
            found[SHARED].setdefault(message, [f"first in {name}: {first}"])
    return found


def _all_messages() -> Iterator[tuple[str, str, str]]:
    """Name of the catalogue, place and message."""
    for path in find_lessons():
        for cell in read_notebook(path)["cells"]:
            if cell["cell_type"] == "markdown" and not CELL.fullmatch(cell["id"]):
                for _, message in _messages_in("".join(cell["source"])):
                    yield f"notebooks/{path.stem}", cell["id"], message
    for exercise in exercises().values():
        for where, text in texts_of(exercise):
            for _, message in _messages_in(text):
                yield "exercises", f"{exercise.number} {where}", message
    for name, paths in SPEAKING.items():
        for path in paths:
            for _, said, *_ in extract_from_file(EXTRACTORS[path.suffix], path, {"say": None}):
                yield name, path.name, str(said)
    for path in find_pages():
        for heading, message in _messages_in(path.read_text(encoding="utf-8")):
            yield f"docs/{path.stem}", heading, message
    for path in sorted(PROJECT.glob("site/*.md")):
        text = path.read_text(encoding="utf-8")
        for words in IN_MENU.findall(text):
            yield f"site/{path.stem}", "menu", words
        for heading, message in _messages_in(text):
            yield f"site/{path.stem}", heading, message
    for page in IN_ENGLISH:
        for path in PROJECT.glob(page):
            title, _ = next(_messages_in(path.read_text(encoding="utf-8")))
            yield MENU, "menu", title


def find_pages() -> list[Path]:
    """The pages that are translated."""
    pages = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md"]
    docs = sorted(PROJECT.glob("docs/*.md"))
    return pages + [path for path in docs if f"docs/{path.name}" not in IN_ENGLISH]


def _messages_in(text: str) -> Iterator[tuple[str, str]]:
    """The messages of a Markdown text, each with the heading above it."""
    heading = ""
    for before, words, _ in cut(text):
        heading = words if before.startswith("#") else heading
        for message in messages_of(words) if words else ():
            yield heading, message


def find_languages() -> list[str]:
    """The languages that there are catalogues of, beside English."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{SHARED}.po"))


def read_catalogue(path: Path) -> Catalogue:
    """The translations of a file that can be used: finished, and with all that must be kept."""
    return {
        str(message.id): str(message.string)
        for message in read_messages(path)
        if message.id and message.string and not message.fuzzy
        if kept(str(message.id)) == kept(str(message.string))
    }


def read_catalogues(language: str, *names: str) -> Catalogue:
    """The usable translations of some catalogues, and those that several files share.

    Args:
        language: Such as `id`.
        names: Such as `notebooks/01_bronze`.

    Raises:
        InputError: There are none of this language.
    """
    if language not in find_languages():
        raise InputError(
            f"There are no lessons in the language {language!r}.",
            f"There are: {', '.join([ENGLISH, *find_languages()])}",
        )
    found: dict[str, str] = {}
    for name in (SHARED, *names):
        found |= read_catalogue(FOLDER / language / f"{name}.po")
    return found


def update(language: str) -> list[Path]:
    """Bring the catalogues of a language, and its README, up to date with the texts.

    A new message has no translation yet. One that was changed has that of the old sentence and
    is marked fuzzy. One that is gone is deleted.

    Returns:
        The files that were written.

    Raises:
        InputError: That is no code of a language.
    """
    if not re.fullmatch(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*", language):  # it names a folder
        raise InputError(
            f"{language!r} is no code of a language.",
            "For example:  lakehouse translate --language id",
        )
    folder = FOLDER / language
    before = {path: read_messages(path) for path in sorted(folder.rglob("*.po"))}
    known = {
        message.id: message
        for catalogue in before.values()
        for message in catalogue
        if message.id and message.string
    }
    written = []
    for name, places in find_messages().items():
        path = folder / f"{name}.po"
        catalogue = before.pop(path, Catalog())
        template = Catalog()
        for message, wheres in places.items():
            template.add(message, auto_comments=wheres)
            if message in known:  # perhaps in another file until now
                catalogue[message] = known[message]
        catalogue.update(template)
        for entry in catalogue:
            entry.flags &= {FUZZY}  # the others are Babel's guesses at what the braces mean
        text = _to_text(catalogue, language)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode())
            written.append(path)
    for path in before:
        path.unlink()
    twin, text = make_readme(language)
    if not twin.exists() or twin.read_text(encoding="utf-8") != text:
        write_whole(twin, text.encode())
        written.append(twin)
    return written


def make_readme(language: str) -> tuple[Path, str]:
    """The twin of README.md in a language: its file, and what it has to say."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    path = PROJECT / f"README.{language}.md"
    to_twin = re.compile(rf"^\[.*\]\({re.escape(path.name)}\)$", re.MULTILINE)
    made = translate_markdown(text, read_catalogues(language, "docs/README"))
    return path, to_twin.sub("[English](README.md)", made)


def read_messages(path: Path) -> Catalog:
    """Every message of a file, also those without a translation."""
    if not path.exists():
        return Catalog()
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def _to_text(catalogue: Catalog, language: str) -> str:
    file = BytesIO()
    write_po(file, catalogue, width=0, omit_header=True, ignore_obsolete=True)
    return HEADER.format(language=language) + file.getvalue().decode().rstrip("\n") + "\n"
