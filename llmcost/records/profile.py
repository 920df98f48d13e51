"""What the fields of an unknown file look like: names in words, and what their values have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from llmcost.records.mapfile import rows_of
from llmcost.records.values import BadValueError, count, instant, is_absent, money

_DEPTH: Final = 5
_MOST_FIELDS: Final = 400
_MOST_LISTS: Final = 5
_LABEL: Final = 80
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words_of(name: str) -> tuple[str, ...]:
    """The words of a field's name, whatever it is written in (``ContextTokens``, ``context-tokens``)."""
    return tuple(piece.lower() for piece in re.split(r"[^A-Za-z0-9]+", _CAMEL.sub("_", name)) if piece)


@dataclass(frozen=True)
class Profile:
    """One field: its path as a mapping writes it, and its values in the sampled rows, absent ones left out."""

    path: str
    values: tuple[Any, ...]
    rows: int

    @cached_property
    def name(self) -> str:
        """The last step of the path in words joined with underscores."""
        return "_".join(words_of(self.path.rpartition(".")[2])) or self.path

    @property
    def known(self) -> str:
        """How many of the rows have a value."""
        return f"{len(self.values)} of {self.rows}"

    @cached_property
    def distinct(self) -> int:
        """Different values."""
        return len({repr(value) for value in self.values})

    @cached_property
    def counts(self) -> tuple[int, ...] | None:
        """The values as counts; None unless all of them are."""
        return self._as(count) if not self._has(bool, list, dict) else None

    @cached_property
    def amounts(self) -> tuple[Decimal, ...] | None:
        """The values as exact numbers; None unless all of them are."""
        return self._as(money) if not self._has(bool, list, dict) else None

    @cached_property
    def instants(self) -> tuple[int, ...] | None:
        """The values as instants; None unless all of them are."""
        return self._as(instant) if not self._has(bool, list, dict) else None

    @property
    def labels(self) -> bool:
        """Whether all values are short texts without line ends."""
        return all(isinstance(v, str) and len(v) <= _LABEL and "\n" not in v for v in self.values)

    @property
    def lists(self) -> bool:
        """Whether all values are lists of numbers or texts."""
        return all(isinstance(v, list) and all(isinstance(item, int | str) for item in v) for v in self.values)

    def _has(self, *types: type) -> bool:
        return any(isinstance(value, types) for value in self.values)

    def _as(self, read: Callable[[Any, str], Any]) -> tuple[Any, ...] | None:
        try:
            return tuple(read(value, self.path) for value in self.values) or None
        except BadValueError:
            return None


def profiles(rows: Iterable[Mapping[str, Any]]) -> list[Profile]:
    """The fields of the rows in the order in which they first come, those without any value left out."""
    found: dict[str, list[Any]] = {}
    number = 0
    for row in rows:
        number += 1
        for path, value in _fields(row, "", 0):
            if (path in found or len(found) < _MOST_FIELDS) and not is_absent(value):
                found.setdefault(path, []).append(value)
    return [Profile(path, tuple(values), number) for path, values in found.items()]


def _fields(value: Mapping[str, Any], before: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        path = f"{before}{name}"
        if isinstance(inner, Mapping) and depth < _DEPTH:
            yield from _fields(inner, f"{path}.", depth + 1)
        else:
            yield path, inner


def row_lists(records: Sequence[Any]) -> list[tuple[str | None, list[Mapping[str, Any]]]]:
    """Where the rows of a file may be: its records themselves, or the lists inside them, the longest first."""
    plain = [record for record in records if isinstance(record, Mapping)]
    sizes: dict[str, int] = {}
    for record in plain:
        for path, items in _lists(record, "", 0):
            sizes[path] = sizes.get(path, 0) + len(items)
    inner = [path for path, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:_MOST_LISTS]]
    return [(None, plain), *((path, _rows_at(plain, path)) for path in inner)]


def _rows_at(records: Sequence[Mapping[str, Any]], path: str) -> list[Mapping[str, Any]]:
    return [row for record in records for row in rows_of(record, path) if isinstance(row, Mapping)]


def _lists(value: Mapping[str, Any], before: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    for name, inner in value.items():
        if isinstance(inner, list) and inner and all(isinstance(item, Mapping) for item in inner):
            yield f"{before}{name}", inner
        elif isinstance(inner, Mapping) and depth < _DEPTH:
            yield from _lists(inner, f"{before}{name}.", depth + 1)
