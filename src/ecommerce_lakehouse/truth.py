"""What the generator planted in a data folder, where it says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ecommerce_lakehouse.layers.bronze import RAW_COLUMNS


def planted(data_dir: str) -> dict[str, Any] | None:
    """The content of a folder's truth.json; None where there is none that tells of every raw file.

    It tells of the first files. Deliveries that were put beside them replace some of their rows.

    Args:
        data_dir: A data folder. Only a local folder can hold a truth.json.
    """
    folder = Path(data_dir.removeprefix("file:"))
    path = folder / "truth.json"
    later = [file for entity in RAW_COLUMNS for file in folder.glob(f"raw_{entity}_*.csv")]
    if later or not path.is_file():
        return None
    return json.loads(path.read_text(encoding="utf-8"))
