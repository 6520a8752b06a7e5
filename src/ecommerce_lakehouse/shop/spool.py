"""What happened, put aside by its day until everything has happened and can be numbered.

A customer is made with all they ever did, and numbers follow the calendar, across all
customers. So the rows of each stretch of days wait in a file of their own, as numbers, and
memory holds one stretch at a time.
"""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ecommerce_lakehouse.shop.calendar import DAYS, Ints
from ecommerce_lakehouse.shop.planting import Extra

#: How many of its customers a shop may have for each stretch of days.
CUSTOMERS_A_STRETCH = 20_000
MAX_WAITING_BYTES = 32_000_000


class Spool:
    """Files in a folder, one for each kind of thing and stretch of days."""

    def __init__(self, folder: Path, customers: int) -> None:
        """Divide the days, more finely for a larger shop."""
        folder.mkdir()
        self._folder = folder
        self._layouts: dict[str, np.dtype[Any]] = {}
        self._waiting: dict[Path, list[bytes]] = {}
        self._size = 0
        self.stretches = range(min(1 + customers // CUSTOMERS_A_STRETCH, DAYS))

    def _path(self, name: str, stretch: int) -> Path:
        return self._folder / f"{name}.{stretch}"

    def _stretch(self, day: Ints) -> Ints:
        return day.astype(np.int64) * len(self.stretches) // DAYS

    def put(self, name: str, rows: np.ndarray) -> None:
        """Put rows aside, by their column `day`."""
        self._layouts[name] = rows.dtype
        stretch = self._stretch(rows["day"])
        order = np.argsort(stretch.astype(np.int16), kind="stable")
        bounds = np.searchsorted(stretch[order], np.arange(len(self.stretches) + 1))
        rows = rows[order]
        for at in self.stretches:
            if bounds[at] < bounds[at + 1]:
                self._add(self._path(name, at), rows[bounds[at] : bounds[at + 1]].tobytes())

    def put_extras(self, name: str, extras: list[Extra]) -> None:
        """Put extra rows aside, by the day of their hosts."""
        for extra in extras:
            stretch = int(self._stretch(np.array(extra.day)))
            self._add(self._path(f"{name}.extras", stretch), pickle.dumps(extra))

    def _add(self, path: Path, content: bytes) -> None:
        self._waiting.setdefault(path, []).append(content)
        self._size += len(content)
        if self._size > MAX_WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what still waits in memory."""
        for path, parts in self._waiting.items():
            with path.open("ab") as file:
                file.writelines(parts)
        self._waiting.clear()
        self._size = 0

    def take(self, name: str, stretch: int) -> np.ndarray:
        """The rows of a stretch, in the order in which they were put aside."""
        path, layout = self._path(name, stretch), self._layouts[name]
        return np.fromfile(path, layout) if path.exists() else np.empty(0, layout)

    def take_extras(self, name: str, stretch: int) -> list[Extra]:
        """The extra rows of a stretch, in the order in which they were put aside."""
        path = self._path(f"{name}.extras", stretch)
        return list(_unpickle(path)) if path.exists() else []


def _unpickle(path: Path) -> Iterator[Extra]:
    with path.open("rb") as file:
        while file.peek(1):
            yield pickle.load(file)
