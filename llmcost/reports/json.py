"""The result itself as JSON: sorted keys, exact decimal strings, the same bytes for the same result."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from llmcost.reports import Options, Report
from llmcost.results.compare import Comparison
from llmcost.results.model import Result
from llmcost.results.present import json_text


def render(result: Result, options: Options) -> bytes:  # noqa: ARG001 - nothing of it is a matter of taste
    """``result`` as indented JSON that its own schema describes."""
    return _dumped(result)


def render_comparison(comparison: Comparison, options: Options) -> bytes:  # noqa: ARG001 - as above
    """What lies between two results, as indented JSON."""
    return _dumped(comparison)


def _dumped(model: BaseModel) -> bytes:
    return (json_text(model.model_dump(mode="json"), indent=2) + "\n").encode()


def schema() -> dict[str, Any]:
    """The JSON Schema of what :func:`render` writes."""
    return Result.model_json_schema(mode="serialization")


REPORT = Report("JSON", "application/json", ".json", render, render_comparison)
