"""A marked cell goes to the module of its layer, or to the one that the mark names."""

import json
from pathlib import Path

import pytest

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.lessons.export import marked_cells


def notebook(folder: Path, *sources: str) -> Path:
    path = folder / "05_ml_features.ipynb"
    cells = [{"cell_type": "code", "source": source} for source in sources]
    path.write_text(json.dumps({"cells": cells}))
    return path


def test_a_mark_may_name_another_module(tmp_path: Path) -> None:
    path = notebook(tmp_path, "#| export\na = 1", "#| export churn\nb = 2", "c = 3")
    assert marked_cells(path) == ["a = 1\n"]
    assert marked_cells(path, "churn") == ["b = 2\n"]


def test_a_mark_that_names_no_module_is_an_error(tmp_path: Path) -> None:
    """Else a cell with a slip of the pen would be exported nowhere, without a word."""
    path = notebook(tmp_path, "#| export chrun\nb = 2")
    with pytest.raises(LakehouseError) as wrong:
        marked_cells(path)
    assert "`#| export chrun`" in wrong.value.message
