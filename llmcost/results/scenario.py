"""Scenario files: named, ordered lists of strategies with checked parameters."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from llmcost.config import exact_toml
from llmcost.errors import UsageError, line_of, nearest, quoted
from llmcost.results.ranged import ENDS, Place, Ranged, dotted, picked, placed_in, value_at
from llmcost.strategies import STRATEGIES
from llmcost.workload.contract import Params, Strategy

_LARGEST: Final = Decimal(10) ** 18


class StepSpec(BaseModel):
    """One step of a scenario file: the strategy's name beside its parameters."""

    model_config = ConfigDict(defer_build=True, extra="allow", frozen=True)
    strategy: str = Field(description="Name of the strategy (llmcost strategies).")


class ScenarioSpec(BaseModel):
    """One scenario of a scenario file."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)
    name: str = Field(min_length=1, max_length=120, description="Name shown in reports.")
    prices_on: date | None = Field(
        default=None, description="Price every request at this day's rates; absent: its own day."
    )
    step: tuple[StepSpec, ...] = Field(default=(), description="Steps, applied in order.")


class ScenarioFile(BaseModel):
    """A scenario file (TOML 1.0)."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)
    scenario: tuple[ScenarioSpec, ...] = Field(min_length=1, description="The scenarios.")


@dataclass(frozen=True)
class Origin:
    """The place of a step in a scenario file; ``line`` is that of its heading, 1 where it has none."""

    path: Path
    line: int
    label: str

    def fault(self, error: UsageError, words: Iterable[str]) -> UsageError:
        """``error`` told with this place, and the line below it that holds one of ``words``."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        number = line_of(text, words, self.line) or self.line
        return UsageError(
            f"{self.label}: {error.what}",
            where=f"{self.path}:{number}",
            excerpt=quoted(text, number),
            why=error.why,
            hint=error.hint,
        )


@dataclass(frozen=True)
class BoundStep:
    """A strategy with its parameters."""

    name: str
    strategy: Strategy[Any]
    params: Params
    origin: Origin | None = field(default=None, compare=False)
    """Where it is written, for errors that only the replay can find."""
    ranges: tuple[Ranged, ...] = ()
    """Parameters that may have other values than those in ``params``, which holds their modes."""

    @property
    def given(self) -> dict[str, Any]:
        """The parameters as they were given, ranges among them."""
        found = self.params.model_dump(exclude_unset=True)
        for each in self.ranges:
            found = placed_in(found, each.place, {end: getattr(each, end) for end in ENDS})
        return found

    def at(self, values: Mapping[Place, Decimal]) -> BoundStep:
        """The step with other values in the place of ranges, and no range any more; UsageError where they do not go together."""
        given = self.params.model_dump(exclude_unset=True)
        for place, value in values.items():
            given = placed_in(given, place, value)
        with placed(self):
            return replace(bind(self.name, given), origin=self.origin)


@dataclass(frozen=True)
class BoundScenario:
    """A scenario ready to replay."""

    name: str
    steps: tuple[BoundStep, ...]
    prices_on: date | None = None


def read(path: Path) -> list[BoundScenario]:
    """The scenarios of a file; UsageError naming the place and the nearest known name for anything it does not know."""
    try:
        text = path.read_text(encoding="utf-8")
        data = exact_toml(text)
    except FileNotFoundError as error:
        raise UsageError(
            "there is no such scenario file", where=str(path), hint="llmcost init writes one to start from"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise _broken(str(error), text, path) from error
    except (OSError, UnicodeDecodeError) as error:
        fault = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"the scenario file cannot be read: {fault}", where=str(path)) from error
    try:
        file = ScenarioFile.model_validate(data)
    except ValidationError as error:
        loc = _first(error)["loc"]
        number = line_of(text, [str(loc[-1])])
        raise UsageError(
            explain(error, ScenarioFile),
            where=f"{path}:{number}" if number else str(path),
            excerpt=quoted(text, number),
            hint="llmcost schema scenario prints the form, llmcost init writes an example",
        ) from error
    _unique([scenario.name for scenario in file.scenario], str(path))
    lines = _step_lines(text, [len(spec.step) for spec in file.scenario])
    return [
        BoundScenario(
            spec.name,
            tuple(_bind(spec, n, path, lines.get((place, n), 1)) for n in range(len(spec.step))),
            spec.prices_on,
        )
        for place, spec in enumerate(file.scenario)
    ]


def _broken(message: str, text: str, path: Path) -> UsageError:
    """A file that is no TOML, with the line at which it ends being one."""
    found = re.search(r" \(at line (\d+), column \d+\)$", message)
    number = int(found[1]) if found else None
    return UsageError(
        message[: found.start()] if found else message,
        where=f"{path}:{number}" if number else str(path),
        excerpt=quoted(text, number),
        why="this is no TOML",
        hint="llmcost init writes a scenario file to start from",
    )


def _step_lines(text: str, steps: Sequence[int]) -> dict[tuple[int, int], int]:
    """The line of each (scenario, step), where the file writes them as ``[[scenario.step]]``; else nothing."""
    found: dict[tuple[int, int], int] = {}
    scenario, step = -1, 0
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[\[\s*scenario\s*(\.\s*step\s*)?\]\]", line)
        if head and head[1]:
            found[scenario, step] = number
            step += 1
        elif head:
            scenario, step = scenario + 1, 0
    return found if len(found) == sum(steps) and scenario + 1 == len(steps) else {}


def _unique(names: Sequence[str], where: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UsageError(f"two scenarios are called {twice!r}", where=where, hint="give each its own name")


def _bind(spec: ScenarioSpec, place: int, path: Path, line: int) -> BoundStep:
    """A step of a file; whatever is wrong with it is told with its line."""
    step = spec.step[place]
    origin = Origin(path, line, f"scenario {spec.name!r}, step {place + 1}")
    try:
        bound = bind(step.strategy, step.model_extra or {})
    except UsageError as error:
        raise origin.fault(error, [*re.findall(r"[\w-]+", error.what.partition(": ")[2])[:4], step.strategy]) from error
    return replace(bound, origin=origin)


def bind(name: str, parameters: Mapping[str, Any], where: str | None = None) -> BoundStep:
    """A strategy with checked parameters; UsageError naming what is wrong and the nearest field."""
    strategy = STRATEGIES.load(name)
    if (beyond := _beyond(parameters)) is not None:
        raise UsageError(
            f"{name}: {beyond} is a number beyond all reason",
            where=where,
            why="no count, size or amount is above 10^18",
        )
    try:
        return _checked(name, strategy, parameters)
    except (ValidationError, ValueError) as error:
        what = explain(error, strategy.params) if isinstance(error, ValidationError) else str(error)
        raise UsageError(
            f"{name}: {what}", where=where, hint=f"llmcost strategies show {name} prints its parameters"
        ) from error


def _checked(name: str, strategy: Strategy[Any], parameters: Mapping[str, Any]) -> BoundStep:
    """The step at the modes of its ranges, each of whose ends was tried too; ValueError for what does not fit."""
    spans: dict[Place, Mapping[str, Any]] = {}

    def mode(place: Place, span: Mapping[str, Any]) -> Any:
        spans[place] = span
        return span["mode"]

    params = strategy.params.model_validate(picked(parameters, strategy.params, mode))
    return BoundStep(
        name, strategy, params, ranges=tuple(_range(strategy, parameters, place, params) for place in spans)
    )


def _range(strategy: Strategy[Any], parameters: Mapping[str, Any], place: Place, params: Params) -> Ranged:
    """The range at ``place``, its ends held to the limits of the parameter."""
    ends = [_end(strategy, parameters, place, end) for end in ("low", "high")]
    found = Ranged(place, ends[0], value_at(params, place), ends[1])
    if not found.low <= found.mode <= found.high:
        raise ValueError(
            f"{found.name}: a range goes up from low over mode to high, not {found.low}, {found.mode}, {found.high}"
        )
    return found


def _end(strategy: Strategy[Any], parameters: Mapping[str, Any], place: Place, end: str) -> Decimal:
    """One end of a range, all other parameters being at their modes."""
    given = picked(parameters, strategy.params, lambda at, span: span[end if at == place else "mode"])
    try:
        found: Decimal = value_at(strategy.params.model_validate(given), place)
    except ValidationError as error:
        raise ValueError(f"{explain(error, strategy.params)} (the {end} of {dotted(place)})") from error
    return found


def _beyond(value: Any, place: str = "") -> str | None:
    """The place of a number that no engine could hold."""
    if isinstance(value, Mapping):
        inner: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    else:
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return place if number and not -_LARGEST <= value <= _LARGEST else None
    return next((found for key, item in inner if (found := _beyond(item, f"{place}.{key}".lstrip(".")))), None)


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a validation in one line, with the nearest field name for an unknown one."""
    first = _first(error)
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place} is not known; {nearest(str(first['loc'][-1]), _inside(model, first['loc'][:-1]).model_fields)}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    said = first["msg"].removeprefix("Value error, ") + more
    # A fault between parameters has no place of its own.
    return f"{place}: {said}" if place else said


def _first(error: ValidationError) -> ErrorDetails:
    """The fault to tell: an unknown field says more than the one that is missing for it."""
    faults = error.errors()
    return next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])


def _inside(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """The record that a fault's place lies in."""
    for part in place:
        field = model.model_fields.get(str(part))
        model = next(_records(field.annotation), model) if field else model
    return model


def _records(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _records(part)


@contextmanager
def placed(step: BoundStep) -> Iterator[None]:
    """Tells where a step is written when it asks for something that does not exist."""
    try:
        yield
    except UsageError as error:
        if error.where or step.origin is None:
            raise
        raise step.origin.fault(error, re.findall(r"['\"]([^'\"]+)['\"]", error.what)) from error


def presets() -> dict[str, tuple[str, str, Mapping[str, Any]]]:
    """Every ready-made scenario: name -> (strategy, one line, parameters)."""
    return {
        preset: (name, line, parameters)
        for name, strategy in STRATEGIES
        for preset, (line, parameters) in strategy.presets.items()
    }


def preset(name: str) -> BoundScenario:
    """The ready-made scenario called ``name``; UsageError with the nearest one."""
    # Most are named after their strategy: others are imported only where it has no such preset.
    for strategy in sorted(STRATEGIES.names(), key=lambda strategy: not name.startswith(strategy)):
        if name in STRATEGIES.load(strategy).presets:
            _, parameters = STRATEGIES.load(strategy).presets[name]
            break
    else:
        raise UsageError(f"no preset is called {name!r}", hint=nearest(name, presets()))
    return BoundScenario(name, (bind(strategy, parameters),))


def with_gpus(step: BoundStep, files: Sequence[Path]) -> BoundStep:
    """A step that runs GPUs, with files of GPU prices and measurements before its own; other steps as they are."""
    params: Any = step.params
    if not files or not {"files", "gpu"} <= type(params).model_fields.keys():
        return step
    return replace(step, params=params.model_copy(update={"files": (*files, *params.files)}))
