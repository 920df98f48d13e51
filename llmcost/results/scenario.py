"""Scenario files: named, ordered lists of strategies with checked parameters."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llmcost.errors import UsageError, nearest
from llmcost.strategies import STRATEGIES
from llmcost.workload.contract import Params, Strategy


class StepSpec(BaseModel):
    """One step of a scenario file: the strategy's name beside its parameters."""

    model_config = ConfigDict(extra="allow", frozen=True)
    strategy: str = Field(description="Name of the strategy (llmcost strategies).")


class ScenarioSpec(BaseModel):
    """One scenario of a scenario file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1, max_length=120, description="Name shown in reports.")
    prices_on: date | None = Field(
        default=None, description="Price every request at this day's rates; absent: its own day."
    )
    step: tuple[StepSpec, ...] = Field(default=(), description="Steps, applied in order.")


class ScenarioFile(BaseModel):
    """A scenario file (TOML 1.0)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    scenario: tuple[ScenarioSpec, ...] = Field(min_length=1, description="The scenarios.")


@dataclass(frozen=True)
class BoundStep:
    """A strategy with its parameters."""

    name: str
    strategy: Strategy[Any]
    params: Params


@dataclass(frozen=True)
class BoundScenario:
    """A scenario ready to replay."""

    name: str
    steps: tuple[BoundStep, ...]
    prices_on: date | None = None


def read(path: Path) -> list[BoundScenario]:
    """The scenarios of a file; UsageError naming the place and the nearest known name for anything it does not know."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError as error:
        raise UsageError("there is no such scenario file", where=str(path)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"the scenario file cannot be read: {error}", where=str(path)) from error
    try:
        file = ScenarioFile.model_validate(data)
    except ValidationError as error:
        raise UsageError(explain(error, ScenarioFile), where=str(path)) from error
    _unique([scenario.name for scenario in file.scenario], str(path))
    return [
        BoundScenario(
            spec.name, tuple(_bind(step, f"{path}: scenario {spec.name!r}") for step in spec.step), spec.prices_on
        )
        for spec in file.scenario
    ]


def _unique(names: Sequence[str], where: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UsageError(f"two scenarios are called {twice!r}", where=where)


def _bind(step: StepSpec, where: str) -> BoundStep:
    return bind(step.strategy, step.model_extra or {}, where)


def bind(name: str, parameters: Mapping[str, Any], where: str | None = None) -> BoundStep:
    """A strategy with checked parameters; UsageError naming what is wrong and the nearest field."""
    strategy = STRATEGIES.load(name)
    try:
        return BoundStep(name, strategy, strategy.params.model_validate(dict(parameters)))
    except ValidationError as error:
        raise UsageError(
            f"{name}: {explain(error, strategy.params)}",
            where=where,
            hint=f"llmcost strategies show {name} prints its parameters",
        ) from error


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a validation in one line, with the nearest field name for an unknown one."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place} is not known; {nearest(str(first['loc'][-1]), model.model_fields)}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{more}"


def presets() -> dict[str, tuple[str, str, Mapping[str, Any]]]:
    """Every ready-made scenario: name -> (strategy, one line, parameters)."""
    return {
        preset: (name, line, parameters)
        for name, strategy in STRATEGIES
        for preset, (line, parameters) in strategy.presets.items()
    }


def preset(name: str) -> BoundScenario:
    """The ready-made scenario called ``name``; UsageError with the nearest one."""
    known = presets()
    if name not in known:
        raise UsageError(f"no preset is called {name!r}", hint=nearest(name, known))
    strategy, _, parameters = known[name]
    return BoundScenario(name, (bind(strategy, parameters),))
