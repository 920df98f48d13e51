"""Reads other projects' price catalogues as overlay files: LiteLLM's JSON and genai-prices' ``data.json``."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from llmcost.errors import UsageError
from llmcost.pricing.importers import genai_json, litellm_json
from llmcost.pricing.importers.imported import Imported, load_json

__all__ = ["Imported", "genai_prices", "litellm", "recognised"]


def litellm(path: Path, *, on: date, providers: Collection[str] | None = None) -> Imported:
    """The rates of ``model_prices_and_context_window.json`` as they stand on ``on``: it knows no earlier ones."""
    return litellm_json.read(load_json(path), path.name, on, providers)


def genai_prices(path: Path, *, on: date, providers: Collection[str] | None = None) -> Imported:
    """The rates of ``data.json`` that hold on ``on``, and those it announces for later."""
    return genai_json.read(load_json(path), path.name, on, providers)


def recognised(path: Path, *, on: date, providers: Collection[str] | None = None) -> Imported:
    """The file in whichever of the two forms it has; UsageError for neither."""
    data = load_json(path)
    if genai_json.is_form(data):
        return genai_json.read(data, path.name, on, providers)
    if litellm_json.is_form(data):
        return litellm_json.read(data, path.name, on, providers)
    raise UsageError("neither LiteLLM's price JSON nor genai-prices' data.json", where=str(path))
