"""A comment for a pull request on GitHub, to be posted once and updated from then on.

A body has at most 65,536 characters: GitHub's API answers longer ones with 422, "Body is too long (maximum is 65536
characters)" (https://github.com/orgs/community/discussions/27190, recalled 2026-11-24). Counted in bytes, which are never fewer.
"""

from __future__ import annotations

from typing import Final

from llmcost.reports import Options, Report
from llmcost.reports._comment import comment
from llmcost.results.outcome import Outcome

MOST: Final = 65_536


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as the body of a comment."""
    return comment(outcome, options, MOST)


REPORT = Report("Comment on a GitHub pull request", "text/markdown; charset=utf-8", ".github.md", render)
