"""Tells a call that was logged twice: two tools told of it, one inside the other, and only one may be counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

REMEMBERED: Final = 200_000
"""Records whose place in their trace is remembered while the file is read."""


@dataclass
class Nesting:
    """What was seen of the traces of a file. Of nested calls the first to be counted stays."""

    _parents: dict[str, str] = field(default_factory=dict)
    _counted: dict[str, None] = field(default_factory=dict)
    _above: dict[str, None] = field(default_factory=dict)

    def place(self, own: str, parent: str) -> None:
        """Remembers where a record stands, whether it is a call or not."""
        if own and parent:
            self._parents[own] = parent
        for seen in (self._parents, self._counted, self._above):
            while len(seen) > REMEMBERED:
                del seen[next(iter(seen))]

    def counts(self, own: str) -> bool:
        """Whether the call ``own`` is counted: no call above it was, nor one below it. It is counted from now on."""
        above = list(self._ancestors(own))
        if own in self._above or any(parent in self._counted for parent in above):
            return False
        self._counted[own] = None
        self._above.update(dict.fromkeys(above))
        return True

    def _ancestors(self, own: str) -> Iterator[str]:
        for _ in range(1000):
            own = self._parents.get(own, "")
            if not own:
                return
            yield own
