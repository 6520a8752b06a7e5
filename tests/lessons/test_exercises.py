"""Exercises: right answers of any form are right, and each mistake is told in words that help."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from ecommerce_lakehouse import ExampleLakehouse
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.lessons import desk
from ecommerce_lakehouse.lessons.desk import check, hint, pick, progress, solution
from ecommerce_lakehouse.lessons.exercises import judge as judging
from ecommerce_lakehouse.lessons.exercises.answers import to_plain
from ecommerce_lakehouse.lessons.exercises.book import Exercise, exercises
from ecommerce_lakehouse.lessons.exercises.cells import code_cell, task_cell
from ecommerce_lakehouse.lessons.exercises.differences import find_difference
from ecommerce_lakehouse.lessons.exercises.judge import _names, judge, run_answer
from ecommerce_lakehouse.lessons.notebook import find_lessons
from ecommerce_lakehouse.lessons.translation import translate_said

NUMBERS = list(exercises())
LESSONS = sorted({number[:2] for number in NUMBERS})
each = pytest.mark.parametrize("exercise", exercises().values(), ids=NUMBERS)


@pytest.fixture(autouse=True)
def records(learner: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is kept which goals are met; and nothing is shown."""
    monkeypatch.setattr(desk, "_hints_given", {})
    monkeypatch.setattr(desk, "_unsaved", {})
    monkeypatch.setattr(desk, "display", lambda shown: None)
    return learner


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The Markdown that is displayed."""
    found: list[str] = []
    monkeypatch.setattr(desk, "display", lambda markdown: found.append(markdown.data))
    yield found


# What each exercise says ------------------------------------------------------------------


@each
def test_an_exercise_is_whole(exercise: Exercise) -> None:
    assert exercise.goal[0].isupper()
    assert not exercise.goal.endswith(".")
    assert 1 <= exercise.minutes <= 30
    assert len(exercise.hints) >= 2
    assert exercise.solution.text, "it says why"
    assert len(exercise.parts["Also right"]) >= 2
    assert len(exercise.mistakes) >= 4
    assert not exercise.starter.count("check(")
    answers = [exercise.starter, *(part.code for part in exercise.parts["Also right"])]
    assert len(set(answers)) == len(answers)
    for code in answers:
        assert re.search(rf"\b{exercise.answer}\b", code)


def test_a_goal_is_one_exercise_s() -> None:
    goals = [exercise.goal for exercise in exercises().values()]
    assert len(set(goals)) == len(goals)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_four_to_seven_and_one_takes_its_time(lesson: str) -> None:
    mine = [exercise for number, exercise in exercises().items() if number[:2] == lesson]
    assert [exercise.number for exercise in mine] == [f"{lesson}.{n + 1}" for n in range(len(mine))]
    assert 4 <= len(mine) <= 7
    assert min(exercise.minutes for exercise in mine) <= 6, "a warm-up"
    assert max(exercise.minutes for exercise in mine) >= 10


@pytest.mark.parametrize("lesson", LESSONS)
def test_exercises_stand_where_their_idea_has_appeared(lesson: str) -> None:
    """Their cells say what their files say, in order, the first early and none all together."""
    (notebook,) = find_lessons(lesson, lesson)
    cells = {cell["id"]: cell for cell in json.loads(notebook.read_text())["cells"]}
    places = []
    for number, exercise in exercises().items():
        if number[:2] == lesson:
            name = f"exercise-{number.replace('.', '-')}"
            assert "".join(cells[f"{name}-text"]["source"]) == task_cell(exercise)
            assert "".join(cells[name]["source"]) == code_cell(exercise)
            places += [list(cells).index(f"{name}-text"), list(cells).index(name)]
    assert places == sorted(places)
    assert places[0] < 0.4 * len(cells)
    starts = places[::2]
    assert sum(after - before > 2 for before, after in pairwise(starts)) >= 2


# What is right, what is wrong -------------------------------------------------------------


@each
def test_an_untouched_exercise_is_not_attempted(
    exercise: Exercise, spark: SparkSession, capsys: pytest.CaptureFixture[str], records: Path
) -> None:
    names = _names() | {"check": check}
    exec(code_cell(exercise), names)
    told = f'{exercise.number} not attempted yet.   A first step:  hint("{exercise.number}")\n'
    assert capsys.readouterr().out == told
    assert not records.exists()


@each
def test_right_answers_of_any_form_are_right(
    exercise: Exercise, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in [exercise.solution, *exercise.parts["Also right"]]:
        check(exercise.number, run_answer(exercise, part.code))
        assert capsys.readouterr().out == f"{exercise.number} correct.\n", part.code


@each
def test_a_mistake_is_told_in_words_that_help(
    exercise: Exercise, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    for mistake in exercise.mistakes:
        check(exercise.number, run_answer(exercise, mistake.code))
        words = mistake.text.replace("\n\n", "\n", 1)
        assert capsys.readouterr().out == f"{exercise.number} not yet. {words}\n", mistake.code


# The first difference, in words -----------------------------------------------------------


def table(**columns: list[Any]) -> Any:
    return to_plain(pd.DataFrame(columns, dtype=object))


RIGHT = table(customer_id=[1, 2, 3], paid=[Decimal("12.345"), 7, None])


@pytest.mark.parametrize(
    "given",
    [
        table(customer_id=[3, 1, 2], paid=[None, 12.345, 7]),
        table(paid=[12.345, 7.0, float("nan")], customer_id=[1.0, 2.0, 3.0]),
        table(Customer_ID=[1, 2, 3], PAID=[12.3450000001, Decimal("7.00"), None]),
        to_plain(
            pd.Series([12.345, 7, np.nan], pd.Index([1, 2, 3], name="customer_id"), name="paid")
        ),
    ],
    ids=["rows in another order", "columns in another order", "noise", "an index"],
)
def test_what_does_not_count(given: Any) -> None:
    assert find_difference(RIGHT, given, ("customer_id",)) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            table(customer_id=[1, 2, 3], n=[1, 1, 1]),
            "The column `paid` is missing: yours has `customer_id`, `n`.",
        ),
        (table(customer_id=[1], paid=[1], n=[1]), "The column `n` is one too many."),
        (table(customer_id=[2], paid=[7]), "Two customers are missing, for example customer 1."),
        (table(customer_id=[1, 2], paid=[1, 7]), "One customer is missing: customer 3."),
        (table(customer_id=[1, 2, 3, 5], paid=[1, 7, 1, 1]), "One customer too many: customer 5."),
        (table(customer_id=[1, 2, 3, 3], paid=[1, 7, 1, 1]), "Customer 3 is there twice."),
        (table(customer_id=[], paid=[]), "Your table has no rows."),
        (
            table(customer_id=[1, 2, 3], paid=[12.35, 7, None]),
            "Customer 1: `paid` is 12.35, which is rounded.",
        ),
        (
            table(customer_id=[1, 2, 3], paid=[12.344, 7, None]),
            "Customer 1: `paid` is 12.344: the last digit is rounded the other way.",
        ),
        (
            table(customer_id=[1, 2, 3], paid=[12.345, 8, None]),
            "Customer 2: `paid` is 8, which is too large.",
        ),
        (
            table(customer_id=[1, 2, 3], paid=[12.345, -7, None]),
            "Customer 2: `paid` is -7, which has the wrong sign.",
        ),
        (
            table(customer_id=[1, 2, 3], paid=[12.345, "7", None]),
            "Customer 2: `paid` is the text '7', not a number.",
        ),
        (table(customer_id=[1, 2, 3], paid=[12.345, None, None]), "Customer 2: `paid` is NULL."),
        (
            table(customer_id=[1, 2, 3], paid=[12.345, 7, 0]),
            "Customer 3: `paid` is 0, where there should be no value (NULL).",
        ),
        (3, "A table is asked for, and yours is a number."),
    ],
)
def test_a_difference_is_told_in_words(given: Any, said: str) -> None:
    assert find_difference(RIGHT, given, ("customer_id",)) == said


def test_the_order_of_rows_counts_where_it_is_asked_for() -> None:
    given = table(customer_id=[1, 3, 2], paid=[12.345, None, 7])
    said = find_difference(RIGHT, given, ("customer_id",), is_ordered=True)
    assert said == "The rows are right, their order is not. The first out of place is customer 3."
    assert find_difference(RIGHT, RIGHT, ("customer_id",), is_ordered=True) is None


@pytest.mark.parametrize(
    ("right", "given", "said"),
    [
        (10, Decimal("10.0"), None),
        (10, table(n=[10]), None),
        ("High", " high ", None),
        ("412", 412, None),
        (date(2024, 6, 30), datetime(2024, 6, 30), None),
        (date(2024, 6, 30), date(2024, 7, 1), "Yours is 2024-07-01, which is too late."),
        (10, "ten", "Yours is the text 'ten', not a number."),
        ("High", None, "Yours is NULL."),
        (10, RIGHT, "A number is asked for, and yours is a table."),
    ],
)
def test_single_values(right: Any, given: Any, said: str | None) -> None:
    assert find_difference(right, to_plain(given) if not hasattr(given, "rows") else given) == said


def draw(heights: dict[str, float], words: dict[str, str], *, lies: bool = False) -> Any:
    fig, ax = plt.subplots()
    (ax.barh if lies else ax.bar)(list(heights), list(heights.values()))
    ax.set(**words)
    plt.close(fig)
    return to_plain(fig if lies else ax)


def test_of_a_chart_its_marks_and_its_words_count() -> None:
    words = {"title": "Toys lead", "xlabel": "category", "ylabel": "USD"}
    right = draw({"Toys": 5, "Books": 3}, words)
    assert find_difference(right, draw({"Books": 3, "Toys": 5}, words, lies=True)) is None
    less = draw({"Toys": 5, "Books": 2}, words)
    assert (
        find_difference(right, less)
        == "In the chart: name 'Books': `value` is 2, which is too small."
    )
    assert find_difference(right, draw({}, words)) == "It is empty."
    for lacks, said in {
        "title": "The chart has no title.",
        "xlabel": "The x axis has no label.",
        "ylabel": "The y axis has no label.",
    }.items():
        given = draw({"Toys": 5, "Books": 3}, {k: v for k, v in words.items() if k != lacks})
        assert find_difference(right, given) == said


# The desk ---------------------------------------------------------------------------------


class Shout(dict[str, str]):
    """A language in which every sentence begins with an exclamation mark."""

    def __contains__(self, message: object) -> bool:
        return True

    def __getitem__(self, message: str) -> str:
        return f"!{message}"

    def get(self, message: str, default: object = None) -> str:
        has_words = re.search("[a-z]", re.sub("{.*?}", "", message))
        return f"!{message}" if has_words else message


@pytest.fixture
def shouting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "_catalogue", lambda language: Shout())


def test_a_difference_is_told_in_another_language() -> None:
    """Also what stands in its places; a name that somebody gave a column stays."""
    words = {
        "{number} {nouns} are missing, for example {row}.": "{nouns} hilang: {number} ({row})",
        "two": "dua",
        "customer": "pelanggan",
        "customers": "pelanggan",
        "{subject} is {value}, which is rounded.": "{value} pada {subject}",
        "Yours": "Jawaban",
    }
    fewer = find_difference(RIGHT, table(customer_id=[2], paid=[7]), ("customer_id",))
    assert fewer is not None
    assert translate_said(fewer, words) == "Pelanggan hilang: dua (pelanggan 1)"
    assert fewer == "Two customers are missing, for example customer 1."
    given = table(customer_id=[1, 2, 3], paid=[12.35, 7, None])
    rounded = find_difference(RIGHT, given, ("customer_id",))
    assert rounded is not None
    assert translate_said(rounded, words) == "12.35 pada pelanggan 1: `paid`"
    single = find_difference(Decimal("12.345"), 12.35)
    assert single is not None
    assert translate_said(single, words) == "12.35 pada Jawaban"


def test_what_is_put_after_a_colon_begins_small_in_any_language() -> None:
    lacks = find_difference(RIGHT, table(customer_id=[1]), ("customer_id",))
    assert lacks is not None
    words = {lacks.message: "Kolom `{column}` hilang; ada {columns}."}
    assert translate_said(lacks.begin_small(), words) == "kolom `paid` hilang; ada `customer_id`."


@pytest.mark.usefixtures("spark", "shouting")
def test_the_desk_speaks_the_language_of_the_lesson(
    capsys: pytest.CaptureFixture[str], shown: list[str]
) -> None:
    """A mistake is recognised by its English words, and told with its remark."""
    exercise = exercises()["08.2"]
    (mistake,) = (part for part in exercise.mistakes if "old.union(new)" in part.code)
    failing = mistake.text.partition(":")[0]
    assert failing in exercise.input_names
    check("08.2", run_answer(exercise, mistake.code))
    told = capsys.readouterr().out
    assert told.startswith(f"!08.2 not yet. !{failing}: !it stops with ")
    assert told.endswith("\n!" + mistake.text.partition("\n\n")[2].replace("\n\n", "\n\n!") + "\n")
    check("01.4", lambda rows: None)
    assert capsys.readouterr().out == (
        "!01.4 not yet. !Two files: !your function returns nothing. Is its `return` missing?\n"
    )
    hint("01.5")
    solution("01.5")
    solution("01.5")
    progress()
    exercise = exercises()["01.5"]
    assert shown[0] == f"!{exercise.hints[0]}"
    assert shown[1].startswith(f"**01.5 !{exercise.title}**\n\n```python\n{exercise.solution.code}")
    assert f"- ☐ 01.5 !{exercise.goal}" in shown[2]
    assert "**!Lesson 1**" in shown[2]
    assert f"!0 of {len(exercises())} goals met" in shown[2]
    assert all(line[0] == "!" for line in capsys.readouterr().out.splitlines())


def test_a_language_that_is_not_there_is_an_error_that_names_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKEHOUSE_LANGUAGE", "xx")
    for call in (lambda: check("01.5", 10), lambda: hint("01.5"), progress):
        with pytest.raises(InputError, match="'xx'\\.\nThere are: en, id"):
            call()


def test_the_language_is_that_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_LANGUAGE", "id")
    hint("01.5")
    assert capsys.readouterr().out == "Petunjuk 1 dari 2.\n"
    monkeypatch.setenv("LAKEHOUSE_LANGUAGE", "en")
    solution("01.4")
    assert capsys.readouterr().out.startswith("01.4 is still open.")


class Odd:
    def __len__(self) -> int:
        raise RuntimeError("no length")


def fail(*_: object) -> None:
    raise ValueError("one line\nand another")


@pytest.mark.parametrize(
    ("number", "answer", "said"),
    [
        ("01.5", Odd(), "01.5 not yet. No exercise takes an answer of the type `Odd`."),
        ("01.5", [10], "01.5 not yet. No exercise takes an answer of the type `list`."),
        ("01.4", 5, "01.4 not yet. A function is asked for: `rows_by_file`, without parentheses."),
        (
            "01.4",
            fail,
            "01.4 not yet. Two files: it stops with ValueError: one line and another.",
        ),
        (
            "01.4",
            lambda rows: None,
            "01.4 not yet. Two files: your function returns nothing. Is its `return` missing?",
        ),
        ("01.9", 5, "There is no exercise '01.9'. There are: 01.1, 01.2, 01.3, 01.4, 01.5"),
    ],
)
def test_nothing_that_is_handed_in_ends_in_a_trace(
    number: str, answer: object, said: str, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    check(number, answer)
    assert capsys.readouterr().out == f"{said}\n"


def test_a_column_that_is_not_there_is_told_in_spark_s_words(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    check("01.4", lambda rows: rows.select("no_such_column"))
    told = capsys.readouterr().out
    assert told.startswith("01.4 not yet. Two files: it stops with AnalysisException: [UNRESOLVED_")
    assert "no_such_column" in told
    assert len(told.splitlines()) == 1


def test_a_chart_that_is_handed_in_is_shown(spark: SparkSession, shown: list[Any]) -> None:
    fig, ax = plt.subplots()
    check("06.2", ax)
    plt.close(fig)
    assert [picture[:4] for picture in shown] == [b"\x89PNG"]


def test_hints_come_one_by_one(capsys: pytest.CaptureFixture[str], shown: list[str]) -> None:
    for _ in range(3):
        hint("01.5")
    last = 'Hint 2 of 2. The last one; then:  solution("01.5")\n'
    assert capsys.readouterr().out == f"Hint 1 of 2.\n{last}{last}"
    assert shown == [*exercises()["01.5"].hints, exercises()["01.5"].hints[-1]]


def test_a_solution_is_shown_to_those_who_ask_twice(
    capsys: pytest.CaptureFixture[str], shown: list[str]
) -> None:
    solution("01.5")
    assert (
        capsys.readouterr().out == "01.5 is still open. To see the solution now, ask once more.\n"
    )
    assert not shown
    solution("01.5")
    assert "rows_seen = 10" in shown[0]
    assert exercises()["01.5"].solution.text in shown[0]


@pytest.mark.parametrize(
    ("answers", "is_shown"), [([5, 5], False), ([5, 5, 5], True), ([10], True)]
)
def test_a_solution_is_shown_after_a_right_answer_or_three_tries(
    answers: list[int], is_shown: bool, spark: SparkSession, shown: list[str]
) -> None:
    for answer in answers:
        check("01.5", answer)
    solution("01.5")
    assert bool(shown) == is_shown


def test_goals_met_are_kept_until_their_file_is_deleted(
    spark: SparkSession, shown: list[str], records: Path
) -> None:
    check("01.5", 10)
    check("01.5", 5)
    check("01.1", "a")
    progress()
    met = f"- ☑ 01.5 {exercises()['01.5'].goal}"
    assert met in shown[0].splitlines()
    assert f"1 of {len(exercises())} goals met." in shown[0]
    assert str(records) in shown[0]
    assert f"- ☐ 01.1 {exercises()['01.1'].goal}" in shown[0].splitlines()
    # As an editor on Windows saves it: with a byte-order mark.
    records.write_text(records.read_text(encoding="utf-8"), encoding="utf-8-sig")
    progress()
    assert shown[1] == shown[0]
    records.write_text("spoilt")
    progress()
    assert f"0 of {len(exercises())} goals met." in shown[2]
    records.unlink()
    progress()
    assert shown[3] == shown[2]


def test_where_nothing_can_be_kept_it_is_said_and_kept_in_memory(
    spark: SparkSession,
    shown: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKEHOUSE_PROGRESS", "/proc/nowhere/all.json")
    check("01.5", 5)
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("Your progress is kept only until the kernel stops: it stops with ")
    check("01.5", 10)
    assert capsys.readouterr().out == "01.5 correct.\n"
    progress()
    assert f"1 of {len(exercises())} goals met." in shown[0]


def test_a_variable_that_is_set_and_empty_is_told(
    spark: SparkSession, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_PROGRESS", "")
    check("01.5", 10)
    said, right = capsys.readouterr().out.splitlines()
    assert "LAKEHOUSE_PROGRESS is set and empty" in said
    assert right == "01.5 correct."


def test_what_a_learner_does_to_a_pandas_table_is_done_to_a_copy(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(edges: pd.DataFrame, name: str) -> pd.DataFrame:
        edges.drop(edges.index, inplace=True)
        return edges

    exercise = exercises()["08.4"]
    monkeypatch.setattr(judging, "_known", {})
    judging._inputs.cache_clear()
    assert judge(exercise, spoil) is not None
    nothing = pd.DataFrame({"table": []})
    assert judge(exercise, lambda edges, name: nothing) is not None, "nothing leads to a table"


def test_what_a_task_says_of_the_example_is_true(spark: SparkSession) -> None:
    shop = ExampleLakehouse(spark)
    exercise = exercises()["03.4"]
    names = ("stg_customers", "stg_orders", "stg_order_items")
    bought = run_answer(exercise, exercise.solution.code)(*(shop.read(name) for name in names))
    johns = bought.where("customer_id = 1").head()["products"]
    assert f"John has {johns}." in exercise.task
    alice = shop.read("int_customer_rfm").where("customer_id = 4").head()
    assert alice is not None
    assert f"came to {alice.monetary_value} USD" in exercises()["03.3"].task
    assert alice.rfm_segment_code in exercises()["03.3"].solution.code
    john = shop.read("fct_customer_metrics").where("customer_id = 1").head()
    assert john is not None
    assert f"expects John to spend {john.predicted_clv_12m} USD" in exercises()["09.1"].task


@pytest.mark.parametrize("letters", ["b d", "db", "B and D", "d), b)"])
def test_letters_may_be_written_in_any_way(letters: str, spark: SparkSession) -> None:
    assert judge(exercises()["05.3"], letters) is None


def test_a_mistake_that_fails_is_told_what_helps_as_well(spark: SparkSession) -> None:
    exercise = exercises()["08.2"]
    (mistake,) = (part for part in exercise.mistakes if "old.union(new)" in part.code)
    said = judge(exercise, run_answer(exercise, mistake.code))
    assert said is not None
    assert said.endswith(mistake.text.partition("\n\n")[2])


def test_the_next_cells_go_on_in_spark(spark: SparkSession) -> None:
    """Though an answer in pandas is right."""
    exercise = exercises()["02.4"]
    (in_pandas,) = (p.code for p in exercise.parts["Also right"] if "toPandas" in p.code)
    answer = run_answer(exercise, in_pandas)
    assert judge(exercise, answer) is None
    assert pick("02.4", answer) is not answer


def test_the_next_cells_go_on_with_a_right_answer(spark: SparkSession) -> None:
    def mine(bronze: Any) -> Any:
        return ours(bronze)

    def wrong(bronze: Any) -> Any:
        return bronze

    ours = pick("01.4", ...)
    assert pick("01.4", mine) is mine
    assert pick("01.4", wrong).__doc__ == ours.__doc__ != wrong.__doc__
