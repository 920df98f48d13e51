"""The JSON Schemas of what users write and read, from the models themselves: one generator for command, docs and tests."""

from __future__ import annotations

import importlib
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from llmcost.errors import UsageError, nearest
from llmcost.results.outcome import OUTCOMES
from llmcost.results.ranged import ENDS
from llmcost.strategies import STRATEGIES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
READ: Final = {
    "price-file": ("llmcost.pricing.schema", "PriceFile"),
    "overlay": ("llmcost.pricing.schema", "OverlayFile"),
    "gpu": ("llmcost.hosting.schema", "GpuFile"),
    "throughput": ("llmcost.hosting.schema", "ThroughputFile"),
    "mapping": ("llmcost.records.mapfile", "MapFile"),
    "budget": ("llmcost.results.budget.file", "BudgetFile"),
    "scenario": ("llmcost.results.scenario", "ScenarioFile"),
    "shared": ("llmcost.results.monthly.showback", "SharedFile"),
}
"""What users write: schema name -> module and model."""
_SHORT: Final = {"prices": "overlay"}
"""Other names that users say."""


def names() -> tuple[str, ...]:
    """Every schema: of what users write, then of what outcomes are in JSON, with their version."""
    return (*READ, *_written())


def _written() -> dict[str, type[BaseModel]]:
    return {f"{kind.schema or name}-v{_version(kind.model)}": kind.model for name, kind in OUTCOMES}


def _version(model: type[BaseModel]) -> int:
    version: int = model.model_fields["schema_version"].default
    return version


def schema(name: str) -> dict[str, Any]:
    """The schema called ``name`` (of an outcome also without its version); UsageError with the nearest name."""
    known, written = names(), _written()
    full = next((n for n in known if n == _SHORT.get(name, name) or n.rpartition("-v")[0] == name), None)
    if full is None:
        raise UsageError(f"there is no schema {name!r}", hint=nearest(name, known))
    if full in written:
        return _described(full, TypeAdapter(written[full]).json_schema(by_alias=True, mode="serialization"))
    module, attribute = READ[full]
    model: type[BaseModel] = getattr(importlib.import_module(module), attribute)
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    body = adapter.json_schema(by_alias=True)
    if full == "scenario":
        _with_strategies(body)
    return _described(full, body)


def _described(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": f"llmcost/{name}.json", **body}


class _WithRanges(GenerateJsonSchema):
    """Parameters of strategies: what may be a Decimal may be a range too."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """The number's own forms, and a range of them."""
        number = super().decimal_schema(schema)
        forms = number.get("anyOf", [number])
        span = {
            "type": "object", "description": "A range: the least, the likeliest and the greatest value.",
            "properties": {end: {"anyOf": forms} for end in ENDS}, "required": list(ENDS), "additionalProperties": False,
        }  # fmt: skip
        return {"anyOf": [*forms, span]}


def strategy(name: str) -> dict[str, Any]:
    """The schema of one strategy's parameters."""
    body = STRATEGIES.load(name).params.model_json_schema(by_alias=True, schema_generator=_WithRanges)
    return {"$schema": DIALECT, "$id": f"llmcost/strategy/{name}.json", **body}


def _with_strategies(body: dict[str, Any]) -> None:
    """Replaces the open step by one closed form for each strategy."""
    forms = []
    for name, found in STRATEGIES:
        form = found.params.model_json_schema(
            by_alias=True, ref_template=f"#/$defs/{name}.{{model}}", schema_generator=_WithRanges
        )
        body["$defs"].update({f"{name}.{key}": value for key, value in form.pop("$defs", {}).items()})
        form["properties"] = {"strategy": {"const": name}, **form.get("properties", {})}
        form["required"] = ["strategy", *form.get("required", [])]
        form["description"] = found.title
        forms.append(form)
    body["$defs"]["StepSpec"] = {"description": "A strategy and its parameters.", "oneOf": forms}
