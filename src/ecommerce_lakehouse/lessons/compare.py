"""A pytest plugin on top of nbval, `--nbval-strict`: it compares what nbval leaves out.

nbval executes every code cell and compares its text. This compares the whole output: how many
pieces, of which kind and in which order, pictures and the words that stand for them. Nothing
may go to stderr, every cell has to have run, and in order. Charts are checked as they are drawn
(`ecommerce_lakehouse.charts.checks`).
"""

from __future__ import annotations

import base64
import io
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams

from ecommerce_lakehouse.lessons.notebook import FOLDER
from ecommerce_lakehouse.lessons.translation import ENGLISH, LANGUAGE
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.spark.jvm import warm_jvm

HERE = (sys.platform, platform.machine())
MADE_ON = ("linux", "x86_64")
"""Where the committed pictures were drawn: there, they have to be the same to the byte."""
TOLERANCE = 2 / 255
"""Elsewhere letters may be smoothed a little differently: mean difference of all pixels."""
TEXT = ("text/plain", "text/html")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--nbval-strict`."""
    parser.getgroup("general").addoption(
        "--nbval-strict", action="store_true", help="compare every output of every notebook"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect notebooks, in place of nbval."""
    if parent.config.option.nbval_strict and file_path.suffix == ".ipynb":
        return StrictFile.from_parent(parent, path=file_path)
    return None


class StrictFile(IPyNbFile):
    """A notebook."""

    def setup(self) -> None:
        """Start its kernel, in which English is spoken and charts are checked as they are drawn."""
        os.environ["LAKEHOUSE_CHECK_CHARTS"] = "1"
        os.environ[LANGUAGE] = ENGLISH
        super().setup()

    def collect(self) -> Iterator[pytest.Item]:
        """Its code cells."""
        for cell in super().collect():
            yield StrictCell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )


class StrictCell(IPyNbCell):
    """A code cell."""

    def runtest(self) -> None:
        """Refuse a cell that would not be compared, or was not run in its turn; then run it."""
        if self.options["skip"] or not self.options["check"]:
            self.raise_cell_error("This cell asks not to be compared")
        if self.cell.execution_count != self.cell_num + 1:
            self.raise_cell_error(
                f"The committed output is of run {self.cell.execution_count}, "
                f"expected {self.cell_num + 1}: run the notebook from top to bottom"
            )
        super().runtest()

    def compare_outputs(self, test: list[Any], ref: list[Any], skip_compare: Any = None) -> bool:
        """Whether the outputs are the same; if not, `comparison_traceback` says in what."""
        if not super().compare_outputs(test, ref, skip_compare):
            return False
        found, expected = coalesce_streams(test), coalesce_streams(ref)
        self.comparison_traceback = list(differences(found, expected))
        return not self.comparison_traceback


def differences(found: list[Any], expected: list[Any]) -> Iterator[str]:
    """In what two lists of outputs differ, apart from their text."""
    for name, outputs in (("computed", found), ("committed", expected)):
        if any(output.get("name") == "stderr" for output in outputs):
            yield f"the {name} output has something on stderr: a warning, or an error"
    kinds = [[_kind(output) for output in outputs] for outputs in (found, expected)]
    if kinds[0] != kinds[1]:
        yield f"computed {kinds[0]}, committed {kinds[1]}"
        return
    for one, other in zip(found, expected, strict=True):
        for kind in sorted(set(one.get("data", {})) - set(TEXT)):
            if kind == "image/png":
                yield from _pictures_differ(one["data"][kind], other["data"][kind])
            elif one["data"][kind] != other["data"][kind]:
                yield f"what is shown as {kind} is another"
        said, wanted = ({**output.get("metadata", {})} for output in (one, other))
        if said != wanted:
            yield f"words for the picture: computed {said}, committed {wanted}"


def _kind(output: Any) -> str:
    data = " ".join(sorted(output.get("data", {})))
    return " ".join(filter(None, [output["output_type"], output.get("name"), data]))


def _pictures_differ(found: str, expected: str) -> Iterator[str]:
    one, other = (base64.b64decode(picture) for picture in (found, expected))
    if one == other:
        return
    if HERE == MADE_ON:
        yield "the picture is another one"
        return
    pixels = [matplotlib.image.imread(io.BytesIO(picture)) for picture in (one, other)]
    if pixels[0].shape != pixels[1].shape:
        yield f"the picture has {pixels[0].shape[:2]} pixels, expected {pixels[1].shape[:2]}"
    elif (apart := float(np.abs(pixels[0] - pixels[1]).mean())) > TOLERANCE:
        yield f"the picture differs by {255 * apart:.1f} of 255 levels on average"


def validate(extra: list[str]) -> int:
    """Compare every output of every code cell with the committed one, on one warm JVM.

    Returns:
        pytest's exit code.
    """
    with warm_jvm():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "ecommerce_lakehouse.lessons.compare", "--nbval-strict"]
        targets = [] if any(not a.startswith("-") for a in extra) else [os.fspath(FOLDER)]
        return subprocess.run([*command, *targets, *extra], cwd=PROJECT, check=False).returncode
