"""Where things are, whatever the working directory."""

from __future__ import annotations

import os
from pathlib import Path

from ecommerce_lakehouse.errors import LakehouseError

_ABOVE = Path(__file__).resolve().parents[2]
IS_CHECKOUT = (_ABOVE / "notebooks").is_dir() and (_ABOVE / "pyproject.toml").is_file()
"""Whether the package stands in the project's own folder. An installed wheel does not."""

PROJECT = _ABOVE if IS_CHECKOUT else Path.cwd()
"""Where a relative folder begins: the checkout, or without one the working directory."""

EXAMPLE_DATA = PROJECT / "data_seeds"
"""Five customers, ten orders: small enough for a pencil."""

FOLDERS = {
    "data_dir": "data_seeds/shop",
    "lakehouse_dir": "lakehouse",
    "artifacts_dir": "artifacts",
}
"""The folders that every command and job has, and where they are by default."""


def require_checkout(what: str) -> None:
    """Refuse what needs the project's notebooks, in an installed wheel.

    Raises:
        LakehouseError: The package is not in a checkout.
    """
    if not IS_CHECKOUT:
        raise LakehouseError(
            f"{what} works on the notebooks, which an installed package does not have.",
            "Run it in a clone of the project. Without notebooks there is:  lakehouse build",
        )


def work_folder() -> Path:
    """The folder for logs and what can be thrown away, made or not."""
    return PROJECT / "build" if IS_CHECKOUT else cache_dir() / "work"


def resolve(location: str | os.PathLike[str]) -> str:
    """The absolute form of a folder given as a path or a URI.

    A relative path starts at the project folder, not at the working directory:
    papermill, JupyterLab and nbval each start a notebook in a different one.

    Returns:
        The URI as it was, or an absolute local path.
    """
    text = os.fspath(location)
    if not is_local(text):
        return text.rstrip("/")
    return str((PROJECT / Path(text).expanduser()).absolute())


def from_shell(folder: str) -> str:
    """A folder named on a command line: it starts where the command was typed."""
    return str(Path(folder).expanduser().absolute()) if is_local(folder) else folder


def is_local(location: str) -> bool:
    """Whether a resolved location is a path of this machine, not a URI for Spark to look at."""
    return "://" not in location and not location.startswith("file:")


def for_message(location: str) -> str:
    """The form of a folder that goes into messages: relative to the project if inside it."""
    try:
        return str(Path(location).relative_to(PROJECT)) + "/"
    except ValueError:
        return location.rstrip("/") + "/"


def cache_dir() -> Path:
    """The per-user folder for what is fetched once."""
    base = os.environ.get("LAKEHOUSE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ecommerce-lakehouse"
    )
    return Path(base)
