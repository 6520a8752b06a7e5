"""A marked cell goes to the module of its layer, or to the one that the mark names."""

import json
from pathlib import Path

import pytest

from ecommerce_lakehouse.errors import LakehouseError
from ecommerce_lakehouse.lessons import notebook as notebooks
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


@pytest.mark.parametrize("content", ["", '{"cells": [', "[]", '{"cells": 1}', "<<<<<<< HEAD"])
def test_a_damaged_notebook_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "05_ml_features.ipynb"
    path.write_text(content)
    with pytest.raises(LakehouseError, match=r"05_ml_features\.ipynb is not a notebook") as wrong:
        marked_cells(path)
    assert wrong.value.remedy.endswith(f'git checkout -- "{path}"')


def test_a_copy_that_jupyterlab_made_is_no_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    names = ["01_bronze.ipynb", "01_bronze-Copy1.ipynb", "02_silver.ipynb"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in notebooks.find_lessons()] == [names[0], names[2]]
    assert [path.name for path in notebooks.find_lessons("01", "01")] == names[:1]
