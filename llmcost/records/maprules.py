"""The rules of a mapping file, applied to one record: raw values under canonical names."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any, Final

from llmcost.money import decimal_of, plain
from llmcost.records.canonical import SOFT
from llmcost.records.contract import Problem
from llmcost.records.mapfile import FieldSpec, Filter, MapFile, value_at
from llmcost.records.values import BadValueError, instant, is_absent
from llmcost.usage.columns import BY_NAME, Column

MICROS: Final = {"s": 1_000_000, "ms": 1000, "us": 1}
_MILLISECONDS: Final = frozenset({"duration_ms", "time_to_first_token_ms"})


def wanted(row: Mapping[str, Any], rules: Filter) -> bool:
    """Whether the filter takes a record for a row."""
    return all(_is(row, f, v) for f, v in rules.keep.items()) and not any(_is(row, f, v) for f, v in rules.skip.items())


def _is(row: Mapping[str, Any], field: str, said: Any) -> bool:
    found = _as_text(value_at(row, field))
    return any(found == _as_text(value) for value in (said if isinstance(said, tuple) else (said,)))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else plain(value) if isinstance(value, Decimal) else str(value)


def values_of(row: Mapping[str, Any], mapping: MapFile) -> tuple[dict[str, Any], list[Problem]]:
    """Raw values under canonical names, and what the rules of unimportant columns could not compute."""
    values: dict[str, Any] = {}
    problems = []
    for name, spec in mapping.columns.items():
        try:
            values[name] = _value(row, spec, BY_NAME[name])
        except BadValueError as error:
            if name not in SOFT:
                raise
            problems.append(Problem(error.kind, error.detail, rejected=False))
    if mapping.tags:
        base = values.get("tags")
        labels = {name: _value(row, spec, BY_NAME["tags"]) for name, spec in mapping.tags.items()}
        values["tags"] = {**(base if isinstance(base, dict) else {}), **labels}
    return values, problems


def _value(row: Mapping[str, Any], spec: FieldSpec, column: Column) -> Any:
    """What the rule says, before the column's own conversion."""
    if spec.value is not None:
        return spec.value
    value = _origin(row, spec, column.name)
    if spec.map and value is not None:
        value = spec.map.get(_as_text(value), value)
    if spec.scale is not None and not is_absent(value):
        value = _scaled(value, spec.scale, column.name)
    if column.type == "instant":
        return _instant(value, spec, column.name)
    return value


def _origin(row: Mapping[str, Any], spec: FieldSpec, name: str) -> Any:
    found = [spec.default if _says_nothing(v := value_at(row, field), spec) else v for field in spec.fields]
    if spec.add:
        return None if None in found else sum((_number(v, name) for v in found), Decimal(0))
    if spec.join:
        return spec.separator.join(_as_text(v) for v in found if v is not None) or None
    (value,) = found
    if spec.split is not None and value is not None:
        pieces = _as_text(value).split(spec.split)
        return pieces[spec.part] if -len(pieces) <= spec.part < len(pieces) else None
    return value


def _says_nothing(value: Any, spec: FieldSpec) -> bool:
    """Whether the value is absent; a word for nothing (``none``) may stand in the rule's own map."""
    return is_absent(value) and not (value and spec.map and _as_text(value) in spec.map)


def _number(value: Any, name: str) -> Decimal:
    if isinstance(value, bool | list | dict):
        raise BadValueError("not-a-number", f"{name} is made of {type(value).__name__}, not a number")
    try:
        return decimal_of(
            value.strip() if isinstance(value, str) else repr(value) if isinstance(value, float) else value
        )
    except ValueError as error:
        raise BadValueError("not-a-number", f"{name} is made of a value that is no number") from error


def _scaled(value: Any, scale: Decimal, name: str) -> Decimal:
    with localcontext() as context:
        context.prec = 100
        scaled = _number(value, name) * scale
        return scaled.to_integral_value() if name in _MILLISECONDS else scaled


def _instant(value: Any, spec: FieldSpec, name: str) -> Any:
    if spec.epoch_us is None:
        return instant(value, name, spec.unit or "auto")
    if is_absent(value):
        return None
    unit = Decimal(MICROS[spec.unit]) if spec.unit in MICROS else Decimal("0.001")
    with localcontext() as context:
        context.prec = 100
        return spec.epoch_us + int(_number(value, name) * unit)
