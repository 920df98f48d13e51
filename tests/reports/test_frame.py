"""Any document stands in every format: blocks, sections in sections, folded and long tables, exact values."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re

import pytest

from llmcost.reports import REPORTS, Options
from llmcost.results.model import Result
from llmcost.results.outcome import OUTCOMES, outcome
from tests.reports import sample_result
from tests.reports.sample_document import charts, document, everything


def _text(format_: str) -> str:
    return REPORTS.load(format_).render(everything(), Options(width=90)).decode()


@pytest.mark.parametrize("format_", ["terminal", "markdown", "html"])
def test_every_block_is_shown(format_: str) -> None:
    text = _text(format_)
    for word in ("There is one of each.", "One paragraph.", "a remark", "A note.", "made by hand", "keep this in mind"):
        assert word in text
    assert "<script>alert" not in text or format_ == "terminal"
    assert ("2026-10-01" in text) is (format_ == "html"), "long tables stand where they can be folded"


def test_a_heading_is_not_said_twice() -> None:
    lines = [line.strip("# ─") for line in _text("markdown").splitlines()]
    assert lines.count("Folded") == 1
    assert lines.count("First") == 1


def test_the_page_carries_every_chart_exactly() -> None:
    page = _text("html")
    data = json.loads(re.findall(r'<script type="application/json" id="charts">(.*?)</script>', page)[0])
    assert list(data) == sorted(chart.key for chart in charts())
    assert {found["kind"] for found in data.values()} == {"days", "bars", "lines", "heatmap"}
    assert data["c-days"]["series"][0]["values"] == ["1", "2.5", None]


def test_csv_holds_exact_values_and_no_parsed_text() -> None:
    rows = list(csv.DictReader(io.StringIO(_text("csv"))))
    found = {(r["table"], r["row"], r["column"]): (r["value"], r["unit"]) for r in rows}
    assert found["first", "1", "Cost"] == ("1.234567", "USD")
    assert found["first", "2", "Cost"] == ("unknown", "USD")
    assert ("first", "2", "Share") not in found, "a dash says that nothing applies"
    assert found["first", "2", "Words"] == ("-9", "")
    assert found["long", "1", "Cost"] == ("3", "USD"), "data formats hold what text leaves out"


def test_tables_and_charts_are_found_wherever_they_stand() -> None:
    doc = document()
    assert [table.key for table in doc.tables()] == ["first", "none", "long", "last"]
    assert doc.charts() == charts()
    assert doc.table("none").title == "None"
    with pytest.raises(KeyError):
        doc.table("nothing")


def test_every_outcome_is_found_by_its_kind() -> None:
    for name, kind in OUTCOMES:
        assert kind.model.kind == name
        assert kind.model.model_fields["schema_version"].default == 1
    assert outcome(sample_result.rich()).kind == "simulation"


def test_a_large_outcome_is_packed_in_the_page_and_whole() -> None:
    result = sample_result.large(features=12_000, days=2)
    page = REPORTS.load("html").render(outcome(result), Options()).decode()
    found = re.search(r'<script type="application/(json|gzip)" id="result">([^<]*)</script>', page)
    assert found
    assert found[1] == "gzip"
    assert Result.model_validate_json(gzip.decompress(base64.b64decode(found[2]))) == result
    assert len(page) < 4_000_000
