"""Parameters that are ranges: ``{ low, mode, high }`` in place of a number, found alike for every strategy.

A strategy never sees a range. It is replayed with the mode, and again with other values of it (``results.ranges``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from llmcost.errors import nearest

ENDS: Final = ("low", "mode", "high")
Place = tuple[str | int, ...]
"""Where a parameter stands: ``("rules", 0, "share")``."""
Pick = Callable[[Place, Mapping[str, Any]], Any]
"""What to put in the place of a range."""


@dataclass(frozen=True)
class Ranged:
    """A parameter with the least, the likeliest and the greatest value that it may have."""

    place: Place
    low: Decimal
    mode: Decimal
    high: Decimal

    @property
    def name(self) -> str:
        """The place as errors write it: ``rules.0.share``."""
        return dotted(self.place)


def dotted(place: Place) -> str:
    """A place in one word."""
    return ".".join(str(part) for part in place)


def picked(value: Any, annotation: Any, pick: Pick, place: Place = ()) -> Any:
    """``value`` with every range in it replaced by what ``pick`` says; ValueError for a range where none may be.

    ``annotation`` is the type that ``value`` is meant for: only what may be a Decimal may be a range, since whole numbers
    (GPUs, tokens, entries) have nothing between them.
    """
    members = list(_members(annotation))
    if isinstance(value, Mapping):
        if Decimal in members:
            return pick(place, _whole(value, place))
        record = next((m for m in members if isinstance(m, type) and issubclass(m, BaseModel)), None)
        if record is not None:
            return {key: _in_record(item, record, key, pick, place) for key, item in value.items()}
        if set(value) == set(ENDS):
            raise ValueError(f"{dotted(place)} cannot be a range: only amounts, shares and factors can")
        inner = _inner(members, dict, 1)
        return {key: picked(item, inner, pick, (*place, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        inner = _inner(members, (list, tuple), 0)
        return [picked(item, inner, pick, (*place, number)) for number, item in enumerate(value)]
    return value


def _in_record(value: Any, record: type[BaseModel], key: str, pick: Pick, place: Place) -> Any:
    """A field's value; one that the record does not know is left for its own validation."""
    for name, field in record.model_fields.items():
        if key in {name, field.alias}:
            return picked(value, field.annotation, pick, (*place, name))
    return value


def _whole(value: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
    unknown = next((str(key) for key in value if key not in ENDS), None)
    if unknown is not None:
        raise ValueError(f"{dotted((*place, unknown))} is not known; {nearest(unknown, ENDS)}")
    missing = [end for end in ENDS if end not in value]
    if missing:
        raise ValueError(f"{dotted(place)}: a range has low, mode and high; {' and '.join(missing)} is missing")
    return value


def _members(annotation: Any) -> Iterator[Any]:
    """The types that a value may have: of a union each of its parts."""
    if get_origin(annotation) is Annotated:
        yield from _members(get_args(annotation)[0])
    elif get_origin(annotation) in {Union, UnionType}:
        for part in get_args(annotation):
            yield from _members(part)
    else:
        yield annotation


def _inner(members: Sequence[Any], kinds: type | tuple[type, ...], place: int) -> Any:
    """The type of what a collection holds; Any where it does not say."""
    for member in members:
        origin, arguments = get_origin(member), get_args(member)
        if isinstance(origin, type) and issubclass(origin, kinds) and len(arguments) > place:
            return arguments[place]
    return Any


def value_at(value: Any, place: Place) -> Any:
    """What stands at a place of parameters."""
    for part in place:
        value = getattr(value, str(part)) if isinstance(value, BaseModel) else value[part]
    return value


def placed_in(value: Any, place: Place, new: Any) -> Any:
    """``value``, mappings and sequences in one another, with ``new`` at a place."""
    if not place:
        return new
    first, rest = place[0], place[1:]
    if isinstance(value, Mapping):
        return {**value, first: placed_in(value[first], rest, new)}
    return [placed_in(item, rest, new) if number == first else item for number, item in enumerate(value)]


def may_range(annotation: Any) -> bool:
    """Whether a parameter of this type may be a range."""
    return Decimal in _members(annotation)
