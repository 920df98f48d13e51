"""Tells a call that was logged twice: two tools told of it, one inside the other, and only one may be counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from llmcost.records.contract import Problem, Reading, Row, Skip
from llmcost.records.labels import Notes

REMEMBERED: Final = 200_000
"""Records whose place in their trace is remembered while the file is read."""
WAITING: Final = 20_000
"""Calls without counts that wait for one of the same call that has some; more would fill the memory."""


@dataclass
class Waiting:
    """Readings that a later record may make needless: they are given at the end of the file, or when too many wait."""

    _held: dict[str, list[Reading]] = field(default_factory=dict)

    def add(self, own: str, readings: Iterable[Reading], line: int) -> None:
        """Keeps what a record says, under the line it stands on."""
        self._held[own] = [on_line(reading, line) for reading in readings]

    def overdue(self) -> Iterator[tuple[str, list[Reading]]]:
        """Those that have waited longest, as far as there are too many."""
        while len(self._held) > WAITING:
            own = next(iter(self._held))
            yield own, self._held.pop(own)

    def rest(self) -> Iterator[tuple[str, list[Reading]]]:
        """All that are left."""
        yield from self._held.items()


@dataclass
class Nesting:
    """What was seen of the traces of a file. Of nested calls the first that has counts stays, one without only alone."""

    _parents: dict[str, str] = field(default_factory=dict)
    _counted: dict[str, None] = field(default_factory=dict)
    _above: dict[str, None] = field(default_factory=dict)
    _around: dict[str, None] = field(default_factory=dict)
    _waiting: Waiting = field(default_factory=Waiting)

    def place(self, own: str, parent: str) -> None:
        """Remembers where a record stands, whether it is a call or not."""
        if own and parent:
            self._parents[own] = parent
        for seen in (self._parents, self._counted, self._above, self._around):
            while len(seen) > REMEMBERED:
                del seen[next(iter(seen))]

    def told(self, own: str | None, row: Row, notes: Notes, line: int, why: str) -> Iterator[Reading]:
        """The row of a call, a skip that says ``why`` where another stands for it, or its place in the queue."""
        usage = row.usage or {}
        if own is None:
            yield row
        elif usage.get("status") == "ok" and "token_source" not in usage:
            waiting = [row, *notes]
            notes.clear()
            yield Skip("a call without counts, decided at the end of the file")
            yield from self.wait(own, waiting, line)
        elif self.counts(own):
            yield row
        else:
            notes.clear()
            yield Skip(why)

    def counts(self, own: str) -> bool:
        """Whether the call ``own`` is counted: no call above it was, nor one below it. It is counted from now on."""
        above = list(self._ancestors(own))
        if own in self._above or any(parent in self._counted for parent in above):
            return False
        self._counted[own] = None
        self._above.update(dict.fromkeys(above))
        return True

    def wait(self, own: str, readings: Iterable[Reading], line: int) -> Iterator[Reading]:
        """Keeps a call that has no counts: around or inside it may be one that has. Gives what has waited too long."""
        self._around.update(dict.fromkeys(self._ancestors(own)))
        self._waiting.add(own, readings, line)
        for key, found in self._waiting.overdue():
            yield from found if self._alone(key) else ()

    def rest(self) -> Iterator[Reading]:
        """Calls without counts for which no other record stands: the innermost of those that lie in one another."""
        for key, found in self._waiting.rest():
            yield from found if self._alone(key) else ()

    def _alone(self, own: str) -> bool:
        if own in self._above or own in self._around or own in self._counted:
            return False
        return not any(parent in self._counted for parent in self._ancestors(own))

    def _ancestors(self, own: str) -> Iterator[str]:
        for _ in range(1000):
            own = self._parents.get(own, "")
            if not own:
                return
            yield own


def on_line(reading: Reading, line: int) -> Reading:
    """The reading as one of another line than the record that completed it."""
    if isinstance(reading, Row):
        return Row(reading.usage, billed=reading.billed, body=reading.body, line=line)
    return replace(reading, line=line) if isinstance(reading, Problem) else reading
