"""What lies between two results: exact differences, unknown where a side does not know."""

from __future__ import annotations

from decimal import Decimal

from llmcost.results.compare import Comparison, compare
from tests.reports.sample_result import empty, no_times, rich

D = Decimal


def test_a_result_against_itself_moves_nothing() -> None:
    comparison = compare(rich(), rich())
    assert comparison.warnings == []
    assert {line.change_usd for line in comparison.totals} == {D(0)}
    assert {line.change_usd for line in comparison.scenarios} == {D(0)}
    assert all(mover.change_usd in {D(0), None} for mover in comparison.movers)


def test_movers_sum_to_the_change_and_split_exactly() -> None:
    before, after = rich(), rich()
    lines = [
        line.model_copy(
            update={"cost_usd": line.cost_usd * 2 if line.cost_usd else None, "requests": line.requests * 3}
        )
        for line in after.baseline.breakdown
    ]
    baseline = after.baseline.model_copy(update={"breakdown": lines, "cost_usd": after.baseline.cost_usd * 2})
    comparison = compare(before, after.model_copy(update={"baseline": baseline}))
    whole = comparison.totals[0].change_usd
    for dimension in ("model", "feature", "team", "provider"):
        movers = [mover for mover in comparison.movers if mover.dimension == dimension]
        assert sum(mover.change_usd for mover in movers if mover.change_usd is not None) == whole
        for mover in movers:
            if mover.volume_usd is not None and mover.rate_usd is not None:
                assert mover.volume_usd + mover.rate_usd == mover.change_usd
                assert mover.volume_usd > 0 > mover.rate_usd, "three times the calls at two thirds of the price"


def test_an_unpriced_side_is_unknown_and_an_absent_one_is_nothing() -> None:
    movers = {m.label: m for m in compare(no_times(), rich()).movers if m.dimension == "feature"}
    assert movers["(unknown)"].change_usd is None
    assert (movers["known"].status, movers["known"].after_usd) == ("removed", D(0))
    assert (movers["support chat"].status, movers["support chat"].before_usd) == ("added", D(0))


def test_months_are_compared_only_where_one_side_has_them() -> None:
    assert [line.measure for line in compare(no_times(), no_times()).totals] == ["period"]
    month = compare(no_times(), rich()).totals[1]
    assert (month.measure, month.change_usd) == ("month", None)


def test_scenarios_are_matched_by_name() -> None:
    status = {line.name: line.status for line in compare(no_times(), rich()).scenarios}
    assert status == {
        "cheap first, cached": "added",
        "cap thinking": "added",
        "self-host haiku traffic": "added",
        "identity": "removed",
    }


def test_other_prices_and_coverage_are_said() -> None:
    warnings = " ".join(compare(no_times(), rich()).warnings)
    for word in ("periods", "month", "prices", "priced"):
        assert word in warnings


def test_an_empty_side_and_the_json_round_trip() -> None:
    comparison = compare(empty(), rich())
    assert comparison.totals[0].change_share is None, "a share of nothing has no meaning"
    assert {mover.dimension for mover in comparison.movers} == {"model", "feature", "team", "provider"}
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison
