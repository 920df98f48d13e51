"""Both ways to play a response cache agree with the obvious one, lookup by lookup."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.workload.expiry import NEVER, Policy, bounded, unbounded
from tests.reference.response_cache import Lookup, hits

LATENCY = st.one_of(st.integers(1, 12), st.integers(1, 40), st.none())
CALLS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 120), LATENCY), max_size=60)
POLICIES: tuple[Policy, ...] = ("lru", "lfu", "fifo")
LIFE = st.one_of(st.none(), st.integers(0, 60))


def ordered(calls: list[tuple[int, int, int | None]]) -> list[Lookup]:
    made = [Lookup(key, start, None if latency is None else start + latency) for key, start, latency in calls]
    return sorted(made, key=lambda lookup: lookup.start)


def ready(lookup: Lookup) -> int:
    return NEVER if lookup.ready is None else lookup.ready


@given(CALLS, LIFE)
def test_unbounded_equals_the_yardstick(calls: list[tuple[int, int, int | None]], life: int | None) -> None:
    lookups = ordered(calls)
    wanted = hits(lookups, life)
    place = sorted(range(len(lookups)), key=lambda n: (lookups[n].key, n))
    found = unbounded(
        np.array([lookups[n].key for n in place], np.int64),
        np.array([lookups[n].start for n in place], np.int64),
        np.array([ready(lookups[n]) for n in place], np.int64),
        life,
    )
    assert found.tolist() == [wanted[n] for n in place]


@given(CALLS, LIFE, st.integers(1, 4), st.sampled_from(POLICIES))
def test_bounded_equals_the_yardstick(
    calls: list[tuple[int, int, int | None]], life: int | None, entries: int, policy: Policy
) -> None:
    lookups = ordered(calls)
    found = bounded(((int(str(x.key)), x.start, ready(x)) for x in lookups), life, entries, policy)
    assert found == hits(lookups, life, entries, policy)


@given(CALLS, LIFE)
def test_room_for_every_key_is_no_bound(calls: list[tuple[int, int, int | None]], life: int | None) -> None:
    lookups = ordered(calls)
    found = bounded(((int(str(x.key)), x.start, ready(x)) for x in lookups), life, 4, "lru")
    assert found == hits(lookups, life)


def test_the_policies_differ() -> None:
    """Without this, three names for one policy would pass."""
    calls = [(key, at * 10, at * 10 + 1) for at, key in enumerate([1, 3, 1, 2, 3, 1])]
    found = {policy: bounded(calls, None, 2, policy) for policy in POLICIES}
    assert found == {
        "lru": [False, False, True, False, False, False],
        "fifo": [False, False, True, False, True, False],
        "lfu": [False, False, True, False, False, True],
    }


@pytest.mark.parametrize(("gap", "hit"), [(1_000, True), (1_001, False)])
def test_an_entry_lives_its_life_to_the_instant(gap: int, hit: bool) -> None:
    key, start, done = (np.array(v, np.int64) for v in ([5, 5], [0, 7 + gap], [7, NEVER]))
    assert unbounded(key, start, done, 1_000).tolist() == [False, hit]


def test_many_keys_over_a_long_time_do_not_overflow() -> None:
    """Offsets of groups times the span pass 2^62 here, so the search runs in parts."""
    keys = np.repeat(np.arange(5_000, dtype=np.int64), 2)
    start = np.tile(np.array([0, 10**15], np.int64), 5_000)
    assert unbounded(keys, start, start + 1, 10**15).tolist() == [False, True] * 5_000
    assert not unbounded(keys, start, start + 1, 10**15 - 2).any()
