"""A comment (note) for a merge request on GitLab, to be posted once and updated from then on.

A note has at most 1,000,000 characters (https://docs.gitlab.com/administration/instance_limits/, "Size of comments and
descriptions", recalled 2026-11-24). Counted in bytes, which are never fewer.
"""

from __future__ import annotations

from typing import Final

from llmcost.reports import Options, Report
from llmcost.reports._comment import comment
from llmcost.results.outcome import Outcome

MOST: Final = 1_000_000


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as the body of a note."""
    return comment(outcome, options, MOST)


REPORT = Report("Comment on a GitLab merge request", "text/markdown; charset=utf-8", ".gitlab.md", render)
