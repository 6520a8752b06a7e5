"""Names as people's files have them: long, and in any script."""

import warnings
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from ecommerce_lakehouse import charts
from ecommerce_lakehouse.charts import checks, letters

LONG = "A product whose title holds all that somebody may look for, " * 3


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were published, checked as the lessons' are."""
    figures = []

    def check(fig: Figure, name: str, table: pd.DataFrame, alt: str) -> None:
        figures.append(fig)
        verify(fig, name, table, alt)

    verify = checks.check
    monkeypatch.setenv("LAKEHOUSE_CHECK_CHARTS", "1")
    monkeypatch.setattr(checks, "check", check)
    return figures


def draw(folder: Path, *names: str) -> str:
    table = pd.DataFrame({"product": names, "units": range(10, 10 + len(names))})
    fig, ax = charts.figure(height=2)
    charts.bars(ax, list(names), table["units"].tolist())
    ax.set_xlabel("units sold")
    said = {"title": "All sell alike", "alt": "Bars: units sold by product, one bar each."}
    charts.publish(fig, "units", table=table, **said, to=folder)
    return (folder / "units.csv").read_text(encoding="utf-8")


def labels(fig: Figure) -> list[str]:
    return [tick.get_text() for tick in fig.axes[0].get_yticklabels()]


@pytest.mark.parametrize("name", [LONG, "x" * 142, "long name, " * 6])
def test_a_long_name_is_cut_in_the_chart_and_whole_in_the_table(
    tmp_path: Path, published: list[Figure], name: str
) -> None:
    assert name in draw(tmp_path, "Mouse", name, "Cup")
    mouse, cut, cup = labels(published[0])
    assert (mouse, cup) == ("Mouse", "Cup")
    assert cut.endswith("…")
    assert name.startswith(cut[:-1])
    assert len(cut) <= letters.LONGEST_LABEL


def test_a_long_name_is_cut_wherever_it_stands() -> None:
    """Along either axis, in the legend and beside a mark."""
    fig, ax = charts.figure(height=2)
    ax.plot(["Mouse", LONG], [1, 2], label=LONG)
    ax.text(0, 1, LONG)
    ax.legend()
    letters.shorten_labels(fig)
    below = [tick.get_text() for tick in ax.get_xticklabels()]
    drawn = [below[1], ax.get_legend().get_texts()[0].get_text(), ax.texts[0].get_text()]
    assert below[0] == "Mouse"
    assert drawn == [letters.shorten(LONG)] * 3
    assert drawn[0].endswith("…")


@pytest.mark.parametrize("name", ["鼠标", "マウス", "عربة", "माउस", "🛒 cart", "\U0010ffff"])
def test_letters_of_any_script_are_drawn_or_named_once(
    tmp_path: Path, published: list[Figure], name: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(tmp_path, "Mouse", name)
    (fig,) = published
    said = fig.get_supxlabel()
    letters_here = letters._unknown_letters(fig)
    assert bool(said) == bool(letters_here), (said, letters_here)


def test_a_font_that_the_machine_has_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "OTHER_SCRIPTS", ("No such font", "STIXGeneral"))
    letters.fonts.cache_clear()
    assert letters.fonts() == ["DejaVu Sans", "STIXGeneral"]
    monkeypatch.undo()
    letters.fonts.cache_clear()
