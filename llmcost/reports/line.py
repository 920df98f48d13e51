"""One line: what was found, for a log, a status check or an alert."""

from __future__ import annotations

from llmcost.reports import Options, Report
from llmcost.results.outcome import Outcome
from llmcost.results.present import clean


def render(outcome: Outcome, options: Options) -> bytes:
    """The sentence of ``outcome``, behind its title where one is given."""
    doc = outcome.document(options.top_n, options.title)
    given = f"{clean(options.title)}: " if options.title else ""
    return f"{given}{clean(doc.sentence)}\n".encode()


REPORT = Report("One line", "text/plain; charset=utf-8", ".line.txt", render)
