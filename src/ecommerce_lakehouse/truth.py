"""What the generator planted in a data folder, where it says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def planted(data_dir: str) -> dict[str, Any] | None:
    """The content of a folder's truth.json, None where there is none.

    Args:
        data_dir: A data folder. Only a local folder can hold a truth.json.
    """
    path = Path(data_dir.removeprefix("file:")) / "truth.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
