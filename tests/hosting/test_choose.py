"""Which measured replica stands for a log."""

from __future__ import annotations

from typing import Any, Literal

from llmcost.hosting.catalogue import GpuCatalogue
from llmcost.hosting.choose import nearest_series
from llmcost.hosting.schema import Point, Series
from llmcost.hosting.throughput import Work


def series(
    name: str, *points: tuple[float, float, float], load: Literal["offline", "served"] = "offline", **more: Any
) -> Series:
    return Series(
        model="m", gpu="G", stack=name, load=load, source="test", **{"confidence": "catalogue", **more},
        points=tuple(
            Point(input_tokens=i, output_tokens=o, output_tokens_per_second_per_gpu=rate, concurrency=8 if load == "served" else None)
            for i, o, rate in points
        ),
    )  # fmt: skip


SHORT, LONG = series("short", (1000, 1000, 900)), series("long", (8000, 1000, 200), (8000, 200, 90))


def chosen(work: Work, *candidates: Series) -> str:
    return nearest_series(candidates, work).series.stack


def test_the_nearest_lengths_are_chosen_in_whatever_order_they_are_named() -> None:
    for candidates in ((SHORT, LONG), (LONG, SHORT)):
        assert chosen(Work.one(1200, 800), *candidates) == "short"
        assert chosen(Work.one(7000, 300), *candidates) == "long"
    found = nearest_series((SHORT, LONG), Work.one(4000, 200))
    assert (found.nearest.input_tokens, round(found.distance, 3), found.of) == (8000, 2, 2)


def test_it_is_the_mean_request_that_counts() -> None:
    """Nine of 1,000 and one of 60,000 are 6,900 on average."""
    many = Work.one(1000, 500)
    for _ in range(8):
        many = many + Work.one(1000, 500)
    assert chosen(many, SHORT, LONG) == "short"
    assert chosen(many + Work.one(60_000, 500), SHORT, LONG) == "long"


def test_the_users_own_come_first_however_far_they_are() -> None:
    assert chosen(Work.one(1000, 1000), SHORT, series("ours", (32_000, 100, 9), confidence="user")) == "ours"


def test_of_equally_near_ones_an_offline_one_then_the_fastest() -> None:
    fast = series("fast", (1000, 1000, 1500))
    served = series("served", (1000, 1000, 5000), load="served")
    assert chosen(Work.one(1000, 1000), served, SHORT, fast) == "fast"
    assert chosen(Work.one(1000, 1000), fast, SHORT, served) == "fast"


def test_shipped_a_log_of_long_prompts_finds_the_replica_that_was_measured_with_them() -> None:
    """Two RTX PRO 6000 were measured up to 32,768 tokens in, one only up to 8,192."""
    known = [s for s in GpuCatalogue().measured("Llama-3.3-70B", "RTX-PRO-6000") if s.load == "offline"]
    assert {s.gpus for s in known} == {1, 2}
    assert nearest_series(known, Work.one(30_000, 900)).series.gpus == 2
    served = GpuCatalogue().measured("Llama-3.3-70B", "H100-SXM")
    assert nearest_series(served, Work.one(5000, 500)).series.load == "served"
    assert nearest_series(served, Work.one(1000, 1000)).series.load == "offline"
