"""The outcome itself as JSON: sorted keys, exact decimal strings, the same bytes for the same outcome."""

from __future__ import annotations

from llmcost.reports import Options, Report
from llmcost.results.outcome import Outcome
from llmcost.results.present import json_text


def render(outcome: Outcome, options: Options) -> bytes:  # noqa: ARG001 - nothing of it is a matter of taste
    """``outcome`` as indented JSON that its own schema describes."""
    return (json_text(outcome.model.model_dump(mode="json"), indent=2) + "\n").encode()


REPORT = Report("JSON", "application/json", ".json", render)
