"""The site and a report, in a real browser: complete, reachable, and nothing from elsewhere."""

import re
import runpy
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ecommerce_lakehouse.lessons.notebook import find_charts, find_lessons
from ecommerce_lakehouse.paths import PROJECT
from ecommerce_lakehouse.report import read_gallery, write_report

pytestmark = pytest.mark.browser
build = runpy.run_path(str(PROJECT / "scripts" / "build_site.py"))["build"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1400, "height": 900}
LOOKED_AT = (
    "index.html",
    "README.html",
    "notebooks/04_gold.html",
    "notebooks/06_analysis_visualization.html",
    "gallery.html",
    "gallery/tables/churn_campaign.html",
    "docs/glossary.html",
    "lineage.html",
    "benchmarks/README.html",
    "api.html",
    "genindex.html",
    "search.html?q=silver",
)
"""One page of each kind."""
CATALOGUE = PROJECT / "locale" / "id" / "notebooks" / "02_silver.po"
TRANSLATED = CATALOGUE.is_file() and "karantina" in CATALOGUE.read_text(encoding="utf-8")
FOCUS = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    const label = one.id ? document.querySelector(`label[for="${one.id}"] .icon`) : null;
    const style = getComputedStyle(label?.offsetParent ? label : one);
    return {
        what: one.id || one.name || one.className || one.tagName,
        href: one.getAttribute('href'),
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
        seen: box.bottom > 0 && box.right > 0 && box.left < innerWidth && box.top < innerHeight
            && style.visibility === 'visible',
    };
}"""


class Links(HTMLParser):
    """What a page links to, the places in it, and its words outside of code."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()
        self.switch = ""
        self.words: list[str] = []
        self._in_code = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        self.targets += [given[name] for name in ("href", "src") if name in given]
        if given.get("class") == "language-switch":
            self.switch = given["href"]
        self._in_code += tag in ("code", "pre", "script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in ("code", "pre", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.words.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    folder = tmp_path_factory.mktemp("a site")
    assert build(folder / "work", folder / "site") == 0
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Links]:
    """Every page by its place in the site."""
    return {path.relative_to(site).as_posix(): Links(path) for path in sorted(site.rglob("*.html"))}


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    """A window of its own."""
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def violations(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    # Without `preload` it does not ask for style sheets a second time, which is a foreign host's
    # business to a page from disk.
    options = {"resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{page.url}: {each['id']}: {each['nodes'][0]['html'][:200]} ({len(each['nodes'])})"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_every_lesson_and_page_is_in_both_languages(pages: dict[str, Links]) -> None:
    english = {name for name in pages if not name.startswith("id/")}
    assert {name[3:] for name in pages if name.startswith("id/")} == english
    assert {f"notebooks/{path.stem}.html" for path in find_lessons()} <= english
    assert {f"docs/{path.stem}.html" for path in PROJECT.glob("docs/*.md")} <= english
    assert {f"gallery/tables/{name}.html" for name in find_charts()} <= english


def test_the_switch_leads_to_the_same_page(pages: dict[str, Links]) -> None:
    for name, links in pages.items():
        if "/tables/" in name:
            continue
        other = name.removeprefix("id/") if name.startswith("id/") else f"id/{name}"
        up = "../" * name.count("/")
        assert links.switch in (f"{up}{other}", f"{up}{other}".removeprefix("../id/")), name


def test_every_link_leads_somewhere(site: Path, pages: dict[str, Links]) -> None:
    """To a file, and where it names a place in a page, to that."""
    broken, seen = [], 0
    for name, links in pages.items():
        for link in links.targets:
            if re.match(r"\w+:", link):
                continue
            target, _, place = unquote(link).partition("#")
            path = (site / name).parent / target.partition("?")[0] if target else site / name
            there = path.resolve()
            seen += 1
            if not there.is_file():
                broken.append(f"{name}: {link}")
            elif place and there.suffix == ".html":
                other = pages[there.relative_to(site.resolve()).as_posix()]
                broken += [f"{name}: {link}"] * (place not in other.places)
    assert broken == []
    assert seen > 5000


def test_around_the_text_a_page_speaks_its_language(site: Path) -> None:
    """The menu, the buttons, what only a screen reader says: nothing is as it is in English."""
    english, indonesian = (words_around(site / name) for name in ("index.html", "id/index.html"))
    assert len(indonesian) > 40
    assert english & indonesian == {"API", "Furo", "Lineage", "Menu"}


def words_around(path: Path) -> set[str]:
    page = re.sub(r"(?s)<(article|script|style).*?</\1>", "", path.read_text("utf-8"))
    found = re.findall(r'>([^<>]+)<|(?:aria-label|placeholder)="([^"]+)"', page)
    return {words.strip() for pair in found for words in pair if words.strip()}


def test_marks_of_bound_numbers_are_not_shown(site: Path, pages: dict[str, Links]) -> None:
    for name, links in pages.items():
        assert not re.search(r"<!--|-->", "".join(links.words)), name
        assert "<!--given-->" not in (site / name).read_text(encoding="utf-8"), name


def test_the_same_sources_make_the_same_bytes(site: Path, tmp_path: Path) -> None:
    """In another folder, and a second time."""
    assert build(tmp_path / "work", tmp_path / "again") == 0
    files = {
        folder: {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in (site, tmp_path / "again")
    }
    first, second = files.values()
    assert first.keys() == second.keys()
    assert [str(name) for name in first if first[name] != second[name]] == []


@pytest.mark.parametrize("language", ["", "id/"])
def test_no_page_complains_asks_elsewhere_or_bursts_a_phone(
    page: Page, address: str, pages: dict[str, Links], language: str
) -> None:
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(f"{page.url}: {said.text}"))
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on("request", lambda asked: None if is_here(asked.url) else wrong.append(asked.url))

    def is_here(url: str) -> bool:
        return url.startswith((address, "data:"))

    page.set_viewport_size({"width": 390, "height": 844})
    for name in pages:
        if name.startswith("id/") == bool(language):
            page.goto(address + name, wait_until="load")
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wider > 0:
                wrong.append(f"{name} is {wider} pixels too wide")
    assert wrong == []


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [
        ("", PHONE, "light"),
        ("", DESK, "dark"),
        ("id/", PHONE, "dark"),
        ("id/", DESK, "light"),
    ],
    ids=["phone, light", "desk, dark", "id, phone, dark", "id, desk, light"],
)
def test_people_who_cannot_see_or_have_no_mouse_can_use_it(
    browser: Any, address: str, language: str, size: Any, scheme: Any
) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    found = []
    for name in LOOKED_AT:
        page.goto(address + language + name, wait_until="load")
        if "search" in name:
            expect(page.locator("#search-results .search li").first).to_be_visible()
        found += violations(page)
    context.close()
    assert found == []


@pytest.mark.parametrize(
    ("language", "word", "lesson", "said"),
    [
        ("", "watermark", "notebooks/08_orchestration.html", r"found \d+ pages"),
        pytest.param(
            "id/",
            "karantina",
            "notebooks/02_silver.html",
            r"selesai: \d+ halaman",
            marks=pytest.mark.skipif(not TRANSLATED, reason="there are no translations yet"),
        ),
    ],
)
def test_the_search_finds_a_word(
    page: Page, address: str, language: str, word: str, lesson: str, said: str
) -> None:
    """Typed into the box of a page, it leads to the lesson; how many pages there are is told."""
    page.goto(f"{address}{language}docs/glossary.html")
    page.locator(".sidebar-search").fill(word)
    page.keyboard.press("Enter")
    results = page.locator("#search-results .search a")
    expect(results.first).to_be_visible()
    found = results.evaluate_all("all => all.map(one => one.href.split(/[?#]/)[0])")
    assert address + language + lesson in found
    expect(page.locator("#search-results")).to_contain_text(re.compile(said))


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_keyboard_reaches_everything(page: Page, address: str, size: Any) -> None:
    """Each stop is in sight and has a ring: the menu, its search, the switch, the contents."""
    page.set_viewport_size(size)
    page.goto(f"{address}notebooks/04_gold.html")
    stops: list[dict[str, Any]] = []

    def tab(until: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(FOCUS))
            if until in (stops[-1]["what"], stops[-1]["href"]):
                return
        pytest.fail(f"{until} is not among {[stop['what'] for stop in stops]}")

    if size is PHONE:
        tab("__navigation")
        page.keyboard.press("Space")
        page.wait_for_function("document.querySelector('.sidebar-drawer').offsetLeft >= 0")
    tab("q")
    tab("../gallery.html")
    if size is PHONE:
        page.locator("#__navigation").focus()
        page.keyboard.press("Space")
    tab("../id/notebooks/04_gold.html")
    tab("../docs/glossary.html#churn-risk")
    assert [stop for stop in stops if not (stop["seen"] and stop["ring"])] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_report_opens_from_disk(browser: Any, tmp_path: Path, size: Any, scheme: Any) -> None:
    """Nothing is asked from elsewhere, nothing is too wide, and everybody can use it."""
    index = write_report(read_gallery("artifacts", find_charts()), tmp_path / "a report")
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text))
    page.on("request", lambda asked: wrong.append(asked.url) if "file:" not in asked.url else None)
    for path in (index, index.parent / "tables" / "churn_campaign.html"):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        wrong += violations(page)
    context.close()
    assert [each for each in wrong if not each.startswith("data:")] == []
