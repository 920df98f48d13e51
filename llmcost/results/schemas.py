"""The JSON Schemas of what users write and read, from the models themselves: one generator for command, docs and tests."""

from __future__ import annotations

import importlib
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from llmcost.errors import UsageError, nearest
from llmcost.strategies import STRATEGIES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MODELS: Final = {
    "price-file": ("llmcost.pricing.schema", "PriceFile", "validation"),
    "overlay": ("llmcost.pricing.schema", "OverlayFile", "validation"),
    "gpu": ("llmcost.hosting.schema", "GpuFile", "validation"),
    "throughput": ("llmcost.hosting.schema", "ThroughputFile", "validation"),
    "mapping": ("llmcost.records.mapfile", "MapFile", "validation"),
    "scenario": ("llmcost.results.scenario", "ScenarioFile", "validation"),
    "result-v1": ("llmcost.results.model", "Result", "serialization"),
    "comparison-v1": ("llmcost.results.compare", "Comparison", "serialization"),
}
"""Schema name -> module, model, and whether the schema is of what is read or of what is written."""


def schema(name: str) -> dict[str, Any]:
    """The schema called ``name``; UsageError with the nearest name."""
    if name not in MODELS:
        raise UsageError(f"there is no schema {name!r}", hint=nearest(name, MODELS))
    module, attribute, mode = MODELS[name]
    model: type[BaseModel] = getattr(importlib.import_module(module), attribute)
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    body = adapter.json_schema(by_alias=True, mode="serialization" if mode == "serialization" else "validation")
    if name == "scenario":
        _with_strategies(body)
    return {"$schema": DIALECT, "$id": f"llmcost/{name}.json", **body}


def strategy(name: str) -> dict[str, Any]:
    """The schema of one strategy's parameters."""
    body = STRATEGIES.load(name).params.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "$id": f"llmcost/strategy/{name}.json", **body}


def _with_strategies(body: dict[str, Any]) -> None:
    """Replaces the open step by one closed form for each strategy."""
    forms = []
    for name, found in STRATEGIES:
        form = found.params.model_json_schema(by_alias=True, ref_template=f"#/$defs/{name}.{{model}}")
        body["$defs"].update({f"{name}.{key}": value for key, value in form.pop("$defs", {}).items()})
        form["properties"] = {"strategy": {"const": name}, **form.get("properties", {})}
        form["required"] = ["strategy", *form.get("required", [])]
        form["description"] = found.title
        forms.append(form)
    body["$defs"]["StepSpec"] = {"description": "A strategy and its parameters.", "oneOf": forms}
