"""``llmcost strategies``: what can be simulated, with every parameter and ready-made scenario."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from llmcost.cli._text import aligned, show, show_json, wrapped
from llmcost.cli.options import TextFormat, TextFormatOption, command_app

if TYPE_CHECKING:
    from pydantic import BaseModel

    from llmcost.workload.contract import Strategy

COMMAND = command_app(invoke_without_command=True, no_args_is_help=False)


@COMMAND.callback()
def strategies(context: typer.Context) -> None:
    """List what can be simulated, with all parameters."""
    if context.invoked_subcommand is None:
        listing(TextFormat.TEXT)


@COMMAND.command("list")
def list_(output: TextFormatOption = TextFormat.TEXT) -> None:
    """List the strategies and their ready-made scenarios (presets)."""
    listing(output)


@COMMAND.command("show")
def show_one(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A strategy, e.g. prompt-cache.")],
    output: TextFormatOption = TextFormat.TEXT,
) -> None:
    """Show a strategy: what it assumes, its parameters with units and defaults, its presets."""
    from llmcost.strategies import STRATEGIES

    strategy = STRATEGIES.load(name)
    show_json(_full(name, strategy)) if output is TextFormat.JSON else show(_one(name, strategy))


def listing(output: TextFormat) -> None:
    """All strategies on stdout."""
    from llmcost.strategies import STRATEGIES

    found = list(STRATEGIES)
    if output is TextFormat.JSON:
        show_json([_full(name, strategy) for name, strategy in found])
        return
    rows = [(name, strategy.title) for name, strategy in found]
    made = [(preset, line) for _, strategy in found for preset, (line, _) in strategy.presets.items()]
    text = f"strategies (llmcost strategies show NAME)\n\n{aligned(rows)}"
    if made:
        text += f"\n\nready-made scenarios (llmcost simulate --preset NAME)\n\n{aligned(made)}"
    show(text)


def _full(name: str, strategy: Strategy[Any]) -> dict[str, Any]:
    return {
        "name": name, "title": strategy.title, "description": _description(strategy),
        "conserves": sorted(strategy.conserves), "needs_requests": strategy.needs_requests,
        "parameters": list(_parameters(strategy.params)),
        "presets": {each: {"line": line, "parameters": _plain(given)} for each, (line, given) in strategy.presets.items()},
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """JSON values of a preset's parameters; decimals and dates become text."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=str)


def _parameters(model: type[BaseModel], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Every parameter; those of a record inside a parameter follow it under a dotted name."""
    from llmcost.results.ranged import may_range

    for field_name, field in model.model_fields.items():
        name = f"{prefix}{field.alias or field_name}"
        required = field.is_required()
        default = None if required else _plain(field.get_default(call_default_factory=True, validated_data={}))
        yield {
            "name": name, "description": field.description or "", "required": required, "default": default,
            "range": may_range(field.annotation),
        }  # fmt: skip
        for inner in _records(field.annotation):
            yield from _parameters(inner, f"{name}.")


def _records(annotation: Any) -> Iterator[type[BaseModel]]:
    """The records that a type consists of."""
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _records(part)


def _description(strategy: Strategy[Any]) -> str:
    return inspect.getdoc(sys.modules[strategy.rewrite.__module__]) or ""


def _one(name: str, strategy: Strategy[Any]) -> str:
    parts = [f"{name}: {strategy.title}", _description(strategy), "parameters"]
    for parameter in _full(name, strategy)["parameters"]:
        default = "required" if parameter["required"] else f"default: {_shown(parameter['default'])}"
        default += "; number or { low, mode, high }" if parameter["range"] else ""
        parts.append(f"  {parameter['name']} ({default})\n{wrapped(parameter['description'], '    ')}")
    if strategy.presets:
        parts.append("ready-made scenarios")
        parts += [
            f"  {each}\n{wrapped(line, '    ')}\n{wrapped(_settings(given), '    ')}"
            for each, (line, given) in strategy.presets.items()
        ]
    return "\n\n".join(parts)


def _settings(given: Any) -> str:
    return (
        ", ".join(f"{key} = {_shown(value)}" for key, value in _plain(given).items())
        or "all parameters at their defaults"
    )


def _shown(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
