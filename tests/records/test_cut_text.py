"""Texts that a logger shortened are told by its words, and the quick look for its marks misses none."""

from __future__ import annotations

import random

from llmcost.records.prompts import _CUT, is_cut

_BITS = ("\u2026", "...", "..", " ", "[", "<", "TRUNCATED", "shortened", "Omitted", "redacted", "x", "]", "\n")


def test_the_quick_look_misses_nothing_that_the_pattern_finds() -> None:
    dice = random.Random(1)
    texts = ["".join(dice.choice(_BITS) for _ in range(dice.randint(1, 5))) for _ in range(20_000)]
    found = [is_cut(text) for text in texts]
    assert found == [_CUT.search(text) is not None for text in texts]
    assert 0 < sum(found) < len(found) / 2
