"""Where things are, whatever the working directory."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from ecommerce_lakehouse.errors import InputError, LakehouseError

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


def require_python() -> None:
    """Refuse a Python that was told to be one with which Spark cannot work.

    Raises:
        LakehouseError: It leaves docstrings out, which PySpark reads while it is imported, or it
            takes names of files for something else than UTF-8, which they are to Java.
    """
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise LakehouseError(
            f"Python takes the names of files for {encoding} here, and Java takes them for UTF-8.",
            "Let both do the same:  export PYTHONUTF8=1",
        )
    if sys.flags.optimize > 1:
        raise LakehouseError(
            "Python was told to leave docstrings out (PYTHONOPTIMIZE=2 or -OO); "
            "PySpark does not start without its own.",
            "Let it keep them:  unset PYTHONOPTIMIZE",
        )


def work_folder() -> Path:
    """The folder for logs and what can be thrown away, made or not.

    A checkout may be somebody else's, as in a container.
    """
    if IS_CHECKOUT and _can_hold_files(PROJECT / "build"):
        return PROJECT / "build"
    return cache_dir() / "work"


def _can_hold_files(folder: Path) -> bool:
    """Whether a folder can be written, or made where it is not there."""
    there = folder if folder.is_dir() else folder.parent
    return os.access(there, os.W_OK | os.X_OK)


def resolve(location: str | os.PathLike[str]) -> str:
    """The absolute form of a folder given as a path or a URI.

    A relative path starts at the project folder, not at the working directory:
    papermill, JupyterLab and nbval each start a notebook in a different one.

    Returns:
        The URI as it was, or an absolute local path.

    Raises:
        InputError: It is empty, as from a variable that is not set, or in nobody's home.
    """
    text = os.fspath(location)
    if not text.strip():
        raise InputError("The name of a folder is empty.", "Name one, or leave the parameter out.")
    if not is_local(text):
        return text.rstrip("/")
    return str((PROJECT / _expand_home(text)).absolute())


def from_shell(folder: str) -> str:
    """A folder named on a command line: it starts where the command was typed.

    Raises:
        InputError: It is relative to a working directory that is there no more, or in
            nobody's home.
    """
    if not is_local(folder):
        return folder
    try:
        return str(Path(_expand_home(folder)).absolute())
    except FileNotFoundError:
        raise InputError(
            "The folder in which this command was typed has been deleted.",
            "Go to one that is there:  cd",
        ) from None


def _expand_home(folder: str) -> str:
    """A folder without the ~ that it may begin with."""
    expanded = os.path.expanduser(folder)
    whose = folder.partition("/")[0]
    has_home = os.environ.get("HOME") not in ("", os.fspath(lent_home()))
    if whose.startswith("~") and (expanded == folder or (whose == "~" and not has_home)):
        raise InputError(
            f"{whose} is nobody's home on this machine.",
            "Name the folder from the root on:  /a/folder/of/yours",
        )
    return expanded


def is_local(location: str) -> bool:
    """Whether a resolved location is a path of this machine, not a URI for Spark to look at."""
    return "://" not in location and not location.startswith("file:")


def local_folder(location: str | os.PathLike[str], option: str) -> Path:
    """A folder that only this machine's own programs write. The option names another one.

    Raises:
        InputError: It is a URI.
    """
    text = os.fspath(location)
    if not is_local(text):
        raise InputError(
            f"{text} is no folder of this machine.",
            f"Name a folder of your own with:  {option} FOLDER",
        )
    return Path(text)


def for_message(location: str) -> str:
    """The form of a folder that goes into messages: relative to the project if inside it."""
    try:
        return str(Path(location).relative_to(PROJECT)) + "/"
    except ValueError:
        return location.rstrip("/") + "/"


def cache_dir() -> Path:
    """The per-user folder for what is fetched once."""
    given = variable("LAKEHOUSE_CACHE")
    if given:
        return Path(given)
    name = "ecommerce-lakehouse"
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / name
    filled = os.path.expanduser(f"~/.cache/{name}")  # perhaps by somebody, for all to read
    return Path(filled) if os.path.isdir(filled) else find_home() / ".cache" / name


def find_home() -> Path:
    """The user's home; a folder among the temporary ones where there is none, or it is no use.

    In a container the user may be a number without a home, or have somebody else's.
    """
    try:
        home = Path.home()
    except RuntimeError:
        home = Path()
    if home.is_absolute() and os.access(home, os.W_OK | os.X_OK):
        return home
    return lent_home()


def lent_home() -> Path:
    """The home of a user who has none; it may be gone tomorrow."""
    return Path(tempfile.gettempdir()) / f"ecommerce-lakehouse-{os.getuid()}"


def ensure_home() -> None:
    """Give this process, and what it starts, a home: Jupyter and matplotlib keep files there.

    Raises:
        LakehouseError: The folder that would do for one belongs to somebody else.
    """
    home, cache = find_home(), cache_dir()
    if home == Path(os.path.expanduser("~")):
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_uid != os.getuid():
        raise LakehouseError(
            f"{home} belongs to somebody else, and there is no home that you may write to.",
            "Name one:  export HOME=/a/folder/of/yours",
        )
    os.environ["HOME"] = os.fspath(home)
    os.environ["LAKEHOUSE_CACHE"] = os.fspath(cache)  # where it was before there was a home


def variable(name: str) -> str | None:
    """The value of a variable of this project; None where it is not set.

    Raises:
        InputError: It is set and empty.
    """
    value = os.environ.get(name)
    if value is not None and not value.strip():
        raise InputError(f"{name} is set and empty.", f"Give it a value, or:  unset {name}")
    return value
