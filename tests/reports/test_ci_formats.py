"""Formats for CI and chats: what a log says is harmless in each, marks are stable, and no comment is too long."""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from llmcost.reports import REPORTS, Options
from llmcost.results.budget.check_model import Check, Finding, Traffic
from llmcost.results.model import Period, PricesUsed
from llmcost.results.outcome import outcome
from tests.reports.sample_parts import HOSTILE

D = Decimal
WORSE = (
    *HOSTILE,
    "::error::x\n::set-output name=a::b",
    "--> <img src=x>",
    "]]> & ```",
    "../../etc/passwd",
    "<!channel> @here",
    "100% :a, b",
)
FORMATS = ("github-comment", "gitlab-comment", "junit", "annotations", "line", "slack", "teams", "discord")


def check(names: tuple[str, ...] = WORSE, copies: int = 1) -> Check:
    states: Any = ("block", "warn", "not evaluated", "pass")
    findings = [
        Finding(limit=name, measure="monthly", owner={"team": name}, before=D(1), after=D(3), value=D(3), block=D(2), state=states[n % 4], reason=name)
        for _ in range(copies) for n, name in enumerate(names)
    ]  # fmt: skip
    return Check(
        generated_with="llmcost 1", title=names[0], sources=list(names), budget_file=names[-1], verdict="FAIL", reason="; ".join(names[:3]),
        change=list(names), period=Period(start=None, end=None, days=None, month_days=D(30)), prices=PricesUsed(catalogue_sha256="0" * 64),
        traffic=Traffic(requests=1, requests_a_month=None, days=None, full_days=0), before_usd=D(1), after_usd=D(3), findings=findings,
        gaps=list(names), warnings=list(names),
    )  # fmt: skip


def text(format_: str, model: Check | None = None, **options: Any) -> str:
    return REPORTS.load(format_).render(outcome(model or check()), Options(**options)).decode()


@pytest.mark.parametrize("format_", [name for name, report in REPORTS if not report.binary])
def test_nothing_acts_on_a_terminal(format_: str) -> None:
    found = re.sub(r"<script>/\*\*\n\* plotly.*?</script>", "", text(format_), flags=re.DOTALL)
    assert not {c for c in found if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs"} and c != "\n"}


@pytest.mark.parametrize("format_", ["github-comment", "gitlab-comment", "markdown"])
def test_comments_hold_their_own_markup_only(format_: str) -> None:
    found = text(format_)
    tags = set(re.findall(r"<[^>]*>", found))
    assert tags <= {
        "<br>",
        "<sub>",
        "</sub>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<!-- llmcost:report -->",
    }
    assert not re.search(r"https?://|(?<!\\)`|@everyone|@here|[^\\\]]\]\(", found)


def test_the_mark_is_the_first_line_and_nothing_of_a_tag_ends_it() -> None:
    assert text("github-comment", tag="check").partition("\n")[0] == "<!-- llmcost:check -->"
    assert text("github-comment", tag="a --> <b>").partition("\n")[0] == "<!-- llmcost:a-b -->"
    assert text("gitlab-comment", tag="") == text("gitlab-comment")


@pytest.mark.parametrize(("format_", "most"), [("github-comment", 65_536), ("gitlab-comment", 1_000_000)])
@pytest.mark.parametrize("copies", [1, 40, 600])
def test_a_comment_fits_and_keeps_the_verdict(format_: str, most: int, copies: int) -> None:
    found = text(format_, check(copies=copies))
    assert len(found.encode()) <= most
    assert found.startswith("<!-- llmcost:report -->")
    assert "FAIL" in found
    assert found.count("<details>") == found.count("</details>")
    assert ("Shortened" in found) is (
        len(text("markdown", check(copies=copies)).encode()) > most - 2_000
    ) or copies == 40


def test_annotations_are_commands_of_ours_alone() -> None:
    lines = text("annotations").splitlines()
    states = [finding.state for finding in check().findings]
    assert len(lines) == sum(state != "pass" for state in states) + 1, "and a notice with the verdict"
    for line in lines:
        assert re.fullmatch(r"::(error|warning|notice) (file=[^,:]*,)?title=[^,:]*::.*", line), line
    assert any("100%25 %3Aa%2C b" in line for line in text("annotations", check(("100% :a, b",))).splitlines())


def test_many_annotations_are_cut_and_counted() -> None:
    lines = text("annotations", check(("a", "b"), copies=100)).splitlines()
    assert len(lines) == 52
    assert lines[-2] == "::notice::150 more"
    assert "FAIL" in lines[-1]


def test_junit_counts_what_it_holds() -> None:
    root = ET.fromstring(text("junit"))  # noqa: S314 - our own bytes
    suite = root[0]
    states = [finding.state for finding in check().findings]
    cases = suite.findall("testcase")
    assert len(cases) == int(suite.attrib["tests"]) == len(states)
    assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"]) == states.count("block")
    assert len(suite.findall("testcase/skipped")) == int(suite.attrib["skipped"]) == states.count("not evaluated")


def test_slack_has_only_plain_text() -> None:
    found = json.loads(text("slack"))
    assert "<" not in found["text"]
    kinds = {
        part["type"] for block in found["blocks"] for part in [block.get("text"), *block.get("fields", [])] if part
    }
    assert kinds == {"plain_text"}
    assert len(found["blocks"][0]["text"]["text"]) <= 150


def test_teams_has_only_runs_and_fits() -> None:
    found = json.loads(text("teams", check(copies=500)))
    body = found["attachments"][0]["content"]["body"]
    assert {part["type"] for part in body} == {"RichTextBlock"}
    assert len(json.dumps(found)) < 28_000


def test_discord_says_all_in_one_block_and_mentions_nobody() -> None:
    found = json.loads(text("discord", check(copies=500)))
    assert found["allowed_mentions"] == {"parse": []}
    description = found["embeds"][0]["description"]
    assert description.startswith("```text\n")
    assert description.count("```") == 2
    assert len(description) <= 4096


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_check_gives_the_same_bytes(format_: str) -> None:
    assert text(format_) == text(format_)
    assert text(format_).endswith("\n")
