"""Stop Spark in the middle of its work with a word, and know that word again in its error."""

from __future__ import annotations

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column
from pyspark.sql import functions as F

SPARK_ERRORS = (Py4JJavaError, PySparkException)
"""What a query can fail with. Some errors of Java's reach Python untranslated."""


def value_or_stop(good: Column, value: Column, word: str) -> Column:
    """A condition for `where` that ends the query at the first row that is not good.

    Args:
        good: Whether a row may be used; NULL is no.
        value: Whether a good row is kept.
        word: What the error says.
    """
    return F.when(good, value).otherwise(F.raise_error(F.lit(word)).cast("BOOLEAN"))


def was_stopped_with(word: str, problem: BaseException) -> bool:
    """Whether an error of Spark's is one that says a word."""
    return word in str(problem)
