"""What can be known of a notebook without running it."""

import base64
import hashlib
import io
import json
import re
import runpy
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from ecommerce_lakehouse import registry
from ecommerce_lakehouse.lessons import committed_form, facts
from ecommerce_lakehouse.lessons.exercises.book import exercises
from ecommerce_lakehouse.lessons.notebook import find_lessons
from ecommerce_lakehouse.paths import PROJECT

PATHS = find_lessons()
ids = [path.stem for path in PATHS]
each = pytest.mark.parametrize("path", PATHS, ids=ids)
TRACES = {
    "a machine's path": r"(?<![\w.])/(?:home|root|Users|tmp|private|var|mnt|work)/\w|[A-Z]:\\",
    "a memory address": r"0x[0-9a-f]{6,}",
    "a time of day": r"\b[0-2]\d:[0-5]\d:[0-5]\d",
    "a process": r"\bpid\b|\blocalhost:\d+|127\.0\.0\.1:\d+",
}
DRAWN = r"(\w+\.png), drawn from ([\d,]+) rows of (\w+\.csv) \((\w{12})\)"
PARAMETERS = """\
data_dir = "data_seeds/shop"
lakehouse_dir = "lakehouse"
artifacts_dir = "artifacts"
as_of_date = \"\""""


def cells(path: Path, kind: str) -> list[Any]:
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def prose(path: Path) -> str:
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def test_there_are_nine() -> None:
    assert [stem[:2] for stem in ids] == [f"0{number}" for number in range(1, 10)]


# ── What was run, and how it is kept ─────────────────────────────────────────────────────────────


@each
def test_every_cell_was_run_in_order_without_an_error_or_a_warning(path: Path) -> None:
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


@each
def test_the_file_is_in_its_committed_form_and_no_output_is_older_than_its_code(path: Path) -> None:
    assert committed_form.tidy(path, check=True) == []


@each
def test_no_cell_asks_not_to_be_compared(path: Path) -> None:
    tags = {tag for cell in cells(path, "code") for tag in cell.metadata.get("tags", [])}
    assert tags == {"parameters"}
    assert "NBVAL_" not in path.read_text(encoding="utf-8")


@each
def test_no_output_tells_where_or_when_it_was_made(path: Path) -> None:
    for cell in cells(path, "code"):
        for output in cell.outputs:
            data = {k: v for k, v in output.get("data", {}).items() if k.startswith("text")}
            said = json.dumps([output.get("text", ""), data], ensure_ascii=False)
            for what, pattern in TRACES.items():
                found = re.search(pattern, said)
                assert not found, f"{cell.id} shows {what}: {found.group()}" if found else ""


@each
def test_every_picture_has_words_for_those_who_cannot_see_it(path: Path) -> None:
    pictures = [
        o for c in cells(path, "code") for o in c.outputs if "image/png" in o.get("data", {})
    ]
    assert pictures
    assert all(len(o.metadata["image/png"]["alt"].split()) >= 5 for o in pictures)


@each
def test_every_chart_is_the_exported_one_with_the_table_it_was_drawn_from(path: Path) -> None:
    outputs = [output for cell in cells(path, "code") for output in cell.outputs]
    charts = [o.data for o in outputs if "image/png" in o.get("data", {})]
    for chart in charts:
        png, rows, csv, digest = re.search(DRAWN, chart["text/plain"]).groups()  # type: ignore[union-attr]
        table = (PROJECT / "artifacts" / csv).read_bytes()
        assert hashlib.sha256(table).hexdigest()[:12] == digest
        assert len(pd.read_csv(io.BytesIO(table))) == int(rows.replace(",", ""))
        assert (PROJECT / "artifacts" / png).read_bytes() == base64.b64decode(chart["image/png"])


@each
def test_the_cell_of_a_chart_is_short_enough_to_be_read(path: Path) -> None:
    """It shows the query and one call; how ticks are written is the package's business."""
    drawn = [c for c in cells(path, "code") if re.search(r"publish\w*\(|explore_\w+\(", c.source)]
    assert drawn
    for cell in drawn:
        assert len(cell.source.splitlines()) <= 20, cell.id


# ── What it says ─────────────────────────────────────────────────────────────────────────────────


@each
def test_every_number_in_the_text_is_the_one_that_was_computed(path: Path) -> None:
    known = facts.read(PROJECT / "artifacts" / "facts.json").get(path.stem, {})
    # An exercise and a quiz make their numbers up.
    told = [c for c in cells(path, "markdown") if not c.id.startswith(("exercise-", "quiz"))]
    texts = [cell.source for cell in told]
    assert list(facts.problems(texts, known)) == []


@each
def test_a_lesson_has_the_frame_of_every_lesson(path: Path) -> None:
    title = cells(path, "markdown")[0].source
    number = int(path.stem[:2])
    assert re.match(rf"# {number}\. [^\n]+\?\n", title)
    for row in ("You will learn to", "You need", "Time", "Reads", "Writes"):
        assert f"| **{row}** |" in title
    assert prose(path).count("**Break it.**") >= 2
    for full_name in re.findall(r"`(\w+\.\w+)`", "".join(re.findall(r"\*\* \| (.+) \|", title))):
        if full_name.split(".")[0] in registry.LAYERS:
            grain = registry.get(full_name.split(".")[1]).grain
            assert f"`{full_name}` ({grain[0].lower()}{grain[1:]})" in title
    (parameters,) = [c for c in cells(path, "code") if "parameters" in c.metadata.get("tags", [])]
    assert parameters.source == PARAMETERS


@each
def test_goals_and_what_was_learned_are_those_of_the_exercises(path: Path) -> None:
    mine = [one for number, one in exercises().items() if number[:2] == path.stem[:2]]
    goals = [one.goal for one in mine]
    title = cells(path, "markdown")[0].source
    said = "; ".join(f"{goal[0].lower()}{goal[1:]}" for goal in goals)
    assert f"| **You will learn to** | {said} |" in title
    minutes = sum(one.minutes for one in mine)
    assert f" to run, {minutes} minutes for the exercises |" in title
    recap = prose(path).partition("## What you learned\n")[2]
    assert re.findall(r"^- \*\*(.+)\.\*\* \S", recap, re.MULTILINE) == goals


@each
def test_a_lesson_begins_with_a_map_in_which_its_part_is_lit(path: Path) -> None:
    script = runpy.run_path(str(PROJECT / "scripts" / "generate_maps.py"))
    drawn = PROJECT / "docs" / "maps" / f"{path.stem[:2]}.svg"
    assert drawn.read_text(encoding="utf-8") == script["draw"](path.stem[:2])
    (part,) = (name for name, box in script["BOXES"].items() if box[3] == path.stem[:2])
    title = cells(path, "markdown")[0].source
    assert re.search(rf"!\[[^\]]*: {part}\.?\]\(\.\./docs/maps/{drawn.name}\)", title)


@each
def test_a_quiz_has_a_reason_for_every_answer(path: Path) -> None:
    (quiz,) = (cell.source for cell in cells(path, "markdown") if cell.id == "quiz")
    asked, answers = quiz.split("<details><summary>Answers</summary>")
    questions = re.split(r"^\d\. ", asked, flags=re.MULTILINE)[1:]
    reasons = re.split(r"^\d\. It is \*\*", answers, flags=re.MULTILINE)[1:]
    assert len(questions) == len(reasons) == 3
    option = re.compile(r"^    - \*\*(\w)\*\* \S", re.MULTILINE)
    for question, reason in zip(questions, reasons, strict=True):
        assert option.findall(question) == option.findall(reason) == ["a", "b", "c"]
        assert reason[0] in "abc"
        assert re.findall(r"\*\*(\w)\*\* Yes", reason) == [reason[0]]


@each
def test_every_link_leads_somewhere_and_the_last_one_to_the_next_lesson(path: Path) -> None:
    links = re.findall(r"(?<!`)\[([^\]]+)\]\(([^)\s]+)\)", prose(path))
    assert all((path.parent / target.partition("#")[0]).exists() for _, target in links)
    if path != PATHS[-1]:
        following = PATHS[PATHS.index(path) + 1]
        title = cells(following, "markdown")[0].source.splitlines()[0].removeprefix("# ")
        assert links[-1] == (title, following.name)


def test_each_term_of_the_glossary_is_linked_once() -> None:
    glossary = (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r'^\| <a id="([\w-]+)"></a>', glossary, re.MULTILINE)
    assert terms == sorted(terms)
    linked = [
        term for path in PATHS for term in re.findall(r"glossary\.md#([\w-]+)\)", prose(path))
    ]
    assert sorted(linked) == terms
    assert {inner for inner in re.findall(r"\(#([\w-]+)\)", glossary)} <= set(terms)


def test_a_term_is_linked_where_it_first_appears() -> None:
    """Not counted: code, addresses, pictures' words, and the table of what a lesson is about."""
    glossary = (PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = dict(re.findall(r'^\| <a id="([\w-]+)"></a>([^|]+?) \|', glossary, re.MULTILINE))
    no_prose = re.compile(r"`[^`]*`|\]\([^)]*\)|!\[[^\]]*\]|^\|.*$", re.MULTILINE)
    texts = [cell.source for path in PATHS for cell in cells(path, "markdown")]
    for term, name in terms.items():
        word = re.compile(rf"(?<!\w){re.escape(name)}s?\b", re.IGNORECASE)
        first = next(text for text in texts if word.search(no_prose.sub("", text)))
        assert f"glossary.md#{term})" in first, f"{name} appears before it is linked"


@each
def test_every_file_that_the_text_names_is_there(path: Path) -> None:
    named = re.findall(r"`((?:src|dags|scripts|notebooks|artifacts)/[\w./]*\w)`", prose(path))
    ignored = (PROJECT / ".gitignore").read_text().split()  # what a lesson makes
    made = tuple(name for name in ignored if name.startswith("artifacts/"))
    assert [n for n in named if not n.startswith(made) and not (PROJECT / n).exists()] == []


# ── The checks themselves ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("He spent <!--spent-->$247.92<!--/-->.", []),
        ("He spent <!--spent-->$247.93<!--/-->.", ['the text says "$247.93"']),
        ("<!--spent-->$247.92<!--/--> and <!--lost-->3<!--/-->", ["bound to lost"]),
        ("He spent money.", ["spent was computed and is quoted nowhere"]),
        ("<!--spent-->$247.92<!--/-->, and 1,234 more", ['"1,234" is bound to no fact']),
        ("<!--spent-->$247.92<!--/-->, a share of 62 %", ['"62 %" is bound to no fact']),
        ("<!--spent-->$247.92<!--/-->, a share of <!--given-->62 %<!--/-->", []),
        ("<!--spent-->$247.92<!--/-->: 412 customers", ['"412" is bound to no fact']),
        ("<!--spent-->$247.92<!--/--> by 30 June 2024, in 90 days: `12,345`", []),
        ("<!--spent-->$247.92<!--/-->, or $12", ['"$12" is bound to no fact']),
    ],
)
def test_text_and_facts_are_compared_both_ways(text: str, said: list[str]) -> None:
    found = list(facts.problems([text], {"spent": "$247.92"}))
    assert len(found) == len(said)
    assert all(part in whole for part, whole in zip(said, found, strict=True))


def test_a_cell_that_was_changed_after_it_was_run_is_named(tmp_path: Path) -> None:
    path = tmp_path / "01_bronze.ipynb"
    notebook = nbformat.read(PATHS[0], as_version=4)
    notebook.cells[-1].source += "\n\nAnother sentence."
    code = next(cell for cell in notebook.cells if cell.id == "session")
    code.source += "\n# another comment"
    nbformat.write(notebook, path)
    assert "cell session was changed after its output was made" in committed_form.tidy(
        path, check=True
    )


def test_tidying_brings_back_the_committed_form(tmp_path: Path) -> None:
    """What JupyterLab writes beside a change: the kernel's version, and when a cell ran."""
    path = tmp_path / "01_bronze.ipynb"
    notebook = nbformat.read(PATHS[0], as_version=4)
    notebook.metadata.language_info["version"] = "3.99"
    notebook.cells[2].metadata["execution"] = {"iopub.execute_input": "2024-01-01T00:00:00Z"}
    nbformat.write(notebook, path)
    assert committed_form.tidy(path, check=True) == ["not in committed form"]
    assert committed_form.tidy(path, check=False) == ["brought into committed form"]
    assert path.read_text(encoding="utf-8") == PATHS[0].read_text(encoding="utf-8")
