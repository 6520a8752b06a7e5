"""Where things are, whatever the working directory."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds notebooks/ and data_seeds/."""

EXAMPLE_DATA = PROJECT / "data_seeds"
"""Five customers, ten orders: small enough for a pencil."""


def resolve(location: str | os.PathLike[str]) -> str:
    """The absolute form of a folder given as a path or a URI.

    A relative path starts at the project folder, not at the working directory:
    papermill, JupyterLab and nbval each start a notebook in a different one.

    Args:
        location: `lakehouse`, `/data/lakehouse`, `s3a://bucket/lakehouse` …

    Returns:
        The URI as it was, or an absolute local path.
    """
    text = os.fspath(location)
    if not is_local(text):
        return text.rstrip("/")
    return str((PROJECT / Path(text).expanduser()).absolute())


def typed(folder: str) -> str:
    """A folder named on a command line: it is meant from where the command was typed."""
    if not folder or not is_local(folder):
        return folder
    return str(Path(folder).expanduser().absolute())


def is_local(location: str) -> bool:
    """Whether a resolved location is a path of this machine, not a URI for Spark to look at."""
    return "://" not in location and not location.startswith("file:")


def shown(location: str) -> str:
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
