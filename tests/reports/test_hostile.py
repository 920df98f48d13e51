"""Names from a log stay names: no markup, script, formula, escape code or Markdown comes out of any format."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import unicodedata
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest

import llmcost.reports
from llmcost.reports import REPORTS, Options
from llmcost.reports.markdown import escaped
from llmcost.results.compare import compare
from llmcost.results.longform import HEADER
from llmcost.results.model import Result
from llmcost.results.outcome import Model, outcome
from llmcost.results.present import clean
from tests.reports import sample_reconciliation
from tests.reports.sample_parts import ANSI, HOSTILE, MARKDOWN
from tests.reports.sample_result import hostile, rich

HTML_DIR = Path(llmcost.reports.__file__).parent / "_html"
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "link",
        "title",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "nav",
        "section",
        "article",
    ),
    *(
        "h1",
        "h2",
        "h3",
        "p",
        "a",
        "i",
        "div",
        "dl",
        "dt",
        "dd",
        "ul",
        "li",
        "details",
        "summary",
        "noscript",
        "script",
        "wbr",
    ),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        """What is embedded."""
        self.scripts: list[str] = []
        """What runs."""
        self._held: list[str] = self.scripts
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self._held = self.data if dict(attrs).get("type") == "application/json" else self.scripts
            self._held.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - a script holds no elements
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self._held[-1] += data


@pytest.fixture(scope="module")
def page() -> _Page:
    parser = _Page()
    parser.feed(REPORTS.load("html").render(outcome(hostile()), Options()).decode())
    return parser


def test_html_has_only_its_own_elements(page: _Page) -> None:
    assert {tag for tag, _ in page.tags} <= TAGS
    kinds = [attrs.get("type") for tag, attrs in page.tags if tag == "script"]
    assert kinds == ["application/json"] * len(page.data) + [None] * len(page.scripts)
    assert len(page.data) == 5
    assert len(page.scripts) == 6, "plotly and ours"
    for _, attrs in page.tags:
        assert not any(key.startswith("on") for key in attrs)
        assert "src" not in attrs
        assert str(attrs.get("href", "#")).startswith(("#", "data:,"))


def test_embedded_json_survives_its_surroundings(page: _Page) -> None:
    assert not set("<>&\u2028\u2029") & set("".join(page.data))
    assert Result.model_validate(json.loads(page.data[0])) == hostile()


def test_the_policy_allows_exactly_its_own_scripts(page: _Page) -> None:
    policy = next(attrs["content"] or "" for tag, attrs in page.tags if "http-equiv" in attrs)
    hashes = [b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in page.scripts]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy


def test_the_bundle_is_the_published_one_and_harmless_inside_a_page() -> None:
    """plotly.js-basic-dist-min 4.1.1 from npm, with its licence beside it."""
    bundle = (HTML_DIR / "plotly-basic.min.js").read_bytes()
    assert b"plotly.js (basic - minified) v4.1.1" in bundle[:100]
    assert hashlib.sha256(bundle).hexdigest() == "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
    assert not re.search(rb"</script|<!--", bundle, re.IGNORECASE)
    assert b"MIT License" in (HTML_DIR / "plotly-basic.LICENSE").read_bytes()


@pytest.mark.parametrize("format_", ["terminal", "markdown", "csv", "json", "html"])
def test_no_control_or_direction_character(format_: str) -> None:
    text = REPORTS.load(format_).render(outcome(hostile()), Options()).decode()
    text = re.sub(r"<script>/\*\*\n\* plotly.*?</script>", "", text, flags=re.DOTALL)
    acting = {hex(ord(c)) for c in text if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs"} and c != "\n"}
    assert not acting


def test_csv_is_a_table_without_formulas() -> None:
    rows = list(csv.reader(io.StringIO(REPORTS.load("csv").render(outcome(hostile()), Options()).decode())))
    assert tuple(rows[0]) == HEADER
    assert {len(row) for row in rows} == {len(HEADER)}
    for row in rows:
        for key, cell in zip(HEADER, row, strict=True):
            if cell.lstrip(" '").startswith(("=", "+", "-", "@")):
                is_number = key == "value" and re.fullmatch(r"-\d+(\.\d+)?", cell)
                assert cell.startswith("'") or is_number, cell


def test_markdown_rows_keep_their_cells() -> None:
    text = REPORTS.load("markdown").render(outcome(hostile()), Options()).decode()
    tables = re.findall(r"(?:^\| .*\|\n)+", text, flags=re.MULTILINE)
    assert len(tables) > 10
    for table in tables:
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert set(re.findall(r"<[^>]*>", text)) <= {"<br>", "<sub>", "</sub>"}
    assert not re.search(r"https?://|(?<!\\)`|@everyone|[^\\\]]\]\(", text)


@pytest.mark.parametrize("format_", [name for name, report in REPORTS if not report.binary])
@pytest.mark.parametrize("model", [compare(rich(), hostile()), sample_reconciliation.hostile()], ids=lambda m: m.kind)
def test_other_outcomes_are_as_careful(format_: str, model: Model) -> None:
    text = REPORTS.load(format_).render(outcome(model), Options()).decode()
    text = re.sub(r"<script>/\*\*\n\* plotly.*?</script>", "", text, flags=re.DOTALL)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} and c != "\n" for c in text)
    if format_ in {"markdown", "html"}:
        assert "<script>alert" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name-1_x", "plain name-1\\_x"),
        ("1. not a list", "1\\. not a list"),
        ("29.0%", "29.0%"),
        ("- no bullet", "\\- no bullet"),
        ("-$5.00", "-$5.00"),
        ("$x$ no math", "\\$x\\$ no math"),
        ("@team #12 :tada:", "@&#8203;team #&#8203;12 :&#8203;tada:"),
        ("www.evil.example", "www&#8203;.evil.example"),
        ("a\nb", "a b"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_markdown_escapes(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_clean_replaces_what_acts_and_keeps_what_reads() -> None:
    assert clean(ANSI) == "\ufffd[31mred\ufffd[0m\ufffd2J\ufffd"
    assert clean("a\tb\r\nc\u2028d") == "a b  c d"
    assert clean("Zürich 東京 👩\u200d💻") == "Zürich 東京 👩\u200d💻"
    assert "\n" in MARKDOWN
    assert all("\n" not in clean(text) for text in HOSTILE)
