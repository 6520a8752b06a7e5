"""Errors meant for people: what is wrong, where, and the one command that mends it."""

from __future__ import annotations


class LakehouseError(Exception):
    """A cause the reader can mend.

    Args:
        message: What is wrong, and where.
        remedy: The one command or edit that mends it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}".strip()

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows instead of a page of stack frames."""
        return [f"{type(self).__name__}: {self}"]


class InputError(LakehouseError):
    """A data file or a parameter that does not meet the contract."""


class MissingTableError(LakehouseError):
    """A table that another notebook or command builds, and has not yet."""


class NotebookFailed(LakehouseError):
    """A cell of a notebook that was run in a row raised an error."""
