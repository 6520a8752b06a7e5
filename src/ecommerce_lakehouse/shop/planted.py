"""What the generator planted in a data folder, what arrives there later, and a campaign's lots."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecommerce_lakehouse.shop.faults import COLUMNS


def planted(data_dir: str) -> dict[str, Any] | None:
    """The content of a folder's truth.json; None where there is none that tells of every raw file.

    It tells of the first files. Deliveries that were put beside them replace some of their rows.

    Args:
        data_dir: A data folder. Only a local folder can hold a truth.json.

    Examples:
        >>> planted("data_seeds") is None
        True
        >>> planted("data_seeds/shop")["customers"]
        2000
    """
    folder = Path(data_dir.removeprefix("file:"))
    path = folder / "truth.json"
    later = [file for entity in COLUMNS for file in folder.glob(f"raw_{entity}_*.csv")]
    if later or not path.is_file():
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def deliveries(data_dir: str) -> dict[str, list[str]]:
    """What arrived later, in the `next/` folder of a local data folder.

    Args:
        data_dir: A data folder.

    Returns:
        The files of each delivery, such as `2024-07`, in order; empty where there is none.

    Examples:
        >>> list(deliveries("data_seeds/shop"))[:2]
        ['2024-07', '2024-08']
    """
    found: dict[str, list[str]] = {}
    for path in sorted(Path(data_dir.removeprefix("file:"), "next").glob("raw_*_*.csv")):
        found.setdefault(path.stem.rpartition("_")[2], []).append(str(path))
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Letters:
    """A campaign whose letters went by lot, in the `campaign/` folder of a data folder.

    Attributes:
        lots: The file with its customers: customer_id, arm (letter or holdout) and sent_on.
        raw_files: The raw files of the days after it.
        truth: What the generator knows about it; empty for a campaign of a real shop.
    """

    lots: str
    raw_files: list[str]
    truth: dict[str, Any]


def campaign(data_dir: str) -> Letters | None:
    """The campaign of a local data folder; None where there is none.

    Args:
        data_dir: A data folder. `campaign.csv` in its `campaign/` says who got a letter.

    Examples:
        >>> campaign("data_seeds") is None
        True
        >>> campaign("data_seeds/shop").truth["sent_on"]
        '2024-12-31'
    """
    folder = Path(data_dir.removeprefix("file:"), "campaign")
    lots, truth = folder / "campaign.csv", folder / "truth.json"
    if not lots.is_file():
        return None
    raw_files = [str(path) for path in sorted(folder.glob("raw_*_*.csv"))]
    told = json.loads(truth.read_text(encoding="utf-8")) if truth.is_file() else {}
    return Letters(str(lots), raw_files, told)
