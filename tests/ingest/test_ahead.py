"""Blocks that are worked on ahead come back in order, and their errors where they belong."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from llmcost.ingest.ahead import in_order, workers


def test_results_stand_beside_their_items_in_order() -> None:
    assert list(in_order(range(50), lambda number: number * number)) == [(n, n * n) for n in range(50)]
    assert list(in_order([], lambda number: number)) == []


def test_no_more_is_taken_than_is_worked_on() -> None:
    """Memory holds a few blocks, however long the file is."""
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    most = 0
    for given, _ in enumerate(in_order(items(), lambda number: number)):
        most = max(most, taken - given)
    assert most <= workers() + 2


def test_work_goes_on_while_a_result_is_used() -> None:
    second = threading.Event()

    def work(number: int) -> int:
        if number == 1:
            second.set()
        return number

    found = in_order(range(3), work)
    assert next(found) == (0, 0)
    assert second.wait(10)
    assert list(found) == [(1, 1), (2, 2)]


def test_an_error_is_raised_where_its_item_is_due() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise KeyError(number)
        return number

    found = in_order(range(10), work)
    assert [next(found) for _ in range(3)] == [(0, 0), (1, 1), (2, 2)]
    with pytest.raises(KeyError):
        next(found)
