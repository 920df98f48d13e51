"""A user's price file on top of the shipped ones: own models and names, and rates that replace shipped ones for a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from llmcost.errors import UsageError, line_of, quoted
from llmcost.pricing.entries import ModelEntry, Price, PriceFile, build, parse

if TYPE_CHECKING:
    from pydantic import ValidationError


def read(path: Path) -> PriceFile:
    """A user's file, checked in full; UsageError with place and reason."""
    from pydantic import ValidationError

    from llmcost.pricing.schema import OverlayFile

    try:
        text = path.read_text(encoding="utf-8")
        data = parse(text)
        OverlayFile.model_validate(data)
        return build(data)
    except OSError as error:
        raise UsageError(
            f"cannot read the price file: {error.strerror}",
            where=str(path),
            hint="llmcost init writes one to start from",
        ) from error
    except ValidationError as error:
        raise _fault(error, text, data, path) from error
    except ValueError as error:
        raise UsageError(
            f"not a price file: {error}", where=str(path), hint="llmcost schema prices shows the form"
        ) from error


def _fault(error: ValidationError, text: str, data: Mapping[str, Any], path: Path) -> UsageError:
    """What is wrong with which entry; an unknown field says more than the one that is missing for it."""
    faults = error.errors()
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    loc = [str(part) for part in first["loc"]]
    named = data["model"][int(loc[1])].get("id") if loc[0] == "model" and len(loc) > 2 else None
    owner = f"{named}: " if named else ""
    said = "is not known" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    number = None if first["type"] == "missing" else line_of(text, [loc[-1]])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return UsageError(
        f"{owner}{'.'.join(loc[2:] if owner else loc)}: {said}{more}",
        where=f"{path}:{number}" if number else str(path),
        excerpt=quoted(text, number),
        hint="llmcost schema prices shows the form",
    )


def models_by_provider(file: PriceFile, where: str) -> dict[str, list[ModelEntry]]:
    """The file's models under the provider that each names, or the file's."""
    found: dict[str, list[ModelEntry]] = {}
    for model in file.models:
        provider = model.provider or file.provider
        if provider is None:
            raise UsageError(
                f"model {model.id!r} names no provider",
                where=where,
                hint='add provider = ".." to the model or at the top of the file',
            )
        found.setdefault(provider, []).append(model)
    return found


def merge(base: Iterable[ModelEntry], own: Iterable[ModelEntry]) -> tuple[ModelEntry, ...]:
    """``base`` with the user's models on top; a model of the user's is a shipped one if it has its id or an alias."""
    models = {model.id.lower(): model for model in base}
    for model in own:
        names = {model.id.lower(), *(a.lower() for a in model.aliases), *(s.alias.lower() for s in model.alias_history)}
        key = next((k for k, m in models.items() if model.id.lower() in {k, *(a.lower() for a in m.aliases)}), None)
        models = {k: m if k == key else _without_names(m, names) for k, m in models.items()}
        if key is None:
            models[model.id.lower()] = model
        else:
            models[key] = _merged(models[key], model)
    return tuple(models.values())


def replace_rates(base: Iterable[Price], own: Iterable[Price]) -> tuple[Price, ...]:
    """``base`` where no entry of ``own`` of the same service and region holds, and ``own``."""
    replaced = tuple(own)
    kept = list(base)
    for entry in replaced:
        kept = [
            piece
            for old in kept
            for piece in (_outside(old, entry) if (old.service, old.region) == (entry.service, entry.region) else [old])
        ]
    return (*kept, *replaced)


def _outside(old: Price, new: Price) -> list[Price]:
    """What is left of ``old`` before and after ``new``."""
    pieces = []
    if old.valid_from < new.valid_from:
        end = new.valid_from if old.valid_to is None else min(old.valid_to, new.valid_from)
        pieces.append(msgspec.structs.replace(old, valid_to=end))
    if new.valid_to is not None and (old.valid_to is None or old.valid_to > new.valid_to):
        pieces.append(msgspec.structs.replace(old, valid_from=max(old.valid_from, new.valid_to)))
    return pieces


def _merged(shipped: ModelEntry, own: ModelEntry) -> ModelEntry:
    given = {name: getattr(own, name) for name in own.__struct_fields__ if getattr(own, name) not in (None, ())}
    given |= {
        "id": shipped.id,
        "operation": shipped.operation if own.operation == "chat" else own.operation,
        "aliases": (*shipped.aliases, *own.aliases),
        "patterns": (*shipped.patterns, *own.patterns),
        "alias_history": (*shipped.alias_history, *own.alias_history),
        "cache": (*(r for r in shipped.cache if r.valid_from not in {o.valid_from for o in own.cache}), *own.cache),
        "prices": replace_rates(shipped.prices, own.prices),
    }
    return msgspec.structs.replace(shipped, **given)


def _without_names(model: ModelEntry, names: set[str]) -> ModelEntry:
    aliases = tuple(a for a in model.aliases if a.lower() not in names)
    history = tuple(s for s in model.alias_history if s.alias.lower() not in names)
    if len(aliases) == len(model.aliases) and len(history) == len(model.alias_history):
        return model
    return msgspec.structs.replace(model, aliases=aliases, alias_history=history)
