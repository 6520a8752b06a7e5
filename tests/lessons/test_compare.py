"""What nbval lets pass, and the strict comparison does not."""

import base64
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import nbformat
import numpy as np
import pytest
from nbformat import v4

from ecommerce_lakehouse.lessons import compare
from ecommerce_lakehouse.lessons.compare import differences


def png(grey: float = 0.5, corner: float | None = None, size: int = 20) -> str:
    """A picture as a notebook keeps it."""
    pixels = np.full((size, size, 3), grey)
    if corner is not None:
        pixels[:5, :5] = corner
    file = io.BytesIO()
    matplotlib.image.imsave(file, pixels, format="png", metadata={"Software": ""})
    return base64.b64encode(file.getvalue()).decode()


def picture(data: str, alt: str = "A chart.") -> Any:
    both, words = {"image/png": data, "text/plain": "chart"}, {"image/png": {"alt": alt}}
    return v4.new_output("display_data", data=both, metadata=words)


def printed(text: str, name: str = "stdout") -> Any:
    return v4.new_output("stream", name=name, text=text)


def result(text: str) -> Any:
    return v4.new_output("execute_result", data={"text/plain": text}, execution_count=1)


def test_a_chart_with_sliders_is_compared_as_what_it_says() -> None:
    def chart(slider: int) -> Any:
        spec = {"params": [{"name": "days", "value": slider}]}
        both = {"application/vnd.vegalite.v5+json": spec, "text/plain": "chart"}
        return v4.new_output("execute_result", data=both, execution_count=1)

    assert list(differences([chart(90)], [chart(90)])) == []
    (said,) = differences([chart(60)], [chart(90)])
    assert said == "what is shown as application/vnd.vegalite.v5+json is another"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([printed("a"), picture(png())], ""),
        ([printed("a"), picture(png(corner=0.9))], "the picture is another one"),
        ([printed("a"), picture(png(), alt="Another chart.")], "words for the picture"),
        ([picture(png()), printed("a")], "computed"),
        ([printed("a")], "computed"),
        ([printed("a"), result("chart")], "computed"),
        ([printed("a", "stderr"), picture(png())], "stderr"),
    ],
    ids=["equal", "picture", "alt text", "order", "one less", "kind", "stderr"],
)
def test_outputs_are_equal_in_every_part(
    monkeypatch: pytest.MonkeyPatch, found: list[Any], said: str
) -> None:
    monkeypatch.setattr(compare, "MADE_ON", compare.HERE)
    told = "\n".join(differences(found, [printed("a"), picture(png())]))
    assert said in told
    assert bool(told) == bool(said)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (png(0.503), ""),
        (png(0.6), "levels on average"),
        (png(corner=0.9), "levels on average"),
        (png(size=21), "pixels, expected"),
    ],
    ids=["letters a little smoother", "all", "a corner", "larger"],
)
def test_elsewhere_a_picture_may_differ_a_little(
    monkeypatch: pytest.MonkeyPatch, other: str, said: str
) -> None:
    monkeypatch.setattr(compare, "MADE_ON", ("another", "machine"))
    told = "\n".join(differences([picture(other)], [picture(png())]))
    assert said in told
    assert bool(told) == bool(said)


CODE = "import sys; print('one', flush=True); print('two')"


def run_strict(folder: Path, spoil: Callable[[Any], None] = lambda cell: None) -> str:
    """pytest's answer to a notebook of two cells, of which the second is spoiled."""
    cells = [
        v4.new_code_cell("x = 1", execution_count=1),
        v4.new_code_cell(CODE, execution_count=2, outputs=[printed("one\ntwo\n")]),
    ]
    spoil(cells[1])
    nbformat.write(v4.new_notebook(cells=cells), folder / "a.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no"]
    command += ["-p", "ecommerce_lakehouse.lessons.compare", "--nbval-strict", "a.ipynb"]
    environment = {**os.environ, "IPYTHONDIR": str(folder)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    return done.stdout


def test_a_notebook_that_is_as_it_was_passes(tmp_path: Path) -> None:
    assert "2 passed" in run_strict(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"execution_count": 3}, "run the notebook from top to bottom"),
        ({"execution_count": None, "outputs": []}, "run the notebook from top to bottom"),
        ({"outputs": [printed("one\nthree\n")]}, "Cell outputs differ"),
        ({"source": "# NBVAL_IGNORE_OUTPUT\n" + CODE}, "asks not to be compared"),
        ({"source": CODE + "; print('oh', file=sys.stderr)"}, "stderr"),
    ],
    ids=["out of order", "never run", "text", "ignored", "a warning"],
)
def test_a_cell_that_cannot_be_trusted_fails(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    answer = run_strict(tmp_path, lambda cell: cell.update(change))
    assert "1 failed, 1 passed" in answer
    assert said in answer
