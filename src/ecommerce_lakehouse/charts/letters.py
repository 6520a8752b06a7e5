"""Letters and labels that people's data bring: long ones, and those of any script."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

LONGEST_LABEL = 48
"""The most letters of a name along an axis, in a legend or beside a mark."""
OTHER_SCRIPTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Hiragino Sans",
    "PingFang SC",
    "WenQuanYi Zen Hei",
    "IPAexGothic",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Emoji",
    "Symbola",
)
"""Fonts with letters that the usual one lacks, each used where the machine has it."""


@cache
def fonts() -> list[str]:
    """The fonts of every chart: matplotlib's own, then those that are here for other scripts."""
    here = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in OTHER_SCRIPTS if name in here)]


def shorten(label: str) -> str:
    """A label of at most `LONGEST_LABEL` letters, with an ellipsis where something is left out."""
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1].rstrip()}…"


def shorten_labels(fig: Figure) -> None:
    """Cut long names, which would push the chart out of its picture. The table has them whole."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            names = [tick.get_text() for tick in axis.get_ticklabels()]
            if any(len(name) > LONGEST_LABEL for name in names):
                axis.set_ticks(axis.get_ticklocs(), [shorten(name) for name in names])
        legend = ax.get_legend()
        for text in [*ax.texts, *(legend.get_texts() if legend else ())]:
            if "\n" not in text.get_text():
                text.set_text(shorten(text.get_text()))


@contextmanager
def draw_unknown_letters_as_boxes(fig: Figure) -> Iterator[None]:
    """Say once, in the picture, where no font has a letter; and not once a letter below it."""
    if _unknown_letters(fig):
        said = "Some letters are boxes: no font of this machine has them."
        fig.supxlabel(said, x=0.01, ha="left", fontsize=8)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        yield


def _unknown_letters(fig: Figure) -> set[str]:
    texts = (text.get_text() for text in fig.findobj(Text) if isinstance(text, Text))
    letters = {letter for text in texts for letter in text if letter.isprintable()}
    for name in fonts():
        known = font_manager.get_font(font_manager.findfont(name)).get_charmap()
        letters -= {letter for letter in letters if ord(letter) in known}
    return letters
