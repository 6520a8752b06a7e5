"""The lessons as a learner sees them: in JupyterLab, in a real browser."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import urllib3
from playwright.sync_api import Locator, Page, expect

from ecommerce_lakehouse.lessons.exercises.book import exercises
from ecommerce_lakehouse.lessons.notebook import find_lessons
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.spark.java import without_a_jvm

pytestmark = pytest.mark.browser
LEFT_OUT = (".*", "build", "lakehouse", "artifacts", "progress.json", "__pycache__")
A_LESSON = 300_000
"""Milliseconds: no lesson takes longer on a slow machine."""
A_CELL = 60_000
READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.sessionContext?.session?.kernel?.status === 'idle' && panel.content.model;
}"""
RUN = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const cells = [...panel.content.model.cells].filter(cell => cell.type === 'code');
    const failed = cells.some(cell => cell.outputs.toJSON().some(o => o.output_type === 'error'));
    return panel.sessionContext.session?.kernel?.status === 'idle'
        && (failed || cells.every(cell => cell.executionCount !== null));
}"""
ERRORS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].flatMap(cell =>
    cell.type !== 'code' ? [] : cell.outputs.toJSON()
        .filter(output => output.output_type === 'error')
        .map(output => `${cell.id}: ${output.ename}: ${output.evalue}`))"""
GO_TO = """async id => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const place = [...notebook.model.cells].findIndex(cell => cell.id === id);
    notebook.activeCellIndex = place;
    await notebook.scrollToItem(place, 'start');
    return place;
}"""


class Lab:
    """JupyterLab in a browser, on a copy of the project."""

    def __init__(self, page: Page, address: str, artifacts: Path) -> None:
        self.page = page
        self.address = address
        self.artifacts = artifacts

    def open(self, name: str) -> None:
        """Open a lesson, with a kernel that is ready."""
        self.page.goto(f"{self.address}/lab/tree/notebooks/{name}.ipynb?reset&token=open")
        self.page.wait_for_function(READY, timeout=A_LESSON)

    def choose(self, menu: str, entry: str) -> None:
        """Choose an entry of the menu bar, as with the mouse."""
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=re.compile(entry)).click()

    def wait_for_all_cells(self) -> None:
        """Wait until every cell of the lesson was run, or one failed; none may have."""
        self.page.wait_for_function(RUN, timeout=A_LESSON)
        assert self.page.evaluate(ERRORS) == []

    def run_all(self) -> None:
        """Run every cell of the lesson."""
        self.choose("Run", "^Run All Cells")
        self.wait_for_all_cells()

    def cell(self, name: str) -> Locator:
        """One cell of the lesson, in sight."""
        place = self.page.evaluate(GO_TO, name)
        found = self.page.locator(f'.jp-Cell[data-windowed-list-index="{place}"]')
        found.scroll_into_view_if_needed()
        return found

    def answer(self, number: str, code: str) -> Locator:
        """Write an answer and the call of `check` into an exercise's cell, run it, and wait."""
        cell = self.cell(f"exercise-{number.replace('.', '-')}")
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("ControlOrMeta+Enter")
        return cell.locator(".jp-OutputArea").first


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project whose lessons were never run."""
    copy = tmp_path_factory.mktemp("browser") / "my shop"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (copy / "lakehouse").mkdir()
    return copy


@pytest.fixture(scope="module")
def address(copy: Path) -> Iterator[str]:
    """Where JupyterLab serves the copy."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = "from ecommerce_lakehouse.cli import main; main()"
    command = [sys.executable, "-c", start, "lab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--IdentityProvider.token=open"]
    command += ["--LabApp.expose_app_in_browser=True"]
    settings = {"PYTHONPATH": str(copy / "src"), "LAKEHOUSE_PROGRESS": str(copy / "progress.json")}
    with (copy.parent / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=copy, env=without_a_jvm() | settings, stdout=log, stderr=log
        )
    try:
        found = f"http://127.0.0.1:{port}"
        patient = urllib3.PoolManager(retries=urllib3.Retry(connect=12, backoff_factor=0.2))
        assert patient.request("GET", f"{found}/api?token=open").status == 200
        yield found
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def lab(browser: Any, address: str, copy: Path) -> Iterator[Lab]:
    """A window of its own. No page is asked from outside this machine."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield Lab(page, address, copy / "artifacts")
    http = urllib3.PoolManager()
    for session in http.request("GET", f"{address}/api/sessions?token=open").json():
        http.request("DELETE", f"{address}/api/sessions/{session['id']}?token=open")
    page.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


@pytest.mark.parametrize("name", [path.stem for path in find_lessons()])
def test_every_cell_of_a_lesson_runs(lab: Lab, name: str) -> None:
    lab.open(name)
    lab.run_all()
    # Cells out of sight have no pictures in the page, so the map is looked at where it is.
    drawing = lab.cell("title").get_by_role("img")
    expect(drawing).to_be_visible()
    assert drawing.evaluate("image => image.complete && image.naturalWidth > 0")


def test_a_lesson_runs_again_after_a_restart(lab: Lab) -> None:
    lab.open("01_bronze")
    lab.run_all()
    lab.choose("Kernel", "^Restart Kernel and Run All Cells")
    lab.page.locator(".jp-Dialog .jp-mod-accept").click()
    lab.page.wait_for_function(f"() => !({RUN})()", timeout=A_CELL)
    lab.wait_for_all_cells()


@pytest.mark.parametrize(
    ("name", "number"), [("01_bronze", "01.1"), ("03_intermediate", "03.1"), ("06_", "06.2")]
)
def test_an_exercise_answers(lab: Lab, name: str, number: str) -> None:
    """A letter, a table and a chart: wrong, then with a hint, then right."""
    exercise = exercises()[number]
    check = f'check("{number}", {exercise.answer})'
    (path,) = [path for path in find_lessons() if path.stem.startswith(name)]
    lab.open(path.stem)
    lab.cell(f"exercise-{number.replace('.', '-')}")
    lab.choose("Run", "^Run All Above Selected Cell")
    wrong, right = exercise.parts["Wrong"][0], exercise.parts["Solution"][0]
    said = wrong.text.split("\n")[0].replace("`", "")
    expect(lab.answer(number, f"{wrong.code}\n{check}")).to_contain_text(said, timeout=A_LESSON)
    hint = exercise.parts["Hint"][0].text.replace("`", "")
    asked = lab.answer(number, f'{wrong.code}\n{check}\nhint("{number}")')
    expect(asked).to_contain_text(hint, timeout=A_CELL)
    expect(lab.answer(number, f"{right.code}\n{check}")).to_contain_text(
        f"{number} correct", timeout=A_CELL
    )


def test_a_slider_moves_and_the_segments_follow(lab: Lab) -> None:
    """The browser's rules of segments are those of the table."""
    lab.open("04_gold")
    lab.run_all()
    chart = lab.cell("limits").locator(".vega-embed")
    table = pd.read_csv(lab.artifacts / "segments_customers_and_revenue.csv")
    assert texts(chart, r"[\d,]+") == [f"{count:,}" for count in table["customers"]]
    assert texts(chart, r"\$[\d,]+") == [f"${usd:,.0f}" for usd in table["revenue"]]
    slide(chart, "orders", to_the_end=True)
    expect(chart.locator("input[name=orders]")).to_have_value("6")
    moved = [int(count.replace(",", "")) for count in texts(chart, r"[\d,]+")]
    assert moved != table["customers"].tolist()
    assert sum(moved) == table["customers"].sum(), "nobody is lost between two limits"


def test_the_other_sliders_start_at_their_tables(lab: Lab) -> None:
    lab.open("09_business_use_cases")
    lab.run_all()
    budget = pd.read_csv(lab.artifacts / "budget_by_segment.csv")
    chart = lab.cell("budget-try").locator(".vega-embed")
    assert texts(chart, r"\d+\.\d") == [f"{gifts:.1f}" for gifts in budget["gifts"]]
    slide(chart, "price", to_the_end=False)
    cheapest = budget["budget_usd"] / 5 / budget["customers"]
    assert texts(chart, r"\d+\.\d") == [f"{gifts:.1f}" for gifts in cheapest]
    chart = lab.cell("offers-try").locator(".vega-embed")
    five = [float(share.rstrip("%")) for share in texts(chart, r"[\d.]+%")]
    slide(chart, "offers", to_the_end=True)
    ten = [float(share.rstrip("%")) for share in texts(chart, r"[\d.]+%")]
    table = pd.read_csv(lab.artifacts / "recommendation_scorecard.csv")
    assert len(five) == len(ten) == len(table)
    assert all(less < more for less, more in zip(five, ten, strict=True))


def slide(chart: Locator, name: str, *, to_the_end: bool) -> None:
    """Take a slider to one of its ends, with the mouse."""
    slider = chart.locator(f"input[name={name}]")
    box = slider.bounding_box()
    assert box is not None
    slider.click(position={"x": box["width"] - 4 if to_the_end else 4, "y": box["height"] / 2})


def texts(chart: Locator, pattern: str) -> list[str]:
    """What is written at the ends of the bars, from top to bottom."""
    expect(chart.locator("svg")).to_be_visible(timeout=A_CELL)
    words = chart.locator("svg .mark-text:not(.role-axis-label) text").evaluate_all(
        "all => all.map(one => [one.getBoundingClientRect().top, one.textContent])"
    )
    return [text for _, text in sorted(words) if re.fullmatch(pattern, text)]
