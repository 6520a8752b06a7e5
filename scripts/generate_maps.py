"""Write docs/maps/: a drawing of the lakehouse for each lesson, with the lesson's part lit.

Run it with:  python scripts/generate_maps.py
"""

from __future__ import annotations

from ecommerce_lakehouse.charts.style import ACCENT, INK, MUTED
from ecommerce_lakehouse.paths import PROJECT

FOLDER = PROJECT / "docs" / "maps"
LIGHT = "#F4F4F4"
BOXES = {
    # name: (x, y, width, the lesson that lights it)
    "files": (4, 44, 78, ""),
    "bronze": (106, 44, 88, "01"),
    "silver": (218, 44, 88, "02"),
    "intermediate": (330, 44, 110, "03"),
    "gold": (464, 44, 88, "04"),
    "features": (600, 4, 116, "05"),
    "charts": (600, 44, 116, "06"),
    "decisions": (600, 84, 116, "09"),
    "checks": (106, 92, 446, "07"),
    "every night": (4, 128, 712, "08"),
}
HEIGHT = 28
ARROWS = [
    ("files", "bronze"),
    ("bronze", "silver"),
    ("silver", "intermediate"),
    ("intermediate", "gold"),
    ("gold", "features"),
    ("gold", "charts"),
    ("gold", "decisions"),
]


def draw(lesson: str) -> str:
    """The drawing as SVG.

    Args:
        lesson: Two digits: whose part is lit.
    """
    lit = next(name for name, box in BOXES.items() if box[3] == lesson)
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="720" height="160" viewBox="0 0 720 160" '
        'role="img" font-family="sans-serif" font-size="14">',
        f"<title>The lakehouse, with {lit} lit</title>",
        '<rect width="720" height="160" fill="white"/>',
        '<defs><marker id="tip" markerWidth="7" markerHeight="7" refX="6" refY="3.5" '
        f'orient="auto"><path d="M0,0 L7,3.5 L0,7 z" fill="{INK}"/></marker></defs>',
    ]
    for one, other in ARROWS:
        x, y, width, _ = BOXES[one]
        to_x, to_y, *_ = BOXES[other]
        lines.append(
            f'<line x1="{x + width}" y1="{y + HEIGHT // 2}" x2="{to_x - 2}" '
            f'y2="{to_y + HEIGHT // 2}" stroke="{INK}" marker-end="url(#tip)"/>'
        )
    for name, (x, y, width, _) in BOXES.items():
        fill, text, weight = (ACCENT, "white", "bold") if name == lit else (LIGHT, INK, "normal")
        lines += [
            f'<rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="5" fill="{fill}" '
            f'stroke="{ACCENT if name == lit else MUTED}"/>',
            f'<text x="{x + width // 2}" y="{y + 19}" text-anchor="middle" fill="{text}" '
            f'font-weight="{weight}">{name}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for _, _, _, lesson in BOXES.values():
        if lesson:
            (FOLDER / f"{lesson}.svg").write_text(draw(lesson), encoding="utf-8")
