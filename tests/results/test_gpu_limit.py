"""Own GPUs against an API price without a log: the article's cluster, Llama 70B by cloud, staircases, fixed costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from llmcost.reports import REPORTS, Options
from llmcost.results.gpu_limit import Cluster, Question, gpu_limit
from llmcost.results.outcome import outcome

D = Decimal
ARTICLE = [Cluster("on demand", D(40), D(2000)), Cluster("spot", D("13.875"), D(2000))]


def test_the_articles_cluster_never_pays_and_the_words_say_why() -> None:
    found = gpu_limit(ARTICLE, Question([D("0.90")], D(100), month_days=D(30)))
    assert [round(line.break_even_use * 100) for line in found.lines] == [617, 214]
    assert [round(line.full_use_usd_per_mtok, 2) for line in found.lines] == [D("5.56"), D("1.93")]
    assert all(line.never and line.break_even_mtok_per_month is None for line in found.lines)
    volume = found.lines[0].volume
    assert volume is not None
    assert (volume.clusters, volume.own_usd, volume.api_usd) == (1, D(28_800), D(2_700))
    assert round(volume.use, 4) == D("0.5787")
    text = REPORTS.load("markdown").render(outcome(found), Options()).decode()
    assert "never pays, at any volume: more volume only needs more of it" in text
    assert "617.3%" in text


def test_volume_needs_whole_clusters_at_the_target_use() -> None:
    """172.8 MTok a day fill one; at half use two are needed, and a little more needs a third."""
    for volume, use, clusters in (("172.8", 1, 1), ("172.8", "0.5", 2), ("173", "0.5", 3)):
        found = gpu_limit(ARTICLE[:1], Question([D(9)], D(volume), D(use)))
        assert found.lines[0].volume is not None
        assert found.lines[0].volume.clusters == clusters


def test_a_target_use_below_the_break_even_use_means_never() -> None:
    half = Cluster("c", D(1), D(1000))  # $0.2778 per million tokens at full use
    assert not gpu_limit([half], Question([D("0.50")])).lines[0].never
    assert gpu_limit([half], Question([D("0.50")], utilisation=D("0.5"))).lines[0].never


def test_what_is_paid_beside_moves_the_volume_and_may_need_a_larger_fleet() -> None:
    cluster = Cluster("c", D(1), D(1000))
    plain, staffed, crowded = (
        gpu_limit([cluster], Question([D("0.50")], fixed_usd_per_month=D(usd), month_days=D(30))).lines[0]
        for usd in (0, 500, 5000)
    )
    assert plain.break_even_mtok_per_month == 1440
    assert staffed.break_even_mtok_per_month == 2440
    assert crowded.break_even_mtok_per_month is None
    assert not crowded.never


@pytest.mark.parametrize("name", REPORTS.names())
def test_every_format_shows_it(name: str) -> None:
    assert REPORTS.load(name).render(outcome(gpu_limit(ARTICLE, Question([D("0.90")], D(100)))), Options())
