"""The lessons in another language: which sentences there are, and that nothing else changes."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ecommerce_lakehouse.cli import app
from ecommerce_lakehouse.contracts import contracts
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.layers.quality import CHECKS
from ecommerce_lakehouse.lessons import catalogues, proofread
from ecommerce_lakehouse.lessons.exercises.book import exercises
from ecommerce_lakehouse.lessons.facts import BOUND
from ecommerce_lakehouse.lessons.notebook import find_lessons
from ecommerce_lakehouse.lessons.translation import (
    cut,
    kept,
    messages_of,
    translate_exercise,
    translate_markdown,
    translate_notebook,
)
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.registry import LAYERS, tables

TEXT = """\
## A heading

He spent <!--john_spent-->247.92<!--/--> in <!--given-->3<!--/--> orders, see [there](a.md#b).

| | a word |
|---|---|
| `code` | <a id="key"></a>two words<br>`x` |
| 12 | ![A chart](b.svg) |

1. First
    - **a** Yes, `{{ ds }}`.

![A picture](a.svg)

<details><summary>Answers</summary>

```python
print("not a word")
```
"""


class Echo(dict[str, str]):
    """Says of every message the same, or with an exclamation mark; keeps what it was asked."""

    def __init__(self, *, shouts: bool = False) -> None:
        self.shouts = shouts
        self.asked: set[str] = set()

    def __contains__(self, message: object) -> bool:
        self.asked.add(str(message))
        return True

    def __getitem__(self, message: str) -> str:
        return f"!{message}" if self.shouts else message

    def get(self, message: str, default: object = None) -> str:
        self.asked.add(message)
        return self[message]


@pytest.mark.parametrize("path", find_lessons(), ids=lambda path: path.stem)
def test_a_lesson_in_its_own_words_is_itself(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("1 minute to run", "1 minutes to run")
    assert translate_notebook(json.loads(text), Echo()) == json.loads(text)


@pytest.mark.parametrize("path", catalogues.find_pages(), ids=lambda path: path.stem)
def test_a_page_in_its_own_words_is_itself(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert translate_markdown(text, Echo()) == text
    assert "".join(part for piece in cut(text) for part in piece) == text


def test_only_texts_of_a_lesson_change() -> None:
    """Every text does, though: also those of the exercises."""
    lesson = json.loads(find_lessons()[2].read_text(encoding="utf-8"))
    made = translate_notebook(lesson, Echo(shouts=True))
    for cell, other in zip(lesson["cells"], made["cells"], strict=True):
        assert (cell == other) == (cell["cell_type"] == "code"), cell["id"]
        assert cell | {"source": other["source"]} == other


def test_an_exercise_in_its_own_words_is_itself() -> None:
    for exercise in exercises().values():
        assert translate_exercise(exercise, Echo()) == exercise


def test_an_exercise_keeps_its_code_and_what_the_check_finds() -> None:
    exercise = exercises()["05.2"]
    made = translate_exercise(exercise, Echo(shouts=True))
    assert made.solution.code == exercise.solution.code
    assert made.solution.text == f"!{exercise.solution.text}"
    found, _, remark = exercise.mistakes[0].text.partition("\n\n")
    assert made.mistakes[0].text == f"{found}\n\n!{remark}"


def test_a_line_or_a_cell_is_a_message() -> None:
    assert [words for _, words, _ in cut(TEXT) if words] == [
        "A heading",
        "He spent <!--john_spent-->247.92<!--/--> in <!--given-->3<!--/--> orders, "
        "see [there](a.md#b).",
        "a word",
        "two words<br>`x`",
        "A chart",
        "First",
        "Yes, `{{ ds }}`.",
        "A picture",
        "Answers",
    ]


def test_a_new_value_leaves_the_message_and_comes_into_the_translation() -> None:
    catalogue = {
        "He spent {john_spent} in {3} orders, see [there](a.md#b).": "{3} pesanan, {john_spent}",
        "Yes, `{{ ds }}`.": "Ya, `{{ ds }}`.",
    }
    made = translate_markdown(TEXT.replace("247.92", "300.00"), catalogue)
    assert "<!--given-->3<!--/--> pesanan, <!--john_spent-->300.00<!--/-->\n" in made
    assert "    - **a** Ya, `{{ ds }}`.\n" in made
    assert "## A heading\n" in made, "without a translation it stays English"


def test_given_numbers_may_trade_places_and_have_other_words() -> None:
    text = "From <!--given-->10, 11 and 12<!--/--> take <!--given-->7<!--/-->."
    message = "From {10, 11 and 12} take {7}."
    made = translate_markdown(text, {message: "Ambil {7} dari {10, 11 dan 12}."})
    assert made == "Ambil <!--given-->7<!--/--> dari <!--given-->10, 11 dan 12<!--/-->."
    assert kept(message) == kept("Ambil {7} dari {10, 11 dan 12}.")
    assert kept(message) != kept("Ambil {8} dari {10, 11 dan 12}.")


def test_words_in_the_value_of_a_fact_are_a_message_of_their_own() -> None:
    text = "Three: <!--three-->1.5, 2.5 and 4<!--/-->."
    assert list(messages_of(text)) == ["Three: {three}.", "{1}, {2} and {3}"]
    catalogue = {"Three: {three}.": "Tiga: {three}.", "{1}, {2} and {3}": "{1}, {2}, dan {3}"}
    made = translate_markdown(text.replace("4<", "40<"), catalogue)
    assert made == "Tiga: <!--three-->1.5, 2.5, dan 40<!--/-->."


def test_the_time_a_lesson_takes_is_no_part_of_a_message() -> None:
    said = "{read} menit membaca, {run} menit berjalan, {solve} menit latihan"
    message = "{read} minutes to read, {run} minutes to run, {solve} minutes for the exercises"
    text = "| 28 minutes to read, 1 minute to run, 30 minutes for the exercises |"
    made = translate_markdown(text, {message: said})
    assert made == "| 28 menit membaca, 1 menit berjalan, 30 menit latihan |"


def test_every_message_that_a_text_asks_for_is_in_its_catalogue() -> None:
    wanted = catalogues.find_messages()
    for path in find_lessons():
        echo = Echo()
        translate_notebook(json.loads(path.read_text(encoding="utf-8")), echo)
        names = (f"notebooks/{path.stem}", "exercises", "messages", "shared")
        assert echo.asked <= {message for name in names for message in wanted[name]}
    for path in catalogues.find_pages():
        echo = Echo()
        translate_markdown(path.read_text(encoding="utf-8"), echo)
        assert echo.asked <= wanted[f"docs/{path.stem}"].keys() | wanted["shared"].keys()


def test_the_dictionary_has_its_sentences_translated_and_its_code_left_alone() -> None:
    """A sentence that many columns share is one message."""
    text = (PROJECT / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    said = {words for _, words, _ in cut(text) if words}
    for table in (table for layer in (*LAYERS, "ops") for table in contracts(layer).values()):
        assert table.table not in said
        for column in table.columns:
            meaning, _, when = column.meaning.partition(" NULL ")
            assert {meaning, when.removesuffix(".")} - {""} <= said, column
            assert column.type not in said
    assert {f"{table.grain}." for table in tables(scored=True)} <= {
        f"{words.partition('. ')[0]}." for words in said
    }
    assert {check.name for check in CHECKS} <= said
    assert not {check.holds for check in CHECKS} & said


# Catalogues -------------------------------------------------------------------------------

STALE_TWIN = "README.id.md: stale, written by:  lakehouse translate --language id"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of two pages, and its catalogues."""
    monkeypatch.setattr(catalogues, "PROJECT", tmp_path)
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path / "locale")
    monkeypatch.setattr(catalogues, "find_lessons", lambda: [])
    monkeypatch.setattr(catalogues, "exercises", dict)
    monkeypatch.setattr(catalogues, "SPEAKING", {})
    (tmp_path / "README.md").write_text("# One\n\nBoth say this.\n\nA sentence with `code`.\n")
    (tmp_path / "CONTRIBUTING.md").write_text("# Two\n\nBoth say this.\n")
    catalogues.update("id")
    yield tmp_path


@pytest.mark.parametrize("language", ["../elsewhere", "/tmp/elsewhere", "a b", ""])
def test_what_is_no_code_of_a_language_names_no_folder(folder: Path, language: str) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(InputError, match="is no code of a language"):
        catalogues.update(language)
    assert sorted(folder.rglob("*")) == before


def problems() -> list[str]:
    return list(proofread.find_problems("id"))


def fill_in(folder: Path, name: str, **said: str) -> None:
    path = folder / "locale" / "id" / f"{name}.po"
    text = path.read_text()
    for first, translation in said.items():
        at = text.index("msgstr", text.index(f'msgid "{first}'))
        rest = text[at:].partition("\n")[2]
        text = f'{text[:at]}msgstr "{translation}"\n{rest}'
    path.write_text(text)


def fill_in_all(folder: Path) -> None:
    fill_in(folder, "shared", Both="Keduanya.")
    fill_in(folder, "docs/README", One="Satu", A="Kalimat `code`.")
    fill_in(folder, "docs/CONTRIBUTING", Two="Dua")
    catalogues.update("id")


def test_what_has_no_translation_is_named(folder: Path) -> None:
    assert problems() == [
        'docs/CONTRIBUTING.po, Two: missing: "Two"',
        'docs/README.po, One: missing: "One"',
        'docs/README.po, One: missing: "A sentence with `code`."',
        'shared.po, first in docs/README: One: missing: "Both say this."',
    ]
    fill_in_all(folder)
    assert problems() == []
    assert catalogues.read_catalogues("id", "docs/README") == {
        "Both say this.": "Keduanya.",
        "One": "Satu",
        "A sentence with `code`.": "Kalimat `code`.",
    }


def test_a_changed_sentence_is_stale_and_then_fuzzy(folder: Path) -> None:
    fill_in_all(folder)
    (folder / "README.md").write_text("# One\n\nBoth say this.\n\nA sentence with the `code`.\n")
    assert problems() == [
        'docs/README.po, One: missing: "A sentence with the `code`."',
        'docs/README.po: stale, no text says it: "A sentence with `code`."',
        STALE_TWIN,
    ]
    catalogues.update("id")
    assert problems() == ['docs/README.po, One: fuzzy: "A sentence with the `code`."']
    assert "Kalimat `code`." in (folder / "locale/id/docs/README.po").read_text()
    assert "A sentence with the `code`." not in catalogues.read_catalogues("id", "docs/README")


def test_a_translation_that_loses_code_is_named_and_not_used(folder: Path) -> None:
    fill_in_all(folder)
    path = folder / "locale/id/docs/README.po"
    path.write_text(path.read_text().replace("Kalimat `code`", "Kalimat `kode` {3}"))
    assert problems() == [
        "docs/README.po, One: the translation lacks `code` and has `kode`, {3}: "
        '"A sentence with `code`."',
        STALE_TWIN,
    ]
    assert "A sentence with `code`." not in catalogues.read_catalogues("id", "docs/README")


def test_a_sentence_that_becomes_shared_keeps_its_translation(folder: Path) -> None:
    fill_in_all(folder)
    (folder / "CONTRIBUTING.md").write_text("# Two\n\nBoth say this.\n\n## One\n")
    catalogues.update("id")
    assert problems() == []
    assert "Satu" in (folder / "locale/id/shared.po").read_text()
    assert catalogues.update("id") == [], "a second time there is nothing to write"


def test_a_page_that_is_gone_takes_its_catalogue_along(folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "docs" / "more.md").write_text("More words.\n")
    catalogues.update("id")
    (folder / "docs" / "more.md").unlink()
    assert 'docs/more.po: stale, no text says it: "More words."' in problems()
    catalogues.update("id")
    assert not (folder / "locale/id/docs/more.po").exists()


def test_what_a_program_says_is_translated_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a template of pages."""
    script, template = folder / "made.py", folder / "made.html"
    script.write_text('voice.say("Drawn in {number}", number=3)\n')
    template.write_text(
        '{# It\'s #}{{ say("1 row") if rows == 1 else say("{rows} rows", rows=rows) }}'
    )
    monkeypatch.setattr(catalogues, "SPEAKING", {"site/words": (script, template)})
    assert list(catalogues.find_messages()["site/words"]) == [
        "Drawn in {number}",
        "1 row",
        "{rows} rows",
    ]


def test_the_menu_is_translated_with_the_titles_of_pages_in_english(folder: Path) -> None:
    """Of such a page nothing else is."""
    (folder / "site").mkdir()
    (folder / "site" / "index.md").write_text(
        "```\n:caption: Guides\n\nThe project <README>\n```\n"
    )
    (folder / "CHANGELOG.md").write_text("# Changelog\n\nMuch is new.\n")
    assert list(catalogues.find_messages()["site/index"]) == ["Guides", "The project", "Changelog"]


def test_a_translation_without_a_term_of_the_trade_is_named(folder: Path) -> None:
    fill_in_all(folder)
    page = "# Two\n\nBoth say this.\n\nThe grain, as in `grain`.\n"
    (folder / "CONTRIBUTING.md").write_text(page)
    catalogues.update("id")
    fill_in(folder, "docs/CONTRIBUTING", The="Butir, seperti `grain`.")
    (problem,) = problems()
    assert "the translation lacks grain:" in problem
    path = folder / "locale/id/docs/CONTRIBUTING.po"
    path.write_text(path.read_text().replace("Butir", "Grain"))
    catalogues.update("id")
    assert problems() == []


def test_goals_are_the_same_in_head_exercise_and_recap(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"Read a file": "Baca file", "Count rows": "Hitung baris"}
    head, learned = "read a file; count rows", "**Read a file.** Slowly."
    told = [replace(exercises()[f"01.{n}"], goal=goal) for n, goal in enumerate(known, start=1)]
    monkeypatch.setattr(catalogues, "exercises", lambda: {one.number: one for one in told})
    find = proofread._find_other_goals
    same = {head: "baca file; hitung baris", learned: "**Baca file.** Pelan."}
    assert list(find(known | same)) == []
    other = {head: "baca berkas; hitung baris", learned: "**Baca berkas.** Pelan."}
    assert list(find(known | other)) == [
        'lesson 01: its head has other goals than its exercises: "baca berkas; hitung baris"',
        '01.1: what was learned does not begin with "**Baca file.**"',
    ]
    assert list(find(same)) == [], "what is missing is named elsewhere"


def test_each_goal_is_in_the_head_and_in_what_was_learned_as_a_message() -> None:
    """So the check of goals misses none."""
    wanted = catalogues.find_messages()
    messages = [message for name in wanted for message in wanted[name]]
    for lesson in sorted({number[:2] for number in exercises()}):
        goals = [one.goal for one in exercises().values() if one.number[:2] == lesson]
        assert proofread._list(goals) in messages
        for goal in goals:
            assert goal in messages
            assert sum(message.startswith(f"**{goal}.**") for message in messages) == 1


@pytest.mark.parametrize("path", find_lessons(), ids=lambda path: path.stem)
def test_a_translated_lesson_quotes_the_same_facts(path: Path) -> None:
    """In the translations there are, however many."""
    names = (f"notebooks/{path.stem}", "exercises", "messages")
    lesson = json.loads(path.read_text(encoding="utf-8"))
    made = translate_notebook(lesson, catalogues.read_catalogues("id", *names))
    for cell, other in zip(lesson["cells"], made["cells"], strict=True):
        assert cell["id"] == other["id"]
        if cell["cell_type"] == "code":
            assert cell == other
        assert numbers_of(other) == numbers_of(cell), cell["id"]


def numbers_of(cell: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The numbers in each fact that a text quotes, whatever the words between them."""
    facts = BOUND.findall("".join(cell["source"]))
    return sorted((name, sorted(re.findall(r"[\d.,]*\d", said))) for name, said in facts)


def test_the_readme_of_a_language_is_stale_until_it_is_written(folder: Path) -> None:
    fill_in_all(folder)
    (folder / "README.md").write_text("# One\n\n[id](README.id.md)\n\nBoth say this.\n")
    catalogues.update("id")
    fill_in(folder, "docs/README", **{"[id]": "[id](README.id.md)"})
    assert [each for each in problems() if each.startswith("README")] == []
    assert (folder / "README.id.md").read_text() == "# Satu\n\n[English](README.md)\n\nKeduanya.\n"
    fill_in(folder, "docs/README", One="Nomor satu")
    assert problems() == [STALE_TWIN]
    assert catalogues.update("id") == [folder / "README.id.md"]
    assert problems() == []


@pytest.mark.usefixtures("folder")
def test_a_language_without_catalogues_is_an_error_with_its_command() -> None:
    with pytest.raises(InputError, match="locale/xx"):
        list(proofread.find_problems("xx"))


def test_the_command_counts_and_ends_with_1(folder: Path) -> None:
    said = CliRunner().invoke(app, ["translate", "--check"])
    assert said.exit_code == 1
    assert said.output.endswith("4 sentences to translate or to mend in locale/id/.\n")
    fill_in_all(folder)
    assert CliRunner().invoke(app, ["translate", "--check"]).exit_code == 0
