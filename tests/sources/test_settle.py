"""What counts contain is told by the total: every way to write one call reads as the same call."""

from __future__ import annotations

from itertools import product

import pytest

from llmcost.records import Notes
from llmcost.records.settle import Inside, settle

WHOLE = {
    "input_tokens": 1310, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300, "output_tokens": 50, "reasoning_output_tokens": 20,
}  # fmt: skip
TOTAL = 1360
WAYS = [Inside(cached, cached, reasoning) for cached, reasoning in product((True, False), repeat=2)]


def _written(inside: Inside) -> dict[str, int]:
    row = dict(WHOLE)
    row["input_tokens"] -= (0 if inside.read else 1000) + (0 if inside.written else 300)
    row["output_tokens"] -= 0 if inside.reasoning else 20
    return row


@pytest.mark.parametrize("habit", WAYS)
@pytest.mark.parametrize("way", WAYS)
def test_the_total_decides_whatever_the_habit(way: Inside, habit: Inside) -> None:
    notes = Notes()
    assert settle(_written(way), TOTAL, notes, habit=habit) == WHOLE
    kinds = {"input-excludes-cache", "output-excludes-reasoning"}
    assert {n.kind for n in notes} <= kinds
    assert all(n.informative for n in notes)


@pytest.mark.parametrize("way", WAYS)
def test_without_a_total_the_habit_stands(way: Inside) -> None:
    notes = Notes()
    assert settle(_written(way), None, notes, habit=way) == WHOLE
    assert not notes


def test_a_part_larger_than_its_whole_stands_beside_it() -> None:
    row = settle({"input_tokens": 10, "cache_read_input_tokens": 1000, "output_tokens": 5}, None, Notes())
    assert row == {"input_tokens": 1010, "cache_read_input_tokens": 1000, "output_tokens": 5}


def test_a_total_that_fits_nothing_is_told_and_changes_nothing() -> None:
    notes = Notes()
    given = {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 5}
    assert settle(given, 99, notes) == given
    assert [n.kind for n in notes] == ["total-mismatch"]
    assert not notes[0].informative


def test_a_total_alone_says_neither_input_nor_output() -> None:
    notes = Notes()
    assert settle({"input_tokens": None, "output_tokens": None}, 7, notes) == {}
    assert [n.kind for n in notes] == ["only-a-total"]


def test_parts_without_a_column_stand_where_the_others_do() -> None:
    row = settle(
        {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5},
        19,
        Notes(),
        habit=Inside(read=False, reasoning=False),
        more=(5, 2),
    )
    assert row == {"input_tokens": 12, "cache_read_input_tokens": 4, "output_tokens": 7}
