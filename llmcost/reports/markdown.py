"""The report as GitHub flavoured Markdown, for a wiki, a chat or a merge request."""

from __future__ import annotations

from llmcost.reports import Options, Report
from llmcost.reports._markdown import escaped, joined, page
from llmcost.results.outcome import Outcome

__all__ = ["REPORT", "escaped", "render"]


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as a Markdown page."""
    return joined(page(outcome.document(options.top_n, options.title)))


REPORT = Report("Markdown", "text/markdown; charset=utf-8", ".md", render)
