"""The lessons in another language as files: their links lead somewhere, a learner's work stays."""

import json
import os
import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from rich.console import Console

from ecommerce_lakehouse.errors import InputError, LakehouseError
from ecommerce_lakehouse.lessons import compare, lab, mirror, run
from ecommerce_lakehouse.lessons.mirror import make_mirror
from ecommerce_lakehouse.lessons.notebook import find_lessons
from ecommerce_lakehouse.paths import PROJECT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tree is made; a space in its name is none of its business."""
    monkeypatch.setattr(mirror, "work_folder", lambda: tmp_path / "a folder")
    return tmp_path / "a folder" / "id"


def test_what_is_made_looks_like_the_project(folder: Path) -> None:
    assert make_mirror("id") == (folder, [])
    for path in find_lessons():
        lesson = json.loads(path.read_text(encoding="utf-8"))
        made = json.loads((folder / "notebooks" / path.name).read_text(encoding="utf-8"))
        assert [cell["id"] for cell in made["cells"]] == [cell["id"] for cell in lesson["cells"]]
    assert not (folder / "docs" / "glossary.md").is_symlink()
    assert (folder / "docs" / "maps" / "01.svg").samefile(PROJECT / "docs" / "maps" / "01.svg")


def test_its_links_lead_somewhere(folder: Path) -> None:
    """To a translated page where there is one."""
    make_mirror("id")
    links = 0
    for path in (*folder.glob("notebooks/*.ipynb"), *folder.glob("docs/*.md")):
        for prose in prose_of(path):
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
                assert (path.parent / target).exists(), (path, target)
                links += 1
    assert links > 60


def prose_of(path: Path) -> list[str]:
    """The texts of a notebook or a page, without code."""
    text = path.read_text(encoding="utf-8")
    cells = json.loads(text)["cells"] if path.suffix == ".ipynb" else []
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return [re.sub(r"`[^`]*`", "", each) for each in texts or [text]]


def test_what_a_learner_changed_is_kept_until_it_is_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_mirror("id")
    mine, other = folder / "notebooks" / "01_bronze.ipynb", folder / "docs" / "glossary.md"
    made = mine.read_text(encoding="utf-8")
    mine.write_text(made + "\n", encoding="utf-8")
    monkeypatch.setattr(mirror, "translate_markdown", lambda text, catalogue: f"{text}\nNew.\n")
    assert make_mirror("id") == (folder, [mine])
    assert mine.read_text(encoding="utf-8") == made + "\n"
    assert other.read_text(encoding="utf-8").endswith("\nNew.\n"), "nobody has changed this one"
    assert make_mirror("id") == (folder, [mine]), "it is said every time"
    mine.unlink()
    assert make_mirror("id") == (folder, [])
    assert mine.read_text(encoding="utf-8") == made


def test_what_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "id").write_text("a file")
    monkeypatch.setattr(mirror, "work_folder", lambda: tmp_path)
    with pytest.raises(LakehouseError, match="cannot be written"):
        make_mirror("id")


# The lab in it ----------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that takes the place of this process; its environment is this one's."""
    found: list[str] = []
    monkeypatch.setattr(os, "execv", lambda program, command: found.extend(command))
    monkeypatch.setattr(os, "chdir", lambda folder: None)
    for name in ("JUPYTER_CONFIG_PATH", "LAKEHOUSE_LANGUAGE"):
        monkeypatch.setenv(name, "as it was")
    return found


def test_the_lab_opens_the_lessons_of_a_language(
    folder: Path, started: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lab.open_lab([], "id")
    first = folder / "notebooks" / "01_bronze.ipynb"
    assert str(first) in started
    assert f"--ServerApp.root_dir={folder}" in started, "the tree is outside of the project here"
    assert os.environ["LAKEHOUSE_LANGUAGE"] == "id"
    assert capsys.readouterr().out == ""
    first.write_text("mine")
    lab.open_lab([], "id")
    said = capsys.readouterr().out
    assert "01_bronze.ipynb" in said
    assert f"rm '{first}'" in said


@pytest.mark.parametrize("language", [None, "en"])
def test_the_lab_in_english_opens_the_notebooks_themselves(
    folder: Path, started: list[str], language: str | None
) -> None:
    lab.open_lab(["--no-browser"], language)
    assert str(PROJECT / "notebooks" / "01_bronze.ipynb") in started
    assert f"--ServerApp.root_dir={PROJECT}" in started
    assert started[-1] == "--no-browser"
    assert os.environ["LAKEHOUSE_LANGUAGE"] == (language or "as it was")
    assert not folder.exists()


def test_a_language_that_is_not_there_is_an_error(folder: Path, started: list[str]) -> None:
    with pytest.raises(InputError, match="There are: en, id"):
        lab.open_lab([], "xx")
    assert not started
    assert not folder.exists()


# The committed notebooks ------------------------------------------------------------------


def test_outputs_of_the_committed_notebooks_are_english(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever runs or compares them, and whichever language they read."""
    monkeypatch.setenv("LAKEHOUSE_CHECK_CHARTS", "")
    monkeypatch.setenv("LAKEHOUSE_LANGUAGE", "id")
    monkeypatch.setattr(compare.IPyNbFile, "setup", lambda self: None)
    compare.StrictFile.setup(object.__new__(compare.StrictFile))
    assert os.environ["LAKEHOUSE_LANGUAGE"] == "en"

    monkeypatch.setenv("LAKEHOUSE_LANGUAGE", "id")
    monkeypatch.setattr(run, "_check", lambda *args, **kwargs: None)
    monkeypatch.setattr(run.doctor, "quick", Mock(side_effect=InputError("No Java.")))
    with pytest.raises(InputError, match="No Java"):
        run.run({}, console=Console())
    assert os.environ["LAKEHOUSE_LANGUAGE"] == "en"
