"""Finds the plug-ins of a package by their file names; imports one only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from llmcost.errors import UsageError, nearest

T = TypeVar("T")


class Plugins(Generic[T]):
    """The plug-ins of one package: each file is one, its name (dashes for underscores) is the public name.

    ``attribute`` is the frozen record that each file ends in (``SOURCE``, ``STRATEGY`` or ``REPORT``).
    """

    def __init__(self, package: str, attribute: str, kind: str) -> None:
        self.package, self.attribute, self.kind = package, attribute, kind

    def names(self) -> tuple[str, ...]:
        """Public names, sorted; nothing is imported."""
        return self._names

    @cached_property
    def _names(self) -> tuple[str, ...]:
        # Looked up once: every file of an ingest asks every source whether it knows the file.
        folder = Path(__file__).parent.joinpath(*self.package.split(".")[1:])
        return tuple(sorted(f.stem.replace("_", "-") for f in folder.glob("*.py") if not f.stem.startswith("_")))

    def load(self, name: str) -> T:
        """The record called ``name``; :class:`UsageError` naming the nearest one if there is none."""
        if name not in self.names():
            raise UsageError(f"no {self.kind} is called {name!r}", hint=nearest(name, self.names()))
        record: T = getattr(_import(f"{self.package}.{name.replace('-', '_')}"), self.attribute)
        return record

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return ((name, self.load(name)) for name in self.names())


@cache
def _import(module: str) -> Any:
    return importlib.import_module(module)
