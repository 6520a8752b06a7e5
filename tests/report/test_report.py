"""A report is a folder for people without Python: whole, safe to open, from anywhere."""

import csv
import os
import re
import socket
import stat
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from ecommerce_lakehouse import charts
from ecommerce_lakehouse.errors import InputError
from ecommerce_lakehouse.lessons.notebook import find_charts
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.report import folder, read_gallery, write_report

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://shop.example","win")'
SPENT = pd.DataFrame(
    {
        "customer": [SCRIPT, FORMULA, "Zoë & Søn"],
        "spent_usd": ["1234.50", "-1.50", "0.00"],
        "last_order": ["2024-01-31", "2024-02-29", ""],
    }
)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chart with its table, and a list of customers without a chart."""
    to = tmp_path_factory.mktemp("my shop") / "charts"
    fig, ax = charts.figure()
    charts.bars(ax, ["a", "b", "c"], [3, 2, 1])
    title = f"{SCRIPT} spent most — “half” of it"
    charts.publish(fig, "spent", table=SPENT, title=title, alt='Bars "by" customer.', to=to)
    SPENT.rename(columns={"customer": "<b>who</b>"}).to_csv(to / "a list.csv", index=False)
    (to / ".beside.csv").write_text("half a fil")
    return to


@pytest.fixture
def report(artifacts: Path, tmp_path: Path) -> Path:
    """The report of that folder."""
    return write_report(read_gallery(artifacts), tmp_path / "report").parent


class Page(HTMLParser):
    """The tags of a page, and its words."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def snapshot(path: Path) -> dict[str, bytes]:
    return {
        each.relative_to(path).as_posix(): each.read_bytes()
        for each in path.rglob("*")
        if each.is_file()
    }


def test_a_chart_keeps_its_words_on_the_way_to_the_page(report: Path) -> None:
    """Title and alternative text are in the picture itself, whatever their letters."""
    page = Page(report / "index.html")
    (image,) = (given for tag, given in page.tags if tag == "img")
    assert image["alt"] == 'Bars "by" customer.'
    assert f"{SCRIPT} spent most — “half” of it" in page.words
    assert sorted(snapshot(report)) == [
        "index.html",
        "pictures/spent.png",
        "style.css",
        "tables/a list.csv",
        "tables/a list.html",
        "tables/spent.csv",
        "tables/spent.html",
    ]


def test_a_customer_is_called_what_they_are_called(report: Path) -> None:
    """A name that looks like a tag is a name; money and days stand as in the file."""
    for path in report.rglob("*.html"):
        assert "<script" not in path.read_text(encoding="utf-8")
    page = Page(report / "tables" / "a list.html")
    words = [word for word in page.words if word]
    assert "<b>who</b>" in words
    assert words[words.index(SCRIPT) :][:6] == [
        *(SCRIPT, "1234.50", "2024-01-31"),
        *(FORMULA, "-1.50", "2024-02-29"),
    ]


def test_a_spreadsheet_runs_no_name_and_a_negative_amount_stays_a_number(report: Path) -> None:
    with (report / "tables" / "spent.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1:3] == [[SCRIPT, "1234.50", "2024-01-31"], [f"'{FORMULA}", "-1.50", "2024-02-29"]]


def test_nothing_comes_from_elsewhere_and_every_link_leads_somewhere(report: Path) -> None:
    """No script, no foreign host; what a page names is in the folder."""
    seen = 0
    for path in report.rglob("*.html"):
        page = Page(path)
        assert "script" not in {tag for tag, _ in page.tags}
        ids = {given.get("id") for _, given in page.tags}
        for _, given in page.tags:
            for link in filter(None, (given.get("href"), given.get("src"))):
                if link == "data:,":
                    continue
                assert not re.match(r"\w+:|//", link)
                target, _, anchor = link.replace("%20", " ").partition("#")
                if target:
                    assert (path.parent / target).is_file(), link
                else:
                    assert anchor in ids
                seen += 1
    assert seen > 10
    assert "url(" not in (report / "style.css").read_text()


def test_the_same_charts_make_the_same_bytes(artifacts: Path, report: Path) -> None:
    """A report replaces the one before it, and what is drawn no more is not in it."""
    before = snapshot(report)
    gallery = read_gallery(artifacts)
    write_report([*gallery, replace(gallery[0], name="100 % gone – “x” & y")], report)
    assert len(snapshot(report)) == len(before) + 3
    write_report(gallery, report)
    assert snapshot(report) == before


@pytest.mark.parametrize(
    "out",
    [
        *("s3://bucket/report", "{here}/charts/spent.png/report", "{here}/circle"),
        *("{here}/circle/report", "x" * 256, "{here}/" + "x/" * 2500),
    ],
    ids=["address", "in a file", "circle", "in a circle", "long name", "long path"],
)
def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(
    artifacts: Path, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an address of an object store, a folder inside a file, a link to itself."""
    monkeypatch.chdir(tmp_path)
    circle = artifacts.parent / "circle"
    circle.unlink(missing_ok=True)
    circle.symlink_to(circle)
    with pytest.raises(InputError) as refused:
        write_report(read_gallery(artifacts), out.format(here=artifacts.parent))
    assert "--out FOLDER" in refused.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_name_may_be_as_long_as_the_system_allows(artifacts: Path, tmp_path: Path) -> None:
    page = write_report(read_gallery(artifacts), tmp_path / ("x" * 255))
    assert page.is_file()


PLACES_OF_OTHERS = [
    *("notes.txt", "tables/mine.xlsx", "mine/index.html"),
    *("tables/my_notes.csv", "tables/my_notes.html", "pictures/holiday.png"),
]
"""The last three are where a report has files of its own."""


@pytest.mark.parametrize("place", PLACES_OF_OTHERS)
def test_a_folder_that_holds_something_else_is_left_alone(
    artifacts: Path, report: Path, place: str
) -> None:
    (report / place).parent.mkdir(exist_ok=True)
    (report / place).write_text("mine")
    before = snapshot(report)
    with pytest.raises(InputError, match="holds something else: report/") as refused:
        write_report(read_gallery(artifacts), report)
    assert "--out" in refused.value.remedy
    assert snapshot(report) == before


def test_what_is_no_file_and_no_folder_is_left_alone(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe and a socket here; a device would be lost to the whole machine."""
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as held:
        held.bind("socket")
        for name, is_of_kind in (("pipe", stat.S_ISFIFO), ("socket", stat.S_ISSOCK)):
            with pytest.raises(InputError, match=f"{name} is no folder") as refused:
                write_report(read_gallery(artifacts), name)
            assert "--out FOLDER" in refused.value.remedy
            assert is_of_kind(Path(name).stat().st_mode)


def test_a_pipe_in_the_place_of_a_table_is_left_alone(artifacts: Path, report: Path) -> None:
    (report / "tables" / "spent.csv").unlink()
    os.mkfifo(report / "tables" / "spent.csv")
    with pytest.raises(InputError, match=r"holds something else: report/tables/spent\.csv"):
        write_report(read_gallery(artifacts), report)
    assert (report / "tables" / "spent.csv").is_fifo()


def test_a_page_of_somebody_else_is_no_report(artifacts: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>My own</title>")
    with pytest.raises(InputError, match=r"index\.html"):
        write_report(read_gallery(artifacts), tmp_path)


def test_a_report_is_written_whole_or_not_at_all(
    artifacts: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at the fifth file: the report of yesterday is still there."""
    before, written = snapshot(report.parent), []
    write = Path.write_bytes

    def fill_up(self: Path, content: bytes) -> int:
        written.append(self)
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(folder.Path, "write_bytes", fill_up)
    with pytest.raises(OSError, match="No space"):
        write_report(read_gallery(artifacts), report)
    assert snapshot(report.parent) == before
    assert list(report.parent.iterdir()) == [report]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("spent.png", b"\x89PNG\r\n", r"spent\.png is not a picture"),
        ("spent.csv", b"name\nZo\xeb\n", r"spent\.csv is not a table"),
        ("spent.csv", b"a,b\n1,2\n1\n", "row 2 has 1 cells, the header 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    artifacts: Path, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    for path in artifacts.glob("spent.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_gallery(tmp_path)


def test_a_folder_without_charts_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no charts") as refused:
        read_gallery(tmp_path / "nowhere")
    assert "lakehouse run" in refused.value.remedy


def test_charts_of_an_object_store_have_to_be_copied_first(artifacts: Path) -> None:
    """They were looked for in a folder `s3:`."""
    with pytest.raises(InputError, match="s3://bucket/charts is no folder of this machine"):
        read_gallery("s3://bucket/charts")
    assert read_gallery(f"file:{artifacts}")


def test_every_chart_of_a_lesson_has_a_title_in_the_gallery() -> None:
    """They come in the order of the lessons, tables without a chart last."""
    lessons = find_charts()
    gallery = read_gallery(PROJECT / "artifacts", lessons)
    drawn = [exhibit for exhibit in gallery if exhibit.picture]
    assert [exhibit.name for exhibit in drawn] == list(lessons)
    assert {exhibit.lesson[:2] for exhibit in drawn} == {f"0{n}" for n in range(1, 10)}
    assert gallery[: len(drawn)] == drawn
    for exhibit in drawn:
        assert " " in exhibit.title and exhibit.title.lower() != exhibit.name.replace("_", " ")
        assert len(exhibit.alt.split()) >= 5
        assert exhibit.rows
