"""Decides what an input and an output count contain, by the one identity that every log has: the total.

A writer may put cached tokens inside its input count or beside it, and reasoning inside its output count or beside it;
which one depends on the writer, its version and the provider behind it (see each source). The writer's habit is the
first guess; a total that only another reading meets decides against it, and so do parts that are larger than what
would hold them. No reading that fits is a problem; nothing is clamped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from llmcost.records.contract import Problem
from llmcost.records.labels import Notes
from llmcost.records.rows import known
from llmcost.usage.columns import Usage


@dataclass(frozen=True, slots=True)
class Inside:
    """Which parts the counts of a writer contain."""

    read: bool = True
    written: bool = True
    reasoning: bool = True


def settle(
    found: dict[str, Any],
    total: int | None,
    notes: Notes,
    *,
    habit: Inside | None = None,
    usual: Inside | None = None,
    more: tuple[int, int] = (0, 0),
) -> Usage:
    """The counters in our meaning. ``found`` has our names and the writer's meaning, which ``habit`` states.

    Another reading than the ``usual`` one (the habit) is noted. ``more`` are further parts of the input and of the
    output that no counter of ``found`` holds; they stand where cache reads and reasoning stand.
    """
    first = habit or Inside()
    found = {**found, _MORE[0]: more[0], _MORE[1]: more[1]}
    given, made = found.get("input_tokens"), found.get("output_tokens")
    if given is None and made is None:
        if total is not None:
            notes.append(
                Problem(
                    "only-a-total", f"only total_tokens {total} is known; input and output stay unknown", rejected=False
                )
            )
        return _moved(found, first, first, notes)
    fitting = [inside for inside in _readings(first) if _holds(found, inside)]
    meant = next((i for i in fitting if total == _sum(found, i)), None)
    if meant is None:
        meant = next(iter(fitting), first)
        if total is not None and given is not None and made is not None:
            notes.append(
                Problem("total-mismatch", f"input {given} and output {made} are not total {total}", rejected=False)
            )
    return _moved(found, meant, usual or first, notes)


_MORE = ("_more_input", "_more_output")


def _readings(first: Inside) -> Iterator[Inside]:
    """All ways to read the counts, the writer's habit first."""
    yield first
    cached = [(first.read, first.written), (True, True), (False, False)]
    for read, written in dict.fromkeys(cached):
        for reasoning in (first.reasoning, not first.reasoning):
            if (way := replace(first, read=read, written=written, reasoning=reasoning)) != first:
                yield way


def _holds(found: dict[str, Any], inside: Inside) -> bool:
    """Whether the counts are large enough for what they are said to contain."""
    given, made = found.get("input_tokens"), found.get("output_tokens")
    parts, reasoning = _parts(found, Inside(not inside.read, not inside.written, not inside.reasoning))
    return (given is None or parts <= given) and (made is None or reasoning <= made)


def _part(found: dict[str, Any], name: str, counts: bool) -> int:
    return int(found.get(name) or 0) if counts else 0


def _parts(found: dict[str, Any], inside: Inside) -> tuple[int, int]:
    """Tokens beside the input count and beside the output count."""
    cached = _part(found, "cache_read_input_tokens", not inside.read) + _part(found, _MORE[0], not inside.read)
    written = _part(found, "cache_creation_input_tokens", not inside.written)
    thought = _part(found, "reasoning_output_tokens", not inside.reasoning) + _part(
        found, _MORE[1], not inside.reasoning
    )
    return cached + written, thought


def _sum(found: dict[str, Any], inside: Inside) -> int:
    return int(found.get("input_tokens") or 0) + int(found.get("output_tokens") or 0) + sum(_parts(found, inside))


def _moved(found: dict[str, Any], meant: Inside, first: Inside, notes: Notes) -> Usage:
    """The counts with what stood beside them put inside; said when the writer's habit did not tell so."""
    row = {name: value for name, value in found.items() if name not in _MORE}
    usual = _parts(found, first)
    for column, kind, what, beside, told in (
        ("input_tokens", "input-excludes-cache", "cached", _parts(found, meant)[0], usual[0]),
        ("output_tokens", "output-excludes-reasoning", "reasoning", _parts(found, meant)[1], usual[1]),
    ):
        if row.get(column) is None or not beside:
            continue
        if beside != told:
            notes.append(
                Problem(
                    kind,
                    f"{column} {row[column]} leave out {beside} {what} tokens; they were added",
                    rejected=False,
                    informative=True,
                )
            )
        row[column] += beside
    return known(row)
