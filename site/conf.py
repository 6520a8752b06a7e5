"""How Sphinx makes the site; `scripts/build_site.py` lays out the folder that this stands in."""

import re
from pathlib import Path
from typing import Any

import snowballstemmer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search import SearchLanguage, languages

project = "The lakehouse curriculum"
# What the first page is called, in its language.
html_title = Path(__file__).with_name("index.md").read_text("utf-8").splitlines()[0].lstrip("# ")
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["extra", "locale"]
locale_dirs = [str(Path(__file__).with_name("locale"))]  # sphinx.js is not found from elsewhere
templates_path = ["_templates"]
smartquotes = False  # `--data-dir` is no dash

# Notebooks are shown as they were run. A chart with sliders is its picture: no kernel, no network.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, str] = {}
nb_merge_streams = True
myst_heading_anchors = 4
suppress_warnings = ["mystnb.unknown_mime_type"]  # the sliders; the picture beside them is shown

# The classes of docstrings are those of other projects, whose pages are on other hosts.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r".*")]
default_role = "code"  # docstrings mark code as Markdown does
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_theme_options = {"top_of_page_buttons": ["edit"]}  # the template of this name has the switch
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = ["site.css"]
html_js_files = ["reach.js"]
html_extra_path = ["extra"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_permalinks_icon = "#"


class Indonesian(SearchLanguage):
    """Finds a word in its other forms, too."""

    lang = "id"
    language_name = "Indonesian"
    js_stemmer_rawcode = "indonesian-stemmer.js"

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self._stemmer = snowballstemmer.stemmer("indonesian")

    def stem(self, word: str) -> str:
        """The word without its endings."""
        return str(self._stemmer.stemWord(word.lower()))


def note_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Let links find `<a id="hit-rate">`, as they do where Markdown is read without Sphinx."""
    slugs: dict[str, Any] = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for raw in doctree.findall(nodes.raw):
        for name in re.findall(r'<a id="([^"]+)">', raw.astext()):
            slugs.setdefault(name, (0, name, name))


def setup(app: Sphinx) -> None:
    """Tell Sphinx of the two above."""
    languages["id"] = Indonesian
    app.connect("doctree-read", note_anchors)
