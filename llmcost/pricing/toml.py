"""Writes price records as a TOML price file that reads back to the same records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any, get_args

import msgspec

from llmcost.money import plain
from llmcost.pricing.entries import ModelEntry, Price, PriceFile, TokenClass, UnitClass, moment

_INSTANTS = frozenset({"from", "to"})
_ORDER: tuple[str, ...] = (*get_args(TokenClass), *get_args(UnitClass))


def dumps(file: PriceFile) -> str:
    """The file as TOML text."""
    parts = [_fields(file, skip={"models", "discounts"})]
    parts += ["[[discount]]\n" + _fields(d) for d in file.discounts]
    parts += [_model(m) for m in file.models]
    return "\n".join(part for part in parts if part)


def _model(model: ModelEntry) -> str:
    head = "[[model]]\n" + _fields(model, skip={"prices"})
    return "\n".join([head, *("[[model.price]]\n" + _fields(p) for p in model.prices)])


def _fields(record: msgspec.Struct, skip: Iterable[str] = ()) -> str:
    return "".join(f"{name} = {inline(name, value)}\n" for name, value in _set_fields(record, skip))


def _set_fields(record: msgspec.Struct, skip: Iterable[str] = ()) -> list[tuple[str, Any]]:
    found = []
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        default = field.default if field.default is not msgspec.NODEFAULT else None
        always = isinstance(record, Price) and field.name in {"source", "confidence"}
        if field.name not in skip and value not in (None, (), {}) and (always or value != default or field.required):
            found.append((field.encode_name, value))
    return found


def inline(name: str, value: object) -> str:
    """A value as TOML on one line; ``name`` is the field's, of which some hold instants as microseconds."""
    if name in _INSTANTS and isinstance(value, int):
        at = moment(value)
        return at.date().isoformat() if at.time() == time() else at.isoformat().replace("+00:00", "Z")
    if isinstance(value, msgspec.Struct | Mapping):
        return _inline(_set_fields(value) if isinstance(value, msgspec.Struct) else _in_order(value))
    if isinstance(value, tuple | list):
        return f"[{', '.join(inline('', item) for item in value)}]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date | time):
        return value.isoformat()
    # JSON's escapes are TOML's, but TOML also forbids a bare DEL
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _in_order(rates: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(rates.items(), key=lambda pair: _ORDER.index(pair[0]) if pair[0] in _ORDER else len(_ORDER))


def _inline(pairs: list[tuple[str, Any]]) -> str:
    return "{ " + ", ".join(f"{name} = {inline(name, value)}" for name, value in pairs) + " }"
