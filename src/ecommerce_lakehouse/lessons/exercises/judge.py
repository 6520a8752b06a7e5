"""Whether an answer is right: compared with what the solution makes of the same tables."""

from __future__ import annotations

from functools import cache
from types import FunctionType
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from ecommerce_lakehouse.lessons.exercises.answers import (
    NoAnswer,
    is_same,
    sorted_letters,
    to_plain,
    to_results,
    try_on,
)
from ecommerce_lakehouse.lessons.exercises.book import Exercise, Part, exercises
from ecommerce_lakehouse.lessons.exercises.differences import find_difference
from ecommerce_lakehouse.lessons.exercises.words import Prose, Said, say
from ecommerce_lakehouse.spark.session import get_spark
from ecommerce_lakehouse.tables.in_memory import ExampleLakehouse

IMPORTS = """
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ecommerce_lakehouse import charts, table
from ecommerce_lakehouse.layers.quality import Check
"""
"""What the lessons have imported where their exercises stand."""

_known: dict[tuple[str, str], dict[str, Any]] = {}


def judge(exercise: Exercise, answer: object) -> Said | None:
    """What is wrong with an answer, in words; None where nothing is.

    Args:
        exercise: The exercise.
        answer: What was handed in.
    """
    try:
        given = _results(exercise, answer)
    except NoAnswer as problem:
        for mistake in exercise.mistakes:
            if _mistaken_results(exercise, mistake) == str(problem):
                return _with_remark(problem.said, mistake)
        return problem.said
    right = _results_of(exercise, exercise.solution.code)
    said = _compare(exercise, right, given)
    if said is None:
        return None
    for mistake in exercise.mistakes:
        results = _mistaken_results(exercise, mistake)
        if isinstance(results, dict) and _compare(exercise, results, given) is None:
            return _with_remark(said, mistake)
    return said


def run_answer(exercise: Exercise, code: str) -> Any:
    """What the answer's name stands for after some code has run, beside the example."""
    names = _names()
    exec(code, names)
    return names[exercise.answer]


def is_open(exercise: Exercise, answer: object) -> bool:
    """Whether nobody has tried yet: the gap is a gap, the function the one that was there."""
    if not isinstance(answer, FunctionType):
        return answer is ...
    return is_same(answer, run_answer(exercise, exercise.starter))


def _session() -> SparkSession:
    return SparkSession.getActiveSession() or get_spark("exercises")


def _names() -> dict[str, Any]:
    """What the code of an exercise finds: the session, the example, and what lessons import."""
    spark = _session()
    names: dict[str, Any] = {"spark": spark, "example": _example(spark)}
    exec(IMPORTS, names)
    return names


@cache
def _example(spark: SparkSession) -> ExampleLakehouse:
    return ExampleLakehouse(spark)


@cache
def _inputs(number: str, spark: SparkSession) -> dict[str, Any]:
    """What a function is tried on, by name: arguments, or what is to be done with the answer."""
    names = _names()
    exec(exercises()[number].inputs, names)

    def pin(value: Any) -> Any:
        """A table that Spark knows to be small: joins and counts of it are quick."""
        if not isinstance(value, DataFrame):
            return value
        return spark.createDataFrame(value.toArrow(), value.schema)

    return {
        name: tried if callable(tried) else tuple(pin(value) for value in tried)
        for name, tried in names["inputs"].items()
    }


def _results(exercise: Exercise, answer: Any) -> dict[str, Any]:
    """An answer as plain values, by the names of what it was tried on."""
    if not exercise.inputs:
        plain = to_plain(answer)
        return {"": sorted_letters(plain) if exercise.is_choice else plain}
    inputs = _inputs(exercise.number, _session())
    if not callable(answer) and not all(callable(trial) for trial in inputs.values()):
        raise NoAnswer(
            say("A function is asked for: `{name}`, without parentheses.", name=exercise.answer)
        )
    return to_results(answer, inputs)


def _mistaken_results(exercise: Exercise, mistake: Part) -> dict[str, Any] | str:
    """What a wrong answer results in; where it fails, how."""
    try:
        return _results_of(exercise, mistake.code)
    except Exception as problem:
        return str(problem)


def _results_of(exercise: Exercise, code: str) -> dict[str, Any]:
    """What some code of an exercise results in; worked out once a session of Python."""
    known = (exercise.number, code)
    if known not in _known:
        _known[known] = _results(exercise, run_answer(exercise, code))
    return _known[known]


def returns_alike(exercise: Exercise, answer: Any, ours: Any) -> bool:
    """Whether two functions return the same kind of thing, so that the next cell can go on."""
    if not exercise.inputs:
        return True
    tried = next(iter(_inputs(exercise.number, _session()).values()))
    return callable(tried) or isinstance(try_on(answer, tried), type(try_on(ours, tried)))


def _compare(exercise: Exercise, right: dict[str, Any], given: dict[str, Any]) -> Said | None:
    for name, value in right.items():
        said = find_difference(value, given[name], exercise.key, is_ordered=exercise.is_ordered)
        if said:
            told = {"input": Prose(name), "difference": said.begin_small()}
            return Said("{input}: {difference}", told) if name else said
    return None


def _with_remark(said: Said, mistake: Part) -> Said:
    """What is said of a mistake after the first difference, which stands in its first paragraph."""
    remark = mistake.text.partition("\n\n")[2]
    return Said("{said}\n{remark}", {"said": said, "remark": Prose(remark)}) if remark else said
