"""A chart is a picture, the table behind it and a digest: the same bytes every time."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecommerce_lakehouse import charts
from ecommerce_lakehouse.charts.chart import LETTERS_AN_INCH, Chart
from ecommerce_lakehouse.charts.style import ink_on
from ecommerce_lakehouse.errors import InputError

TABLE = pd.DataFrame({"segment": ["Champions", "Lost"], "revenue": [1200.5, 0.0]})
PNG = b"\x89PNG\r\n\x1a\n"


def draw(folder: Path, table: pd.DataFrame = TABLE, title: str = "Champions bring it all") -> Chart:
    fig, ax = charts.figure(width=4, height=2)
    charts.bars(ax, table["segment"].tolist(), table["revenue"].tolist())
    return charts.publish(fig, "segments", table=table, title=title, alt="Two bars.", to=folder)


def ends(ax: Axes) -> list[str]:
    """What is written at the ends of the bars, from top to bottom."""
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (950, "$950"),
        (999.6, "$1,000"),
        (9_999, "$9,999"),
        (10_000, "$10k"),
        (12_400, "$12.4k"),
        (12_449, "$12.4k"),
        (100_000, "$100k"),
        (1_000_000, "$1M"),
        (3_140_000, "$3.1M"),
        (1_234_567_890, "$1,234.6M"),
        (-12_400, "-$12.4k"),
    ],
)
def test_money_is_written_as_people_write_it(amount: float, text: str) -> None:
    assert charts.money(amount) == text


def test_axes_of_money_and_of_counts() -> None:
    _, ax = charts.figure()
    charts.money_axis(ax.xaxis)
    charts.count_axis(ax.yaxis)
    assert ax.xaxis.get_major_formatter()(12_400, 0) == "$12.4k"
    assert ax.yaxis.get_major_formatter()(12_400, 0) == "12,400"
    assert ax.yaxis.get_major_formatter()(0.6, 0) == "", "there is no 0.6 of a customer"
    plt.close("all")


@pytest.mark.parametrize(
    ("amounts", "ticks"),
    [
        ([0, 2_500, 5_000, 7_500], ["$0", "$2,500", "$5,000", "$7,500"]),
        ([0, 2_500, 10_000, 12_500], ["$0", "$2.5k", "$10k", "$12.5k"]),
        ([0, 750_000, 1_000_000, 1_250_000], ["$0", "$0.75M", "$1M", "$1.25M"]),
        ([0, 0.5, 1.0, 1.5], ["$0", "$0.5", "$1", "$1.5"]),
        ([-20_000, -10_000, 0], ["-$20k", "-$10k", "$0"]),
        ([10, 100, 1_000, 10_000], ["$10", "$100", "$1,000", "$10k"]),
        ([], []),
    ],
)
def test_the_ticks_of_money_have_one_unit_and_are_not_rounded(
    amounts: list[float], ticks: list[str]
) -> None:
    """On an axis of powers of ten each has its own."""
    _, ax = charts.figure()
    charts.money_axis(ax.xaxis)
    assert ax.xaxis.get_major_formatter().format_ticks(amounts) == ticks
    plt.close("all")


def test_an_export_separates_thousands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on an axis for which nobody asked; a small one keeps its decimals."""
    drawn: dict[str, list[str]] = {}

    def read(fig: Figure, *_: object, **__: object) -> None:
        (ax,) = fig.axes
        for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
            drawn[name] = [label.get_text() for label in axis.get_ticklabels()]

    fig, ax = charts.figure()
    ax.plot([0, 0.5], [0, 20_000])
    monkeypatch.setattr(Figure, "savefig", read)
    charts.publish(fig, "ticks", table=TABLE, title="A line", alt="A line.", to=tmp_path)
    assert "10,000" in drawn["y"]
    assert "0.1" in drawn["x"]


def test_an_export_is_a_picture_and_the_table_behind_it(tmp_path: Path) -> None:
    """Nothing else stays in the folder, which is made where there is none."""
    draw(tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "segments.csv",
        "segments.png",
    ]
    assert (tmp_path / "new" / "segments.png").read_bytes().startswith(PNG)
    assert (tmp_path / "new" / "segments.csv").read_bytes() == (
        b"segment,revenue\nChampions,1200.5\nLost,0.0\n"
    )


def test_the_same_chart_is_the_same_bytes(tmp_path: Path) -> None:
    """No date, no version and no path goes into a file, so a change is a real one."""
    first, second = draw(tmp_path / "a"), draw(tmp_path / "b")
    for name in ("segments.png", "segments.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert repr(first) == repr(second)


def test_the_digest_changes_with_the_data(tmp_path: Path) -> None:
    """A comparison of text sees what it cannot see in the picture: a changed cent."""
    before = repr(draw(tmp_path))
    after = repr(draw(tmp_path, TABLE.replace(1200.5, 1200.51)))
    assert before.startswith("segments.png, drawn from 2 rows of segments.csv (")
    assert before != after


def test_jupyter_gets_the_picture_and_the_words_for_it(tmp_path: Path) -> None:
    """The text alternative is for those who cannot see it."""
    chart = draw(tmp_path)
    data, metadata = chart._repr_mimebundle_()
    assert data["image/png"] == (tmp_path / "segments.png").read_bytes()
    assert data["text/plain"] == repr(chart)
    assert metadata["image/png"]["alt"] == "Two bars."


def test_an_exported_figure_is_closed(tmp_path: Path) -> None:
    """Else Jupyter shows it a second time, and its memory is never given back."""
    plt.close("all")
    draw(tmp_path)
    assert plt.get_fignums() == []


def test_the_next_export_replaces_the_files(tmp_path: Path) -> None:
    draw(tmp_path)
    draw(tmp_path, TABLE.head(1))
    assert (tmp_path / "segments.csv").read_text().count("\n") == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """Here a file is in its place."""
    (tmp_path / "artifacts").write_text("")
    with pytest.raises(InputError) as refused:
        draw(tmp_path / "artifacts")
    assert refused.value.message == f"{tmp_path}/artifacts/ cannot be written."
    plt.close("all")


def test_bars_stand_in_the_order_given_with_their_values() -> None:
    """The first on top, and room for what is written at its end."""
    _, ax = charts.figure()
    charts.bars(ax, ["b", "a"], [1200.0, 30.0])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "a"]
    assert ax.yaxis_inverted()
    assert ends(ax) == ["1,200", "30"]
    assert ax.get_xlim()[1] > 1200
    plt.close("all")


def test_bars_may_say_something_else_and_highlight_one() -> None:
    _, ax = charts.figure()
    charts.bars(ax, ["a", "b"], [0.0, 0.0], text=["$0", "none"], highlight={"b"})
    assert ends(ax) == ["$0", "none"]
    colours = [bar.get_facecolor() for bar in ax.patches]
    assert colours[0] != colours[1]
    plt.close("all")


def test_a_long_title_breaks_into_lines(tmp_path: Path) -> None:
    """It is a sentence, and the picture is as wide as it is."""
    title = "A fifth of the customers bring two thirds of the revenue of the whole year"
    fig, _ = charts.figure(width=4)
    charts.publish(fig, "long", table=TABLE, title=title, alt="", to=tmp_path)
    assert fig.get_suptitle().replace("\n", " ") == title
    assert max(map(len, fig.get_suptitle().splitlines())) <= 4 * LETTERS_AN_INCH


def test_letters_take_the_ink_that_stands_out_more() -> None:
    assert ink_on("#FFFFFF") == charts.INK
    assert ink_on("#000000") == "white"
    assert ink_on("#A69D75") == charts.INK  # the map for amounts, beyond its middle
    assert ink_on("#7C7B78") == "black"  # its middle, where the usual ink is too light
    assert ink_on(charts.ACCENT) == "white"


def test_each_cell_of_a_heat_map_has_its_number_in_readable_ink() -> None:
    """An empty cell has none."""
    values = pd.DataFrame([[0, 50], [100, None]])
    _, ax = charts.figure()
    charts.heatmap(ax, values, ".0f", "customers", vmin=0, vmax=100)
    numbers = {text.get_text(): text.get_color() for text in ax.texts}
    assert numbers == {"0": charts.INK, "50": "black", "100": "white"}
    plt.close("all")
