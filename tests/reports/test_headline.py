"""The words at the top: periods in their zone, one sentence that is true, and what every total leaves out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from llmcost.results import headline
from llmcost.results.model import NotComparable, Period
from llmcost.results.present import best
from llmcost.results.scenario_tables import scenarios
from tests.reports.sample_result import empty, no_times, rich

D = Decimal


@pytest.mark.parametrize(
    ("start", "end", "zone", "text"),
    [
        ("2026-10-01T00", "2026-11-01T00", "UTC", "1 to 31 October 2026, UTC"),
        ("2026-10-05T00", "2026-10-06T00", "UTC", "5 October 2026, UTC"),
        ("2026-10-30T00", "2026-11-02T00", "UTC", "30 October to 1 November 2026, UTC"),
        ("2026-12-31T00", "2027-01-02T00", "UTC", "31 December 2026 to 1 January 2027, UTC"),
        ("2026-10-01T05", "2026-10-01T09", "UTC", "1 October 2026 05:00 to 1 October 2026 09:00, UTC"),
        ("2026-09-30T22", "2026-10-31T23", "Europe/Berlin", "1 to 31 October 2026, Europe/Berlin"),
        ("2026-10-01T00", "2026-11-01T00", "No/Such", "1 to 31 October 2026, UTC"),
        ("2026-10-01T00", "2026-11-01T00", "../../etc/passwd", "1 to 31 October 2026, UTC"),
    ],
)
def test_periods_read_as_days_of_their_zone(start: str, end: str, zone: str, text: str) -> None:
    first, last = (datetime.fromisoformat(f"{instant}:00").replace(tzinfo=UTC) for instant in (start, end))
    period = Period(start=first, end=last, days=D(1), month_days=D(30), timezone=zone)
    assert headline.period_text(period) == text


def test_the_best_scenario_is_named_with_its_saving() -> None:
    sentence = headline.sentence(rich())
    assert "cost $11,613.57 (1 to 31 October 2026, UTC)" in sentence
    assert (
        "“cheap first, cached” would have cost $8,243.61, a saving of $3,369.96 (29.0%) or $3,308.81 a month"
        in sentence
    )


def test_shares_of_evidence_are_said_where_no_part_is_a_loss() -> None:
    result = rich()
    thinking = result.model_copy(update={"scenarios": [result.scenarios[1]]})
    assert headline.sentence(thinking).endswith("Of this saving, 100% assumed.")
    assert "Of this saving" not in headline.sentence(result)


def test_a_month_of_losses_is_not_called_a_saving() -> None:
    result = rich()
    losing = result.model_copy(update={"scenarios": [result.scenarios[2]]})
    assert "No scenario saves anything" in headline.sentence(losing)
    assert "would have lost $27,987.99" in headline.sentence(losing)
    figures = headline.figures(losing)
    assert [figure.label for figure in figures] == ["Baseline", "Least costly scenario", "Loss"]
    assert figures[2].tone == "loss"


def test_without_a_scenario_there_is_cost_per_request_and_coverage() -> None:
    figures = headline.figures(rich().model_copy(update={"scenarios": []}))
    assert [(figure.label, figure.value) for figure in figures[1:]] == [
        ("Per request", "$0.00967"),
        ("Priced", "96.8%"),
    ]


def test_nothing_at_all_is_said_plainly() -> None:
    assert headline.sentence(empty()) == "There is nothing to price: the selection holds no requests."
    assert headline.caveats(empty()) == ()


def test_gaps_are_said_once_each() -> None:
    assert headline.caveats(no_times()) == (
        "3 requests (20.0%) without a price are left out of every total.",
        "The log has no times: there is no monthly figure and no series.",
    )


def test_quality_is_asked_for_only_where_answers_may_change() -> None:
    result = rich()
    routed = [s.name for s in result.scenarios if s.quality is None and s.changes_answers]
    assert routed
    told = [line for line in headline.caveats(result) if line.startswith("Quality not measured for ")]
    assert len(told) == 1
    assert all(name in told[0] for name in routed[:3])
    kept = [s.model_copy(update={"steps": []}) for s in result.scenarios]
    caveats = headline.caveats(result.model_copy(update={"scenarios": kept}))
    assert not any("Quality" in line for line in caveats)


def test_an_extrapolated_month_says_that_it_is_assumed() -> None:
    result = rich()
    period = result.period.model_copy(update={"extrapolated": True})
    assert "a month (assumed)" in headline.sentence(result.model_copy(update={"period": period}))


def test_a_scenario_that_prices_nothing_is_not_the_least_costly_one() -> None:
    result = rich()
    left = NotComparable(requests=result.coverage.requests, cost_usd=result.baseline.cost_usd)
    none = result.scenarios[0].model_copy(
        update={"cost_usd": D(0), "saving_usd": D(0), "comparable_baseline_usd": D(0), "not_comparable": left}
    )
    alone = result.model_copy(update={"scenarios": [none]})
    assert headline.sentence(alone).endswith(
        "No scenario can be compared with the log: no request has a price before and after it."
    )
    assert all("scenario" not in figure.label for figure in headline.figures(alone))
    (_, row) = scenarios(alone, 2).rows
    assert [cell.value for cell in row[1:4]] == [None, None, None]
    losing = result.scenarios[1].model_copy(update={"saving_usd": D(-1)})
    assert best([none, losing]) == losing
