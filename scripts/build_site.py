"""Build the site from the lessons, the pages of docs/ and what the package declares.

It needs no Spark and no network, and the same sources make the same bytes. The sources are laid
out in `build/site-sources/`, a folder a language, and Sphinx makes `build/site/` of the English
ones and `build/site/id/` of the Indonesian ones.

    python scripts/build_site.py
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ecommerce_lakehouse.lessons.catalogues import IN_ENGLISH, IN_MENU, MENU, read_catalogues
from ecommerce_lakehouse.lessons.notebook import find_charts, find_lessons
from ecommerce_lakehouse.lessons.times import ROW
from ecommerce_lakehouse.lessons.translation import translate_markdown, translate_notebook
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.report import Exhibit, read_gallery
from ecommerce_lakehouse.report.pages import ENGLISH, Voice, exhibit_files, templates

LANGUAGES = {"en": "", "id": "id"}
"""Each language and its place in the site."""
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")
FOLDERS = ("docs", "notebooks", "benchmarks/results", "artifacts")
"""Of these the pages, the lessons and the pictures are staged."""
STAGED = (".md", ".ipynb", ".png", ".svg")
LINK = re.compile(r"(?<!!)\[((?:`[^`]*`|[^\[\]`])*)\]\(([^()\s]+)\)")
TITLE = re.compile(r"^# .*\n", re.MULTILINE)
COMMENT = re.compile(r"<!--(?:/|\w+)-->")
CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.DOTALL | re.MULTILINE)

Translator = Callable[[str, str], str]
"""From the path of a source and its text to its text in another language."""


def find_voice(language: str) -> Voice:
    """What the site's own words are said in; without catalogues that is English."""
    if language == "en" or not (PROJECT / "locale" / language).is_dir():
        return ENGLISH
    return Voice(language, read_catalogues(language, "site/words"))


def make_translator(voice: Voice) -> Translator:
    """What puts a source into a language."""
    language = voice.language
    if voice is ENGLISH:
        return lambda path, text: text

    def translate(path: str, text: str) -> str:
        stem = Path(path).stem
        if path.endswith(".ipynb"):
            known = read_catalogues(language, f"notebooks/{stem}", "exercises", "messages")
            return json.dumps(translate_notebook(json.loads(text), known))
        if path.startswith("benchmarks/results/"):
            return text
        if path in IN_ENGLISH:
            title, gap, rest = text.partition("\n")
            return translate_markdown(title, read_catalogues(language, MENU)) + gap + rest
        folder = "site" if path.startswith("site/") else "docs"
        known = read_catalogues(language, f"{folder}/{stem}")
        text = IN_MENU.sub(lambda found: known.get(found[0], found[0]), text)
        return str(translate_markdown(text, known))

    return translate


def stage(folder: Path, language: str) -> None:
    """Lay out the sources of one language.

    Args:
        folder: Where to; what was there is deleted.
        language: One of `LANGUAGES`.
    """
    voice = find_voice(language)
    translate = make_translator(voice)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PROJECT / "site", folder)
    gallery = read_gallery("artifacts", find_charts())
    for name, content in exhibit_files(gallery, "../../gallery.html", voice).items():
        _write(folder / "extra" / "gallery" / name, content)
    sources = [PROJECT / page for page in PAGES]
    for each in FOLDERS:
        found = sorted((PROJECT / each).rglob("*"))
        sources += [path for path in found if path.is_file() and path.suffix in STAGED]
    paths = {path.relative_to(PROJECT).as_posix() for path in sources}
    for name in sorted(paths):
        source = PROJECT / name
        if name.endswith(".md"):
            text = translate(name, source.read_text(encoding="utf-8"))
            if not text.startswith("#"):  # a table that another page links to
                text = f"---\norphan: true\n---\n\n# {source.stem}\n\n{text}"
            text = _excuse(text, why_english(name, voice))
            _write(folder / name, for_sphinx(text, name, paths).encode())
        elif name.endswith(".ipynb"):
            notebook = json.loads(translate(name, source.read_text(encoding="utf-8")))
            _write(folder / name, _stage_notebook(notebook, name, paths).encode())
        else:
            _write(folder / name, source.read_bytes())
    made = {
        "exhibits": _exhibits(gallery, voice),
        "lineage": _lineage(),
        "times": _times(translate),
    }
    for page in sorted(folder.glob("*.md")):
        if not (PROJECT / "site" / page.name).is_file():
            continue
        text = translate(f"site/{page.name}", page.read_text(encoding="utf-8"))
        for mark, part in made.items():
            text = text.replace(f"<{mark}/>\n", part)
        text = _excuse(text, why_english(page.name, voice))
        page.write_text(text, encoding="utf-8")


def why_english(page: str, voice: Voice) -> str:
    """What a page that stays English says of itself in a site of another language; else nothing."""
    if voice is ENGLISH:
        return ""
    if page == "api.md":
        return voice.say("The descriptions are in English: they are the docstrings of the code.")
    if page == "CHANGELOG.md":
        return voice.say("What has changed is told in English only.")
    if page in IN_ENGLISH or page.startswith("benchmarks/"):
        return voice.say("A program made this page from what it measured; it is in English.")
    return ""


def _excuse(text: str, why: str) -> str:
    """The text with a note below its title, if there is something to say."""
    note = f"\n```{{note}}\n{why}\n```\n"
    return TITLE.sub(lambda title: title[0] + note, text, count=1) if why else text


def for_sphinx(text: str, name: str, paths: set[str]) -> str:
    """A page without the marks of bound numbers; a link to what the site has not is its words.

    Args:
        text: Markdown.
        name: Its path in the project.
        paths: The files that the site has.
    """

    def keep(link: re.Match[str]) -> str:
        target = link[2].partition("#")[0]
        if not target:  # MyST finds an anchor of another page better than one of the same
            return f"[{link[1]}]({os.path.basename(name)}{link[2]})"
        if re.match(r"\w+:", target):
            return link[0]
        there = os.path.normpath(os.path.join(os.path.dirname(name), target))
        return link[0] if there in paths else link[1]

    pieces = CODE.split(text)
    pieces[::2] = [COMMENT.sub("", piece) for piece in pieces[::2]]
    return LINK.sub(keep, "".join(pieces))


def _stage_notebook(notebook: dict[str, Any], name: str, paths: set[str]) -> str:
    """The words for a picture go where MyST-NB looks for them."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = for_sphinx("".join(cell["source"]), name, paths)
        for output in cell.get("outputs", ()):
            words = output.get("metadata", {}).get("image/png")
            if words:
                cell["metadata"]["mystnb"] = {"image": {"alt": words["alt"]}}
    return json.dumps(notebook)


def _exhibits(gallery: list[Exhibit], voice: Voice) -> str:
    """A heading for each chart, the report's own pieces below it, and a link to the lesson."""
    pieces: Any = templates(voice).get_template("pieces.html").make_module()
    parts = []
    for exhibit in gallery:
        place = f'<span id="{exhibit.name}"></span>{pieces.picture(exhibit, "gallery/")}'
        drawn = ""
        if exhibit.lesson:
            words = voice.say("Drawn in lesson {number}", number=int(exhibit.lesson[:2]))
            drawn = f"[{words}](notebooks/{exhibit.lesson}.ipynb)\n\n"
        links = pieces.links(exhibit, "gallery/")
        title = re.sub(r"([\\`*_\[\]<>$#])", r"\\\1", exhibit.title)
        parts.append(f"## {title}\n\n{_raw(place)}{drawn}{_raw(links)}")
    return "".join(parts)


def _raw(html: str) -> str:
    return f"```{{raw}} html\n{html.strip()}\n```\n\n"


def _lineage() -> str:
    """The edges of the graph, a row a table."""
    made_from: dict[str, list[str]] = {}
    with (PROJECT / "artifacts" / "lineage.csv").open(encoding="utf-8", newline="") as file:
        for edge in csv.DictReader(file):
            made_from.setdefault(edge["target"], []).append(f"`{edge['source']}`")
    return "".join(f"| `{table}` | {', '.join(made_from[table])} |\n" for table in made_from)


def _times(translate: Translator) -> str:
    """The title of each lesson and the times in its head. A translation has the same lines."""
    rows = []
    for path in find_lessons():
        text = path.read_text(encoding="utf-8")
        english, lines = _first_cell(text), _first_cell(translate(f"notebooks/{path.name}", text))
        (time,) = (told for line, told in zip(english, lines, strict=True) if ROW.search(line))
        time = time.rstrip(" |").rpartition("| ")[2]
        rows.append(f"| [{lines[0].lstrip('# ')}](notebooks/{path.name}) | {time} |\n")
    return "".join(rows)


def _first_cell(notebook: str) -> list[str]:
    return "".join(json.loads(notebook)["cells"][0]["source"]).splitlines()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def start_sphinx(
    language: str, sources: Path, pages: Path, *, builder: str = "html"
) -> subprocess.Popen[bytes]:
    """Start Sphinx on staged sources; it ends with 0 where there is no warning."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-b", builder]
    command += ["-d", f"{pages}-doctrees", "-D", f"language={language}", str(sources), str(pages)]
    # Sets of strings in an order of their own would make other bytes.
    settings = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "0", "TZ": "UTC"}
    return subprocess.Popen(command, env=os.environ | settings)


def build(work: Path, site: Path) -> int:
    """Build the site, all languages side by side.

    Args:
        work: For the sources, and what Sphinx keeps of them.
        site: Where the pages go; what was there is deleted.

    Returns:
        0 where no page has a warning.
    """
    running = []
    for language, place in LANGUAGES.items():
        sources = work / language
        stage(sources, language)
        pages = work / f"{language}-pages"
        shutil.rmtree(pages, ignore_errors=True)
        process = start_sphinx(language, sources, pages)
        running.append((process, pages, place))
    failed = any([process.wait() for process, _, _ in running])
    if failed:
        return 1
    shutil.rmtree(site, ignore_errors=True)
    for _, pages, place in running:
        shutil.copytree(pages, site / place, dirs_exist_ok=True)
        (site / place / ".buildinfo").unlink()  # a digest of settings, for Sphinx alone
    return 0


if __name__ == "__main__":
    build_folder = PROJECT / "build"
    code = build(build_folder / "site-sources", build_folder / "site")
    if code == 0:
        print("Open build/site/index.html")
    sys.exit(code)
